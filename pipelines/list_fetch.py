"""Fetch the public photographs of a list: each from its own address, resumable, and only whole with its own sha256.

A list is a CSV with the columns `path` (below the root), `url`, `sha256`, `bytes`, `licence`, `author`; others may be
there.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from iea40k.errors import BadInputError, IEAError, ManifestError, Place, StoreError
from iea40k.files import disk_errors, inside, sha256_file
from iea40k.store.locks import FileLock
from iea40k.tables import Table, read_table
from pipelines.download import DownloadError, Patience, download
from pipelines.fivek_fetch import GIVE_UP, Report

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
    progress: Callable[[int, int, str], None] = lambda *_: None,
) -> Report:
    """Fetch what is not there yet, one file at a time, `pause` seconds apart; see `download` for the manners.

    A file that is not the listed one never gets its name. A failure costs one file; after `GIVE_UP` in a row that
    were not the file's own fault the rest is left untried. Raises `StoreError`
    where the disk is full, or another fetch runs.
    """
    report, losses, pauses = Report(), 0, patience or Patience()
    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / ".fetching.lock")
        if not lock.acquire():
            raise StoreError("another fetch into this folder is running", where=root, remedy="wait for it")
    try:
        for number, item in enumerate(listed, 1):
            if (root / item.path).is_file():
                report.present.append(item.path)
            elif losses >= GIVE_UP:
                report.untried += 1
            else:
                if report.fetched or report.failures:
                    pauses.sleep(pause)
                losses = _fetch_one(item, root, pauses, report, losses)
            progress(number, len(listed), item.path)
    finally:
        lock.release()
    return report


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


def _fetch_one(item: Listed, root: Path, patience: Patience, report: Report, losses: int) -> int:
    try:
        download(item.url, inside(root, item.path), sha256=item.sha256, patience=patience)
    except DownloadError as error:
        report.failures[item.path] = error
        return losses if error.gone else losses + 1
    report.fetched.append(item.path)
    return 0


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
