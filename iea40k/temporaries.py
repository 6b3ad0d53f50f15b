"""Files that are not whole yet: beside the one they become, held while their writer lives, cleared when it died."""

import contextlib
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_NAME = re.compile(r"^\..*\.writing(-[0-9a-f]{8})?(\.[^.]*)?$")


@contextlib.contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """Yield an empty file beside `path` that is ours alone; it is removed at the end, unless it was moved away.

    Its name is always the same, so that whoever writes `path` next takes away what a killed writer left. While we live
    we hold it: by a lock, or on Windows by its being open.
    """
    name = f".{path.stem[:40]}.writing"
    temporary = path.with_name(name + path.suffix)
    while (descriptor := _claim(temporary)) is None:
        temporary = path.with_name(f"{name}-{secrets.token_hex(4)}{path.suffix}")
    ours = os.fstat(descriptor)
    try:
        if os.name == "nt":
            os.close(descriptor)  # an open file cannot be renamed there
        yield temporary
    finally:
        # Once it is moved into place the name is free, and may be that of the next writer's file.
        if _is_at(temporary, ours):
            temporary.unlink(missing_ok=True)
        if os.name != "nt":
            os.close(descriptor)


def is_temporary(name: str) -> bool:
    """Return whether a file's name is one that `temporary_beside` gives to what is not whole yet."""
    return _NAME.fullmatch(name) is not None


def clear_temporaries(folder: Path) -> int:
    """Remove what killed writers of files left in `folder`, not below it; return how much. The living keep theirs."""
    if not folder.is_dir():
        return 0
    left = [
        path
        for path in folder.iterdir()
        if is_temporary(path.name) and path.is_file() and not path.is_symlink()
    ]
    return sum(_remove_dead(path) for path in left)


def _claim(temporary: Path) -> int | None:
    """Make the file and return its descriptor, locked; None where a living writer has it."""
    if os.path.lexists(temporary) and not _remove_dead(temporary):
        return None
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return None
    # Somebody who clears up may lock it before us, and take it away.
    if _lock(descriptor, where_unknown=True) and _is_at(temporary, os.fstat(descriptor)):
        return descriptor
    os.close(descriptor)
    return None


def _is_at(path: Path, status: os.stat_result) -> bool:
    """Return whether the file of this status is the one at `path`."""
    try:
        return os.path.samestat(status, path.lstat())
    except FileNotFoundError:
        return False


def _remove_dead(temporary: Path) -> bool:
    """Remove a temporary file unless its writer lives, or nobody can tell; return whether it is gone."""
    try:
        if sys.platform == "win32":
            temporary.unlink()
            return True
        descriptor = os.open(temporary, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not _lock(descriptor, where_unknown=False):
            return False
        if _is_at(temporary, status):
            temporary.unlink(missing_ok=True)
        return True
    finally:
        os.close(descriptor)


def _lock(descriptor: int, *, where_unknown: bool) -> bool:
    """Lock an open file until it is closed; return whether it is ours, `where_unknown` where a system has no locks."""
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return where_unknown
    return True
