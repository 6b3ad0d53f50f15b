"""Several processes that begin at the same moment, and what each of them said and ended with."""

import multiprocessing
import os
import random
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 300.0
"""Seconds after which a process that has not ended counts as hanging."""

Call = tuple[Callable[..., object], tuple[Any, ...]]
"""A function at the top of a module, and what it is called with."""


@dataclass(frozen=True)
class Ended:
    """How one of several processes ended: its exit code, None where it had to be killed, and all that it printed."""

    code: int | None
    said: str


def start(calls: Sequence[Call], folder: Path, rng: random.Random, spread: float = 0.0) -> list[Any]:
    """Start a process for each call; all begin together, or each up to `spread` seconds later."""
    folder.mkdir(parents=True, exist_ok=True)
    # A fork begins at once; where there is none, each process imports everything anew.
    fork = "fork" in multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("fork" if fork else "spawn")
    gate = context.Barrier(len(calls))
    processes = []
    for number, (function, arguments) in enumerate(calls):
        wait = rng.uniform(0, spread)
        given = (gate, wait, folder / f"said_{number}.txt", function, arguments)
        processes.append(context.Process(target=_begin, args=given))
        with (
            warnings.catch_warnings()
        ):  # Python 3.12 warns of forks beside threads; ours hold no lock meanwhile
            warnings.simplefilter("ignore", DeprecationWarning)
            processes[-1].start()
    return processes


def end(processes: Sequence[Any], folder: Path) -> list[Ended]:
    """Wait until all have ended, and return how."""
    until = time.monotonic() + PATIENCE
    found = []
    for number, process in enumerate(processes):
        process.join(max(0.0, until - time.monotonic()))
        hangs = process.is_alive()
        if hangs:
            process.kill()
            process.join()
        said = (folder / f"said_{number}.txt").read_text(encoding="utf-8", errors="replace")
        found.append(Ended(None if hangs else process.exitcode, " ".join(said.split())))
    return found


def together(calls: Sequence[Call], folder: Path, rng: random.Random, spread: float = 0.0) -> list[Ended]:
    """Run all calls at the same time, each in a process of its own, and return how each ended."""
    return end(start(calls, folder, rng, spread), folder)


def alone(function: Callable[..., object], *arguments: Any, folder: Path) -> None:
    """Run one call in a process of its own; what it says is kept. Raises where it does not end well."""
    (ended,) = together([(function, arguments)], folder, random.Random(0))
    if ended.code != 0:
        raise RuntimeError(f"{function.__name__}{arguments}: {ended}")


def _begin(
    gate: Any, wait: float, said: Path, function: Callable[..., object], arguments: tuple[Any, ...]
) -> None:
    with said.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        gate.wait()
        time.sleep(wait)
        try:
            code = function(*arguments)
        except BaseException:
            traceback.print_exc()
            code = 70
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0)
