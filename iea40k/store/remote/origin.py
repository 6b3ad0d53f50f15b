"""A release on a server as its reader sees it: its files by name, each compared with what release.json says."""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from iea40k.errors import BadInputError, CorruptDataError, NotThereError, Place
from iea40k.files import AnyPath, sha256_file
from iea40k.store.remote.cache import Cache
from iea40k.store.remote.shard import GAP, OpenRemote
from iea40k.store.remote.transport import Patience, Transport, is_page, wrong_bytes
from iea40k.texts import parse_json

HEAD = "release.json"
SUMS = "SHA256SUMS"
_STORE = "store.json"


class Origin:
    """Where a release on a server comes from. Pickles.

    `folder` is its place in the cache; `file(name)` fetches a small file into it; `opens` opens shards.
    """

    def __init__(self, transport: Transport, cache: Cache, folder: Path, gap: int = GAP) -> None:
        self.transport, self.cache, self.folder = transport, cache, folder
        self.opens = OpenRemote(transport, cache, folder, gap)
        self._sound: set[str] = set()

    def __repr__(self) -> str:
        return f"Origin({self.where!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "sums"}

    @property
    def where(self) -> str:
        """The release's address as people may see it."""
        return self.transport.shown()

    @cached_property
    def sums(self) -> Mapping[str, str]:
        """The sha256 of every file of the release, by its path below it."""
        digest = str(parse_json((self.folder / HEAD).read_bytes()).get("sha256sums"))
        file = self._fetched(SUMS, digest)
        return read_sums(file.read_text(encoding="utf-8"), self.transport.shown(SUMS))

    def has(self, name: str) -> bool:
        """Return whether the release has this file."""
        return name in self.sums

    def file(self, name: str) -> Path:
        """Return a file of the release on this disk, fetched if it is not here, its sha256 compared.

        Raises `NotThereError`, `CorruptDataError` or `RemoteError` where the server does not give it as published.
        """
        if name not in self.sums:
            raise CorruptDataError("the checksums do not list this file", where=self.transport.shown(name))
        return self._fetched(name, self.sums[name])

    def _fetched(self, name: str, sha256: str) -> Path:
        file = self.folder / PurePosixPath(name)
        if name in self._sound or (file.is_file() and sha256_file(file) == sha256):
            self._sound.add(name)
            return file
        found = b""
        for _ in range(2):
            found = self.transport.read(name)
            if hashlib.sha256(found).hexdigest() == sha256:
                self.cache.keep(file, found)
                self._sound.add(name)
                return file
        raise self._not_published(name, found, sha256)

    def _not_published(self, name: str, found: bytes, sha256: str) -> Exception:
        where = self.transport.shown(name)
        if is_page(found) and not name.endswith(".html"):
            return wrong_bytes(where, found, "a web page")
        return CorruptDataError(
            "a file on the server is not what was published",
            where=where,
            expected=f"sha256 {sha256}",
            got=f"sha256 {hashlib.sha256(found).hexdigest()}, {len(found)} bytes",
            remedy="tell its publisher; a copy that was interrupted is completed by copying again",
        )


def open_origin(
    address: str,
    *,
    storage_options: Mapping[str, Any] | None = None,
    cache: AnyPath | None = None,
    cache_gib: float | None = None,
    patience: Patience | None = None,
    gap: int = GAP,
) -> tuple[Origin, bytes]:
    """Return the release at an address, and its release.json. Raises `NotThereError`, `RemoteError`, `DiskError`."""
    transport = Transport(address, storage_options, patience)
    head = read_head(transport)
    kept = Cache(cache, cache_gib)
    folder = kept.release(hashlib.sha256(head).hexdigest())
    if not (folder / HEAD).is_file() or (folder / HEAD).read_bytes() != head:
        kept.keep(folder / HEAD, head)
    return Origin(transport, kept, folder, gap), head


def read_head(transport: Transport) -> bytes:
    """Return the release.json at an address. Raises `NotThereError` where there is no release, `RemoteError`."""
    try:
        head = transport.read(HEAD)
    except NotThereError as error:
        raise NotThereError(
            "there is no release at this address",
            where=transport.shown(),
            expected=f"a folder with {HEAD}, which is written last",
            got=_instead(transport),
            remedy="a copy that was interrupted lacks it: copy again; else correct the address",
        ) from error
    if is_page(head):
        raise wrong_bytes(transport.shown(HEAD), head, "a web page")
    return head


def _instead(transport: Transport) -> str:
    try:
        transport.read(_STORE)
    except (NotThereError, BadInputError):
        return f"no {HEAD}"
    return "a store: cut a release from it with `iea40k release`"


def read_sums(text: str, where: str) -> dict[str, str]:
    """Return path -> sha256 of a list of checksums. Raises `CorruptDataError` for a line that is none."""
    sums = {}
    for number, line in enumerate(text.splitlines(), 1):
        sha, _, name = line.partition("  ")
        if len(sha) != 64 or not name or name.startswith("/") or ".." in name.split("/") or "\\" in name:
            raise CorruptDataError("not a line of checksums", where=Place(where, number), got=line[:80])
        sums[name] = sha
    return sums
