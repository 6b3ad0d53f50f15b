"""A scripted expert repairs planted faults, by the plain tools at their best and with proposals; actions counted.

The expert works from what the label should be, not from flags: they see every fault that is visibly wrong, know its
shape, and choose the plain tool and value that leave least of it. Error outside the faults counts as well. Nobody was
timed: seconds are those of Card, Moran and Newell's keystroke-level model for the actions counted.
"""

import contextlib
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from annotator.actions import ACTIONS, run
from annotator.residual.suggestions import Suggestions
from annotator.session.controller import Controller
from benchmarks.annotator_plans import error_after, plans
from benchmarks.annotator_session import begin, leave
from benchmarks.harness import Figure
from benchmarks.planted_outliers.faults import SCALE, VISIBLE, Planted
from benchmarks.planted_outliers.sets import looked, scenes
from iea40k.outliers import look
from iea40k.scene import BuiltScene, level_names
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks

IMAGES = int(os.environ.get("IEA40K_BENCH_EXPERT", "20"))
DONE = 1 / 3
"""Share of a fault's error below which it is left as it is, in either way of working."""

WORTH = 0.9
"""A plain repair is left alone where it leaves more than this share of the error."""


def expert_figures(root: Path) -> list[Figure]:
    """Twenty images with four irregular faults each, repaired in both ways."""
    from napari.components import ViewerModel

    looked(f"the scripted expert, {IMAGES} images")
    store = Store.create(root)
    planted = {f"p{i:02d}": p for i, p in enumerate(scenes("test", IMAGES))}
    for name, made in planted.items():
        store.write_scene(built(name, made))
    with Ledger.open(store.path, create=True) as ledger:
        tasks = [
            TaskRequest(name, level_names(p.scene.evs)[p.index], 1, slots=2) for name, p in planted.items()
        ]
        add_tasks(ledger, tasks, "bench")
    figures: list[Figure] = []
    actions, left = {}, {}
    for way, work in (("plain tools at their best", by_hand), ("with proposals", with_proposals)):
        controller = begin(ViewerModel(), store, root / "desks", way)
        counts, seconds, shares, outside, processor = [], [], [], [], []
        while controller.session.image is not None:
            made = planted[controller.session.image.key.scene_id]
            controller.target.set_tools(
                tool="brush", mode="set", value=0.0, radius=6.0, feather=0.0, strength=1.0, edges=False
            )
            expert = Expert(controller, made)
            work(expert)
            counts.append(expert.actions)
            seconds.append(expert.seconds)
            processor.append(expert.processor)
            shares.append(expert.error() / expert.begun)
            outside.append(expert.harmed())
            controller.flow.submit()
        leave(controller)
        actions[way], left[way] = statistics.mean(counts), statistics.mean(shares)
        figures += [
            Figure(
                f"actions an image, {way}",
                actions[way],
                "actions",
                f"{len(counts)} images, {sum(len(p.counting()) for p in planted.values())} visible faults",
                note=f"{statistics.mean(seconds):.0f} s by a keystroke-level model, no person timed; "
                f"{statistics.mean(processor):.2f} s of one core in what the actions call",
            ),
            Figure(
                f"error left in the whole image, {way}",
                left[way],
                "x",
                "of what was planted",
                note=f"{statistics.mean(outside):.0f} pixels an image worsened by more than 8/255",
            ),
        ]
    plain, assisted = actions["plain tools at their best"], actions["with proposals"]
    lower = left["with proposals"] < left["plain tools at their best"]
    figures.append(
        Figure(
            "actions with proposals against plain ones",
            assisted / plain,
            "x",
            "same faults, no more error left",
            "<= 1/3",
            assisted / plain <= 1 / 3 and lower,
        )
    )
    return figures


def built(name: str, made: Planted) -> BuiltScene:
    """Return a planted scene as a build would leave it."""
    s = made.scene
    looked = look(s.reference, s.exposures, made.codes, s.evs)
    return BuiltScene(
        scene_id=name,
        exposures=s.exposures,
        reference=s.reference,
        residual=made.codes,
        outliers=looked.flags,
        evs=s.evs,
        levels=level_names(s.evs),
        review_priority=looked.priorities,
        attributes={"licence": "CC0-1.0", "kind": "rendered"},
        recipe={"made_by": "benchmark"},
    )


class Expert:
    """Counts actions and the time a person would take (Card, Moran and Newell's keystroke-level model)."""

    def __init__(self, controller: Controller, made: Planted) -> None:
        self.controller, self.made = controller, made
        self.actions, self.seconds, self.processor = 0, 0.0, 0.0
        self.begun = self.error()
        self.before = self.image.codes.copy()

    @property
    def image(self):
        return self.controller.session.image

    def error(self) -> float:
        """The sum of |label - truth| over the whole image."""
        return float(np.abs(self.image.codes.astype(np.int64) - self.made.truth).sum())

    def error_in(self, region: np.ndarray) -> float:
        """The sum of |label - truth| over a region."""
        off = np.abs(self.image.codes.astype(np.int64) - self.made.truth)
        return float(off[region].sum())

    def harmed(self) -> int:
        """How many pixels are visibly further from the truth than they were."""
        off = np.abs(self.image.codes.astype(int) - self.made.truth)
        was = np.abs(self.before.astype(int) - self.made.truth)
        return int((off - was > VISIBLE * SCALE).sum())

    def key(self, action: str) -> None:
        with self._acting(0.28):
            run(self.controller, next(a for a in ACTIONS if a.id == action))

    def set(self, **tools: float) -> None:
        with self._acting(0.28):
            self.controller.residual.set_tools(**tools)

    def click(self, at: tuple[float, float]) -> None:
        with self._acting(1.3):
            self.controller.residual.press(at)
            self.controller.residual.release()

    def drag(self, *points: tuple[float, float]) -> None:
        with self._acting(2.4):
            self.controller.residual.press(points[0])
            for point in points[1:]:
                self.controller.residual.move(point)
            self.controller.residual.release()

    def right_click(self, at: tuple[float, float]) -> None:
        with self._acting(1.3):
            self.controller.residual.pick((round(at[0]), round(at[1])))

    def think(self) -> None:
        self.seconds += 1.35

    @contextlib.contextmanager
    def _acting(self, seconds: float) -> Iterator[None]:
        """Count one action, the seconds it takes a person, and those it takes the processor."""
        before = time.process_time()
        yield
        self.processor += time.process_time() - before
        self.actions += 1
        self.seconds += seconds


# ------------------------------------------------------------ with proposals


def with_proposals(expert: Expert) -> None:
    """Every proposal is looked at and taken or refused by what it does; what is left is done by hand."""
    controller, of = expert.controller, Suggestions(expert.image)
    looked: list[object] = []
    while True:
        at = controller.residual.proposing._of.at
        if at is None or at in looked or at not in of.open():
            if len(looked) >= len(of.findings.proposals) or not of.open():
                break
            expert.key("next")
            at = controller.residual.proposing._of.at
            if at is None or at in looked:
                break
        looked.append(at)
        expert.think()
        done = of.repair(at)
        if isinstance(done, str):
            continue
        truth = expert.made.truth[at.box].astype(int)
        now = expert.image.codes[at.box].astype(int)
        better = np.abs(done.after - truth)[at.mask].sum() < np.abs(now - truth)[at.mask].sum()
        expert.key("take" if better else "refuse")
    controller.residual.cancel()
    by_hand(expert)


# ------------------------------------------------------------ the plain tools


def by_hand(expert: Expert) -> None:
    """Every fault that is still visible is repaired by the plain tool that leaves least of it."""
    for fault in expert.made.counting():
        off = np.abs(expert.image.codes.astype(int) - expert.made.truth)
        was = np.abs(expert.before.astype(int) - expert.made.truth)
        wrong = (off > VISIBLE * SCALE) & fault.region
        if wrong.sum() < 12 or off[fault.region].sum() <= DONE * was[fault.region].sum():
            continue
        expert.think()
        if fault.kind == "speckle":
            _smooth_dots(expert, wrong)
        else:
            _region(expert, fault.region if wrong.sum() > 0.5 * fault.region.sum() else wrong)


def _region(expert: Expert, region: np.ndarray) -> None:
    """Take the plan that leaves least of the whole image's error, what it does beside the region included."""
    before = expert.error()
    found = [
        (error_after(expert.image.codes, p, expert), p.cost, n, p)
        for n, p in enumerate(plans(expert, region))
    ]
    found = [f for f in found if f[0] < before - (1 - WORTH) * expert.error_in(region)]
    if not found:
        return
    least = min(found)[0]
    # Of plans that leave about as little, the one of fewest actions.
    plan = min((f for f in found if f[0] <= least + 0.02 * before), key=lambda f: (f[1], f[0], f[2]))[3]
    if plan.clicks is not None:
        expert.key(plan.tool)
        if plan.tool == "fill":
            expert.key(plan.mode)
            expert.set(**plan.settings)
            expert.key("fill")
        for spot in plan.clicks:
            expert.click(spot)
        return
    expert.key(plan.tool if plan.tool == "clone" else plan.mode)
    if plan.settings:
        expert.set(**plan.settings)
    expert.set(radius=plan.radius)
    if plan.edges != expert.controller.residual.tools.edges:
        expert.key("edges")
    if plan.source is not None:
        expert.right_click(plan.source)
    for drag in plan.drags:
        expert.drag(*drag)


def _smooth_dots(expert: Expert, wrong: np.ndarray) -> None:
    """One drag along each row of dots, or a click each, whichever is fewer."""
    radius = 4.0
    expert.key("smooth")
    expert.set(radius=radius, feather=0.3)
    left = wrong.copy()
    while left.any():
        rows = np.flatnonzero(left.any(axis=1))
        band = left[rows[0] : rows[0] + int(2 * radius) - 1]
        across = np.flatnonzero(band.any(axis=0))
        middle = float(rows[0]) + radius - 1
        if np.ptp(across) <= 2 * radius:
            expert.click((middle, float(across.mean())))
        else:
            expert.drag((middle, float(across[0])), (middle, float(across[-1])))
        left[rows[0] : rows[0] + int(2 * radius) - 1] = False
    expert.set(feather=0.0)
