"""Leftovers of the dead go, work of the living stays."""

import subprocess
import sys
from pathlib import Path

import pytest

from iea40k.store.locks import FileLock, clear_leftovers, workspace, workspace_beside

HOLDER = """
import sys
from pathlib import Path
from iea40k.store.locks import workspace, workspace_beside
with workspace(Path(sys.argv[1])) as folder:
    (folder / "half.bin").write_bytes(b"x" * 100)
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.folder = Path(process.stdout.readline().strip())
    yield process
    process.kill()
    process.communicate()


def test_a_workspace_vanishes_with_its_lock(tmp_path: Path) -> None:
    with workspace(tmp_path) as folder:
        (folder / "a").mkdir()
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_living_process_keeps_its_workspace(tmp_path: Path, holder) -> None:
    assert clear_leftovers(tmp_path) == 0
    assert (holder.folder / "half.bin").exists()


def test_a_killed_process_leaves_what_is_then_cleared(tmp_path: Path, holder) -> None:
    holder.kill()
    holder.wait()
    assert (holder.folder / "half.bin").exists(), "the kill must really have left something"
    assert clear_leftovers(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_lock_is_a_leftover(tmp_path: Path) -> None:
    (tmp_path / "orphan").mkdir()
    assert clear_leftovers(tmp_path) == 1
    assert not (tmp_path / "orphan").exists()


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "x.lock"), FileLock(tmp_path / "x.lock")
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert not (tmp_path / "x.lock").exists()
    assert second.acquire()
    second.release()


def test_what_a_dead_maker_left_beside_is_removed_by_the_next(tmp_path: Path) -> None:
    out = tmp_path / "export"
    left = tmp_path / ".export.work" / "0123456789abcdef"
    left.mkdir(parents=True)
    (left / "half.bin").write_bytes(b"x")
    with workspace_beside(out) as folder:
        assert folder.parent == tmp_path / ".export.work"
        assert not left.exists()
    assert list(tmp_path.iterdir()) == []
