"""Where an export goes: a folder, or an address; written file by file, each noted with its checksum, sealed last.

A stopped export is gone on with: what was noted, and is as it was noted, is not written again.
"""

import contextlib
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from iea40k.errors import AlreadyExistsError, CorruptDataError, NotThereError, StoreError
from iea40k.files import (
    AnyPath,
    disk_errors,
    full_disk_named,
    make_folders,
    publish_folder,
    sha256_file,
    write_atomic,
)
from iea40k.places import address_of
from iea40k.store.locks import FileLock
from iea40k.store.remote.cache import Cache
from iea40k.store.remote.transport import Transport
from iea40k.temporaries import clear_temporaries

HEAD = "export.json"
"""The file that is written last."""

SUMS = "SHA256SUMS"
_JOURNAL = ".journal"


class Target:
    """An export that is being written. Files are made in `folder` and then kept, by their paths below it."""

    def __init__(self, folder: Path, key: str, remote: Transport | None) -> None:
        self.folder, self._remote = folder, remote
        self._journal = folder / _JOURNAL
        self._noted = self._resumed(key)
        self.sums: dict[str, str] = {}

    def has(self, name: str) -> bool:
        """Return whether an earlier call wrote this file and it is still as it was; then it is kept."""
        if name not in self._noted:
            return False
        sha256, size = self._noted[name]
        file = self.folder / PurePosixPath(name)
        if self._remote is None:
            there = file.is_file() and sha256_file(file) == sha256
        else:
            there = _size(self._remote, name) == size
        if there:
            self.sums[name] = sha256
        return there

    def keep(self, name: str) -> None:
        """Note the finished file `name`; one that goes to an address is sent there, compared, and not kept here."""
        file = self.folder / PurePosixPath(name)
        sha256, size = sha256_file(file), file.stat().st_size
        self._send(name, sha256)
        with self._journal.open("a", encoding="utf-8") as stream:
            stream.write(f"{sha256} {size} {name}\n")
        self.sums[name] = sha256

    def keep_text(self, name: str, text: str) -> None:
        """Write and keep a text."""
        write_atomic(self.folder / PurePosixPath(name), text)
        self.keep(name)

    def seal(self, head: str) -> None:
        """Write the checksums and, last of all, `HEAD`, whose text is `head`."""
        lines = "".join(f"{sha}  {name}\n" for name, sha in sorted(self.sums.items()))
        for name, text in ((SUMS, lines), (HEAD, head)):
            write_atomic(self.folder / name, text)
            self._send(name, sha256_file(self.folder / name))
        self._journal.unlink(missing_ok=True)

    @property
    def sums_digest(self) -> str:
        """The sha256 of the checksums, as `seal` writes them."""
        lines = "".join(f"{sha}  {name}\n" for name, sha in sorted(self.sums.items()))
        return hashlib.sha256(lines.encode()).hexdigest()

    # ------------------------------------------------------------ private

    def _send(self, name: str, sha256: str) -> None:
        if self._remote is None:
            return
        file = self.folder / PurePosixPath(name)
        self._remote.write(name, file)
        found = hashlib.sha256(self._remote.read(name)).hexdigest()
        if found != sha256:
            raise CorruptDataError(
                "what the server keeps is not what was sent",
                where=self._remote.shown(name),
                expected=f"sha256 {sha256}",
                got=found,
                remedy="run the same command again: it sends this file anew",
            )
        file.unlink()

    def _resumed(self, key: str) -> dict[str, tuple[str, int]]:
        """Return the files that an earlier call of the same export finished; what another left is taken away."""
        try:
            first, *lines = self._journal.read_text(encoding="utf-8").splitlines()
            if first == key:
                clear_temporaries(self.folder)
                parts = [line.split(" ", 2) for line in lines]  # the last one may be cut short
                return {name: (sha, int(size)) for sha, size, name in (p for p in parts if len(p) == 3)}
        except (OSError, ValueError):
            pass
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        write_atomic(self._journal, key + "\n")
        return {}


@contextlib.contextmanager
def export_target(out: AnyPath, key: str) -> Iterator[Target]:
    """Yield the place of an export; at the end a folder gets its name. `key` stands for what is exported, and how.

    Raises `AlreadyExistsError` where an export is there, `StoreError` where another process writes it.
    """
    address = address_of(out)
    if address is None:
        with _in_folder(Path(out), key) as target:
            yield target
        return
    remote = Transport(address)
    folder = Cache().folder / "exports" / hashlib.sha256(address.encode()).hexdigest()[:32]
    with disk_errors(folder), _locked(folder, remote.shown()):
        if _size(remote, HEAD) is not None:
            raise AlreadyExistsError(
                "there is an export at this address", where=remote.shown(), remedy="name another address"
            )
        yield Target(folder, key, remote)
        shutil.rmtree(folder)


@contextlib.contextmanager
def _in_folder(out: Path, key: str) -> Iterator[Target]:
    folder = out.parent / f".{out.name}.partial"
    with disk_errors(out), _locked(folder.with_name(f".{out.name}"), out), full_disk_named(out.parent):
        if out.exists():
            raise AlreadyExistsError(
                "an export goes into a new folder", where=out, remedy="name another folder"
            )
        yield Target(folder, key, None)
        publish_folder(folder, out)


@contextlib.contextmanager
def _locked(beside: Path, where: AnyPath) -> Iterator[None]:
    make_folders(beside.parent)
    lock = FileLock(beside.with_name(f"{beside.name}.lock"))
    if not lock.acquire():
        raise StoreError(
            "another process is writing this export", where=where, remedy="wait until it has finished"
        )
    try:
        yield
    finally:
        lock.release()


def _size(remote: Transport, name: str) -> int | None:
    try:
        return remote.size(name)
    except NotThereError:
        return None
