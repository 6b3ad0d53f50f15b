"""Files: written whole or not at all, digested, and never outside their root."""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from iea40k.errors import AlreadyExistsError, BadInputError, CorruptDataError, DiskError

if sys.platform != "win32":
    import fcntl

AnyPath = str | Path
"""What public functions take where a file or folder is named."""

_BLOCK = 1 << 20
_TEMPORARY = re.compile(r"^\..*\.writing(-[0-9a-f]{8})?(\.[^.]*)?$")


def sha256_file(path: Path) -> str:
    """Return the sha256 (64 hex digits) of a file's bytes, read in bounded memory."""
    hasher = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest()


def write_atomic(path: Path, data: bytes | str, *, overwrite: bool = True) -> None:
    """Write `data` to `path` whole or not at all: temporary neighbour, fsync, rename, fsync of the folder.

    Raises `AlreadyExistsError` when `overwrite` is false and the path exists, `DiskError` when the disk is
    full or the folder cannot be written. What was there before stays intact in every case.
    """
    payload = data.encode() if isinstance(data, str) else data

    def fill(temporary: Path) -> None:
        with temporary.open("wb") as stream:
            stream.write(payload)
            stream.flush()
            os.fsync(stream.fileno())

    write_file_with(path, fill, overwrite=overwrite)


def write_file_with(path: Path, fill: Callable[[Path], None], *, overwrite: bool = True) -> None:
    """Let `fill(temporary)` write a file beside `path`, then fsync and rename it into place.

    For libraries that want a path to write to. The temporary name keeps the suffix of `path`.
    """
    with disk_errors(path):
        make_folders(path.parent)
        with _temporary_beside(path) as temporary:
            with full_disk_named(path.parent):
                fill(temporary)
            _fsync(temporary)
            temporary.chmod(0o666 & ~_umask())
            if overwrite:
                temporary.replace(path)
            else:
                _link_new(temporary, path)
            fsync_folder(path.parent)


def is_temporary(name: str) -> bool:
    """Return whether a file's name is one that `write_file_with` gives to what is not whole yet."""
    return _TEMPORARY.fullmatch(name) is not None


def clear_temporaries(folder: Path) -> int:
    """Remove what killed writers of files left in `folder`, not below it; return how much. The living keep theirs."""
    if not folder.is_dir():
        return 0
    left = [path for path in folder.iterdir() if is_temporary(path.name) and is_plain_file(path)]
    return sum(_remove_dead(path) for path in left)


def is_plain_file(path: Path) -> bool:
    """Return whether `path` is a regular file itself: no symlink to one, no folder, device, pipe or socket."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def read_plain_file(path: Path, limit: int = 1 << 30) -> bytes:
    """Return the bytes of a regular file, also through a link; never waits on a pipe or reads a device.

    Raises `FileNotFoundError` where nothing is there, `CorruptDataError` where it is something else than a file or has
    more than `limit` bytes.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise CorruptDataError("this is not a plain file", where=path, expected="a file")
    if status.st_size > limit:
        raise CorruptDataError(
            "this file is too large for what it is",
            where=path,
            expected=f"at most {limit} bytes",
            got=str(status.st_size),
        )
    return path.read_bytes()


def make_folders(folder: Path) -> None:
    """Make a folder and its parents where they are absent; each new name is on the disk when this returns."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    fsync_folder(folder.parent)


@contextlib.contextmanager
def full_disk_named(folder: Path) -> Iterator[None]:
    """Raise the system's own error where libraries have another for a full disk, as NumPy, torch and safetensors do.

    Whatever fails, a disk that is full refuses us too; `folder` is where was written, and must still be there.
    """
    try:
        yield
    except Exception:
        with tempfile.TemporaryFile(dir=folder) as stream:
            stream.write(bytes(_BLOCK))
            stream.flush()
            os.fsync(stream.fileno())
        raise


def publish_folder(temporary: Path, final: Path) -> None:
    """Fsync a finished folder tree and rename it to `final`, which must not exist.

    Raises `AlreadyExistsError` when `final` is there: what is published is never replaced.
    """
    with disk_errors(final):
        if final.exists():
            raise AlreadyExistsError("a published folder is never overwritten", where=final)
        fsync_tree(temporary)
        make_folders(final.parent)
        try:
            temporary.rename(final)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise AlreadyExistsError("a published folder is never overwritten", where=final) from error
            raise
        fsync_folder(final.parent)


def fsync_tree(folder: Path) -> None:
    """Flush every file and folder below `folder` to the disk."""
    for parent, _, names in os.walk(folder):
        for name in names:
            _fsync(Path(parent) / name)
        fsync_folder(Path(parent))


def fsync_folder(folder: Path) -> None:
    """Flush a folder's entries; a no-op where the system cannot open folders (Windows)."""
    if os.name == "nt":
        return
    _fsync(folder)


@contextlib.contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Turn a full or unwritable disk into a `DiskError` that says so and how to go on."""
    try:
        yield
    except OSError as error:
        told = disk_error(error, where)
        if told is None:
            raise
        raise told from error


def disk_error(error: OSError, where: Path | None = None) -> DiskError | None:
    """Return what an error of the operating system means where the disk is to blame, None where it is not."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskError(
            "the disk is full; nothing half-written was left",
            where=where or error.filename,
            got=str(error),
            remedy="free some space and run the same command again",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
        return DiskError(
            "this place cannot be written",
            where=where or error.filename,
            got=str(error),
            remedy="choose another folder, or ask for the right to write here",
        )
    return None


def inside(root: Path, relative: str) -> Path:
    """Return the real path of `relative` below `root`.

    Raises `BadInputError` for absolute paths, `..`, drive letters, symlinks that lead out of `root` or in a circle, and
    names that no file can have.
    """
    text = relative.replace("\\", "/")
    if (
        PurePosixPath(text).is_absolute()
        or PureWindowsPath(relative).drive
        or ".." in PurePosixPath(text).parts
    ):
        raise BadInputError(
            "a path may not leave its root",
            expected=f"a path relative to {root}, without '..'",
            got=relative,
            remedy="move the file below the root, or make the manifest in a common parent folder",
        )
    try:
        real, base = (root / text).resolve(), root.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a circle of links; a name too long, or with a NUL
        raise BadInputError(
            "this is no path that can be followed",
            expected=f"the name of a file below {root}",
            got=f"{relative!r} ({error})",
        ) from error
    if not real.is_relative_to(base):
        raise BadInputError(
            "a symlink leads out of the root",
            expected=f"a target below {base}",
            got=f"{relative} -> {real}",
            remedy="copy the file below the root instead of linking it",
        )
    return real


@contextlib.contextmanager
def _temporary_beside(path: Path) -> Iterator[Path]:
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


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _link_new(temporary: Path, path: Path) -> None:
    # A hard link fails when the name exists, atomically; a rename would replace it.
    try:
        os.link(temporary, path)
    except FileExistsError as error:
        raise AlreadyExistsError("this file is there already and is never overwritten", where=path) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
