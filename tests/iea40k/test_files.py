"""Files that are written whole or not at all: what killed and living writers leave beside them."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from iea40k.errors import CorruptDataError
from iea40k.files import make_folders, read_plain_file, write_atomic, write_file_with
from iea40k.temporaries import clear_temporaries

ROOT = Path(__file__).parents[2]
SLOW = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from iea40k.files import write_file_with

def fill(path):
    path.write_text("half")
    print("writing", flush=True)
    time.sleep(60)

write_file_with(Path(sys.argv[1]), fill)
"""


def start_slow_writer(path: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_a_killed_writer_left_is_gone_after_the_next_write(tmp_path: Path) -> None:
    for name in ("run.json", "checkpoint.pt", "no_suffix"):
        process = start_slow_writer(tmp_path / name)
        process.kill()
        process.communicate()
        assert names(tmp_path) != [name]
        write_atomic(tmp_path / name, "whole")
        assert names(tmp_path) == [name]
        assert (tmp_path / name).read_text() == "whole"
        (tmp_path / name).unlink()


def test_a_living_writer_keeps_its_file_while_others_write_and_clear_up(tmp_path: Path) -> None:
    process = start_slow_writer(tmp_path / "a.json")
    try:
        (living,) = names(tmp_path)
        write_atomic(tmp_path / "a.json", "mine")
        assert clear_temporaries(tmp_path) == 0
        assert names(tmp_path) == sorted([living, "a.json"])
        assert (tmp_path / living).read_text() == "half"
    finally:
        process.kill()
        process.communicate()
    assert clear_temporaries(tmp_path) == 1
    assert names(tmp_path) == ["a.json"]


def test_clearing_up_takes_temporaries_only(tmp_path: Path) -> None:
    kept = (".hidden.json", ".a-notes.txt", "a.writing.json", ".x.writing.d")
    for name in kept[:3]:
        (tmp_path / name).write_text("")
    (tmp_path / kept[3]).mkdir()
    (tmp_path / ".a.writing.json").write_text("")
    (tmp_path / ".a.writing-0123abcd.json").write_text("")
    assert clear_temporaries(tmp_path) == 2
    assert names(tmp_path) == sorted(kept)
    assert clear_temporaries(tmp_path / "absent") == 0


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are a thing of POSIX systems")
@pytest.mark.parametrize("kind", ["pipe", "folder", "link"])
def test_something_else_under_the_temporary_name_is_left_alone(tmp_path: Path, kind: str) -> None:
    name = tmp_path / ".a.writing.json"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("theirs")
    {"pipe": os.mkfifo, "folder": os.mkdir, "link": lambda path: path.symlink_to(elsewhere)}[kind](name)
    write_atomic(tmp_path / "a.json", "mine")
    assert (tmp_path / "a.json").read_text() == "mine"
    assert elsewhere.read_text() == "theirs"
    assert names(tmp_path) == sorted([name.name, "a.json", "elsewhere"])


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fill(path: Path) -> None:
        path.write_text("half")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        write_file_with(tmp_path / "a.json", fill)
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are a thing of POSIX systems")
def test_pipes_and_devices_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("12345")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_plain_file(tmp_path / "file") == b"12345"
    start = time.monotonic()
    assert read_plain_file(tmp_path / "link") == b"12345"
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(CorruptDataError, match="not a plain file"):
            read_plain_file(path)
    with pytest.raises(CorruptDataError, match="too large"):
        read_plain_file(tmp_path / "file", limit=4)
    assert time.monotonic() - start < 30


def test_new_folders_are_flushed_each_in_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[Path] = []
    monkeypatch.setattr("iea40k.files.fsync_folder", flushed.append)
    make_folders(tmp_path / "a" / "b" / "c")
    assert flushed == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    make_folders(tmp_path / "a" / "b" / "c")
    assert len(flushed) == 3


def test_threads_that_write_one_file_at_once_leave_each_other_alone(tmp_path: Path) -> None:
    path = tmp_path / "place.json"

    def write(number: int) -> None:
        for turn in range(60):
            write_atomic(path, f"{number} {turn}\n" * 50)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(write, number) for number in range(4)]:
            done.result()
    lines = path.read_text().splitlines()
    assert len(lines) == 50
    assert len(set(lines)) == 1
    assert names(tmp_path) == ["place.json"]
