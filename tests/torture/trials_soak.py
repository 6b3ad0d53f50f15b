"""A long day's work in one process: neither memory nor the time of an image may grow with how many came before."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import theilslopes

from tests.torture.harness import Task, trial

ROOT = Path(__file__).parents[2]
IMAGES = 2000
NEEDS = 240.0
"""Seconds without which a soak is left out: a slope of few images says nothing."""

MOST_MEMORY = 10.0
"""MiB per 1,000 images by which memory may grow."""
MOST_TIME = 0.1
"""Share of an image's processor time by which it may grow per 1,000 images."""
_WARM = 0.1
"""Share of the images after which all caches are full."""


@trial("soak", "2,000 images built from RAW files, one worker", weight=3, needs=NEEDS)
def build(task: Task) -> None:
    """Decoders, the helper process, the store and its list."""
    _soak(task, "build")


@trial(
    "soak", "2,000 images mapped in one session: a stroke, an undo, a redo, submitted", weight=3, needs=NEEDS
)
def annotate(task: Task) -> None:
    """The annotator's session and canvas on napari's model of a viewer, a ledger on SQLite that grows."""
    _soak(task, "annotate")


@trial("soak", "2,000 photographs predicted", weight=3, needs=NEEDS)
def predict(task: Task) -> None:
    """Decoders in the helper process, the network."""
    _soak(task, "predict")


def _soak(task: Task, work: str) -> None:
    command = [sys.executable, "-m", "tests.torture.soaking", work, str(task.folder), str(IMAGES)]
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    looks: list[dict[str, float]] = []
    with (
        (task.folder / "said.txt").open("w") as said,
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=said, text=True
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith('{"images"'):
                looks.append(json.loads(line))
            if not task.clock:
                process.kill()
    if process.returncode and task.clock:
        task.report.broke((task.folder / "said.txt").read_text()[-600:].replace("\n", " / "))
        return
    task.report.held("images", int(looks[-1]["images"]) if looks else 0)
    if looks and looks[-1]["images"] < IMAGES:
        task.report.broke(f"{looks[-1]['images']:.0f} of {IMAGES} images in the time: give it more")
        return
    memory, time, per_image = slopes(looks)
    task.report.measured(f"memory {memory:+.1f} MiB per 1,000 images")
    task.report.measured(f"{per_image * 1e3:.1f} ms of processor time an image, {time:+.1%} per 1,000 images")
    task.report.expect(
        memory <= MOST_MEMORY, f"memory grows by {memory:.1f} MiB per 1,000 images", "slopes of memory"
    )
    task.report.expect(
        time <= MOST_TIME, f"an image takes {time:.1%} longer per 1,000 images", "slopes of time"
    )


def slopes(looks: Sequence[dict[str, float]]) -> tuple[float, float, float]:
    """Return MiB gained per 1,000 images, the share by which an image's processor time grows per 1,000, and its median.

    The slopes are Theil and Sen's, over what comes after the first tenth: single hiccups do not count.
    """
    images = np.array([look["images"] for look in looks])
    memory = np.array([look["memory"] for look in looks])
    processor = np.array([look["processor"] for look in looks])
    taken = np.diff(processor) / np.diff(images)
    warm = images >= images[-1] * _WARM
    few = slice(
        None, None, max(1, int(warm.sum()) // 1000)
    )  # the pairs of more points would not fit into memory
    gained = theilslopes(memory[warm][few], images[warm][few])[0] * 1000
    groups = np.array_split(np.flatnonzero(warm[1:]), 40)  # clocks of processors tick every 10 ms
    times = np.array([taken[group].mean() for group in groups])
    centres = np.array([images[1:][group].mean() for group in groups])
    median = float(np.median(times))
    return float(gained), float(theilslopes(times, centres)[0]) * 1000 / median, median
