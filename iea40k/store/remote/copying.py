"""A whole release from a server into a folder: file by file, each compared with its sha256; a stopped copy goes on."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from iea40k.errors import AlreadyExistsError, CorruptDataError, IEAError, NotThereError, StoreError
from iea40k.files import AnyPath, disk_errors, make_folders, publish_folder, sha256_file, write_atomic
from iea40k.store.locks import FileLock
from iea40k.store.remote.origin import HEAD, SUMS, read_head, read_sums
from iea40k.store.remote.transport import Patience, Transport, is_page, wrong_bytes
from iea40k.texts import parse_json

BLOCK = 8 << 20
"""Bytes that are asked for at a time: what a cut connection costs at most."""

_BESIDE = ("ROOT.sha256", f"{HEAD}.minisig")
"""Files that no checksum lists, and that a release may lack."""


@dataclass
class CopyReport:
    """What a copy did: files fetched, those that were there already, and what is wrong with the rest."""

    fetched: int = 0
    present: int = 0
    problems: list[IEAError] = field(default_factory=list)


def copy_release(
    address: str,
    out: AnyPath,
    *,
    storage_options: Mapping[str, Any] | None = None,
    patience: Patience | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> CopyReport:
    """Copy the release at `address` into the new folder `out`, which appears only when every file is as published.

    `.OUT.partial` beside it keeps what has come; the same call goes on. A file that is damaged or missing on the server
    becomes a problem, and the others are fetched all the same. Raises `AlreadyExistsError`, `NotThereError`,
    `RemoteError` where the server cannot be reached, `StoreError` where another process copies to this place.
    """
    out = Path(out)
    if out.exists():
        raise AlreadyExistsError("a copy goes into a new folder", where=out, remedy="name another folder")
    transport = Transport(address, storage_options, patience)
    head = read_head(transport)
    try:
        digest = str(parse_json(head)["sha256sums"])
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptDataError(
            f"{HEAD} cannot be read", where=transport.shown(HEAD), got=str(error)
        ) from error
    with disk_errors(out):
        make_folders(out.absolute().parent)
        lock = FileLock(out.parent / f".{out.name}.lock")
        if not lock.acquire():
            raise StoreError(
                "another process copies to this place", where=out, remedy="wait until it has finished"
            )
        try:
            folder = out.parent / f".{out.name}.partial"
            report = _brought(transport, folder, digest, progress or (lambda *_: None))
            if not report.problems:
                for name in _BESIDE:
                    _beside(transport, folder, name)
                write_atomic(folder / HEAD, head)
                publish_folder(folder, out)
        finally:
            lock.release()
    return report


def _brought(
    transport: Transport, folder: Path, digest: str, progress: Callable[[int, int, str], None]
) -> CopyReport:
    report = CopyReport()
    _fetch(transport, folder, SUMS, digest)
    sums = read_sums((folder / SUMS).read_text(encoding="utf-8"), transport.shown(SUMS))
    for stray in _strays(folder, {*sums, SUMS}):
        stray.unlink()  # of another version, copied here before and never finished
    for done, (name, sha256) in enumerate(sorted(sums.items()), 1):
        try:
            if _fetch(transport, folder, name, sha256):
                report.fetched += 1
            else:
                report.present += 1
        except (CorruptDataError, NotThereError) as error:
            report.problems.append(error)
        progress(done, len(sums), name)
    return report


def _fetch(transport: Transport, folder: Path, name: str, sha256: str) -> bool:
    """Bring a file of this sha256; return False where it was there."""
    file = folder / PurePosixPath(name)
    if file.is_file() and sha256_file(file) == sha256:
        return False
    make_folders(file.parent)
    part = file.with_name(f".{file.name}.part")
    found = ""
    for _ in range(2):  # the second time anew: what was here may be the beginning of another version
        _bring(transport, name, part)
        found = sha256_file(part)
        if found == sha256:
            part.replace(file)
            return True
        with part.open("rb") as stream:
            begins = stream.read(200)
        part.unlink()
        if is_page(begins):
            raise wrong_bytes(transport.shown(name), begins, "a web page")
    raise CorruptDataError(
        "a file on the server is not what was published",
        where=transport.shown(name),
        expected=f"sha256 {sha256}",
        got=found,
        remedy="tell its publisher; what else was fetched is kept, and the same command fetches this file again",
    )


def _bring(transport: Transport, name: str, part: Path) -> None:
    """Append to `part` what it lacks of a file."""
    size = transport.size(name)
    have = part.stat().st_size if part.is_file() else 0
    if size is None or size <= BLOCK:
        part.write_bytes(transport.read(name))
        return
    with part.open("ab") as stream:
        if have > size:
            stream.truncate(0)
            have = 0
        while have < size:
            (data,) = transport.ranges(name, [(have, min(have + BLOCK, size))])
            stream.write(data)
            have += len(data)
        stream.flush()
        os.fsync(stream.fileno())


def _beside(transport: Transport, folder: Path, name: str) -> None:
    try:
        data = transport.read(name)
    except NotThereError:
        return
    if not is_page(data):  # some servers answer so for what they do not have
        write_atomic(folder / name, data)


def _strays(folder: Path, held: set[str]) -> list[Path]:
    return [
        file
        for file in folder.rglob("*")
        if file.is_file()
        and file.relative_to(folder).as_posix() not in held
        and file.with_name(file.name.removeprefix(".").removesuffix(".part")).relative_to(folder).as_posix()
        not in held
    ]
