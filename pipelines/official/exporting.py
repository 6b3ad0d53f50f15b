"""A release in the published layout, for code that reads that."""

import csv
import io
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iea40k.arrays import INVALID_CODE, EncodedRGB, ResidualCodes
from iea40k.colour import decode_srgb, encode_srgb
from iea40k.errors import UnreadableImageError
from iea40k.escaping import csv_text
from iea40k.files import AnyPath
from iea40k.recipe import digest, versions
from iea40k.store.release import Release
from pipelines.exports.entries import checked_entry
from pipelines.exports.selection import chosen_images, scheme_of, splits_of
from pipelines.exports.targets import Target, export_target
from pipelines.official.importing import read_picture
from pipelines.official.labels import DEFAULT_DTYPE, label_values
from pipelines.official.names import (
    IMAGES,
    LABELS,
    REFERENCES,
    TABLES,
    composed,
    image_id,
    reference_id,
    table_has,
)
from pipelines.official.tree import find_folders

SIZE = 256


@dataclass
class ExportReport:
    """What an export wrote: images, scenes, rows by table, pictures that are copies of the given files, and the images
    whose label needed another number type."""

    images: int = 0
    scenes: int = 0
    copied: int = 0
    resized: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    widened: list[str] = field(default_factory=list)


def export_official(
    release: Release,
    out: AnyPath,
    *,
    split: str | None = None,
    size: int | None = SIZE,
    licences: tuple[str, ...] = (),
    originals: AnyPath | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> ExportReport:
    """Write a release in the published layout to `out`, a new folder or an address, whole or not at all.

    Frames of another size are scaled to `size` x `size`, as the published code needs them (None: left as they are).
    `split` names the scheme whose splits become the tables: the published one where the release has it, else the
    first. The score is the given one where there is one, else `10 * (1 - mean |residual|)` to two decimals. `originals`
    is the tree that was imported: a picture of it whose pixels are those of the release is copied, byte for byte.
    Licences travel in `LICENCES.csv`, checksums in `SHA256SUMS`; the same call goes on with a stopped export.
    Raises `AlreadyExistsError`, `BadInputError` for an unknown split or licence.
    """
    images, scheme = chosen_images(release, licences), scheme_of(release, split)
    splits = splits_of(release, scheme)
    report = ExportReport()
    given = Originals(originals, report)
    tables: dict[str, list[tuple[str, str, str]]] = {}
    key = digest(
        {
            "release": release.root,
            "form": "official",
            "scheme": scheme,
            "size": size,
            "licences": sorted(licences),
            "originals": None if originals is None else str(Path(originals).absolute()),
            "software": versions("iea40k", "imagecodecs", "numpy", "opencv-python-headless"),
        }
    )
    with export_target(out, key) as target:
        for name in (IMAGES, f"label/{LABELS}", f"label/{REFERENCES}"):
            (target.folder / name).mkdir(parents=True, exist_ok=True)
        written: set[str] = set()
        for index, row in enumerate(images.to_dict("records"), 1):
            _write_image(release, row, target, size, report, given)
            if row["scene_id"] not in written:
                written.add(str(row["scene_id"]))
                _write_reference(release, row, target, size, given)
            for table in _tables_of(row, splits[str(row["scene_id"])]):
                names = image_id(row["scene_id"], row["level"]), reference_id(row["scene_id"])
                tables.setdefault(table, []).append((*names, _cell(row, table)))
            if progress is not None:
                progress(index, len(images), str(row["image_id"]))
        report.images, report.scenes = len(images), len(written)
        _write_tables(target, tables, images, report)
        head = {
            "release": release.head.get("name"),
            "version": release.version,
            "sha256sums": release.head["sha256sums"],
            "files_sha256sums": target.sums_digest,
        }
        target.seal(json.dumps({"format": "official", **head}, indent=1) + "\n")
    return report


def _tables_of(row: Mapping[Any, Any], split: str) -> list[str]:
    given = row.get("official_tables")
    if isinstance(given, str):
        return [f"{name}.csv" for name in given.split()]
    return [table for table in TABLES.get(split, ()) if table_has(table, float(row["ev"]))]


def _cell(row: Mapping[Any, Any], table: str) -> str:
    """Return the score as the published table wrote it, where that is the score given; else as we write it."""
    listed, cells = (str(row.get(n) or "").split() for n in ("official_tables", "official_cells"))
    cell = dict(zip(listed, cells, strict=False)).get(table.removesuffix(".csv"))
    score = _score(row)
    return cell if cell and score and float(cell) == float(score) else score


def _score(row: Mapping[Any, Any]) -> str:
    given = row.get("score_given")
    if given is not None and np.isfinite(given):
        return repr(float(given))
    own = row.get("score")
    return "" if own is None or not np.isfinite(own) else repr(round(float(own), 2))


def _write_image(
    release: Release,
    row: Mapping[Any, Any],
    target: Target,
    size: int | None,
    report: ExportReport,
    given: "Originals",
) -> None:
    codes = checked_entry(release, row, "residual")
    name = image_id(str(row["scene_id"]), str(row["level"]))
    if _other_size(codes, size):
        values: NDArray[Any] = _shrink_residual(codes, size or SIZE)
        report.resized += 1
    else:
        dtype = row.get("label_dtype")
        values, fits = label_values(codes, dtype if isinstance(dtype, str) else DEFAULT_DTYPE)
        if not fits:
            report.widened.append(name)
    if not target.has(f"{IMAGES}/{name}"):
        _write_png(target.folder / IMAGES / name, checked_entry(release, row, "exposure"), size, given)
        target.keep(f"{IMAGES}/{name}")
    label = f"label/{LABELS}/{name.removesuffix('.png')}.npy"
    if not target.has(label):
        np.save(target.folder / label, values, allow_pickle=False)
        target.keep(label)


def _write_reference(
    release: Release, row: Mapping[Any, Any], target: Target, size: int | None, given: "Originals"
) -> None:
    name = f"label/{REFERENCES}/{reference_id(str(row['scene_id']))}"
    if target.has(name):
        return
    reference = release.array(str(row["frame"]), "reference")[int(row["scene_index"])]
    _write_png(target.folder / name, reference, size, given)
    target.keep(name)


class Originals:
    """The pictures of an imported tree, looked up by folder and name; of None it has none."""

    def __init__(self, root: AnyPath | None, report: ExportReport) -> None:
        folders = {} if root is None else find_folders(Path(root))[0]
        self._report = report
        self._files = {
            (folder, composed(file.name)): file
            for folder in (IMAGES, REFERENCES)
            for file in (folders[folder].iterdir() if folder in folders else ())
        }

    def copy(self, file: Path, picture: EncodedRGB) -> bool:
        """Write `file` as it was given, and return whether that was done: only where its pixels are the same."""
        found = self._files.get((file.parent.name, file.name))
        try:
            if found is None or not np.array_equal(read_picture(found), picture):
                return False
        except UnreadableImageError:  # spoilt since it was imported
            return False
        shutil.copyfile(found, file)
        self._report.copied += 1
        return True


def _write_png(file: Path, picture: EncodedRGB, size: int | None, given: Originals) -> None:
    if given.copy(file, picture):
        return
    if _other_size(picture, size) and size is not None:
        light = cv2.resize(decode_srgb(picture), (size, size), interpolation=cv2.INTER_AREA)
        picture = encode_srgb(light)
    file.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(picture), level=6))


def _other_size(array: NDArray[Any], size: int | None) -> bool:
    return size is not None and array.shape[:2] != (size, size)


def _shrink_residual(codes: ResidualCodes, size: int) -> NDArray[np.float32]:
    """Return each new pixel's mean over what is valid in its area, in units of 1/255; NaN where nothing is."""
    valid = codes != INVALID_CODE
    total = cv2.resize(
        np.where(valid, codes, 0).astype(np.float32), (size, size), interpolation=cv2.INTER_AREA
    )
    share = cv2.resize(valid.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)
    with np.errstate(divide="ignore", invalid="ignore"):
        shrunk: NDArray[np.float32] = np.where(share > 1e-3, total / share / 128, np.nan).astype(np.float32)
    return shrunk


def _write_tables(
    target: Target,
    tables: Mapping[str, list[tuple[str, str, str]]],
    images: pd.DataFrame,
    report: ExportReport,
) -> None:
    for table, rows in tables.items():
        target.keep_text(table, _csv(("img_id", "ref_id", "score"), rows))
        report.rows[table] = len(rows)
    licences = [
        (
            image_id(str(row["scene_id"]), str(row["level"])),
            csv_text(str(row["licence"])),
            csv_text(str(row["source"])),
        )
        for row in images.to_dict("records")
    ]
    target.keep_text("LICENCES.csv", _csv(("img_id", "licence", "source"), licences))


def _csv(header: tuple[str, ...], rows: list[tuple[str, str, str]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()
