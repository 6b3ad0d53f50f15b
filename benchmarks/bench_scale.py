"""From 500 to 5,000 scenes: what each command costs a scene, and whether that grows. Tiny scenes, the real commands.

`python -m benchmarks scale` takes half an hour on two cores. Processor seconds are those of all processes.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from benchmarks.harness import Figure

TITLE = "From 500 to 5,000 scenes"
_FEW, _MANY = (int(n) for n in os.environ.get("IEA40K_SCALE", "500,5000").split(","))
PICTURES = 50
_AIMS = {"status": 2.0, "queue add": 2.0}
"""Seconds at most, of the many."""


class Cost(NamedTuple):
    """Of a command: seconds by the clock and of processors, MiB of its largest process."""

    wall: float
    processor: float
    memory: float


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photographs(folder)
        few, many = _costs(folder, _FEW), _costs(folder, _MANY)
    return [figure for command in few for figure in _figures(command, few[command], many[command])]


def _figures(command: str, few: Cost, many: Cost) -> Iterator[Figure]:
    growth = (many.processor / _MANY) / (few.processor / _FEW)
    note = f"processor time a scene of {_MANY} against that of {_FEW}"
    yield Figure(f"{command}: growth", growth, "x", f"{_FEW} scenes", "<= 1.2", growth <= 1.2, note)
    aim = _AIMS.get(command)
    met = None if aim is None else many.wall <= aim
    told = f"{many.processor:.1f} s of processor time, {many.wall / _MANY * 1e3:.1f} ms a scene"
    yield Figure(
        f"{command}: {_MANY} scenes", many.wall, "s", "-", "" if aim is None else f"<= {aim:g}", met, told
    )
    against = f"{few.memory:.0f} MiB for {_FEW}"
    yield Figure(f"{command}: memory of the largest process", many.memory, "MiB", against)


def photographs(folder: Path) -> None:
    """Write `PICTURES` tiny pictures, 0.png and on."""
    rng = np.random.default_rng(0)
    for number in range(PICTURES):
        y, x = np.mgrid[0:48, 0:64]
        smooth = (y / 48 + x / 64)[..., None] * rng.uniform(40, 120, 3) + rng.integers(0, 12, (48, 64, 3))
        Image.fromarray(smooth.astype(np.uint8)).save(folder / f"{number}.png")


def _costs(folder: Path, count: int) -> dict[str, Cost]:
    rows = [f"scene-{n:06d},rendered,{n % PICTURES}.png,{n % PICTURES}.png,C,CC0-1.0" for n in range(count)]
    manifest, store = folder / f"m{count}.csv", folder / f"store{count}"
    manifest.write_text(
        "scene_id,kind,exposures,references,experts,licence\n" + "\n".join(rows) + "\n", encoding="utf-8"
    )
    config = folder / "build.yaml"
    config.write_text("short_side: 48\n", encoding="utf-8")
    release = folder / f"release{count}"
    commands: dict[str, list[str | Path]] = {
        "build, 2 workers": ["build", manifest, store, "--config", config, "--workers", "2"],
        "build again": ["build", manifest, store, "--config", config],
        "status": ["status", store, "--json"],
        "queue add": ["queue", store, "add"],
        "verify STORE": ["verify", store],
        "release": ["release", store, release, "--version", "1.0.0"],
        "verify RELEASE": ["verify", release],
    }
    found = {}
    for name, arguments in commands.items():
        found[name] = measured([str(a) for a in arguments])
        print(json.dumps({"scenes": count, "command": name, **found[name]._asdict()}), flush=True)
    return found


def measured(arguments: list[str]) -> Cost:
    """Run `iea40k` with the arguments in a process of its own, and return what it cost."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *arguments], capture_output=True, text=True, check=False
    )
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"iea40k {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, processor, float(done.stderr.rsplit("peak ", 1)[1]) / 1024)


_RUN = """
import resource, sys
from iea40k.__main__ import main
try:
    code = main()
except SystemExit as stop:
    code = stop.code
peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print("peak", max(peaks), file=sys.stderr)
sys.exit(code)
"""
