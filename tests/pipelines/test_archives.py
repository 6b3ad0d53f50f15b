import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from iea40k.errors import BadInputError, StoreError
from pipelines import archives
from pipelines.archives import is_archive, unpack


def make_zip(file: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, data in members.items():
            pack.writestr(name, data)
    return file


def make_tar(file: Path, members: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(file, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.type, info.size = kind, len(data) if kind == tarfile.REGTYPE else 0
            info.linkname = "/etc/passwd"
            tar.addfile(info, io.BytesIO(data))
    return file


def files_below(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_wanted_members_arrive_byte_for_byte(tmp_path: Path, make) -> None:
    members = {"a/b.dng": b"x" * 3_000_000, "a/c (1).tif": b"", "d.txt": b"no"}
    archive = make(tmp_path / "pack", members)
    assert is_archive(archive)
    found = unpack(archive, tmp_path / "out", lambda name: not name.endswith(".txt"))
    assert files_below(tmp_path / "out") == ["a/b.dng", "a/c (1).tif"]
    assert found[0].read_bytes() == members["a/b.dng"]


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/evil", "C:/evil", "C:\\evil", "a\\..\\..\\evil", "../dir/"]
)
def test_escaping_members_are_refused_before_anything_is_written(tmp_path: Path, make, name: str) -> None:
    archive = make(tmp_path / "pack", {"good": b"1", name: b""})
    with pytest.raises(BadInputError, match="leaves the folder"):
        unpack(archive, tmp_path / "out", lambda member: member == "good")
    assert not files_below(tmp_path / "out")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    archive = make_tar(tmp_path / "pack.tar", {"a": b""}, kind)
    with pytest.raises(BadInputError, match="link or a device"):
        unpack(archive, tmp_path / "out")


def test_a_symlink_in_a_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as pack:
        pack.writestr(info, "/etc/passwd")
    with pytest.raises(BadInputError, match="link or a device"):
        unpack(tmp_path / "pack.zip", tmp_path / "out")


def test_names_that_differ_by_case_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="twice"):
        unpack(make_zip(tmp_path / "pack.zip", {"a.png": b"1", "A.png": b"2"}), tmp_path / "out")


def test_a_bomb_is_refused_by_its_own_declaration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make_zip(tmp_path / "pack.zip", {"a": b"\0" * 5_000_000})
    usage = archives.shutil.disk_usage(tmp_path)._replace(free=4_000_000)
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StoreError, match="no room"):
        unpack(archive, tmp_path / "out")
    assert not files_below(tmp_path / "out")


def test_an_existing_link_below_the_target_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInputError, match="leaves the folder"):
        unpack(make_zip(tmp_path / "pack.zip", {"a/b": b"1"}), tmp_path / "out")
    assert not files_below(tmp_path / "elsewhere")


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_cut_archive_is_refused(tmp_path: Path, make) -> None:
    archive = make(tmp_path / "pack", {"a": bytes(range(256)) * 4000, "b": b"2"})
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(BadInputError, match="cannot be read"):
        unpack(archive, tmp_path / "out")
    assert not files_below(tmp_path / "out")


def test_a_second_run_writes_only_what_is_not_there(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "pack.zip", {"a": b"11", "b": b"22"})
    first, _ = unpack(archive, tmp_path / "out")
    (tmp_path / "out" / "b").unlink()
    before = first.stat().st_mtime_ns
    unpack(archive, tmp_path / "out")
    assert first.stat().st_mtime_ns == before
    assert files_below(tmp_path / "out") == ["a", "b"]
