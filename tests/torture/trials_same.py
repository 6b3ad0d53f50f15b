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
    workers: str = "1"


def machines(rng: random.Random) -> list[Machine]:
    """Return what a round tries, in its order; what differs is drawn from the seed.

    All that costs nothing to combine differs at once: only where bytes differ does it matter which of it they followed.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(rng.choice((2, 3, 8))))
    another = {
        **threads,
        "PYTHONHASHSEED": str(rng.randrange(1 << 32)),
        "TZ": rng.choice(("Pacific/Kiritimati", "America/St_Johns", "Asia/Kathmandu")),
        "LC_ALL": rng.choice(("C", "POSIX")),
        "PYTHONUTF8": "0",
        "MALLOC_PERTURB_": str(rng.randrange(1, 256)),
    }
    options = (sys.executable, "-O", "-X", "dev", "-W", "ignore")
    others = [place for place in os.environ.get(PYTHONS, "").split(os.pathsep) if place]
    return [
        *(Machine("times by another Python", python=(place,)) for place in others),
        Machine(
            "times with other threads, locale, time zone, umask, folder, hash seed and memory",
            another,
            0o077,
            options,
            Path("/"),
        ),
        Machine("times with the instructions of an older processor", _OLD_PROCESSOR),
        Machine("times on 8 workers", workers="8"),
        Machine("times on 2 workers", workers="2"),
    ]


@trial(
    "determinism",
    "store, release and three exports made anew on 2 and 8 workers and as on other machines, compared byte for byte",
    weight=3,
)
def same_bytes(task: Task) -> None:
    """Who works, in which order and where, does not count."""
    manifest = _project(task)
    expected = _made(manifest, task.folder / "one", Machine("alone"))
    waiting: list[Machine] = []
    first = True
    while first or task.clock:  # one of them, also where the machine is slow
        waiting = waiting or machines(task.rng)
        machine, first = waiting.pop(0), False
        out = task.folder / f"out {task.rng.randrange(1 << 30)}"
        found = _made(manifest, out, machine)
        differ = sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))
        task.report.expect(
            not differ,
            f"{machine}: {len(differ)} of {len(expected)} files differ: {differ[:6]}",
            machine.name,
        )
        shutil.rmtree(out)


def _project(task: Task) -> Path:
    try:
        from pipelines.synthetic import PHOTOGRAPHS, make_project
    except ImportError as error:
        raise NotHereError(f"the photographs need the extra [curator]: {error}") from error
    chosen = [photograph for photograph in PHOTOGRAPHS if photograph.name in ("coffee", "flower")]
    manifest = make_project(task.folder / "project", chosen, scale=0.6)
    (manifest.parent / "build.yaml").write_text(BUILD, encoding="utf-8")
    text = manifest.read_text(encoding="utf-8").splitlines()
    bracket = next(line for line in text if line.startswith("flower,"))
    manifest.write_text("\n".join([*text, f"other_{bracket}"]) + "\n", encoding="utf-8")
    return manifest


def _made(manifest: Path, out: Path, machine: Machine) -> dict[str, str]:
    """Run the whole way on a machine and return the digests of what it made. Raises where it fails."""
    command = [*machine.python, "-m", "tests.torture.whole_way", str(manifest), str(out), machine.workers]
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
