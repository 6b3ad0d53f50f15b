"""What tests let workers do: answer, die, fill their disk."""

import contextlib
import os
import signal
import time
from pathlib import Path

from distributed import get_worker

from iea40k.errors import DiskError


def squared(number: int) -> int:
    return number * number


def squared_unless_deadly(folder: Path, number: int) -> int:
    """Kill the worker at 3, each time, and at 5 the first time only."""
    tried = folder / f"{number}"
    first = not tried.exists()
    tried.touch()
    if number == 3 or (number == 5 and first):
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return number * number


def worker_that(full: Path, number: int) -> str:
    """Return the worker's address; the first worker that asks has a full disk from then on."""
    here = get_worker().address
    time.sleep(0.1)
    with contextlib.suppress(FileExistsError):
        full.open("x").write(here)
    if full.read_text() == here:
        raise DiskError("the disk is full", where=full)
    return str(here)


def full_everywhere(number: int) -> None:
    raise DiskError("the disk is full", where=f"number {number}")
