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

from annotator.controller import Controller
from annotator.layers import Layers
from annotator.sample import PHOTOGRAPHS, Practice, photograph, practice_scene
from annotator.session import Session
from annotator.tools.regions import suggested_regions
from benchmarks.harness import Figure
from iea40k.outliers import Outlier
from iea40k.scene import BuiltScene, level_name
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks

TITLE = "Annotator"
IMAGES = int(os.environ.get("IEA40K_BENCH_IMAGES", "500"))
MOVES = 120


class Face:
    """A face that says nothing, so that the figures are the canvas's."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_args: None


def run() -> list[Figure]:
    figures: list[Figure] = []
    viewer, where, finish = _viewer()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        figures += _latency(viewer, where, finish, root / "latency")
        figures += _flow(viewer, where, finish, root / "flow")
        figures += _expert(root / "expert")
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
        controller = _sit(viewer, store, root / "desks", "Ada")
        for name, look in (("residual", {"picture": "exposure"}), ("preview", {"picture": "preview"})):
            controller.set_look(**look)
            controller.set_hand(tool="brush", mode="set", value=0.2, radius=20.0, feather=0.5)
            _draw(viewer)
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
        controller.painter.press((height / 3, width / 3))
        controller.painter.move((height / 3 + 60, width / 3 + 60))
        start = time.perf_counter()
        controller.painter.release()
        figures.append(
            Figure(
                f"mouse release until the stroke is durable and shown, {width}x{height}",
                (time.perf_counter() - start) * 1000,
                "ms",
                "SQLite, two fsyncs",
            )
        )
        _leave(controller)
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
    times, _ = _sitting(viewer, finish, root / "timed", 6, (512, 768), 54)
    _, memory = _sitting(viewer, finish, root / "many", -(-IMAGES // 9), (256, 384), IMAGES)
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
            "384x256, a stroke on each image, one sitting",
        ),
    ]


def _sitting(
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
    controller = _sit(viewer, store, root / "desks", "Ada")
    while controller.session.image is not None and len(times) < images:
        controller.painter.press((100.0, 100.0))
        controller.painter.move((140.0, 180.0))
        controller.painter.release()
        _draw(viewer)
        controller.session.wait_ahead()  # a person takes longer than the prefetch
        start = time.perf_counter()
        controller.submit()
        finish()
        times.append(time.perf_counter() - start)
        memory.append(process.memory_info().rss / 2**20)
    _leave(controller)
    return times, memory


# ---------------------------------------------------------------- the scripted expert


def _expert(root: Path) -> list[Figure]:
    """Twenty images with a logo, speckle and a displaced patch, repaired by hand and with the assisted tools."""
    from napari.components import ViewerModel

    store = Store.create(root)
    practices: dict[str, Practice] = {}
    for i in range(20):
        name = f"p{i:02d}"
        pixels = photograph(PHOTOGRAPHS[i % len(PHOTOGRAPHS)])
        practices[name] = practice_scene(pixels, name, evs=(1.0,), seed=i)
        store.write_scene(practices[name].scene)
    with Ledger.open(store.path, create=True) as ledger:
        add_tasks(ledger, [TaskRequest(name, "P1", 1, slots=2) for name in practices], "bench")
    figures, actions = [], {}
    for way, repair in (("by brush", _by_brush), ("assisted", _assisted)):
        controller = _sit(ViewerModel(), store, root / "desks", way)
        counts, seconds, left = [], [], []
        while controller.session.image is not None:
            practice = practices[controller.session.image.lane.scene_id]
            controller.set_hand(tool="brush", mode="set", value=0.0, radius=6.0, feather=0.0, strength=1.0)
            hand = Expert(controller)
            repair(hand, practice)
            counts.append(hand.actions)
            seconds.append(hand.seconds)
            left.append(_error_left(controller, practice))
            controller.submit()
        actions[way] = statistics.mean(counts)
        note = f"faults' mean |error| falls to {statistics.mean(left) * 100:.0f} % of what it was"
        figures += [
            Figure(
                f"actions an image, {way}", actions[way], "actions", "20 images, planted faults", note=note
            ),
            Figure(
                f"seconds an image, {way}",
                statistics.mean(seconds),
                "s",
                "keystroke-level model",
                note="key 0.28 s, point and click 1.3 s, drag 2.4 s, thinking 1.35 s a fault",
            ),
        ]
        _leave(controller)
    share = actions["assisted"] / actions["by brush"]
    figures.append(
        Figure("assisted actions against brush actions", share, "x", "same faults", "<= 1/3", share <= 1 / 3)
    )
    return figures


class Expert:
    """Counts actions and the time a person would take (Card, Moran and Newell's keystroke-level model)."""

    def __init__(self, controller: Controller) -> None:
        self.controller, self.actions, self.seconds = controller, 0, 0.0

    def key(self, verb: str, *arguments: object, **changes: object) -> None:
        getattr(self.controller, verb)(*arguments, **changes)
        self._spent(0.28)

    def click(self, at: tuple[float, float]) -> None:
        self.controller.painter.press(at)
        self.controller.painter.release()
        self._spent(1.3)

    def drag(self, *points: tuple[float, float]) -> None:
        self.controller.painter.press(points[0])
        for point in points[1:]:
            self.controller.painter.move(point)
        self.controller.painter.release()
        self._spent(2.4)

    def think(self) -> None:
        self.seconds += 1.35

    def _spent(self, seconds: float) -> None:
        self.actions += 1
        self.seconds += seconds


def _by_brush(hand: Expert, practice: Practice) -> None:
    for name, region in practice.faults:
        rows, columns = np.nonzero(region)
        hand.think()
        if name == "logo":
            hand.key("take_brush", "set")
            hand.key("set_hand", value=-0.35, radius=4.0, feather=0.0)
            _sweep(hand, region, 4)
        elif name == "misaligned":
            hand.key("take_brush", "smooth")
            hand.key("set_hand", radius=18.0, feather=0.2)
            _sweep(hand, region, 18)
        else:
            hand.key("take_brush", "smooth")
            hand.key("set_hand", radius=5.0, feather=0.3)
            for row, column in zip(rows[::4], columns[::4], strict=False):
                hand.click((float(row) + 0.5, float(column) + 0.5))


def _sweep(hand: Expert, region: np.ndarray, radius: float) -> None:
    """Drag along every band of a region, as wide as the brush."""
    rows = np.flatnonzero(region.any(axis=1))
    at = rows[0] + radius - 1
    while at - radius < rows[-1]:
        columns = np.flatnonzero(region[int(min(at, rows[-1]))])
        if columns.size:
            hand.drag((at, columns[0] + radius / 2), (at, columns[-1] - radius / 2))
        at += 2 * radius - 2


def _assisted(hand: Expert, practice: Practice) -> None:
    for name, region in practice.faults:
        rows, columns = np.nonzero(region)
        middle = len(rows) // 2
        hand.think()
        if name == "logo":
            hand.key("take", "light source")
            hand.key("set_hand", value=-0.35)
            hand.click((float(rows[middle]), float(columns[middle])))
        elif name == "speckle":
            hand.key("accept_all")
        else:
            image = hand.controller.session.image
            done = np.zeros(region.shape, np.bool_)
            hand.key("take", "outlier")
            for bit, found in suggested_regions(image.flags, 12):
                spot = np.argwhere(found & region & ~done)
                if bit == Outlier.MISALIGNED and len(spot) > 12:
                    before = image.codes.copy()
                    hand.click((float(spot[0][0]), float(spot[0][1])))
                    done |= image.codes != before


def _error_left(controller: Controller, practice: Practice) -> float:
    """The mean |error| in the faults against the truth, as a share of what it was."""
    image = controller.session.image
    shares = []
    for _, region in practice.faults:
        truth = practice.truth[0][region].astype(np.int64)
        before = np.abs(practice.scene.residual[0][region] - truth).mean()
        shares.append(np.abs(image.codes[region] - truth).mean() / before)
    return float(np.mean(shares))


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
        suspicion=tuple(0.5 for _ in evs),
        attributes={"licence": "CC0-1.0"},
        recipe={"made_by": "benchmark", "seed": seed},
    )


def _sit(viewer: Any, store: Store, desks: Path, name: str) -> Controller:
    session = Session.open(store.path, name, desks=desks)
    controller = Controller(session, Layers(viewer), Face())  # type: ignore[arg-type]
    controller.start()
    controller.set_look(picture="exposure", compare="single", outlines=True, edited=True)
    _draw(viewer)
    return controller


def _leave(controller: Controller) -> None:
    controller.session.close()
    controller.layers.remove()


def _draw(viewer: Any) -> None:
    if hasattr(viewer, "window"):
        from qtpy.QtWidgets import QApplication

        for _ in range(3):
            QApplication.processEvents()
