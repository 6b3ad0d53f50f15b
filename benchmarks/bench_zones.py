"""Zone edits in the annotator: how soon a block's zone shows, how soon the edit is durable, what the blocks cost."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from skimage import data, transform

from annotator.reference.blocks import cut
from annotator.sample import practice_scene
from annotator.session.controller import Controller
from benchmarks.annotator_session import begin, draw, leave
from benchmarks.bench_annotator import _viewer
from benchmarks.harness import Figure, median_seconds
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks

TITLE = "Zone edits in the annotator"
PRESSES = 60
SIZE = (512, 768)


def run() -> list[Figure]:
    viewer, where, finish = _viewer()
    with tempfile.TemporaryDirectory() as folder:
        controller = begin(viewer, _store(Path(folder)), Path(folder) / "desks", "Ada")
        controller.target.set_display(picture="reference", clipping=True, overlay=False, zones=False)
        draw(viewer)
        figures = _presses(controller, finish, where)
        figures.append(_blocks(controller))
        leave(controller)
    if hasattr(viewer, "close"):
        viewer.close()
    return figures


def _store(root: Path) -> Store:
    """A photograph of 768 x 512 with its exposures, its reference in the queue."""
    pixels = transform.resize(data.astronaut(), SIZE, anti_aliasing=True, order=1)
    reference = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    store = Store.create(root / "store")
    store.write_scene(practice_scene(reference, "s1", evs=(-2.0, 0.0, 2.0)).scene)
    with Ledger.open(store.path, create=True) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "reference", 1)], "bench")
    return store


def _presses(controller: Controller, finish: Callable[[], None], where: str) -> list[Figure]:
    rng = np.random.default_rng(0)
    height, width = SIZE
    figures = []
    for name, display in (
        ("the reference", {"overlay": False, "zones": False}),
        ("the reference and the residual over it", {"overlay": True, "zones": False}),
    ):
        controller.target.set_display(**display)
        shown, durable = [], []
        for i in range(PRESSES):
            controller.reference.set_tools(zone=float(3 + i % 5))
            event = SimpleNamespace(button=1, modifiers=(), type="mouse_press", position=(0.0, 0.0))
            event.position = (float(rng.uniform(0, height - 1)), float(rng.uniform(0, width - 1)))
            start = time.perf_counter()
            moves = controller.drag(event)
            next(moves)
            finish()
            shown.append(time.perf_counter() - start)
            event.type = "mouse_release"
            start = time.perf_counter()
            next(moves, None)
            finish()
            durable.append(time.perf_counter() - start)
        median = statistics.median(shown) * 1000
        figures += [
            Figure(
                f"press to picture, a block set to a zone, {name}, median",
                median,
                "ms",
                where,
                "<= 50 ms",
                median <= 50,
                f"768x512, blocks of 40 px, {PRESSES} presses; 95 % within {np.percentile(shown, 95) * 1000:.0f} ms",
            ),
            Figure(
                f"release until the edit is durable and shown, {name}, median",
                statistics.median(durable) * 1000,
                "ms",
                "SQLite, two fsyncs",
            ),
        ]
    return figures


def _blocks(controller: Controller) -> Figure:
    reference = controller.session.reference
    seconds = median_seconds(lambda: cut(reference.base, reference.valid, 40))
    return Figure("cut a reference into blocks, 768x512", seconds * 1000, "ms", "once a reference and size")
