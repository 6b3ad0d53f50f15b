import contextlib
import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from iea40k.errors import BadInputError, StoreError
from iea40k.store.locks import FileLock
from pipelines.cli.program import run
from pipelines.download import DownloadError, Patience, download
from pipelines.fivek_fetch import choose, fetch, parse_experts, plan, read_record
from pipelines.fivek_metadata import Photo
from tests.pipelines.fivek_tree import IDS, write_photo

PHOTOS = {name: Photo(name, "Adobe") for name in IDS}


@dataclass
class Site:
    """A server that can be told to misbehave, and remembers every request."""

    files: dict[str, bytes] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)  # path -> the next answer ends after so many bytes
    answers: list[tuple[int, dict[str, str]]] = field(
        default_factory=list
    )  # the next answers, before any file
    etag: str = '"v1"'
    ranges: bool = True
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    open_now: int = 0
    most_open: int = 0
    address: str = ""

    def paths(self) -> list[str]:
        return [path for path, _ in self.seen]


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(self.path).lstrip("/")
            site.seen.append((path, dict(self.headers)))
            site.open_now += 1
            site.most_open = max(site.most_open, site.open_now)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.answer(path)
            site.open_now -= 1

        def answer(self, path: str) -> None:
            if site.answers:
                code, headers = site.answers.pop(0)
                self.head(code, headers)
                return
            data = site.files.get(path)
            if data is None:
                self.head(404, {})
                return
            start = 0
            asked = self.headers.get("Range", "")
            if site.ranges and asked and self.headers.get("If-Range") == site.etag:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                if start >= len(data):
                    self.head(416, {})
                    return
            headers = {"Content-Length": str(len(data) - start), "ETag": site.etag}
            if start:
                headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self.head(206 if start else 200, headers)
            self.wfile.write(data[start : start + site.cut.pop(path, len(data))])

        def head(self, code: int, headers: dict[str, str]) -> None:
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_port}/"
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def patience(waits: list[float]) -> Patience:
    return Patience(attempts=4, first_wait=2.0, longest=100.0, timeout=10.0, sleep=waits.append)


@pytest.fixture
def photo(tmp_path: Path, site: Site) -> Path:
    """A DNG and its retouch by C on the server; returns the folder where the originals lie."""
    write_photo(tmp_path / "origin", IDS[2], "C")
    site.files[f"img/dng/{IDS[2]}.dng"] = (tmp_path / f"origin/raw/Canon_EOS_5D/{IDS[2]}.dng").read_bytes()
    site.files[f"img/tiff16_c/{IDS[2]}.tif"] = (
        tmp_path / f"origin/processed/tiff16_c/{IDS[2]}.tif"
    ).read_bytes()
    site.files["legal/filesAdobe.txt"] = f"{IDS[0]}\n".encode()
    site.files["legal/filesAdobeMIT.txt"] = f"{IDS[2]}\n".encode()
    site.files["legal/LicenseAdobe.txt"] = site.files["legal/LicenseAdobeMIT.txt"] = b"research only"
    return tmp_path / "origin"


DATA = bytes(range(256)) * 4000


def test_a_file_arrives_whole_under_a_name_of_its_own(site: Site, tmp_path: Path, patience: Patience) -> None:
    site.files["a b.bin"] = DATA
    got = download(site.address + "a%20b.bin", tmp_path / "x.bin", patience=patience)
    assert (tmp_path / "x.bin").read_bytes() == DATA
    assert (got.size, got.sha256) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    assert [p.name for p in tmp_path.iterdir()] == ["x.bin"]
    assert site.seen[0][1]["User-Agent"].startswith("iea40k/")


def test_a_cut_connection_goes_on_where_it_stopped(
    site: Site, tmp_path: Path, patience: Patience, waits: list[float]
) -> None:
    site.files["a"], site.cut["a"] = DATA, 600_000
    download(site.address + "a", tmp_path / "a", patience=patience)
    assert (tmp_path / "a").read_bytes() == DATA
    assert site.seen[1][1]["Range"] == "bytes=600000-"
    assert waits == [2.0]


def test_the_next_run_goes_on_too_and_asks_for_the_same_version(
    site: Site, tmp_path: Path, waits: list[float]
) -> None:
    site.files["a"], site.cut["a"] = DATA, 600_000
    impatient = Patience(attempts=1, sleep=waits.append)
    with pytest.raises(DownloadError, match="goes on where it stopped"):
        download(site.address + "a", tmp_path / "a", patience=impatient)
    assert not (tmp_path / "a").exists()
    got = download(site.address + "a", tmp_path / "a", patience=impatient)
    assert got.resumed_from == 600_000
    assert site.seen[1][1]["If-Range"] == '"v1"'
    assert (tmp_path / "a").read_bytes() == DATA


@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_that_changed_on_the_server_is_never_a_mixture(
    site: Site, tmp_path: Path, ranges: bool
) -> None:
    site.files["a"], site.cut["a"] = DATA, 600_000
    with pytest.raises(DownloadError):
        download(site.address + "a", tmp_path / "a", patience=Patience(attempts=1))
    site.files["a"], site.etag, site.ranges = DATA[::-1], '"v2"', ranges
    download(site.address + "a", tmp_path / "a", patience=Patience(attempts=1))
    assert (tmp_path / "a").read_bytes() == DATA[::-1]


def test_a_rest_longer_than_the_file_starts_anew(site: Site, tmp_path: Path, patience: Patience) -> None:
    site.files["a"] = DATA
    (tmp_path / ".a.part").write_bytes(DATA + b"too much")
    (tmp_path / ".a.part.json").write_text('{"version": "\\"v1\\""}')
    download(site.address + "a", tmp_path / "a", patience=patience)
    assert (tmp_path / "a").read_bytes() == DATA


def test_a_busy_server_is_given_the_time_it_asks_for(
    site: Site, tmp_path: Path, patience: Patience, waits: list[float]
) -> None:
    soon = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 40))
    site.files["a"] = DATA
    site.answers = [
        (429, {"Retry-After": "30"}),
        (503, {"Retry-After": soon}),
        (503, {"Retry-After": "86400"}),
    ]
    download(site.address + "a", tmp_path / "a", patience=patience)
    assert waits[0] == 30
    assert 35 < waits[1] <= 40
    assert waits[2] == 100  # never longer than we are ready to wait


def test_absent_files_are_not_asked_for_again(site: Site, tmp_path: Path, patience: Patience) -> None:
    with pytest.raises(DownloadError, match="404") as caught:
        download(site.address + "none", tmp_path / "a", patience=patience)
    assert caught.value.gone
    assert len(site.seen) == 1


def test_wrong_content_is_thrown_away(site: Site, tmp_path: Path, patience: Patience) -> None:
    site.files["a"] = b"<html>Sorry</html>"
    with pytest.raises(DownloadError, match="something else"):
        download(site.address + "a", tmp_path / "a", sha256="0" * 64, patience=patience)
    assert not list(tmp_path.iterdir())


def test_photos_arrive_verified_and_a_second_run_asks_for_nothing(
    site: Site, photo: Path, tmp_path: Path, patience: Patience, waits: list[float]
) -> None:
    root = tmp_path / "root"
    wanted = plan([PHOTOS[IDS[2]]], ("C",))
    report = fetch(wanted, root, site=site.address, pause=1.5, patience=patience)
    assert report.fetched == [f"raw/dng/{IDS[2]}.dng", f"processed/tiff16_c/{IDS[2]}.tif"]
    assert waits == [1.5]
    assert site.most_open == 1
    for path in report.fetched:
        assert (
            read_record(root / "fetched.csv")[path] == hashlib.sha256((root / path).read_bytes()).hexdigest()
        )
    requests = len(site.seen)
    again = fetch(wanted, root, site=site.address, patience=patience)
    assert again.present == report.fetched
    assert len(site.seen) == requests


def test_an_error_page_in_place_of_a_dng_is_one_failure(
    site: Site, photo: Path, tmp_path: Path, patience: Patience
) -> None:
    site.files[f"img/dng/{IDS[2]}.dng"] = b"<html>moved</html>"
    report = fetch(plan([PHOTOS[IDS[2]]], ("C",)), tmp_path / "root", site=site.address, patience=patience)
    assert list(report.failures) == [f"raw/dng/{IDS[2]}.dng"]
    assert len(report.fetched) == 1


def test_a_server_that_is_down_is_left_alone(tmp_path: Path, site: Site, waits: list[float]) -> None:
    site.answers = [(503, {})] * 100
    wanted = plan(PHOTOS.values(), ("A", "B"))
    report = fetch(
        wanted, tmp_path / "r", site=site.address, patience=Patience(attempts=2, sleep=waits.append)
    )
    assert len(report.failures) == 3
    assert report.untried == len(wanted) - 3
    assert len(site.seen) == 6


def test_two_fetches_into_one_folder(tmp_path: Path, site: Site) -> None:
    (tmp_path / "r").mkdir()
    lock = FileLock(tmp_path / "r" / ".fetching.lock")
    assert lock.acquire()
    with pytest.raises(StoreError, match="another fetch"):
        fetch([], tmp_path / "r", site=site.address)
    lock.release()


def test_ids() -> None:
    assert [p.number for p in choose(PHOTOS, "1384, 1")] == [1, 1384]
    assert [p.number for p in choose(PHOTOS, "1-1")] == [1]
    assert [p.number for p in choose(PHOTOS, IDS[2])] == [4125]
    assert len(choose(PHOTOS, None)) == 3
    for wrong in ("2", "x", "", "5-1", "1-9", "../1", "a0001-other"):
        with pytest.raises(BadInputError):
            choose(PHOTOS, wrong)


def test_experts() -> None:
    assert parse_experts("a,C") == ("A", "C")
    assert parse_experts("none") == ()
    with pytest.raises(BadInputError, match="no such expert"):
        parse_experts("CX")


def test_the_command_brings_lists_photo_and_manifest(site: Site, photo: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    command = ["fetch", "fivek", "-o", str(root), "--site", site.address, "--pause", "0", "--ids", "4125"]
    assert run(command) == 0
    assert (root / "legal" / "LicenseAdobeMIT.txt").is_file()
    assert run([*command, "--verify"]) == 0
    assert run(["manifest", "fivek", str(root), "-o", str(root / "fivek.csv")]) == 0
    assert "AdobeMIT" in (root / "fivek.csv").read_text()
    dng = root / f"raw/dng/{IDS[2]}.dng"
    data = bytearray(dng.read_bytes())
    data[len(data) // 2] ^= 1
    dng.write_bytes(data)
    assert run([*command, "--verify"]) == 1
    assert (
        run(["fetch", "fivek", "-o", str(root), "--site", "ftp://x", "--ids", "4125", "--experts", "A"]) == 2
    )


def test_dngs_come_out_of_the_official_archive(site: Site, tmp_path: Path) -> None:
    import tarfile

    write_photo(tmp_path / "t", IDS[0], "", official=True)
    (tmp_path / "t/fivek_dataset/filesAdobe.txt").write_text(f"{IDS[0]}\n{IDS[1]}\n")
    with tarfile.open(tmp_path / "fivek_dataset.tar", "w") as tar:
        tar.add(tmp_path / "t" / "fivek_dataset", "fivek_dataset")
    command = [
        "fetch",
        "fivek",
        "-o",
        str(tmp_path / "root"),
        "--archive",
        str(tmp_path / "fivek_dataset.tar"),
    ]
    assert run([*command, "--site", site.address, "--ids", "1", "--experts", "none"]) == 0
    assert not site.seen
    assert (tmp_path / f"root/fivek_dataset/raw_photos/HQa1to700/photos/{IDS[0]}.dng").is_file()
