"""The same input gives the same bytes: on 1, 2 and 8 workers, and on machines that differ in what should not count."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.killing import files_of
from tests.torture.harness import NotHereError, Task, trial
from tests.torture.whole_way import BUILD

ROOT = Path(__file__).parents[2]
PYTHONS = "IEA40K_PYTHONS"
"""Environment variable: other interpreters with the project's packages, separated as in PATH."""

_PLACES = "store/manifests.json"
"""The one file that says where the manifest lies."""

_OLD_PROCESSOR = {
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX2 FMA3",
    "OPENCV_CPU_DISABLE": "AVX512_SKX,AVX512-SKX,AVX2,FMA3,AVX",
    "OPENBLAS_CORETYPE": "Nehalem",
    "BLOSC_NOTHREADS": "1",
}
"""What makes libraries take the ways of a processor of 2008."""


@dataclass(frozen=True)
class Machine:
    """What differs: environment variables, umask, folder to work in, interpreter and its options."""

    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    umask: int = 0o022
    python: tuple[str, ...] = (sys.executable,)
    folder: Path = ROOT


def machines(rng: random.Random) -> list[Machine]:
    """Return the machines of a round, each with what the seed gives it."""
    threads = str(rng.choice((2, 3, 8)))
    many = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), threads)
    zone = rng.choice(("Pacific/Kiritimati", "America/St_Johns", "Asia/Kathmandu"))
    found = [
        Machine("hash seeds", {"PYTHONHASHSEED": str(rng.randrange(1 << 32))}),
        Machine("numbers of threads", many),
        Machine("time zones", {"TZ": zone, "SOURCE_DATE_EPOCH": str(rng.randrange(1 << 31))}),
        Machine("locales", {"LC_ALL": rng.choice(("C", "POSIX")), "LANG": "tr_TR.UTF-8", "PYTHONUTF8": "0"}),
        Machine("umasks, working folders", umask=0o077, folder=Path("/")),
        Machine("dirty memories", {"MALLOC_PERTURB_": str(rng.randrange(1, 256))}),
        Machine("Python's options", {}, python=(sys.executable, "-O", "-X", "dev", "-W", "ignore")),
        Machine("old processors", _OLD_PROCESSOR),
    ]
    others = [place for place in os.environ.get(PYTHONS, "").split(os.pathsep) if place]
    return found + [Machine("other Pythons", python=(place,)) for place in others]


@trial(
    "determinism",
    "the same build on 1, 2 and 8 workers: store, release and exports compared byte for byte",
    weight=2,
)
def workers(task: Task) -> None:
    """Who works, and in which order, does not count."""
    manifest = _project(task)
    expected = _made(manifest, task.folder / "one", Machine("this one"))
    numbers = ["8", "2"]
    first_round = True
    while first_round or task.clock:
        number = numbers.pop()
        _compare(task, manifest, expected, Machine(f"{number} workers"), number)
        if not numbers:
            numbers, first_round = task.rng.sample(("2", "3", "8"), 3), False


@trial(
    "determinism",
    "the same work as on other machines: threads, locale, time zone, umask, hash seed, processor",
    weight=2,
)
def environments(task: Task) -> None:
    """Nothing of the machine reaches the bytes."""
    manifest = _project(task)
    expected = _made(manifest, task.folder / "one", Machine("this one"))
    waiting = machines(task.rng)
    first_round = True
    while first_round or task.clock:  # each once, also where the machine is slow
        _compare(task, manifest, expected, waiting.pop())
        if not waiting:
            waiting, first_round = machines(task.rng), False
            task.rng.shuffle(waiting)


def _project(task: Task) -> Path:
    try:
        from pipelines.synthetic import PHOTOGRAPHS, make_project
    except ImportError as error:
        raise NotHereError(f"the photographs need the extra [curator]: {error}") from error
    chosen = [
        photograph for photograph in PHOTOGRAPHS if photograph.name in ("coffee", "astronaut", "flower")
    ]
    manifest = make_project(task.folder / "project", chosen, scale=0.4)
    (manifest.parent / "build.yaml").write_text(BUILD, encoding="utf-8")
    text = manifest.read_text(encoding="utf-8").splitlines()
    bracket = next(line for line in text if line.startswith("flower,"))
    manifest.write_text("\n".join([*text, f"other_{bracket}"]) + "\n", encoding="utf-8")
    return manifest


def _compare(
    task: Task, manifest: Path, expected: Mapping[str, str], machine: Machine, workers: str = "1"
) -> None:
    out = task.folder / f"out {task.rng.randrange(1 << 30)}"
    found = _made(manifest, out, machine, workers)
    differ = sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))
    counted = f"times {machine.name}" if workers != "1" else f"times other {machine.name}"
    task.report.expect(
        not differ, f"{machine}: {len(differ)} of {len(expected)} files differ: {differ[:6]}", counted
    )
    shutil.rmtree(out)


def _made(manifest: Path, out: Path, machine: Machine, workers: str = "1") -> dict[str, str]:
    """Run the whole way on a machine and return the digests of what it made. Raises where it fails."""
    command = [*machine.python, "-m", "tests.torture.whole_way", str(manifest), str(out), workers]
    done = subprocess.run(
        command,
        cwd=machine.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **machine.variables},
        umask=machine.umask,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{machine}: ended with {done.returncode}: {done.stderr[-600:]}")
    return {name: sha for name, sha in files_of(out).items() if name != _PLACES}
