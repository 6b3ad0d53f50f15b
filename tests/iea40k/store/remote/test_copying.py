"""Whole copies of releases: every byte, or the files that are wrong by name; a stopped copy goes on."""

from pathlib import Path

import pytest

from iea40k.errors import AlreadyExistsError, RemoteError
from iea40k.store.release import Release, verify_release
from iea40k.store.remote import copying
from iea40k.store.remote.copying import copy_release
from tests.iea40k.store.remote.conftest import shards
from tests.web import Site


def test_a_copy_is_the_release(site: Site, published: Release, tmp_path: Path) -> None:
    report = copy_release(site.address, tmp_path / "copy")
    assert not report.problems
    files = {p.relative_to(published.path) for p in published.path.rglob("*") if p.is_file()}
    copied = {p.relative_to(tmp_path / "copy") for p in (tmp_path / "copy").rglob("*") if p.is_file()}
    assert copied == files
    assert all(
        (tmp_path / "copy" / name).read_bytes() == (published.path / name).read_bytes() for name in files
    )
    assert verify_release(tmp_path / "copy") == []
    assert [p.name for p in tmp_path.iterdir()] == ["copy"]
    with pytest.raises(AlreadyExistsError):
        copy_release(site.address, tmp_path / "copy")


def test_a_stopped_copy_goes_on_in_the_middle_of_a_file(
    site: Site, published: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BLOCK", 20_000)
    largest = max(shards(published), key=lambda name: (published.path / name).stat().st_size)
    size = (published.path / largest).stat().st_size
    assert size > 100_000
    asked: list[str] = []

    def dies(path: str) -> int:
        asked.extend([path] * (path == largest))
        return 403 if len(asked) > 4 else 200

    site.status = dies
    with pytest.raises(RemoteError):
        copy_release(site.address, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    site.status = lambda _path: 200
    site.asked.clear()
    report = copy_release(site.address, tmp_path / "copy")
    assert report.present > 0
    assert not report.problems
    starts = [
        int(spans.split("=")[1].split("-")[0]) for path, spans in site.asked if path == largest and spans
    ]
    assert min(starts) >= 40_000
    assert verify_release(tmp_path / "copy") == []


def test_wrong_files_are_all_named_and_the_others_kept(
    site: Site, published: Release, tmp_path: Path
) -> None:
    spoilt, missing = shards(published)[0], shards(published)[-1]
    site.spoilt[spoilt] = lambda data: data[:-1] + bytes([data[-1] ^ 1])
    site.status = lambda path: 404 if path == missing else 200
    report = copy_release(site.address, tmp_path / "copy")
    told = "\n".join(map(str, report.problems))
    assert len(report.problems) == 2
    assert spoilt in told
    assert missing in told
    assert not (tmp_path / "copy").exists()
    site.spoilt.clear()
    site.status = lambda _path: 200
    again = copy_release(site.address, tmp_path / "copy")
    assert again.fetched == 2
    assert verify_release(tmp_path / "copy") == []


def test_a_page_in_the_place_of_a_file_is_named(site: Site, published: Release, tmp_path: Path) -> None:
    site.page = lambda path: path == shards(published)[0]
    with pytest.raises(RemoteError, match="gives a web page"):
        copy_release(site.address, tmp_path / "copy")
