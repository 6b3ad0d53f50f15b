"""Proposals by keys in the real window: how soon the next one is in sight, and how much memory a press takes.

A press is timed from the key's action until the canvas is drawn anew and OpenGL has finished. Its floor, in turn with
it, ten by ten, is the same move of the camera without anything of ours, drawn and finished in the same way.
"""

import os
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from skimage import data, transform

from annotator.actions import press
from annotator.sample import practice_scene
from annotator.session.controller import Controller
from annotator.window import adapter
from benchmarks.annotator_session import begin, draw, leave
from benchmarks.bench_annotator import _viewer
from benchmarks.harness import Figure
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks

TITLE = "Proposals by keys in the real window"
PRESSES = int(os.environ.get("IEA40K_BENCH_PRESSES", "60"))
TURN = 10
SIZES = ((512, 768), (4000, 6000))
AIM = 100.0
_EVS = (-1.0, 0.0, 1.0)


def run() -> list[Figure]:
    viewer, where, finish = _viewer()
    adapter.hide_side_docks(viewer)  # as our own window
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for height, width in SIZES:
            root = Path(folder) / str(height)
            controller = begin(viewer, _store(root, height, width), root / "desks", "Ada")
            figures += _figures(controller, viewer, finish, where, f"{width}x{height}")
            leave(controller)
    if hasattr(viewer, "close"):
        viewer.close()
    return figures


def _store(root: Path, height: int, width: int) -> Store:
    """A photograph with planted faults at three levels, the brightest in the queue, with regions of the wrong sign."""
    pixels = transform.resize(data.astronaut(), (height, width), anti_aliasing=False, order=1)
    reference = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    store = Store.create(root / "store")
    scene = practice_scene(reference, "s1", evs=_EVS).scene
    codes = scene.residual.copy()
    side = height // 16
    for row in range(4):
        for column in range(4):
            top, left = (2 * row + 1) * height // 8 - side // 2, (2 * column + 1) * width // 8 - side // 2
            codes[-1, top : top + side, left : left + side] *= -1
    store.write_scene(replace(scene, residual=codes))
    with Ledger.open(store.path, create=True) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "P1", 1)], "bench")
    return store


def _figures(
    controller: Controller, viewer: Any, finish: Callable[[], None], where: str, size: str
) -> list[Figure]:
    image = controller.session.image
    assert image is not None
    start = time.perf_counter()
    count = len(image.findings.proposals)  # read ahead, while the person looks at the picture
    looked = time.perf_counter() - start
    if count < TURN:
        raise AssertionError(f"{count} proposals: J would come back to where it was, and draw nothing new")
    canvas = viewer.window._qt_viewer.canvas.native if hasattr(viewer, "window") else None

    def shown(act: Callable[[], object]) -> float:
        start = time.perf_counter()
        act()
        if canvas is not None:
            canvas.update()
        draw(viewer)
        finish()
        return (time.perf_counter() - start) * 1000

    for _ in range(2):
        controller.screen.expect_trial()  # type: ignore[attr-defined] # as the window's clock does
    draw(viewer)
    looks: list[float] = []
    floors: list[float] = []
    camera = viewer.scene.camera
    for _ in range(PRESSES // TURN):
        views = []
        for _ in range(TURN):
            looks.append(shown(lambda: press(controller, "J")))
            views.append((camera.zoom, tuple(camera.center)))
        press(controller, "Escape")
        controller.screen.fit()
        draw(viewer)
        floors += [shown(lambda to=view: _move(viewer, to)) for view in views]
    verdicts = []
    for _ in range(min(count, PRESSES)):
        press(controller, "J")
        draw(viewer)
        verdicts.append(shown(lambda: press(controller, "Shift-U")))
    while image.standing:
        controller.target.undo()
    kinds = [shown(lambda: press(controller, "Control-J")) for _ in range(3)]
    press(controller, "Escape")
    taken = _memory(controller, viewer)
    floor = statistics.median(floors)
    note = f"{count} proposals; found in {looked:.1f} s after the image was read"
    return [
        _timed(f"J until the next proposal is in sight, {size}", looks, where, floor, note),
        _timed(f"Shift+U until it is refused and the next in sight, {size}", verdicts, where, floor),
        _timed(f"Ctrl+J until all of a kind are in sight, {size}", kinds, where, floor),
        Figure(
            f"the same move of the camera alone, {size}, median",
            floor,
            "ms",
            where,
            "",
            None,
            _spread(floors),
        ),
        Figure(
            f"memory that J takes at most, {size}",
            taken,
            "MiB",
            "the plain flags before: 519 MiB",
            "<= 16 MiB",
            taken <= 16,
            "Python and NumPy, by tracemalloc, median of 10 presses",
        ),
    ]


def _move(viewer: Any, to: tuple[float, tuple[float, ...]]) -> None:
    viewer.scene.camera.zoom, viewer.scene.camera.center = to


def _timed(name: str, times: list[float], where: str, floor: float, note: str = "") -> Figure:
    median = statistics.median(times)
    against = f"{where}; the camera alone {floor:.0f} ms"
    said = ", ".join(part for part in (_spread(times), note) if part)
    worst = float(np.percentile(times, 95))
    return Figure(f"{name}, median", median, "ms", against, f"<= {AIM:g} ms, 95 %", worst <= AIM, said)


def _spread(times: list[float]) -> str:
    return f"95 % within {np.percentile(times, 95):.0f} ms, {len(times)} times"


def _memory(controller: Controller, viewer: Any) -> float:
    """MiB that a press takes above what was in use before it, at the most of its course."""
    peaks = []
    tracemalloc.start()
    for _ in range(10):
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        press(controller, "J")
        draw(viewer)
        _, peak = tracemalloc.get_traced_memory()
        peaks.append((peak - before) / 2**20)
    tracemalloc.stop()
    return statistics.median(peaks)
