"""A web server on localhost that serves a folder, ranges too, by http or https; drops, stalls, lies on demand."""

import contextlib
import http.server
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

PAGE = b"<!DOCTYPE html><html><title>Log in</title><form>password</form></html>"


@dataclass
class Site:
    """What is served, and how badly.

    `sent` counts the bytes of bodies, `asked` has each request's path and range, `headers` those of the last request.
    """

    folder: Path
    address: str = ""
    ranges: bool = True
    drop: Callable[[str], bool] = lambda _path: False
    """Whether this request's connection is cut in the middle of the answer."""
    slow: float = 0.0
    """Seconds before every 8 KiB."""
    silent: Callable[[str], bool] = lambda _path: False
    """Whether nothing comes after the headers."""
    status: Callable[[str], int] = lambda _path: 200
    page: Callable[[str], bool] = lambda _path: False
    """Whether a page to log in comes instead, as if it were the file."""
    spoilt: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)
    sent: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextlib.contextmanager
def served(folder: Path, tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Serve a folder at `site.address` until the block ends; by https where there is a certificate for it in `tls`."""
    site = Site(folder)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, *, body: bool) -> None:
            path = self.path.partition("?")[0].lstrip("/")
            asked = self.headers.get("Range") or ""
            with site.lock:
                site.asked.append((path, asked))
                site.headers = dict(self.headers)
            status, data = site.status(path), b""
            file = folder / path
            if site.page(path):
                data = PAGE
                asked = ""
            elif status == 200 and not file.is_file():
                status = 404
            elif status == 200:
                data = file.read_bytes()
                if path in site.spoilt:
                    data = site.spoilt[path](data)
            if status == 200 and asked and site.ranges:
                found = re.fullmatch(r"bytes=(\d*)-(\d*)", asked)
                assert found is not None
                start = len(data) - int(found[2]) if not found[1] else int(found[1])
                end = int(found[2]) + 1 if found[1] and found[2] else len(data)
                total = len(data)
                data = data[max(start, 0) : end]
                status = 206
            self.send_response(status)
            if status == 206:
                self.send_header("Content-Range", f"bytes {start}-{start + len(data) - 1}/{total}")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if body:
                self.give(path, data)

        def give(self, path: str, data: bytes) -> None:
            if site.silent(path):
                self.close_connection = True
                time.sleep(2)
                return
            if site.drop(path):
                data, self.close_connection = data[: len(data) // 2], True
            with contextlib.suppress(OSError):
                for start in range(0, len(data), 8192):
                    if site.slow:
                        time.sleep(site.slow)
                    self.wfile.write(data[start : start + 8192])
                    with site.lock:
                        site.sent += len(data[start : start + 8192])

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    # A client that does not trust the certificate ends the connection: its own message is what is tested.
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if tls is not None:
        # In the thread of the connection, so that a client that never greets holds up nobody.
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    site.address = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
