import sys
import time
from pathlib import Path

import pytest

from iea40k.errors import LimitError
from iea40k.isolation import Isolated, Limits
from tests.iea40k import faulty


@pytest.fixture
def isolated():
    with Isolated(Limits(seconds=3, memory=2 << 30)) as opened:
        yield opened


def test_one_process_answers_call_after_call(isolated):
    value, first = isolated(faulty.echo, {"a": 1})
    assert value == {"a": 1}
    with pytest.raises(ValueError, match="no"):
        isolated(faulty.refuse)
    assert isolated(faulty.chatter) == 5
    assert isolated(faulty.echo, 2) == (2, first)


def test_an_endless_loop_costs_its_call(isolated):
    start = time.monotonic()
    with pytest.raises(LimitError, match="at most 3 seconds"):
        isolated(faulty.hang)
    assert time.monotonic() - start < 30
    assert isolated(faulty.echo, 1)[0] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_a_crash_costs_its_call(isolated):
    with pytest.raises(LimitError, match="SIGSEGV"):
        isolated(faulty.crash)
    assert isolated(faulty.echo, 1)[0] == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the system imposes no limit of memory")
def test_an_explosion_of_memory_costs_its_call(isolated):
    with pytest.raises(LimitError, match=r"at most 2\.1 GB"):
        isolated(faulty.grow)
    assert isolated(faulty.echo, 1)[0] == 1


def test_relative_paths_mean_what_they_mean_to_the_caller(tmp_path, monkeypatch):
    with Isolated() as isolated:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "file.txt").write_text(name)
            monkeypatch.chdir(tmp_path / name)
            assert isolated(Path.read_text, Path("file.txt")) == name


def test_what_libraries_say_cannot_command_the_terminal(isolated, capfd):
    isolated(faulty.complain, b"/photographs/\x1b]0;owned\x07\x1b[2J.dng: Unexpected end of file\n")
    deadline = time.monotonic() + 30
    said = ""
    while "Unexpected" not in said and time.monotonic() < deadline:
        said += capfd.readouterr().err
        time.sleep(0.01)
    assert r"\x1b]0;owned\x07\x1b[2J.dng: Unexpected end of file" in said
    assert "\x1b" not in said
