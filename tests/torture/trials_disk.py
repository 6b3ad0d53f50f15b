"""A disk that is full somewhere in the middle: one error in words, and the same command goes on once there is room."""

import shutil
import subprocess
from pathlib import Path

from iea40k.errors import DiskError, LedgerUnavailableError, StoreError
from tests.killing import files_of
from tests.torture.harness import NotHereError, Task, trial
from tests.torture.trials_kills import comparable, templates
from tests.torture.works import WORKS

_ROOM = 200
"""Kilobytes that are left, at most: what these works write."""


@trial("disk", "a disk that is full in the middle of scenes, a release, exports, an import, a copy", weight=1)
def full(task: Task) -> None:
    """What was there stays, the error says what is wrong, and the second run ends with the same bytes."""
    before = templates(task.folder)
    small = task.folder / "small"
    small.mkdir()
    while task.clock:
        for name, work in WORKS.items():
            template, expected = before[name]
            mount(small)
            try:
                folder = small / "work"
                shutil.copytree(template, folder)
                used = shutil.disk_usage(small).used // 1024
                resize(
                    small, used + task.rng.randrange(4, _ROOM, 4)
                )  # a size of 0 would mean no limit at all
                try:
                    work(folder)
                except (DiskError, StoreError, LedgerUnavailableError) as error:
                    words = "disk is full" in str(error) or "no room" in str(error)
                    task.report.expect(words, f"{name}: {error}"[:300], "full disks told in words")
                resize(small, 65536)
                work(folder)
                task.report.expect(
                    comparable(files_of(folder)) == expected,
                    f"{name}: other files",
                    "gone on to the same bytes",
                )
            finally:
                subprocess.run(["umount", str(small)], check=True)


def mount(folder: Path) -> None:
    """Put a disk of 64 MB, in memory, on a folder."""
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise NotHereError("there is no mount here") from error
    if done.returncode:
        raise NotHereError("a small disk (tmpfs) cannot be mounted here")


def resize(folder: Path, kilobytes: int) -> None:
    """Change how large such a disk is."""
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(folder)], check=True)
