"""The folder where what came from servers is kept. Nothing in it is trusted: whatever is read has a checksum.

    CACHE/releases/ROOT/...            a release's small files, by the first 32 digits of its root digest
    CACHE/releases/ROOT/arrays/...     its shards: files with holes where nothing was asked for yet, and their indices

No list says which chunks of a shard are here: a chunk whose checksum holds is. So processes share a cache without
locks, and a killed one leaves nothing behind that could be mistaken.
"""

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from iea40k.errors import ConfigError, DiskError, IEAWarning
from iea40k.files import disk_error, make_folders, write_atomic

FOLDER_VARIABLE = "IEA40K_CACHE"
LIMIT_VARIABLE = "IEA40K_CACHE_GIB"
_RELEASES = "releases"
_LOOKS = 16  # a look at the whole cache is due when this part of its limit was written


class CacheWarning(IEAWarning):
    """The cache does not keep what was fetched: reading goes on, slower."""


class Cache:
    """A folder, and how many bytes it may take (`limit`; None: as many as the disk has). Pickles."""

    def __init__(self, folder: str | Path | None = None, gib: float | None = None) -> None:
        self.folder = Path(folder or os.environ.get(FOLDER_VARIABLE) or default_folder()).absolute()
        chosen = _limit_of_environment() if gib is None else gib
        self.limit = None if chosen is None else int(chosen * (1 << 30))
        self._written = 0
        self._warned = False

    def release(self, root: str) -> Path:
        """Return the folder of the release with a root digest."""
        return self.folder / _RELEASES / root[:32]

    def keep(self, file: Path, data: bytes) -> None:
        """Write a small file whole. Raises `DiskError` where the cache is full or cannot be written."""
        try:
            make_folders(file.parent)
            write_atomic(file, data)
        except (OSError, DiskError) as error:
            raise self._full(error) from error
        self._wrote(len(data))

    def read_part(self, file: Path, offset: int, length: int) -> bytes:
        """Return bytes of a file with holes: fewer, or zeros, where they were never written."""
        try:
            with file.open("rb", buffering=0) as stream:
                stream.seek(offset)
                return stream.read(length)
        except (FileNotFoundError, NotADirectoryError):
            return b""

    def write_part(self, file: Path, offset: int, data: bytes) -> None:
        """Write bytes into a file with holes. Where it is full, a `CacheWarning` says so once."""
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
            with os.fdopen(descriptor, "r+b", buffering=0) as stream:
                stream.seek(offset)
                view = memoryview(data)
                while view:
                    view = view[stream.write(view) or 0 :]
        except OSError as error:
            if not self._warned:
                self._warned = True
                warnings.warn(str(self._full(error)), CacheWarning, stacklevel=2)
            return
        self._wrote(len(data))

    def touch(self, file: Path) -> None:
        """Note that a file is in use: the longest unused go first."""
        with contextlib.suppress(OSError):
            os.utime(file)

    def used(self) -> int:
        """Return how many bytes the cache takes on the disk."""
        return sum(size for _, size, _ in self._files())

    # ------------------------------------------------------------ private

    def _wrote(self, count: int) -> None:
        self._written += count
        if self.limit is not None and self._written * _LOOKS >= self.limit:
            self._written = 0
            self._make_room(self.limit)

    def _make_room(self, limit: int) -> None:
        """Remove shards, the longest unused first, until the cache is within its limit."""
        files = sorted(self._files(), key=lambda known: known[2])
        used = sum(size for _, size, _ in files)
        for file, size, _ in files:
            if used <= limit:
                return
            if file.suffix in (".json", ".parquet", ".index") or "arrays" not in file.parts:
                continue  # small, and needed by whoever reads the release now
            try:
                file.unlink()
            except OSError:
                continue  # somebody else was quicker, or has it open (Windows)
            used -= size

    def _files(self) -> Iterator[tuple[Path, int, float]]:
        for place, _, names in os.walk(self.folder / _RELEASES):
            for name in names:
                file = Path(place, name)
                try:
                    status = file.stat()
                except OSError:
                    continue
                # Holes take no room: blocks are what the file does.
                yield file, getattr(status, "st_blocks", status.st_size // 512 + 1) * 512, status.st_mtime

    def _full(self, error: OSError | DiskError) -> DiskError:
        named = disk_error(error) if isinstance(error, OSError) else error
        what = "the disk is full" if named is None or "full" in named.what else "it cannot be written"
        return DiskError(
            f"the cache of fetched releases keeps nothing more: {what}",
            where=self.folder,
            got=str(error) if isinstance(error, OSError) else error.got,
            remedy=f"free some space, or name another folder by {FOLDER_VARIABLE}; {LIMIT_VARIABLE} bounds what it "
            "takes",
        )


def default_folder() -> Path:
    """Return where a user's caches lie on this system."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "iea40k" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "iea40k"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "iea40k"


def _limit_of_environment() -> float | None:
    text = os.environ.get(LIMIT_VARIABLE, "").strip()
    if not text:
        return None
    try:
        limit = float(text)
    except ValueError:
        limit = -1.0
    if not limit > 0:
        raise ConfigError("not a size of a cache", expected=f"{LIMIT_VARIABLE}=20, in GiB", got=text)
    return limit
