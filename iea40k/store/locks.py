"""Work in progress on disk: a folder of one's own that nobody else touches while its maker lives.

A file lock, held by the operating system, tells the living from the dead: it ends with the process, however that
ends, and unlike a process number it is never handed to somebody else.
"""

import contextlib
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from iea40k.errors import StoreError

_WAIT = 30.0
"""Seconds to wait for a lock that is held for moments."""

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """An exclusive lock on a file that exists only while somebody holds it, or has died holding it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock without waiting; return whether it is ours now. Creates the file."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(descriptor)
        except OSError:
            os.close(descriptor)
            return False
        if not self._is_current(descriptor):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Remove the file and let the lock go; a no-op where it is not held."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        if sys.platform != "win32":
            # Before the lock goes, so that nobody can take a file that is about to vanish.
            self.path.unlink(missing_ok=True)
        os.close(descriptor)
        if sys.platform == "win32":
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)

    def _is_current(self, descriptor: int) -> bool:
        # Its holder may have removed the file between our opening and our locking it.
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.stat())
        except FileNotFoundError:
            return False


@contextlib.contextmanager
def held(path: Path, doing: str) -> Iterator[None]:
    """Hold the lock `path` for the context, waiting for whoever has it.

    Raises `StoreError` where another process is still `doing` what the lock is for after half a minute.
    """
    lock = FileLock(path)
    until = time.monotonic() + _WAIT
    while not lock.acquire():
        if time.monotonic() > until:
            raise StoreError(f"another process is {doing}", where=path.parent, remedy="wait until it is done")
        time.sleep(0.05)
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def workspace(root: Path) -> Iterator[Path]:
    """Yield a new folder below `root` that is ours; it is removed at the end, unless it was moved away."""
    root.mkdir(parents=True, exist_ok=True)
    while True:
        name = secrets.token_hex(8)
        lock = FileLock(root / f"{name}.lock")
        if lock.acquire():
            break
    folder = root / name
    try:
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


@contextlib.contextmanager
def workspace_beside(out: Path) -> Iterator[Path]:
    """Yield a new folder beside `out` that is ours, as `workspace` does; what dead makers left for `out` is removed."""
    root = out.parent / f".{out.name[:40]}.work"
    clear_leftovers(root)
    try:
        with workspace(root) as folder:
            yield folder
    finally:
        with contextlib.suppress(OSError):  # not empty: another maker lives
            root.rmdir()


def clear_leftovers(root: Path) -> int:
    """Remove the workspaces below `root` whose makers have died; return how many there were."""
    cleared = 0
    for path in sorted(root.glob("*.lock")):
        lock = FileLock(path)
        if lock.acquire():
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            lock.release()
            cleared += 1
    for folder in sorted(p for p in root.glob("*") if p.is_dir()):
        # A maker creates its lock before its folder and removes it after: no lock, no maker.
        if not folder.with_name(f"{folder.name}.lock").exists():
            shutil.rmtree(folder, ignore_errors=True)
            cleared += 1
    return cleared
