"""The one way in which exports are written: by pieces, compared with the release's digests, resumable, sealed last."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from iea40k.errors import BadInputError
from iea40k.escaping import csv_text
from iea40k.files import (
    AnyPath,
    write_file_with,
)
from iea40k.recipe import digest, versions
from iea40k.store.release import Release
from iea40k.store.release.splits import SPLITS
from pipelines.exports.entries import checked_entry
from pipelines.exports.forms import FACTS, MORE_FACTS, Contents, Form, Sample
from pipelines.exports.huggingface import HuggingFace
from pipelines.exports.selection import chosen_images, scheme_of, splits_of
from pipelines.exports.targets import Target, export_target
from pipelines.exports.webdataset import WebDataset

FORMS: dict[str, type[Form]] = {form.name: form for form in (HuggingFace, WebDataset)}
SHARD_MIB = 256
"""Raw pixels of a piece by default, in MiB: about half of that on the disk."""


@dataclass
class ExportReport:
    """What an export wrote: images by split, scenes, pieces (of them `resumed` from an earlier call), and how many
    images were left out since their scene is in no split."""

    images: dict[str, int] = field(default_factory=dict)
    scenes: int = 0
    pieces: int = 0
    resumed: int = 0
    left_out: int = 0


@dataclass(frozen=True)
class _Piece:
    name: str
    split: str
    rows: tuple[Mapping[str, Any], ...]


def export_release(
    release: Release,
    out: AnyPath,
    form: str,
    *,
    split: str | None = None,
    licences: tuple[str, ...] = (),
    shard_mib: int = SHARD_MIB,
    progress: Callable[[int, int, str], None] | None = None,
) -> ExportReport:
    """Write a release in one of `FORMS` to `out`, a new folder or an address, whole or not at all.

    The same call goes on with a stopped one.

    `licences` takes only images under these; `split` names the scheme whose splits become those of the export.
    Every array is compared with the digest that the release has of it. Raises `AlreadyExistsError`, `BadInputError`
    for an unknown form, split or licence, `CorruptDataError` where the release is damaged, `StoreError` where another
    process writes this export.
    """
    if form not in FORMS:
        raise BadInputError("no such form of export", expected=", ".join(FORMS), got=form)
    writer = FORMS[form]()
    images, scheme = chosen_images(release, licences), scheme_of(release, split)
    report = ExportReport()
    pieces = _pieces(images, splits_of(release, scheme), shard_mib << 20, writer.suffix, report)
    key = digest(
        {
            "release": release.root,
            "form": form,
            "scheme": scheme,
            "licences": sorted(licences),
            "shard_mib": shard_mib,
            "software": versions("iea40k", "imagecodecs", "numpy", "pyarrow"),
        }
    )
    with export_target(out, key) as target:
        _write_pieces(target, pieces, writer, release, report, progress or (lambda *_: None))
        _finish(target, writer, images, _contents(release, scheme, pieces, target.sums))
    report.scenes = len({row["scene_id"] for piece in pieces for row in piece.rows})
    return report


def _pieces(
    images: pd.DataFrame, split_of: Mapping[str, str], limit: int, suffix: str, report: ExportReport
) -> list[_Piece]:
    pieces = []
    rows = images.to_dict("records")
    report.left_out = sum(split_of.get(str(row["scene_id"]), "") not in SPLITS for row in rows)
    for split in SPLITS:
        runs: list[list[Mapping[str, Any]]] = []
        room = 0
        for row in rows:
            if split_of.get(str(row["scene_id"])) != split:
                continue
            size = int(row["height"]) * int(row["width"]) * 10
            if not runs or size > room:
                runs.append([])
                room = limit
            runs[-1].append({str(name): value for name, value in row.items()})
            room -= size
        for number, run in enumerate(runs):
            name = f"data/{split}-{number:05}-of-{len(runs):05}.{suffix}"
            pieces.append(_Piece(name, split, tuple(run)))
            report.images[split] = report.images.get(split, 0) + len(run)
    report.pieces = len(pieces)
    return pieces


def _write_pieces(
    target: Target,
    pieces: Sequence[_Piece],
    form: Form,
    release: Release,
    report: ExportReport,
    progress: Callable[[int, int, str], None],
) -> None:
    total, count = sum(len(piece.rows) for piece in pieces), 0
    for piece in pieces:
        if target.has(piece.name):
            report.resumed += 1
        else:
            file = target.folder / piece.name
            write_file_with(file, partial(_fill, form=form, release=release, piece=piece))
            target.keep(piece.name)
        count += len(piece.rows)
        progress(count, total, piece.name)


def _fill(file: Path, form: Form, release: Release, piece: _Piece) -> None:
    form.write(file, _samples(release, piece.rows))


def _samples(release: Release, rows: Sequence[Mapping[str, Any]]) -> Iterator[Sample]:
    for row in rows:
        frame, index = str(row["frame"]), int(row["index"])
        exposure, residual = (checked_entry(release, row, name) for name in ("exposure", "residual"))
        known = release.has_array(frame, "uncertainty") and not release.uncertainty_is_of_scenes
        yield Sample(
            {name: _fact(row.get(name)) for name in (*FACTS, *MORE_FACTS)},
            exposure,
            release.array(frame, "reference")[int(row["scene_index"])],
            residual,
            release.array(frame, "outliers")[index],
            release.array(frame, "uncertainty")[index] if known else None,
        )


def _fact(value: Any) -> Any:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    return value.item() if hasattr(value, "item") else value


def _contents(release: Release, scheme: str, pieces: Sequence[_Piece], sums: Mapping[str, str]) -> Contents:
    splits = [split for split in SPLITS if any(piece.split == split for piece in pieces)]
    return Contents(
        release.head,
        scheme,
        {split: tuple(piece.name for piece in pieces if piece.split == split) for split in splits},
        {split: sum(len(piece.rows) for piece in pieces if piece.split == split) for split in splits},
        dict(sums),
    )


def _finish(target: Target, form: Form, images: pd.DataFrame, contents: Contents) -> None:
    for name, text in {**form.describe(contents), "LICENCES.csv": _licences(images)}.items():
        target.keep_text(name, text)
    head = {
        "format": form.name,
        "release": contents.head.get("name"),
        "version": contents.head.get("version"),
        "release_sha256sums": contents.head["sha256sums"],
        "split": contents.scheme,
        "images": dict(contents.images),
        "sha256sums": target.sums_digest,
    }
    target.seal(json.dumps(head, indent=1, ensure_ascii=False) + "\n")


def _licences(images: pd.DataFrame) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["image_id", "licence", "source"])
    names = ("image_id", "licence", "source")
    writer.writerows([csv_text(str(row[name])) for name in names] for row in images.to_dict("records"))
    return stream.getvalue()
