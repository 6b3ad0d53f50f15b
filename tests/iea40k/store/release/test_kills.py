"""A release that is killed at any step publishes nothing but itself, and the same command goes on to the same bytes."""

import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from iea40k.errors import AlreadyExistsError, StoreError
from iea40k.store.layout import Store
from iea40k.store.release import ReleaseOptions, verify_release, write_release
from tests.builders import built_scene
from tests.killing import files_of, killed_at_each_step

EVERY = 1 if "TORTURE" in os.environ else 9
OPTIONS = ReleaseOptions("1.0.0", shard_bytes=16 * 16 * 9 * 2)


def release(folder: Path) -> None:
    there = (folder / "out").exists()
    try:
        write_release(Store.open(folder / "store"), folder / "out", OPTIONS)
    except AlreadyExistsError:
        assert there


class StoppedError(Exception):
    """Raised where the arrays are written and what follows them is not."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    store = Store.create(folder / "store")
    for name in ("a", "b"):
        store.write_scene(built_scene(name, height=16, width=16, evs=(-1.0, 0.0), uncertainty=name == "a"))
    return folder


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
@pytest.mark.parametrize(("arrays_done", "every", "kills"), [(True, EVERY, 15), (False, 3 * EVERY, 5)])
def test_a_release_killed_at_any_step_goes_on_to_the_same_bytes(
    template: Path, tmp_path: Path, arrays_done: bool, every: int, kills: int
) -> None:
    shutil.copytree(template, tmp_path / "whole")
    release(tmp_path / "whole")
    assert verify_release(tmp_path / "whole" / "out") == []
    expected = files_of(tmp_path / "whole")
    start = tmp_path / "start"
    shutil.copytree(template, start)
    if arrays_done:

        def stop(done: int, total: int, what: str) -> None:
            if done == total:
                raise StoppedError

        with pytest.raises(StoppedError):
            write_release(Store.open(start / "store"), start / "out", OPTIONS, progress=stop)
    steps = 0
    for told in killed_at_each_step(f"{__name__}:release", start, tmp_path / "scratch", every):
        assert told.get("error") is None, told
        assert told["files"] == expected, (told["step"], told["killed_before"])
        steps += told["killed_before"] is not None
    assert steps >= kills


def test_what_is_not_ours_is_neither_published_nor_removed(template: Path, tmp_path: Path) -> None:
    shutil.copytree(template, tmp_path / "work")
    store, out = Store.open(tmp_path / "work" / "store"), tmp_path / "work" / "out"
    partial = out.parent / ".out.partial"

    def put(done: int, total: int, what: str) -> None:
        (partial / "tables").mkdir(exist_ok=True)
        (partial / "tables" / "notes.txt").write_text("mine")

    with pytest.raises(StoreError, match="not of the release") as caught:
        write_release(store, out, OPTIONS, progress=put)
    assert str(caught.value.where).endswith("notes.txt")
    assert not out.exists()
    assert (partial / "tables" / "notes.txt").read_text() == "mine"
    (partial / "tables" / "notes.txt").unlink()
    assert verify_release(write_release(store, out, OPTIONS).path) == []


@pytest.mark.parametrize(
    "name", [".README-0a1b2c3d.md", "tables/.images-abcdefgh.parquet", "SHA256SUMS.bak", "more/x"]
)
def test_junk_that_the_checksums_list_is_found(template: Path, tmp_path: Path, name: str) -> None:
    """What releases of earlier versions published after a kill: junk with a checksum of its own."""
    out = write_release(
        Store.open(template / "store"), tmp_path / "out", replace(OPTIONS, version="2.0.0")
    ).path
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).write_bytes(b"half a table")
    with (out / "SHA256SUMS").open("a") as stream:
        stream.write(f"{hashlib.sha256(b'half a table').hexdigest()}  {name}\n")
    found = "\n".join(str(problem) for problem in verify_release(out))
    assert "does not belong to the release" in found
    assert name.partition("/")[0] in found
