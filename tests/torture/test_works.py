"""The works of the trials of kills: a second run takes away all that a killed one left."""

from pathlib import Path

from tests.killing import files_of
from tests.torture.works import WORKS


def test_a_lock_left_after_the_rename_goes_away(tmp_path: Path) -> None:
    """A release killed between its rename and the end of its lock is there, and so is the lock."""
    for name, work in WORKS.items():
        work(tmp_path)
        expected = files_of(tmp_path)
        if name == "release":
            (tmp_path / ".release.lock").touch()
        work(tmp_path)
        assert files_of(tmp_path) == expected, name
