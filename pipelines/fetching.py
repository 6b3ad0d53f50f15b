"""Fetch files one after the other, politely: what one failure costs, when a server is left alone, and what was done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from iea40k.errors import IEAError, StoreError
from iea40k.files import disk_errors, make_folders
from iea40k.store.locks import FileLock
from pipelines.download import DownloadError, Patience

GIVE_UP = 3
"""After so many files in a row that failed for another reason than being absent, the server is left alone."""

Progress = Callable[[int, int, str], None]
"""Told after each file: its number, from 1; how many there are; its path."""


class Fetchable(Protocol):
    """A file to fetch: `path` is where it goes below the root."""

    @property
    def path(self) -> str: ...  # noqa: D102


Item = TypeVar("Item", bound=Fetchable)


@dataclass
class Report:
    """What a fetch did: files brought, files that were there already, and failures by path."""

    fetched: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    failures: dict[str, IEAError] = field(default_factory=dict)
    untried: int = 0


def fetch_each(
    items: Sequence[Item],
    root: Path,
    bring: Callable[[Item], None],
    *,
    pause: float,
    patience: Patience,
    progress: Progress | None,
) -> Report:
    """Let `bring` fetch each file that is not below `root` yet, `pause` seconds apart.

    A `DownloadError` of `bring` costs one file and is reported; after `GIVE_UP` in a row that were not the file's own
    fault the rest is left untried. Raises `StoreError` where the disk is full, or another fetch runs.
    """
    report, losses = Report(), 0
    with disk_errors(root):
        make_folders(root)
        lock = FileLock(root / ".fetching.lock")
        if not lock.acquire():
            raise StoreError("another fetch into this folder is running", where=root, remedy="wait for it")
    try:
        for number, item in enumerate(items, 1):
            if (root / item.path).is_file():
                report.present.append(item.path)
            elif losses >= GIVE_UP:
                report.untried += 1
            else:
                if report.fetched or report.failures:
                    patience.sleep(pause)
                try:
                    bring(item)
                except DownloadError as error:
                    report.failures[item.path] = error
                    losses += 0 if error.gone else 1
                else:
                    report.fetched.append(item.path)
                    losses = 0
            if progress is not None:
                progress(number, len(items), item.path)
    finally:
        lock.release()
    return report
