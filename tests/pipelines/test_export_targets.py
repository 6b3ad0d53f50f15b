"""Exports that are stopped, that go to a server of the S3 protocol, and that go where nothing can be written."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iea40k.errors import AlreadyExistsError, BadInputError, CorruptDataError
from iea40k.store.layout import Store
from iea40k.store.release import Release, ReleaseOptions, write_release
from iea40k.store.remote.transport import Transport
from pipelines.cli.program import run
from pipelines.exports.exporting import export_release
from pipelines.exports.targets import Target
from pipelines.official.exporting import export_official
from tests.builders import built_scene
from tests.s3 import s3_server

FORMS: dict[str, Callable[..., Any]] = {
    "official": lambda release, out: export_official(release, out, size=32),
    "webdataset": lambda release, out: export_release(release, out, "webdataset", shard_mib=1),
    "huggingface": lambda release, out: export_release(release, out, "huggingface", shard_mib=1),
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Release:
    store = Store.create(tmp_path_factory.mktemp("published") / "store")
    for number in range(6):
        store.write_scene(built_scene(f"s{number}", height=150, width=200))
    return write_release(store, store.path.parent / "release", ReleaseOptions("1.0.0"))


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class StopError(Exception):
    pass


def stop_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Target.keep

    def keep(self: Target, name: str) -> None:
        nonlocal count
        count -= 1
        if count < 0:
            raise StopError
        kept(self, name)

    monkeypatch.setattr(Target, "keep", keep)


@pytest.mark.parametrize("form", FORMS)
def test_a_stopped_export_goes_on_and_is_the_same(
    form: str, published: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FORMS[form](published, tmp_path / "whole")
    with monkeypatch.context() as stopping:
        stop_after(2, stopping)
        with pytest.raises(StopError):
            FORMS[form](published, tmp_path / "stopped")
    assert not (tmp_path / "stopped").exists()
    first = tmp_path / ".stopped.partial"
    before = {p: p.stat().st_mtime_ns for p in first.rglob("*") if p.is_file() and p.name[0] != "."}
    noted = {line.split(" ", 2)[2] for line in (first / ".journal").read_text().splitlines()[1:]}
    assert len(noted) == 2
    FORMS[form](published, tmp_path / "stopped")
    assert files(tmp_path / "stopped") == files(tmp_path / "whole")
    for path, written in before.items():
        name = path.relative_to(first).as_posix()
        if name in noted:
            assert (tmp_path / "stopped" / name).stat().st_mtime_ns == written
    for line in (tmp_path / "stopped/SHA256SUMS").read_text().splitlines():
        sha, name = line.split("  ", 1)
        assert hashlib.sha256((tmp_path / "stopped" / name).read_bytes()).hexdigest() == sha
    listed = {line.split("  ", 1)[1] for line in (tmp_path / "stopped/SHA256SUMS").read_text().splitlines()}
    assert set(files(tmp_path / "stopped")) == listed | {"SHA256SUMS", "export.json"}


@pytest.mark.parametrize("form", ["official", "huggingface"])
def test_an_export_to_a_bucket_is_that_to_a_folder(
    form: str, published: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IEA40K_CACHE", str(tmp_path / "cache"))
    FORMS[form](published, tmp_path / "near")
    with s3_server(monkeypatch) as system:
        with monkeypatch.context() as stopping:
            stop_after(2, stopping)
            with pytest.raises(StopError):
                FORMS[form](published, "s3://bucket/far")
        assert not system.exists("bucket/far/export.json")
        sent: list[str] = []
        write = Transport.write
        monkeypatch.setattr(
            Transport, "write", lambda self, name, file: (sent.append(name), write(self, name, file))
        )
        FORMS[form](published, Path("s3://bucket/far"))
        system.invalidate_cache()
        far = {name.removeprefix("bucket/far/"): system.cat_file(name) for name in system.find("bucket/far")}
        assert far == files(tmp_path / "near")
        assert len(sent) == len(far) - 2
        assert sent[-1] == "export.json"
        assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
        with pytest.raises(AlreadyExistsError, match="export at this address"):
            FORMS[form](published, "s3://bucket/far")


def test_what_a_server_spoils_is_found(
    published: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IEA40K_CACHE", str(tmp_path / "cache"))
    with s3_server(monkeypatch) as system:
        read = Transport.read
        monkeypatch.setattr(Transport, "read", lambda self, name: read(self, name)[:-1])
        with pytest.raises(CorruptDataError, match="not what was sent"):
            FORMS["webdataset"](published, "s3://bucket/far")
        assert not system.exists("bucket/far/export.json")


def test_places_that_cannot_be_written_are_named(
    published: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IEA40K_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("iea40k.store.remote.transport.time.sleep", lambda _: None)
    with s3_server(monkeypatch), pytest.raises(BadInputError, match="no such bucket"):
        FORMS["webdataset"](published, "s3://elsewhere/far")
    from tests.web import served

    with served(tmp_path) as site:
        assert run(["export", str(published.path), f"{site.address}/x", "--format", "webdataset"]) == 2
    assert "a web address cannot be written" in capsys.readouterr().err
