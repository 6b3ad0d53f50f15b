"""A scripted expert who repairs planted faults, by hand and with the assisted tools; actions counted, seconds modelled.

Nobody was timed: seconds are those of Card, Moran and Newell's keystroke-level model for the actions counted.
"""

import statistics
from pathlib import Path

import numpy as np

from annotator.actions import ACTIONS, run
from annotator.residual.regions import suggested_regions
from annotator.sample import PHOTOGRAPHS, Practice, photograph, practice_scene
from annotator.session.controller import Controller
from benchmarks.annotator_session import begin, leave
from benchmarks.harness import Figure
from iea40k.outliers import Outlier
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks


def expert_figures(root: Path) -> list[Figure]:
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
        controller = begin(ViewerModel(), store, root / "desks", way)
        counts, seconds, left = [], [], []
        while controller.session.image is not None:
            practice = practices[controller.session.image.key.scene_id]
            controller.target.set_tools(
                tool="brush", mode="set", value=0.0, radius=6.0, feather=0.0, strength=1.0
            )
            expert = Expert(controller)
            repair(expert, practice)
            counts.append(expert.actions)
            seconds.append(expert.seconds)
            left.append(_error_left(controller, practice))
            controller.flow.submit()
        actions[way] = statistics.mean(counts)
        note = f"faults' mean |error| falls to {statistics.mean(left) * 100:.0f} % of what it was"
        figures += [
            Figure(
                f"actions an image, {way}", actions[way], "actions", "20 images, planted faults", note=note
            ),
            Figure(
                f"modelled seconds an image, {way}",
                statistics.mean(seconds),
                "s",
                "a keystroke-level model, no person timed",
                note="key 0.28 s, point and click 1.3 s, drag 2.4 s, thinking 1.35 s a fault",
            ),
        ]
        leave(controller)
    share = actions["assisted"] / actions["by brush"]
    figures.append(
        Figure("assisted actions against brush actions", share, "x", "same faults", "<= 1/3", share <= 1 / 3)
    )
    return figures


class Expert:
    """Counts actions and the time a person would take (Card, Moran and Newell's keystroke-level model)."""

    def __init__(self, controller: Controller) -> None:
        self.controller, self.actions, self.seconds = controller, 0, 0.0

    def key(self, action: str) -> None:
        run(self.controller, next(a for a in ACTIONS if a.id == action))
        self._spent(0.28)

    def set(self, **tools: float) -> None:
        self.controller.residual.set_tools(**tools)
        self._spent(0.28)

    def click(self, at: tuple[float, float]) -> None:
        self.controller.residual.press(at)
        self.controller.residual.release()
        self._spent(1.3)

    def drag(self, *points: tuple[float, float]) -> None:
        self.controller.residual.press(points[0])
        for point in points[1:]:
            self.controller.residual.move(point)
        self.controller.residual.release()
        self._spent(2.4)

    def think(self) -> None:
        self.seconds += 1.35

    def _spent(self, seconds: float) -> None:
        self.actions += 1
        self.seconds += seconds


def _by_brush(expert: Expert, practice: Practice) -> None:
    for name, region in practice.faults:
        rows, columns = np.nonzero(region)
        expert.think()
        if name == "logo":
            expert.key("set")
            expert.set(value=-0.35, radius=4.0, feather=0.0)
            _sweep(expert, region, 4)
        elif name == "misaligned":
            expert.key("smooth")
            expert.set(radius=18.0, feather=0.2)
            _sweep(expert, region, 18)
        else:
            expert.key("smooth")
            expert.set(radius=5.0, feather=0.3)
            for row, column in zip(rows[::4], columns[::4], strict=False):
                expert.click((float(row) + 0.5, float(column) + 0.5))


def _sweep(expert: Expert, region: np.ndarray, radius: float) -> None:
    """Drag along every band of a region, as wide as the brush."""
    rows = np.flatnonzero(region.any(axis=1))
    at = rows[0] + radius - 1
    while at - radius < rows[-1]:
        columns = np.flatnonzero(region[int(min(at, rows[-1]))])
        if columns.size:
            expert.drag((at, columns[0] + radius / 2), (at, columns[-1] - radius / 2))
        at += 2 * radius - 2


def _assisted(expert: Expert, practice: Practice) -> None:
    for name, region in practice.faults:
        rows, columns = np.nonzero(region)
        middle = len(rows) // 2
        expert.think()
        if name == "logo":
            expert.key("light source")
            expert.set(value=-0.35)
            expert.click((float(rows[middle]), float(columns[middle])))
        elif name == "speckle":
            expert.key("repair speckles")
        else:
            image = expert.controller.session.image
            done = np.zeros(region.shape, np.bool_)
            expert.key("outlier")
            for bit, found in suggested_regions(image.flags, 12):
                spot = np.argwhere(found & region & ~done)
                if bit == Outlier.MISALIGNED and len(spot) > 12:
                    before = image.codes.copy()
                    expert.click((float(spot[0][0]), float(spot[0][1])))
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
