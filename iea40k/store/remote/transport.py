"""Files below one address, read whole or by ranges through fsspec; tried again where a connection fails."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from iea40k.errors import BadInputError, NotThereError, RemoteError
from iea40k.extras import require
from iea40k.places import below, shown
from iea40k.store.remote.https import AUTHORITIES, AUTHORITIES_S3, authorities, https_error

Span = tuple[int, int]
"""The first byte and the byte after the last one."""

_T = TypeVar("_T")
_TRANSIENT = (408, 425, 429)
_PAGES = (b"<!doctype html", b"<html")
_SCHEMES_HTTP = ("http", "https")
SCHEMES_S3 = ("s3", "s3a")


@dataclass(frozen=True)
class Patience:
    """How a server is treated. `attempts` in all; the wait between them (seconds) doubles from `first_wait` up to
    `longest`; a connection over which nothing comes for `stall` seconds is given up."""

    attempts: int = 5
    first_wait: float = 0.5
    longest: float = 30.0
    stall: float = 60.0
    sleep: Callable[[float], None] = time.sleep


class Transport:
    """Reads files below `address`. Pickles, and works after fork: each process opens its own connections.

    `options` go to fsspec's file system for the address. `requests` and `received` count what this object asked for,
    and the bytes that came. Raises `NotThereError` for what is not there, `RemoteError` where the server cannot be
    reached, refuses, or gives a web page; `MissingExtraError` without fsspec.
    """

    def __init__(
        self, address: str, options: Mapping[str, Any] | None = None, patience: Patience | None = None
    ) -> None:
        self.address = address
        self.scheme = address.partition(":")[0]
        _require(self.scheme)
        self.options = dict(options or {})
        self.patience = patience or Patience()
        self.requests = self.received = 0
        self._opened: tuple[int, Any] | None = None

    def __repr__(self) -> str:
        return f"Transport({shown(self.address)!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def shown(self, name: str = "") -> str:
        """Return the address of a file as people may see it."""
        return shown(below(self.address, name) if name else self.address)

    def read(self, name: str) -> bytes:
        """Return a whole file."""
        return self._counted(self._patiently(name, lambda fs, path: fs.cat_file(path)))

    def size(self, name: str) -> int | None:
        """Return how many bytes a file has, None where the server does not say."""
        found = self._patiently(name, lambda fs, path: fs.info(path).get("size"))
        return None if found is None else int(found)

    def tail(self, name: str, length: int) -> bytes:
        """Return the last `length` bytes of a file: more where the server does not know ranges, the whole file then."""
        return self._counted(self._patiently(name, lambda fs, path: fs.cat_file(path, start=-length)))

    def ranges(self, name: str, spans: Sequence[Span]) -> list[bytes]:
        """Return several ranges of a file, asked for at once. What arrived is not asked for again after a failure."""
        found: dict[Span, bytes] = {}

        def ask(fs: Any, path: str) -> list[bytes]:
            open_spans = [span for span in spans if span not in found]
            starts, ends = zip(*open_spans, strict=True)
            given = fs.cat_ranges([path] * len(open_spans), list(starts), list(ends), on_error="return")
            failed: BaseException | None = None
            for span, part in zip(open_spans, given, strict=True):
                if isinstance(part, BaseException):
                    failed = failed or part
                elif len(part) != span[1] - span[0]:
                    failed = failed or _OtherLengthError(span, bytes(part))
                else:
                    found[span] = self._counted(bytes(part))
            if failed is not None:
                raise failed
            return [found[span] for span in spans]

        return self._patiently(name, ask) if spans else []

    def write(self, name: str, file: Path) -> None:
        """Write the bytes of a file of this disk to `name`. Raises `BadInputError` where none can be."""
        if self.scheme in _SCHEMES_HTTP:
            raise BadInputError(
                "a web address cannot be written",
                where=self.shown(),
                expected="s3://BUCKET/FOLDER, or another address that fsspec can write",
                remedy="export into a folder, and copy that to the server",
            )

        def send(fs: Any, path: str) -> None:
            try:
                if self.scheme == "file":
                    fs.makedirs(path.rpartition("/")[0], exist_ok=True)
                fs.put_file(str(file), path)
            except FileNotFoundError as error:
                raise BadInputError(
                    "there is no such bucket or folder to write into",
                    where=self.shown(name),
                    remedy="make it first, or correct the address",
                ) from error

        self._patiently(name, send)

    # ------------------------------------------------------------ private

    def _counted(self, data: bytes) -> bytes:
        self.requests += 1
        self.received += len(data)
        return data

    def _patiently(self, name: str, ask: Callable[[Any, str], _T]) -> _T:
        address = below(self.address, name)
        for attempt in range(1, self.patience.attempts + 1):
            try:
                return ask(self._file_system(), address)
            except Exception as error:  # every file system has its own
                told = self._told(name, error, attempt)
                if not _may_pass(error) or attempt == self.patience.attempts:
                    raise told from error
                wait = self.patience.first_wait * 2 ** (attempt - 1)
                self.patience.sleep(min(wait, self.patience.longest))
        raise AssertionError("a loop of at least one attempt")

    def _file_system(self) -> Any:
        if self._opened is None or self._opened[0] != os.getpid():
            import fsspec

            options = _with(_options(self.scheme, self.patience.stall), self.options)
            try:
                self._opened = (
                    os.getpid(),
                    fsspec.filesystem(self.scheme, skip_instance_cache=True, **options),
                )
            except (ValueError, ImportError) as error:
                raise BadInputError(
                    "there is no reader for addresses of this kind",
                    where=self.shown(),
                    expected="https://, s3:// or another that fsspec knows",
                    got=str(error),
                    remedy="install the package that this names, or copy the release here",
                ) from error
        return self._opened[1]

    def _told(self, name: str, error: Exception, attempts: int) -> Exception:
        if isinstance(error, BadInputError):
            return error
        where = self.shown(name)
        variable = AUTHORITIES_S3 if self.scheme in SCHEMES_S3 else AUTHORITIES
        told = https_error(error, where, variable)
        if told is not None:
            return told
        status = getattr(error, "status", None)
        tried = f"{_words(error)} ({attempts} attempt{'s' if attempts > 1 else ''})"
        if isinstance(error, FileNotFoundError):
            return NotThereError(
                "this file is not on the server",
                where=where,
                remedy="was the release copied there whole? `iea40k verify ADDRESS` names all that is missing",
            )
        if isinstance(error, _OtherLengthError):
            return wrong_bytes(where, error.data, str(error))
        if status in (401, 403, 407) or isinstance(error, PermissionError) or _lacks_keys(error):
            return RemoteError(
                "the server refuses to give this file",
                where=where,
                got=tried,
                remedy=_KEYS_S3 if self.scheme in SCHEMES_S3 else _KEYS_HTTP,
            )
        return RemoteError(
            "the server cannot be reached, or stops answering",
            where=where,
            got=tried,
            remedy="try again later: what has arrived is kept and not fetched again; "
            "`iea40k fetch release ADDRESS -o FOLDER` copies it once for all",
        )


class _OtherLengthError(Exception):
    def __init__(self, span: Span, data: bytes) -> None:
        super().__init__(f"asked for {span[1] - span[0]} bytes from {span[0]}, got {len(data)}")
        self.data = data
        self.may_pass = len(data) < span[1] - span[0] and not is_page(data)
        """Fewer bytes: a connection that ended early. More: a server without ranges, which stays one."""


def wrong_bytes(where: str, data: bytes, got: str) -> RemoteError:
    """Return the error for bytes that are not those of the file: a web page is named as what it is."""
    if is_page(data):
        return RemoteError(
            "the address gives a web page, not the file: perhaps one to log in",
            where=where,
            got=f"{data[:60]!r}",
            remedy="open the address in a browser; take the direct address of the folder, and log in by "
            "`storage_options` or a token in the address (?KEY=VALUE)",
        )
    return RemoteError(
        "the server gives other bytes than were asked for",
        where=where,
        got=got,
        remedy="a server must answer ranges of bytes (HTTP Range); where it does not, copy the release with "
        "`iea40k fetch release ADDRESS -o FOLDER`",
    )


def is_page(data: bytes) -> bool:
    """Return whether bytes begin as a web page does."""
    return data[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES)


_KEYS_S3 = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile; AWS_ENDPOINT_URL for a server that is not "
    "Amazon's; FSSPEC_S3_ANON=true for a public bucket"
)
_KEYS_HTTP = "log in by `storage_options` (headers, auth), or by a token in the address (?KEY=VALUE)"


def _require(scheme: str) -> None:
    require("fsspec", "remote")
    if scheme in _SCHEMES_HTTP:
        require("aiohttp", "remote")
    elif scheme in SCHEMES_S3:
        require("s3fs", "remote")


def _options(scheme: str, stall: float) -> dict[str, Any]:
    """Return options that give up a connection over which nothing comes; how long the whole takes is not bounded."""
    if scheme in _SCHEMES_HTTP:
        import aiohttp

        limits = aiohttp.ClientTimeout(total=None, sock_connect=min(stall, 20.0), sock_read=stall)
        # A range of a compressed answer would be no range of the file.
        options = {"client_kwargs": {"timeout": limits}, "headers": {"Accept-Encoding": "identity"}}
        return {**options, "ssl": authorities()} if scheme == "https" else options
    if scheme in SCHEMES_S3:
        return {"config_kwargs": {"connect_timeout": min(stall, 20.0), "read_timeout": stall}}
    return {}


def _with(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Return our options with theirs over them, one by one: headers to log in do not take ours away."""
    both = {
        name: {**value, **theirs[name]}
        for name, value in ours.items()
        if isinstance(value, dict) and isinstance(theirs.get(name), Mapping)
    }
    return {**ours, **theirs, **both}


def _may_pass(error: Exception) -> bool:
    """Return whether another attempt may succeed."""
    if isinstance(error, FileNotFoundError | PermissionError | BadInputError | TypeError | ValueError):
        return False
    if isinstance(error, _OtherLengthError):
        return error.may_pass
    if https_error(error, "") is not None:
        return False
    status = getattr(error, "status", None)
    if isinstance(status, int) and 400 <= status < 500:
        return status in _TRANSIENT
    return not _lacks_keys(error)


def _lacks_keys(error: Exception) -> bool:
    return type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError")


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:300] if text else type(error).__name__
