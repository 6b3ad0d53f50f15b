"""Unpack zip and tar archives without trusting them: nothing lands outside the chosen folder.

Every member is judged before any is written, so a hostile archive leaves nothing behind.
"""

import errno
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from iea40k.errors import BadInputError, DiskError, StoreError
from iea40k.files import disk_errors, inside, write_file_with

_BLOCK = 1 << 20

Wanted = Callable[[str], bool]


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    opened: Callable[[], IO[bytes]]


def is_archive(file: Path) -> bool:
    """Return whether a file is a zip or tar archive, by its content."""
    try:
        return file.is_file() and (zipfile.is_zipfile(file) or tarfile.is_tarfile(file))
    except Exception:  # of a damaged one, as `unpack` finds
        return False


def unpack(archive: Path, folder: Path, wanted: Wanted | None = None) -> list[Path]:
    """Unpack the wanted regular files of an archive below `folder`; return their paths, sorted.

    Files that are there with the same size are left alone, so that an interrupted run can be repeated. Raises
    `BadInputError`, before anything is written, where any member (wanted or not) is absolute, climbs out with `..`, is
    a link or a device, or is there twice; and `StoreError` where the disk has no room for the whole.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as pack:
                return _unpack(archive, list(_zip_members(pack, archive)), folder, wanted)
        with tarfile.open(archive) as tar:
            return _unpack(archive, list(_tar_members(tar, archive)), folder, wanted)
    except (DiskError, BadInputError, StoreError):
        raise
    except Exception as error:  # damaged archives raise dozens of unrelated types, of each way to compress
        if isinstance(error, OSError) and error.errno in (
            errno.ENOSPC,
            errno.EDQUOT,
            errno.EROFS,
            errno.EACCES,
        ):
            raise
        raise BadInputError(
            "the archive cannot be read",
            where=archive,
            expected="a whole zip or tar archive without a password",
            got=str(error),
        ) from error


def _unpack(archive: Path, members: list[_Member], folder: Path, wanted: Wanted | None) -> list[Path]:
    _judge(archive, members, folder)
    chosen = [member for member in members if wanted is None or wanted(member.name)]
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        free, needed = shutil.disk_usage(folder).free, sum(member.size for member in chosen)
    if needed > free:
        # Also the answer to an archive bomb: its members say how large they are.
        raise StoreError(
            "the disk has no room for this archive",
            where=folder,
            expected=f"{needed / 1e9:.2f} GB free",
            got=f"{free / 1e9:.2f} GB",
        )
    return sorted(_write(archive, member, inside(folder, member.name)) for member in chosen)


def _judge(archive: Path, members: list[_Member], folder: Path) -> None:
    seen: set[str] = set()
    for member in members:
        path = _check_name(archive, member.name, folder)
        # Windows and macOS fold case: two names that differ by case alone are one file there.
        if str(path).casefold() in seen:
            raise _refused(archive, member.name, "is there twice")
        seen.add(str(path).casefold())


def _check_name(archive: Path, name: str, folder: Path = Path()) -> Path:
    try:
        return inside(folder, name)
    except BadInputError as error:
        raise _refused(archive, name, "leaves the folder") from error


def _write(archive: Path, member: _Member, path: Path) -> Path:
    if path.is_file() and path.stat().st_size == member.size:
        return path

    def fill(temporary: Path) -> None:
        with member.opened() as source, temporary.open("wb") as target:
            left = member.size
            while left > 0 and (block := source.read(min(_BLOCK, left))):
                target.write(block)
                left -= len(block)
            if left > 0 or source.read(1):
                raise BadInputError(
                    "a member is not as large as the archive says",
                    where=archive,
                    expected=f"{member.size} bytes",
                    got=member.name,
                    remedy="fetch the archive again",
                )

    write_file_with(path, fill)
    return path


def _zip_members(pack: zipfile.ZipFile, archive: Path) -> Iterator[_Member]:
    for info in pack.infolist():
        if info.is_dir():
            _check_name(archive, info.filename)
            continue
        mode = info.external_attr >> 16
        if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise _refused(archive, info.filename, "is a link or a device")
        yield _Member(info.filename, info.file_size, lambda info=info: pack.open(info))  # type: ignore[misc]


def _tar_members(tar: tarfile.TarFile, archive: Path) -> Iterator[_Member]:
    for info in tar:
        if info.isdir():
            _check_name(archive, info.name)
            continue
        if not info.isreg():
            raise _refused(archive, info.name, "is a link or a device")
        yield _Member(info.name, info.size, lambda info=info: _opened(tar, info))  # type: ignore[misc]
    # Where it is compressed, its checksum stands after all that; nothing is written before it held.
    while tar.fileobj is not None and tar.fileobj.read(_BLOCK):
        pass


def _opened(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = tar.extractfile(info)
    assert stream is not None, "only regular files come here"
    return stream


def _refused(archive: Path, name: str, why: str) -> BadInputError:
    return BadInputError(
        f"the archive is refused: a member {why}",
        where=archive,
        expected="regular files below one folder, each once",
        got=name[:200],
        remedy="nothing was unpacked; fetch the archive from its maker again",
    )
