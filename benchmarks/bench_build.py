"""Memory of a build: fifty scenes must need no more than five. Peak resident memory of the whole process."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness import Figure
from pipelines.synthetic import PHOTOGRAPHS, make_project

TITLE = "Building a store"
_FEW, _MANY = 5, 50


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_project(folder, PHOTOGRAPHS[:4])
        few, _ = _build(folder, _FEW)
        many, seconds = _build(folder, _MANY)
    aim, note = "no more (<= 1.03)", "RAW of 1.2 to 2.1 Mpx to nine exposures at 512, written and checked"
    ratio = many / few
    return [
        Figure(f"peak memory of {_MANY} scenes", ratio, "x", f"{_FEW} scenes", aim, ratio <= 1.03),
        Figure(f"peak memory, {_FEW} scenes", few / 2**20, "MiB", "-"),
        Figure(f"peak memory, {_MANY} scenes", many / 2**20, "MiB", "-"),
        Figure("time a scene", seconds / _MANY, "s", "-", note=note),
    ]


def _build(folder: Path, count: int) -> tuple[int, float]:
    names = [p.name for p in PHOTOGRAPHS[:4]]
    rows = [f"scene-{n:03d},raw,raw/{names[n % len(names)]}.dng" for n in range(count)]
    manifest = folder / f"m{count}.csv"
    manifest.write_text("scene_id,kind,exposures\n" + "\n".join(rows) + "\n", encoding="utf-8")
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "build", str(manifest), str(folder / f"store{count}")],
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError("the build failed; see `iea40k build`")
    return usage.ru_maxrss * 1024, time.perf_counter() - start
