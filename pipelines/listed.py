"""A manifest of photographs that lists name: finished pictures, each its own reference, and brackets.

A list is a CSV as `iea40k fetch list` reads it. Needed are `path`, `licence` and `author`; rows of one `scene_id` are
the captures of a bracket, a row without one is a finished photograph, whose exposure is taken as ideal. `sha256` is
compared where it is given; `x_…` and `split_…` columns go into the manifest as they are.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from iea40k.errors import BadInputError, IEAError, ManifestError, Place
from iea40k.files import inside, sha256_file
from iea40k.manifest import write_manifest
from iea40k.roots import SEPARATOR, root_for, usable_name
from iea40k.tables import Table, read_table

COLUMNS = ("path", "licence", "author")
OTHER_SUFFIXES = (".tif", ".tiff", ".jpg", ".jpeg", ".png")
"""Where a listed file is not there, one of the same name in another format is taken, unless its sha256 is given."""


def write_listed(lists: Sequence[Path], folder: Path, output: Path) -> pd.DataFrame:
    """Write the manifest `output` of what `lists` name below `folder`, and return it.

    Raises `ManifestError` with one entry a file that is missing or not the listed one.
    """
    base = root_for(folder, output)
    rows: list[dict[str, str]] = []
    problems: list[IEAError] = []
    for file in lists:
        table = read_table(file)
        missing = [name for name in COLUMNS if name not in table.frame.columns]
        if missing:
            raise BadInputError("columns are missing", where=Place(file, 1), expected=", ".join(missing))
        rows += _rows(table, folder, base.folder, problems)
    if problems:
        raise ManifestError(lists[0], problems)
    found = pd.DataFrame(rows)
    write_manifest(found, output, root=base.recorded)
    return found


def _rows(table: Table, folder: Path, base: Path, problems: list[IEAError]) -> list[dict[str, str]]:
    """Return the manifest's rows of one list: a row a photograph, a row a bracket at its first capture's place."""
    rows: dict[str, dict[str, str]] = {}
    for line, cells in zip(table.lines, table.frame.to_dict("records"), strict=True):
        row = {str(name): str(cell) for name, cell in cells.items()}
        try:
            name, digest = _file(table, line, row, folder, base)
        except IEAError as error:
            problems.append(error)
            continue
        scene = row.get("scene_id", "")
        if not scene:
            rows[row["path"]] = _finished(row, name, digest)
        elif scene in rows:
            rows[scene]["exposures"] += SEPARATOR + name
            rows[scene]["exposures_sha256"] += SEPARATOR + digest
        else:
            rows[scene] = {
                "scene_id": scene,
                "kind": "bracket",
                "exposures": name,
                "exposures_sha256": digest,
                **_carried(row),
            }
    return list(rows.values())


def _finished(row: dict[str, str], name: str, digest: str) -> dict[str, str]:
    return {
        "scene_id": str(Path(row["path"]).with_suffix("")).replace("/", "_"),
        "kind": "rendered",
        "exposures": name,
        "exposures_sha256": digest,
        "references": name,
        "references_sha256": digest,
        "experts": "photographer",
        "simulation": "ev",
        **_carried(row),
    }


def _carried(row: dict[str, str]) -> dict[str, str]:
    kept = {name: cell for name, cell in row.items() if name.startswith(("x_", "split_"))}
    return {
        "licence": row["licence"],
        "source": row["path"].partition("/")[0],
        "x_author": row["author"],
        "x_url": row.get("url", ""),
        **kept,
    }


def _file(table: Table, line: int, row: dict[str, str], folder: Path, base: Path) -> tuple[str, str]:
    """Return a listed file's name below the manifest's root, and its sha256."""
    where = Place(table.file, line, "path")
    listed = inside(folder, row["path"])
    expected = row.get("sha256", "").lower()
    choices = [listed, *(listed.with_suffix(s) for s in OTHER_SUFFIXES if not expected)]
    path = next((choice for choice in choices if choice.is_file()), None)
    if path is None:
        raise BadInputError(
            "a listed photograph is not there",
            where=where,
            expected=str(listed),
            remedy="`iea40k fetch list` brings it; or take its row out of a copy of the list",
        )
    digest = sha256_file(path)
    if expected and digest != expected:
        raise BadInputError(
            "the file is not the one that is listed",
            where=where,
            expected=f"sha256 {expected}",
            got=f"{digest} ({path})",
            remedy="fetch it again",
        )
    return usable_name(base, path), digest
