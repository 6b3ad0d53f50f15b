"""Download one file from a slow public server: resumable, verified before it gets its name, and polite.

A download that was cut off leaves `.NAME.part` and a note of which version of the file it belongs to; the next run asks
the server for the rest of that very version (`Range` with `If-Range`) and starts anew where the server has another.
"""

import email.utils
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from iea40k import __version__
from iea40k.errors import BadInputError, IEAError
from iea40k.files import disk_errors, fsync_folder, make_folders, sha256_file, write_atomic
from iea40k.texts import parse_json

USER_AGENT = f"iea40k/{__version__} (dataset builder; one request at a time)"
MOST_BYTES = 1 << 30
_BLOCK = 1 << 18
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504)


class DownloadError(IEAError):
    """A file could not be fetched. `gone` is True where asking again is pointless (404, a wrong content)."""

    gone = False


@dataclass(frozen=True)
class Patience:
    """How a server is treated: stops are in seconds. `longest` bounds what a `Retry-After` may ask for."""

    attempts: int = 5
    first_wait: float = 2.0
    longest: float = 300.0
    timeout: float = 60.0
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Fetched:
    """A file that has arrived: its length and sha256, and how many bytes an earlier run had already brought."""

    path: Path
    size: int
    sha256: str
    resumed_from: int = 0


def download(
    url: str,
    target: Path,
    *,
    check: Callable[[Path], object] | None = None,
    sha256: str | None = None,
    patience: Patience | None = None,
) -> Fetched:
    """Fetch `url` into `target`, which appears only when whole: length, `sha256` if given, and `check(path)`.

    Transient failures (timeouts, cut connections, 429 and 5xx) are tried again after a growing wait or the server's
    `Retry-After`. Raises `DownloadError` with what the server said; what has arrived stays for the next run.
    """
    patience = patience or Patience()
    part = target.with_name(f".{target.name}.part")
    with disk_errors(target):
        make_folders(target.parent)
    resumed_from = part.stat().st_size if part.is_file() else 0
    for attempt in range(1, patience.attempts + 1):
        try:
            _bring(url, part, patience.timeout)
            break
        except (OSError, http.client.HTTPException) as error:
            wait = _wait_after(error, attempt, patience)
            if wait is None or attempt == patience.attempts:
                raise _failed(url, error, attempt) from error
            patience.sleep(wait)
    return _accept(url, part, target, check, sha256, resumed_from)


def _bring(url: str, part: Path, timeout: float) -> None:
    """Bring the rest of `url` into `part` in one request; raises `OSError` kin for network and server failures."""
    note = part.with_name(part.name + ".json")
    have = part.stat().st_size if part.is_file() else 0
    version = _read_note(note) if have else ""
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if have and version:
        headers |= {"Range": f"bytes={have}-", "If-Range": version}
    request = urllib.request.Request(url, headers=headers)
    try:
        with _OPENER.open(request, timeout=timeout) as response:
            start = _start(response, have)
            expected = _expected(response, start, url)
            with disk_errors(part):
                write_atomic(note, json.dumps({"version": _version(response.headers)}))
                with part.open("r+b" if start else "wb") as stream:
                    stream.truncate(start)
                    stream.seek(start)
                    _copy(cast("IO[bytes]", response), stream, expected, url)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink(missing_ok=True)  # what is here is no beginning of what is there
            raise ConnectionError("the server does not have the range that was asked for") from error
        raise


def _copy(response: IO[bytes], stream: IO[bytes], expected: int | None, url: str) -> None:
    while block := response.read(_BLOCK):
        stream.write(block)
        if stream.tell() > MOST_BYTES:
            raise _wrong(url, f"at most {MOST_BYTES} bytes", "more")
    stream.flush()
    if expected is not None and stream.tell() != expected:
        raise ConnectionError(f"the connection ended at {stream.tell()} of {expected} bytes")


def _start(response: Any, have: int) -> int:
    if response.status != http.client.PARTIAL_CONTENT:
        return 0
    given = str(response.headers.get("Content-Range", ""))
    if not given.startswith(f"bytes {have}-"):
        raise ConnectionError(f"asked for bytes from {have}, got {given or 'no Content-Range'}")
    return have


def _expected(response: Any, start: int, url: str) -> int | None:
    length = response.headers.get("Content-Length")
    if length is None or not str(length).isdigit():
        return None
    if start + int(length) > MOST_BYTES:
        raise _wrong(url, f"at most {MOST_BYTES} bytes", f"{start + int(length)}")
    return start + int(length)


def _version(headers: Mapping[str, str]) -> str:
    etag = headers.get("ETag") or ""
    # A weak ETag may not be used with Range (RFC 9110, section 13.1.5).
    return (etag if etag and not etag.startswith("W/") else headers.get("Last-Modified")) or ""


def _read_note(note: Path) -> str:
    try:
        return str(parse_json(note.read_bytes())["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _accept(
    url: str,
    part: Path,
    target: Path,
    check: Callable[[Path], object] | None,
    sha256: str | None,
    resumed_from: int,
) -> Fetched:
    try:
        found = sha256_file(part)
        if sha256 is not None and found != sha256:
            raise _wrong(url, f"sha256 {sha256}", f"sha256 {found}")
        if check is not None:
            try:
                check(part)
            except IEAError as error:
                raise _wrong(url, error.expected or "", f"{error.what}; {error.got}") from error
    except DownloadError:
        _forget(part)
        raise
    size = part.stat().st_size
    with disk_errors(target):
        part.replace(target)
        fsync_folder(target.parent)
    _forget(part)
    return Fetched(target, size, found, min(resumed_from, size))


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    part.with_name(part.name + ".json").unlink(missing_ok=True)


def _wait_after(error: Exception, attempt: int, patience: Patience) -> float | None:
    """Return the seconds to wait before another attempt, None where another attempt is pointless."""
    wait: float = patience.first_wait * 2 ** (attempt - 1)
    if isinstance(error, urllib.error.HTTPError):
        if error.code not in _TRANSIENT:
            return None
        wait = max(wait, _retry_after(str(error.headers.get("Retry-After", ""))))
    return min(wait, patience.longest)


def _retry_after(value: str) -> float:
    if value.strip().isdigit():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return 0.0
    return moment.timestamp() - time.time()


def _failed(url: str, error: Exception, attempts: int) -> DownloadError:
    failure = DownloadError(
        "the file could not be fetched",
        where=url,
        got=f"{error} (after {attempts} attempt{'s' if attempts > 1 else ''})",
        remedy="run the same command again later: it goes on where it stopped",
    )
    failure.gone = isinstance(error, urllib.error.HTTPError) and error.code not in _TRANSIENT
    return failure


def _wrong(url: str, expected: str, got: str) -> DownloadError:
    failure = DownloadError(
        "the server gave something else than the file",
        where=url,
        expected=expected,
        got=got,
        remedy="open the address in a browser; what came was thrown away",
    )
    failure.gone = True
    return failure


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to anything else."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise _wrong(req.full_url, "a redirect that stays with https", newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_NoDowngrade)


def check_address(site: str) -> str:
    """Return a site's address with a closing slash; raises `BadInputError` unless it is http or https."""
    if not site.startswith(("http://", "https://")):
        raise BadInputError("not a web address", expected="http://… or https://…", got=site)
    return site.rstrip("/") + "/"
