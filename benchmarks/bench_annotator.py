"""The annotator: how soon a stroke shows, how soon the next image is there, memory, and what the tools save."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil

from annotator.session.controller import Controller
from benchmarks.annotator_expert import expert_figures
from benchmarks.annotator_session import begin, draw, leave
from benchmarks.harness import Figure
from iea40k.scene import BuiltScene, level_name
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks

TITLE = "Annotator"
IMAGES = int(os.environ.get("IEA40K_BENCH_IMAGES", "500"))
MOVES = 120


def run() -> list[Figure]:
    figures: list[Figure] = []
    viewer, where, finish = _viewer()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        figures += _latency(viewer, where, finish, root / "latency")
        figures += _flow(viewer, where, finish, root / "flow")
        figures += expert_figures(root / "expert")
    if hasattr(viewer, "close"):
        viewer.close()
    return figures


def _viewer() -> tuple[Any, str, Callable[[], None]]:
    """A real viewer where there is a screen with OpenGL, else napari's model of one."""
    if os.environ.get("DISPLAY") and os.environ.get("QT_QPA_PLATFORM") != "offscreen":
        import napari
        from qtpy.QtWidgets import QApplication
        from vispy import gloo

        viewer = napari.Viewer(show=True)
        canvas = viewer.window._qt_viewer.canvas._scene_canvas

        def finish() -> None:
            """Send what waits for the texture to OpenGL and wait until it is there."""
            canvas.set_current()
            gloo.flush()
            gloo.finish()

        viewer.window._qt_window.resize(1500, 950)
        QApplication.processEvents()
        return viewer, "real window, software OpenGL", finish
    from napari.components import ViewerModel

    return ViewerModel(), "viewer model, no screen", lambda: None


# ---------------------------------------------------------------- latency


def _latency(viewer: Any, where: str, finish: Callable[[], None], root: Path) -> list[Figure]:
    figures = []
    for height, width, aim in ((512, 768, 8.0), (4000, 6000, 16.0)):
        store = Store.create(root / f"{height}")
        store.write_scene(_plain_scene("s1", height, width, (1.0,)))
        with Ledger.open(store.path, create=True) as ledger:
            add_tasks(ledger, [TaskRequest("s1", "P1", 1)], "bench")
        controller = begin(viewer, store, root / "desks", "Ada")
        for name, display in (("residual", {"picture": "exposure"}), ("preview", {"picture": "preview"})):
            controller.target.set_display(**display)
            controller.target.set_tools(tool="brush", mode="set", value=0.2, radius=20.0, feather=0.5)
            draw(viewer)
            figure = _moves(controller, finish, height, width)
            figures.append(
                Figure(
                    f"mouse move to texture, {name}, {width}x{height}, median",
                    figure * 1000,
                    "ms",
                    where,
                    f"<= {aim:g} ms",
                    figure * 1000 <= aim,
                    f"brush of radius 20, feathered, {MOVES} moves",
                )
            )
        start = time.perf_counter()
        controller.residual.press((height / 3, width / 3))
        controller.residual.move((height / 3 + 60, width / 3 + 60))
        start = time.perf_counter()
        controller.residual.release()
        figures.append(
            Figure(
                f"mouse release until the stroke is durable and shown, {width}x{height}",
                (time.perf_counter() - start) * 1000,
                "ms",
                "SQLite, two fsyncs",
            )
        )
        leave(controller)
    return figures


def _moves(controller: Controller, finish: Callable[[], None], height: int, width: int) -> float:
    rng = np.random.default_rng(0)
    times = []
    event = SimpleNamespace(button=1, modifiers=(), position=(height / 2, width / 2), type="mouse_press")
    moves = controller.drag(event)
    next(moves)
    event.type = "mouse_move"
    at = np.array([height / 2, width / 2])
    for _ in range(MOVES):
        at = np.clip(at + rng.normal(0, 8, 2), 30, [height - 30, width - 30])
        event.position = (float(at[0]), float(at[1]))
        start = time.perf_counter()
        next(moves)
        finish()
        times.append(time.perf_counter() - start)
    event.type = "mouse_release"
    next(moves, None)
    return statistics.median(times)


# ---------------------------------------------------------------- flow and memory


def _flow(viewer: Any, where: str, finish: Callable[[], None], root: Path) -> list[Figure]:
    times, _ = _session(viewer, finish, root / "timed", 6, (512, 768), 54)
    _, memory = _session(viewer, finish, root / "many", -(-IMAGES // 9), (256, 384), IMAGES)
    tenth = len(memory) // 10
    gained = statistics.median(memory[-10:]) - statistics.median(memory[tenth : tenth + 10])
    return [
        Figure(
            "submit until the next image is usable, 768x512, prefetched, median",
            statistics.median(times) * 1000,
            "ms",
            where,
            "<= 150 ms",
            statistics.median(times) <= 0.15,
            f"{len(times)} images; 95 % within {np.percentile(times, 95) * 1000:.0f} ms",
        ),
        Figure(
            f"memory gained from image {tenth} to image {len(memory)}",
            gained,
            "MiB",
            f"{memory[tenth]:.0f} MiB at image {tenth}",
            "flat (<= 20 MiB)",
            gained <= 20,
            "384x256, a stroke on each image, one session",
        ),
    ]


def _session(
    viewer: Any, finish: Callable[[], None], root: Path, scenes: int, size: tuple[int, int], images: int
) -> tuple[list[float], list[float]]:
    """Hand in `images` images; return seconds from submit to the next one, and MiB in use after each."""
    store = Store.create(root / "store")
    evs = tuple(float(ev) for ev in range(-4, 5))
    names = [f"s{i}" for i in range(scenes)]
    for seed, name in enumerate(names):
        store.write_scene(_plain_scene(name, *size, evs, seed))
    with Ledger.open(store.path, create=True) as ledger:
        add_tasks(ledger, [TaskRequest(n, level_name(ev), 1) for n in names for ev in evs], "bench")
    process = psutil.Process()
    times: list[float] = []
    memory: list[float] = []
    controller = begin(viewer, store, root / "desks", "Ada")
    while controller.session.image is not None and len(times) < images:
        controller.residual.press((100.0, 100.0))
        controller.residual.move((140.0, 180.0))
        controller.residual.release()
        draw(viewer)
        controller.session.wait_ahead()  # a person takes longer than the prefetch
        start = time.perf_counter()
        controller.flow.submit()
        finish()
        times.append(time.perf_counter() - start)
        memory.append(process.memory_info().rss / 2**20)
    leave(controller)
    return times, memory


# ---------------------------------------------------------------- shared


def _plain_scene(name: str, height: int, width: int, evs: tuple[float, ...], seed: int = 0) -> BuiltScene:
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 256, (height // 8, width // 8, 3)).astype(np.uint8)
    reference = np.ascontiguousarray(base.repeat(8, 0).repeat(8, 1))
    shape = (len(evs), height, width)
    residual = (base[..., 0].astype(np.int16) * 60 - 7500).repeat(8, 0).repeat(8, 1)
    return BuiltScene(
        scene_id=name,
        exposures=np.broadcast_to(reference, (*shape, 3)).copy(),
        reference=reference,
        residual=np.broadcast_to(residual, shape).copy(),
        outliers=np.zeros(shape, np.uint8),
        evs=evs,
        levels=tuple(level_name(ev) for ev in evs),
        review_priority=tuple(0.5 for _ in evs),
        attributes={"licence": "CC0-1.0"},
        recipe={"made_by": "benchmark", "seed": seed},
    )
