"""What a scripted expert could do to a region by the plain tools, tried on a copy of the label before it is done.

Every plain tool of the window is among them: set, add and scale by brush, by one that stops at edges, or by filling
what is alike; the sign turned by a click or by the brush; clone from beside the region. They see what each leaves.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from annotator.residual.brushes import Brush
from annotator.residual.regions import region_patch, same_sign, similar_region
from annotator.residual.strokes import Stroke
from annotator.shared.edges import EdgeGuide

SCALE = 32640
FEW = 6
"""Clicks up to which a region is filled rather than painted."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Plan:
    """Clicks of a tool, or drags of a brush; `cost` in actions."""

    tool: str
    mode: str
    settings: dict[str, float] = field(default_factory=dict)
    clicks: list[Point] | None = None
    drags: list[tuple[Point, Point]] = field(default_factory=list)
    radius: float = 6.0
    edges: bool = False
    source: Point | None = None

    @property
    def cost(self) -> int:
        if self.clicks is not None:
            return len(self.clicks) + (3 if self.tool == "fill" else 1)
        return len(self.drags) + 2 + bool(self.settings) + self.edges + (self.source is not None)

    def brush(self) -> Brush:
        return Brush(self.mode, next(iter(self.settings.values()), 0.0), self.radius, 0.0)


def plans(expert: Any, region: np.ndarray) -> Iterator[Plan]:
    """Yield what could be done to a region, with the value for each that is best for it."""
    codes = expert.image.codes[region].astype(np.float64) / SCALE
    truth = expert.made.truth[region].astype(np.float64) / SCALE
    factor = float(np.clip((codes * truth).sum() / max((codes**2).sum(), 1e-9), 0, 4))
    values: dict[str, dict[str, float]] = {
        "set": {"value": float(np.median(truth))},
        "add": {"amount": float(np.clip(np.median(truth - codes), -1, 1))},
        "scale": {"factor": factor},
        "negate": {},
    }
    tolerance = expert.controller.residual.tools.tolerance
    for name, mode, alike in (
        ("fill", "set", lambda spot: similar_region(expert.image.codes, spot, tolerance)),
        ("sign", "negate", lambda spot: same_sign(expert.image.codes, spot)),
    ):
        clicks = _clicks(region, alike)
        if clicks is not None:
            yield Plan(name, mode, values[mode], clicks)
    for radius in {float(np.clip(np.sqrt(region.sum()) / share, 3, 18)) for share in (3, 5)}:
        drags = _sweep(region, radius)
        for mode, settings in values.items():
            for edges in (False, True):
                yield Plan("brush", mode, settings, None, drags, radius, edges)
        for source in _beside(region):
            yield Plan("clone", "clone", {}, None, drags, radius, source=source)


def error_after(codes: np.ndarray, plan: Plan, expert: Any) -> float:
    """Return the sum of |label - truth| over the whole image after a plan."""
    image, after = expert.image, codes.copy()
    if plan.clicks is not None:
        for row, column in plan.clicks:
            spot, tolerance = (int(row), int(column)), expert.controller.residual.tools.tolerance
            found = same_sign(after, spot) if plan.tool == "sign" else similar_region(after, spot, tolerance)
            patch = region_patch(after, found, plan.brush(), image.base)
            if patch is not None:
                after[patch.box][patch.mask] = patch.new
    away = (0, 0)
    if plan.source is not None and plan.drags:
        start = plan.drags[0][0]
        away = round(plan.source[0]) - round(start[0]), round(plan.source[1]) - round(start[1])
    for drag in plan.drags:
        guide = EdgeGuide((image.exposure, image.reference), 0.1, plan.radius) if plan.edges else None
        stroke = Stroke(after, image.base, plan.brush(), guide=guide, source=away)
        for point in drag:
            stroke.move(point)
        stroke.finish()
    return float(np.abs(after.astype(np.int64) - expert.made.truth).sum())


def _clicks(region: np.ndarray, alike: Any) -> list[Point] | None:
    """Return where to click to take a region by what is alike; None where that would take other pixels with it."""
    left, spots = region.copy(), []
    for _ in range(FEW):
        if left.sum() < 0.1 * region.sum():
            return spots
        rows, columns = np.nonzero(left)
        spot = int(rows[len(rows) // 2]), int(columns[len(rows) // 2])
        found = alike(spot)
        if (found & ~region).sum() > 0.1 * max(found.sum(), 1) or not (found & left).any():
            return None
        left &= ~found
        spots.append((float(spot[0]), float(spot[1])))
    return None


def _sweep(region: np.ndarray, radius: float) -> list[tuple[Point, Point]]:
    """Return a drag along every band of a region, as wide as the brush."""
    rows = np.flatnonzero(region.any(axis=1))
    at, drags = float(rows[0]) + radius - 1, []
    while at - radius < rows[-1]:
        columns = np.flatnonzero(region[int(min(at, rows[-1]))])
        if columns.size:
            low, high = columns[0] + radius / 2, max(columns[-1] - radius / 2, columns[0])
            drags.append(((at, float(low)), (at, float(high))))
        at += 2 * radius - 2
    return drags


def _beside(region: np.ndarray) -> Iterator[Point]:
    """Yield where a clone of the region could begin to take from: beside it on each side, where there is room."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    top, left = float(rows[0]), float(columns[0])
    tall, wide = float(np.ptp(rows)) + 4, float(np.ptp(columns)) + 4
    for down, across in ((-tall, 0.0), (tall, 0.0), (0.0, -wide), (0.0, wide)):
        row, column = top + down, left + across
        if 0 <= row < region.shape[0] - tall and 0 <= column < region.shape[1] - wide:
            yield row, column
