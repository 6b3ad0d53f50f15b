"""Files from strangers: fuzzed inputs through every public reader, within limits of time and memory."""

import random
from pathlib import Path

from iea40k.errors import IEAError, LimitError
from iea40k.isolation import Isolated, Limits
from tests.readers import READERS
from tests.torture.harness import Clock, Task, trial
from tests.torture.mutation import mutated
from tests.torture.seeds import good_files

LIMITS = Limits(seconds=30, memory=3 << 30)
PATIENT = Limits(seconds=300, memory=3 << 30)
_ROUND, _SECONDS = 25, 1.0
"""Inputs of one kind in a row, and their time: slow readers do not take that of the others."""


@trial("files", "fuzzed files of every kind through every public reader, 30 s and 3 GB each", weight=6)
def fuzz(task: Task) -> None:
    """Every input is read or refused by a typed error; no reader dies, hangs or grows."""
    kinds = [(name, suffix) for name, (_, suffixes) in READERS.items() for suffix in suffixes]
    memory = Path("/dev/shm")  # a disk's fsync would take most of the time
    environment = {"TMPDIR": str(memory)} if memory.is_dir() else {}
    with Isolated(LIMITS, environment) as isolated, Isolated(PATIENT, environment) as patient:
        turn = 0
        while task.clock:
            if turn % len(kinds) == 0:
                task.rng.shuffle(kinds)
            name, suffix = kinds[turn % len(kinds)]
            turn += 1
            soon = Clock(min(_SECONDS, task.clock.left()))
            for number in range(_ROUND):
                if number == 0 or soon:
                    _one(task, isolated, patient, name, suffix)


def _one(task: Task, isolated: Isolated, patient: Isolated, name: str, suffix: str) -> None:
    seed = task.rng.randrange(1 << 40)
    rng = random.Random(seed)
    data = mutated(rng.choice(good_files(name, suffix)), suffix, rng)
    file = task.folder / f"input{suffix}"
    file.write_bytes(data)
    try:
        isolated(READERS[name][0], file)
    except LimitError as error:
        # The decoders of pictures are C: one that dies costs its file, and that is all that is promised.
        if name in ("picture", "capture") and "took too long" not in error.what:
            task.report.held("ended by a limit, the run going on")
        elif "took too long" in error.what and _ends(patient, name, file):
            task.report.held("slow on a busy machine, ended when tried again")
        else:
            _keep(task, name, suffix, seed, file, error)
        return
    except IEAError as error:
        if "an unexpected error" in error.what:
            _keep(task, name, suffix, seed, file, error)
        else:
            task.report.held("refused in words")
        return
    except Exception as error:
        _keep(task, name, suffix, seed, file, error)
        return
    task.report.held("read as they are")


def _ends(patient: Isolated, name: str, file: Path) -> bool:
    """Return whether a reader ends within the patient limits: a clock does not tell a loop from a busy machine."""
    try:
        patient(READERS[name][0], file)
    except LimitError:
        return False
    except IEAError as error:
        return "an unexpected error" not in error.what
    except Exception:
        return False
    return True


def _keep(task: Task, name: str, suffix: str, seed: int, file: Path, error: Exception) -> None:
    kept = file.with_name(f"{name}-{seed}{suffix}")
    file.rename(kept)
    line = str(error).replace("\n", " ")[:200]
    task.report.broke(f"{name}: {type(error).__name__}: {line} ({kept.name})")
