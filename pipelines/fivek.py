"""FiveK as its users have it on disk, made into a manifest: one row a photograph whose DNG has arrived.

Known layouts, alone or together below one root: the official archive (`raw_photos/HQa…/photos/*.dng`), the public
loader's (`raw/…/*.dng`, `processed/tiff16_{a..e}/*.tif`), and that of `iea40k fetch fivek`. So a DNG may lie anywhere,
and a retouch in any folder named after its expert. Partial trees are the usual case: what has not arrived
is listed, and a second run adds what has.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from iea40k.develop.tiff_tags import check_whole
from iea40k.errors import BadInputError, IEAError
from iea40k.files import sha256_file
from iea40k.isolation import guarded
from iea40k.manifest import split_cell, write_manifest
from iea40k.roots import SEPARATOR, usable_name
from iea40k.tables import read_table
from pipelines.fivek_metadata import EXPERTS, Metadata, Photo
from pipelines.official.names import SPLIT, official_split
from pipelines.taxonomy import Taxonomy

FILLED_BY_HAND = ("super_class", "scene_class", "light", "device")
"""Columns that annotators complete; a second run keeps what they wrote."""

Hasher = Callable[[Path, str], str]
"""Returns the sha256 of a file, given its real path and its path relative to the manifest."""

_EXPERT_FOLDER = re.compile(r"^tiff16_([a-e])$", re.IGNORECASE)


@dataclass
class Tree:
    """The files of a FiveK tree by basename: DNGs, and retouches by expert; several of a kind are a conflict."""

    raws: dict[str, list[Path]] = field(default_factory=dict)
    retouches: dict[str, dict[str, list[Path]]] = field(default_factory=dict)


@dataclass(frozen=True)
class FiveK:
    """What a tree amounts to: manifest rows, a table of what has not arrived, and what is wrong with single files."""

    rows: pd.DataFrame
    missing: pd.DataFrame
    problems: tuple[IEAError, ...]


def scan(root: Path) -> Tree:
    """Return the DNGs and retouches below `root`, hidden files and unfinished downloads left out."""
    if not root.is_dir():
        raise BadInputError("there is no such folder", where=root, expected="the root of a FiveK tree")
    tree = Tree()
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        expert = _EXPERT_FOLDER.match(Path(folder).name)
        for name in sorted(names):
            file, suffix = Path(folder) / name, Path(name).suffix.lower()
            if name.startswith("."):
                continue
            if suffix == ".dng":
                tree.raws.setdefault(file.stem, []).append(file)
            elif suffix in (".tif", ".tiff") and expert:
                experts = tree.retouches.setdefault(file.stem, {})
                experts.setdefault(expert[1].upper(), []).append(file)
    return tree


def describe(
    tree: Tree,
    metadata: Metadata,
    taxonomy: Taxonomy,
    base: Path,
    hasher: Hasher,
    progress: Callable[[int, int, str], None],
) -> FiveK:
    """Return the rows, the missing pieces and the problems of a tree.

    `base` is the manifest's root: paths are relative to it. A file that cannot be used costs its own photo, or
    its own retouch, and is named in `problems`.
    """
    problems: list[IEAError] = list(metadata.problems)
    problems += [_unknown(name, tree) for name in _names(tree) if name not in metadata.photos]
    rows: list[dict[str, str]] = []
    missing: list[dict[str, str]] = []
    photos = sorted(metadata.photos.values(), key=lambda photo: photo.basename)
    for index, photo in enumerate(photos, 1):
        pieces = _Pieces(photo, tree, base, hasher)
        row = pieces.row(taxonomy)
        problems += pieces.problems
        if row is None:
            missing.append({"scene_id": photo.basename, "missing": SEPARATOR.join(pieces.missing)})
        else:
            rows.append(row)
        progress(index, len(photos), photo.basename)
    return FiveK(pd.DataFrame(rows), pd.DataFrame(missing, columns=["scene_id", "missing"]), tuple(problems))


def keep_handwork(rows: pd.DataFrame, earlier: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Return rows with what people wrote into an earlier manifest: class, light and device cells, and own columns."""
    if rows.empty or not earlier:
        return rows
    kept = rows.copy()
    own = sorted(
        {c for cells in earlier.values() for c in cells if c.startswith(("x_", "split_"))} - set(kept.columns)
    )
    kept[own] = ""
    for index, scene_id in kept["scene_id"].items():
        cells = earlier.get(str(scene_id), {})
        for column in (*FILLED_BY_HAND, *own):
            if cells.get(column):
                kept.loc[index, column] = cells[column]
    return kept


def set_aside(earlier: Mapping[str, Mapping[str, str]], rows: pd.DataFrame, file: Path) -> None:
    """Write the earlier rows that are not among `rows` to `file`, with all that people wrote into them."""
    gone = [
        dict(cells) for scene_id, cells in sorted(earlier.items()) if scene_id not in set(rows["scene_id"])
    ]
    if gone or file.is_file():
        write_manifest(pd.DataFrame(gone, columns=None if gone else ["scene_id"]), file)


def read_earlier(file: Path) -> dict[str, dict[str, str]]:
    """Return the cells of an earlier manifest by scene id; none where there is no such file."""
    if not file.is_file():
        return {}
    frame = read_table(file).frame
    return {
        str(cells["scene_id"]): {str(k): str(v) for k, v in cells.items()}
        for cells in frame.to_dict("records")
    }


def digests_since(file: Path, earlier: Mapping[str, Mapping[str, str]]) -> Hasher:
    """Return a hasher that trusts an earlier manifest for files that have not been written to since it was.

    A file replaced by an older one escapes it; a build compares every digest anyway and would quarantine the photo.
    """
    known: dict[str, str] = {}
    for cells in earlier.values():
        for paths, sums in (("exposures", "exposures_sha256"), ("references", "references_sha256")):
            known.update(zip(split_cell(cells.get(paths, "")), split_cell(cells.get(sums, "")), strict=False))
    written = file.stat().st_mtime if file.is_file() else 0.0

    def hasher(path: Path, name: str) -> str:
        if known.get(name) and path.stat().st_mtime < written:
            return known[name]
        return sha256_file(path)

    return hasher


class _Pieces:
    """The files of one photo while its row is made: collects what is missing and what is wrong."""

    def __init__(self, photo: Photo, tree: Tree, base: Path, hasher: Hasher) -> None:
        self.photo, self.tree, self.base, self.hasher = photo, tree, base, hasher
        self.missing: list[str] = []
        self.problems: list[IEAError] = []

    def row(self, taxonomy: Taxonomy) -> dict[str, str] | None:
        name = self.photo.basename
        raw = self._usable(self.tree.raws.get(name, []), "dng")
        retouches = {
            expert: self._usable(self.tree.retouches.get(name, {}).get(expert, []), f"expert {expert}")
            for expert in EXPERTS
        }
        if raw is None:
            return None
        given = {expert: piece for expert, piece in retouches.items() if piece is not None}
        categories = self.photo.categories
        device = f"{self.photo.make} {self.photo.model}".strip()
        return {
            "scene_id": name,
            "kind": "raw",
            "exposures": raw[0],
            "exposures_sha256": raw[1],
            "references": SEPARATOR.join(path for path, _ in given.values()),
            "experts": SEPARATOR.join(given),
            "references_sha256": SEPARATOR.join(sha for _, sha in given.values()),
            "simulation": "ev",
            "licence": self.photo.licence,
            "device": device,
            **taxonomy.from_fivek(categories),
            "source": "fivek",
            "missing": SEPARATOR.join(self.missing),
            SPLIT: official_split(name),
            **{f"x_fivek_{key}": value for key, value in categories.items()},
        }

    def _usable(self, files: list[Path], piece: str) -> tuple[str, str] | None:
        """Return the relative path and sha256 of the one whole file among `files`, else note what is missing."""
        found: list[tuple[str, str]] = []
        for file in files:
            try:
                relative = usable_name(self.base, file)
                guarded(check_whole, file)
                found.append((relative, self.hasher(file, relative)))
            except IEAError as error:
                self.problems.append(error)
        if len({sha256 for _, sha256 in found}) > 1:
            self.problems.append(
                BadInputError(
                    f"{self.photo.basename}: two different files claim to be one {piece}",
                    expected="one file, or copies that are equal byte for byte",
                    got=" and ".join(path for path, _ in found),
                    remedy="take the wrong one out of the tree",
                )
            )
            found = []
        if not found:
            self.missing.append(piece)
            return None
        return found[0]


def _names(tree: Tree) -> list[str]:
    return sorted({*tree.raws, *tree.retouches})


def _unknown(name: str, tree: Tree) -> IEAError:
    files = tree.raws.get(name, []) + [f for found in tree.retouches.get(name, {}).values() for f in found]
    return BadInputError(
        f"{name}: the metadata does not know this photo, so its licence is unknown",
        where=files[0],
        expected="a photo that the metadata names once",
        got=f"{len(files)} file{'s' if len(files) > 1 else ''} left out",
        remedy="add the photo to the metadata, or list it in a manifest of your own",
    )
