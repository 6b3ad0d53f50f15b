"""Fetch the public photographs of a list: each from its own address, resumable, and only whole with its own sha256.

A list is a CSV with the columns `path` (below the root), `url`, `sha256`, `bytes`, `licence`, `author`; others may be
there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iea40k.errors import BadInputError, IEAError, ManifestError, Place
from iea40k.files import inside, sha256_file
from iea40k.tables import Table, read_table
from pipelines.download import Patience, download
from pipelines.fetching import Progress, Report, fetch_each

COLUMNS = ("path", "url", "sha256", "bytes", "licence", "author")


@dataclass(frozen=True)
class Listed:
    """One photograph of a list: where it goes, where it comes from, what it must be, whose it is."""

    path: str
    url: str
    sha256: str
    size: int
    licence: str
    author: str


def read_list(file: Path) -> list[Listed]:
    """Return the photographs of a list, in its order. Raises `ManifestError` that names every bad cell."""
    table = read_table(file)
    missing = [name for name in COLUMNS if name not in table.frame.columns]
    if missing:
        raise BadInputError("columns are missing", where=Place(file, 1), expected=", ".join(missing))
    problems: list[IEAError] = []
    listed: dict[str, Listed] = {}
    for line, row in zip(table.lines, table.frame.to_dict("records"), strict=True):
        faults = _faults(table, line, {str(name): str(cell) for name, cell in row.items()}, listed)
        problems += faults
        if not faults:
            path = str(row["path"])
            listed[path.casefold()] = Listed(
                path,
                str(row["url"]),
                str(row["sha256"]).lower(),
                int(str(row["bytes"])),
                str(row["licence"]),
                str(row["author"]),
            )
    if problems:
        raise ManifestError(file, problems)
    return list(listed.values())


def fetch_list(
    listed: Sequence[Listed],
    root: Path,
    *,
    pause: float = 1.0,
    patience: Patience | None = None,
    progress: Progress | None = None,
) -> Report:
    """Fetch what is not there yet; see `fetch_each`, and `download` for the manners.

    A file that is not the listed one never gets its name.
    """
    pauses = patience or Patience()

    def bring(item: Listed) -> None:
        download(item.url, inside(root, item.path), sha256=item.sha256, patience=pauses)

    return fetch_each(listed, root, bring, pause=pause, patience=pauses, progress=progress)


def verify_list(listed: Sequence[Listed], root: Path) -> list[IEAError]:
    """Return what is wrong with the files that are there: those whose length or sha256 is not the listed one."""
    wrong: list[IEAError] = []
    for item in listed:
        file = root / item.path
        if file.is_file() and (file.stat().st_size != item.size or sha256_file(file) != item.sha256):
            wrong.append(
                BadInputError(
                    "the file is not the listed one",
                    where=file,
                    expected=f"{item.size} bytes, sha256 {item.sha256}",
                    remedy="delete it and fetch again",
                )
            )
    return wrong


def _faults(table: Table, line: int, row: dict[str, str], before: dict[str, Listed]) -> list[IEAError]:
    """Return what is wrong with a row, a cell each."""
    wanted = {
        "url": (r"https?://\S+", "http://… or https://…"),
        "sha256": (r"[0-9a-fA-F]{64}", "64 hexadecimal digits"),
        "bytes": (r"[1-9]\d*", "a whole number above 0"),
        "licence": (r".+", "the licence of the photograph"),
        "author": (r".+", "who is to be named"),
    }
    faults: list[IEAError] = [
        BadInputError("a cell is wrong", where=Place(table.file, line, name), expected=words, got=row[name])
        for name, (pattern, words) in wanted.items()
        if not re.fullmatch(pattern, row[name])
    ]
    where = Place(table.file, line, "path")
    if not row["path"] or row["path"].casefold() in before:
        faults.append(
            BadInputError("a path is empty or twice in the list", where=where, got=row["path"] or "nothing")
        )
        return faults
    try:
        inside(Path("root"), row["path"])
    except IEAError as error:
        faults.append(error.located(where))
    return faults
