"""Two workers against one: forty scenes of real size, brackets among them; memory of a worker; the same bytes.

Meaningful on an idle machine of two cores or more: the state of load is told. The ceiling is what two builds gain
that know nothing of each other, each with half of the scenes: the cores' own clocks, caches and memory.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness import Figure
from pipelines.build import build
from pipelines.executor import Workers
from pipelines.synthetic import PHOTOGRAPHS, make_project

TITLE = "Two workers against one"
_SCENES = int(os.environ.get("IEA40K_SCALE_WORKERS", "40"))


def run() -> list[Figure]:
    load = f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = _manifest(folder)
        seconds, memory, digests = {}, {}, {}
        for count in (1, 2):
            start = time.perf_counter()
            report = build(manifest, folder / f"store{count}", workers=Workers(count))
            seconds[count] = time.perf_counter() - start
            if report.failures:
                raise RuntimeError("\n".join(report.failures))
            memory[count] = report.memory / 2**20
            digests[count] = _digest(folder / f"store{count}")
        apart = _apart(manifest, folder)
    faster, ceiling = seconds[1] / seconds[2], seconds[1] / apart
    return [
        Figure(f"{_SCENES} scenes, two workers: faster", faster, "x", "one", ">= 1.8", faster >= 1.8, load),
        Figure(
            "ceiling: two builds of half the scenes, at once",
            ceiling,
            "x",
            "one",
            note="starting both within",
        ),
        Figure("two workers of that ceiling", faster / ceiling, "x", "ceiling"),
        Figure("the same bytes", float(digests[1] == digests[2]), "", "one", "1", digests[1] == digests[2]),
        Figure("time a scene, one worker", seconds[1] / _SCENES, "s", "-", note=load),
        Figure("time a scene, two workers", seconds[2] / _SCENES, "s", "-", note="starting Dask within"),
        Figure("memory of a worker's process, two workers", memory[2], "MiB", f"{memory[1]:.0f} MiB of one"),
    ]


def _manifest(folder: Path) -> Path:
    """A project whose scenes, RAW files and brackets, repeat under other names."""
    manifest = make_project(folder / "project", PHOTOGRAPHS)
    header, *rows = manifest.read_text(encoding="utf-8").splitlines()
    repeated = [f"n{number}_{rows[number % len(rows)]}" for number in range(_SCENES)]
    many = manifest.with_name("many.csv")
    many.write_text("\n".join([header, *repeated]) + "\n", encoding="utf-8")
    return many


def _apart(manifest: Path, folder: Path) -> float:
    """Seconds of two builds side by side, each of half of the scenes."""
    header, *rows = manifest.read_text(encoding="utf-8").splitlines()
    commands = []
    for half in range(2):
        file = manifest.with_name(f"half{half}.csv")
        file.write_text("\n".join([header, *rows[half::2]]) + "\n", encoding="utf-8")
        commands.append([sys.executable, "-m", "iea40k", "build", str(file), str(folder / f"half{half}")])
    start = time.perf_counter()
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
    codes = [process.wait() for process in running]  # every one is waited for
    if any(codes):
        raise RuntimeError("a build of half of the scenes failed")
    return time.perf_counter() - start


def _digest(folder: Path) -> str:
    hasher = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        hasher.update(
            f"{file.relative_to(folder)} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode()
        )
    return hasher.hexdigest()
