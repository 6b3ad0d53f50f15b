"""Files: written whole or not at all, digested, and never outside their root."""

import contextlib
import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from iea40k.errors import AlreadyExistsError, BadInputError, CorruptDataError, DiskError
from iea40k.temporaries import temporary_beside

AnyPath = str | Path
"""What public functions take where a file or folder is named."""

_BLOCK = 1 << 20


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
        with temporary_beside(path) as temporary:
            with full_disk_named(path.parent):
                fill(temporary)
            _fsync(temporary)
            temporary.chmod(0o666 & ~_umask())
            if overwrite:
                temporary.replace(path)
            else:
                _link_new(temporary, path)
            fsync_folder(path.parent)


def is_plain_file(path: Path) -> bool:
    """Return whether `path` is a regular file itself: no symlink to one, no folder, device, pipe or socket."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def refuse_special(path: Path) -> None:
    """Raise `BadInputError` where `path` is a pipe, socket or device: reading it may never end. All else passes."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise BadInputError(
            "this is not a plain file", where=path, expected="a file", got="a pipe or a device"
        )


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


def path_error(error: OSError) -> BadInputError | None:
    """Return what an error of the operating system means where no file can have such a path, None for all others."""
    if error.errno not in (errno.ENAMETOOLONG, errno.ELOOP):
        return None
    return BadInputError(
        "this is no path that can be followed",
        where=error.filename,
        expected="names of at most 255 bytes, and links that lead to a file",
        got=error.strerror,
    )


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
