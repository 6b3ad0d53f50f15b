"""Releases on servers as people type them: verify, report, train, evaluate, export and fetch by an address."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from iea40k.store.layout import Store
from iea40k.store.release import Release, ReleaseOptions, write_release
from iea40k.store.remote import transport
from pipelines.cli.program import run
from tests.builders import built_scene
from tests.web import Site, served


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Release:
    store = Store.create(tmp_path_factory.mktemp("published") / "store")
    for number in range(12):
        store.write_scene(built_scene(f"s{number}", height=140, width=140))
    return write_release(store, store.path.parent / "release", ReleaseOptions("1.0.0"))


@pytest.fixture
def site(published: Release, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    monkeypatch.setenv("IEA40K_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(transport.time, "sleep", lambda _seconds: None)
    with served(published.path) as opened:
        yield opened


def test_verify_finds_an_address_sound(
    site: Site, published: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", site.address, "--root", published.root]) == 0
    said = capsys.readouterr().err
    assert f"{site.address}: this release is sound" in said
    assert "the one that was noted" in said


def test_verify_names_what_a_server_spoils(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    name = "arrays/140x140/residual/c/0/0/0"
    site.spoilt[name] = lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:]
    assert run(["verify", site.address, "--json"]) == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem["where"] == f"{site.address}/{name}"


def test_verify_tells_a_forged_release_at_an_address(
    site: Site, published: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", site.address, "--root", "0" * 64, "--json"]) == 1
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert problems[0]["where"] == f"{site.address}/release.json"


def test_report_of_an_address_is_that_of_the_folder(site: Site, published: Release, tmp_path: Path) -> None:
    assert run(["report", site.address, "-o", str(tmp_path / "far.html")]) == 0
    assert run(["report", str(published.path), "-o", str(tmp_path / "near.html")]) == 0
    assert (tmp_path / "far.html").read_bytes() == (tmp_path / "near.html").read_bytes()


@pytest.mark.slow
def test_training_and_evaluation_by_an_address_are_those_of_the_folder(
    site: Site, published: Release, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    site.drop = lambda _path: len(site.asked) % 5 == 0
    found = {}
    for name, place in (("far", site.address), ("near", str(published.path))):
        settings = ["max_steps=3", "optimizer.warmup_steps=1", "data.size=64", "batch=4"]
        options = [word for setting in settings for word in ("--set", setting)]
        assert run(["train", place, "--out", str(tmp_path / name), "--model", "curve_net", *options]) == 0
        capsys.readouterr()
        assert run(["evaluate", str(tmp_path / name / "best.safetensors"), place, "--json"]) == 0
        found[name] = json.loads(capsys.readouterr().out)
        del found[name]["weights"]
    assert found["far"] == found["near"]
    assert len(site.asked) > 10


def test_fetch_release_copies_it(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fetch", "release", site.address, "-o", str(tmp_path / "copy")]) == 0
    assert run(["verify", str(tmp_path / "copy")]) == 0
    assert "files fetched" in capsys.readouterr().err


def test_export_reads_an_address(site: Site, published: Release, tmp_path: Path) -> None:
    for name, place in (("far", site.address), ("near", str(published.path))):
        assert run(["export", place, str(tmp_path / name), "--format", "webdataset"]) == 0
    sums = [(tmp_path / name / "SHA256SUMS").read_bytes() for name in ("far", "near")]
    assert sums[0] == sums[1]


def test_no_release_at_an_address_is_wrong_use(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["verify"], ["report", "-o", "page.html"], ["diff", site.address]):
        assert run([*command, f"{site.address}/elsewhere"]) == 2
        assert "there is no release at this address" in capsys.readouterr().err


def test_defaults_may_name_an_address(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("iea40k.toml").write_text(f'release = "{site.address}"\n')
    assert run(["export", "--format", "webdataset", site.address, "out"]) == 0


def test_without_the_extra_it_is_named(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from iea40k import extras

    def find_spec(name: str) -> object:
        return None if name == "aiohttp" else object()

    monkeypatch.setattr(extras, "find_spec", find_spec)
    assert run(["verify", site.address]) == 2
    said = capsys.readouterr().err
    assert "needs aiohttp" in said
    assert "[remote]" in said
