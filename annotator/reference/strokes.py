"""A stroke on a reference in the making: blocks or dabs shift the picture as the mouse moves, and come out as changes.

Every stroke ends as weighted shifts (`ZoneChange`), each in its box. Blocks that are set to a zone are one change each,
since each has a zone of its own to start from. Everything else is one change with the weights of the whole stroke;
what an eraser takes away is written as the few shifts that add up to it exactly.
"""

import numpy as np
from numpy.typing import NDArray

from annotator.reference.blocks import Blocks
from annotator.reference.state import BoxChange, Reference
from annotator.reference.tools import ReferenceTools
from annotator.shared.boxes import Box, Point, Spot, around, grown, inside, whole
from annotator.shared.dabs import coverage, footprint
from annotator.shared.edges import EdgeGuide
from annotator.shared.ramp import ramp
from iea40k.zones import (
    MOST_SHIFT,
    ZONE_UNITS,
    ShiftMap,
    ZoneChange,
    block_zone,
    changes_of,
    feather,
    zone_change,
)


class ReferenceStroke:
    """One stroke with the tool in use on `reference`, which it changes in place. `stopped`: a shift beyond 20 stops
    was asked for and refused."""

    def __init__(self, reference: Reference, tools: ReferenceTools) -> None:
        self.stopped = False
        self._reference, self._tools = reference, tools
        self.pressures: tuple[float, float] | None = None
        """The least and the greatest pressure of the pen, None where none was told."""
        self._guide = EdgeGuide((reference.base,), tools.contrast, tools.radius) if tools.edges else None
        self._blocks: Blocks | None = reference.blocks(tools.side) if tools.tool == "block" else None
        self._before: ShiftMap = reference.shift.copy()
        self._weights = np.zeros(reference.shape, np.uint8)
        self._changes: list[BoxChange] = []
        # By number, with one more for pixels outside every block (-1), which stays False.
        self._taken = np.zeros(1 if self._blocks is None else len(self._blocks.boxes) + 1, np.bool_)
        self._reach: Box | None = None
        self._last: Point | None = None
        self._step: tuple[int, int] | None = None

    def move(self, to: Point, pressure: float | None = None) -> Box | None:
        """Go on to a pixel (row, column); return the box that may have changed, None where nothing did.

        `pressure` in [0, 1], of a pen, weakens the free brush.
        """
        start = to if self._last is None else self._last
        self._last = to
        changed = self._over_blocks(start, to) if self._blocks is not None else self._dab(start, to, pressure)
        if changed is not None:
            self._reach = around(changed, self._reach)
        return changed

    def finish(self) -> list[BoxChange]:
        """Return what the stroke did, empty where it did nothing; the picture shows it already."""
        if self._reach is None:
            return []
        box, self._reach = self._reach, None
        if self._tools.mode == "erase":
            by = self._reference.shift[box] - self._before[box]
            moved = by != 0
            zone = block_zone(self._reference.picture[box], moved) if moved.any() else 0.0
            return [(box, change) for change in changes_of(by, zone)]
        if self._step is not None:
            self._changes = [(box, ZoneChange(self._weights[box].copy(), *self._step))]
        return [(b, c) for b, c in self._changes if c.weights.any() and c.old_zone != c.new_zone]

    def cancel(self) -> Box | None:
        """Take back what the stroke did so far; return the box to draw anew."""
        box, self._reach = self._reach, None
        if box is not None:
            self._reference.move(box, self._before[box] - self._reference.shift[box])
        return box

    # ------------------------------------------------------------ private

    def _over_blocks(self, start: Point, to: Point) -> Box | None:
        blocks = self._blocks
        if blocks is None:
            return None
        # A pixel at a time, so that a quick mouse passes over no block.
        steps = max(1, round(max(abs(to[0] - start[0]), abs(to[1] - start[1]))))
        changed: Box | None = None
        for share in np.linspace(0, 1, steps + 1):
            row, column = (round(a + share * (b - a)) for a, b in zip(start, to, strict=True))
            number = blocks.at(row, column)
            if number is not None and not self._taken[number]:
                self._taken[number] = True
                box = self._take(blocks, number)
                changed = changed if box is None else around(box, changed)
        return changed

    def _take(self, blocks: Blocks, number: int) -> Box | None:
        reach = round(self._tools.edge) + 1
        box, block = blocks.part(number, reach)
        if self._tools.mode != "set":
            # The edge of all that was taken so far, not of this block: between two that were taken there is none.
            wide = grown(box, reach, self._reference.shape)
            weights = feather(self._taken[blocks.labels[wide]], self._tools.edge, self._reference.valid[wide])
            return self._weigh(box, weights[inside(box, wide)])
        change = zone_change(
            self._reference.picture[box],
            block,
            self._tools.zone,
            radius=self._tools.edge,
            within=self._reference.valid[box],
        )
        if not self._shift(box, change.weights.astype(np.int32) * (change.new_zone - change.old_zone)):
            return None
        self._changes.append((box, change))
        return box

    def _dab(self, start: Point, to: Point, pressure: float | None) -> Box | None:
        box = footprint(start, to, self._tools.radius, self._reference.shape)
        if box is None:
            return None
        weights = coverage(box, start, to, self._tools)
        if self._guide is not None:
            weights *= self._guide.share(box, start, to)
        if pressure is not None:
            weights *= np.float32(pressure)
            least, most = self.pressures or (pressure, pressure)
            self.pressures = min(least, pressure), max(most, pressure)
        fresh = np.rint(weights * 255).astype(np.uint8)
        fresh[~self._reference.valid[box]] = 0
        return self._weigh(box, np.maximum(self._weights[box], fresh)) if fresh.any() else None

    def _weigh(self, box: Box, weights: NDArray[np.uint8]) -> Box | None:
        """Give the pixels of a box these weights in the stroke's shift, instead of those they had."""
        before = self._before[box]
        if self._tools.mode == "erase":
            wanted = before - np.rint(before * (weights / 255)).astype(np.int32)
        else:
            old, new = self._zones(box, weights)
            wanted = before + weights.astype(np.int32) * (new - old)
        if not self._shift(box, wanted - self._reference.shift[box]):
            return None
        self._weights[box] = weights
        return box

    def _zones(self, box: Box, weights: NDArray[np.uint8]) -> tuple[int, int]:
        """Return the zones that the stroke goes from and to, measured where it began."""
        if self._step is None:
            full = weights == weights.max()
            old = round(block_zone(self._reference.picture[box], full) * ZONE_UNITS)
            if self._tools.mode == "set":
                self._step = old, round(self._tools.zone * ZONE_UNITS)
            else:
                # The shift is what counts; the ledger wants the new zone on its scale.
                new = min(max(old + self._tools.units, 0), 10 * ZONE_UNITS)
                self._step = new - self._tools.units, new
        return self._step

    def _shift(self, box: Box, by: ShiftMap) -> bool:
        if int(np.abs(self._reference.shift[box] + by).max()) > MOST_SHIFT:
            self.stopped = True
            return False
        self._reference.move(box, by)
        return True


class ReferenceGradient(ReferenceStroke):
    """A gradient over `reference`: full weight where the drag began and behind it, none where it ends."""

    def __init__(self, reference: Reference, tools: ReferenceTools) -> None:
        super().__init__(reference, tools)
        self._start: Point | None = None

    def move(self, to: Point, pressure: float | None = None) -> Box | None:
        """Go on to a pixel (row, column); return the box that may have changed, None where nothing did."""
        del pressure
        self.stopped = False
        if self._start is None:
            self._start = to
            return None
        everything = whole(self._reference.shape)
        found = ramp(self._reference.shape, self._start, to)
        weights = np.zeros(self._reference.shape, np.uint8)
        if found is not None:
            weights = np.rint(found * 255).astype(np.uint8)
            weights[~self._reference.valid] = 0
        # The zone that it goes from is that of what it began with, not of what it did on its way here.
        self._reference.move(everything, self._before - self._reference.shift)
        self._weights, self._step = np.zeros_like(weights), None
        self._reach = everything
        if weights.any():
            self._weigh(everything, weights)
        return everything


def seen(reference: Reference, tools: ReferenceTools, spot: Spot) -> tuple[Box, NDArray[np.bool_]] | None:
    """Return what a press at a pixel is about: the block, or the brush's disc, as a box and its pixels (h, w) bool.

    None outside the picture or its valid data.
    """
    if tools.tool == "brush":
        box = footprint(spot, spot, tools.radius, reference.shape)
        if box is None:
            return None
        part = (coverage(box, spot, spot, tools) > 0.5) & reference.valid[box]
        return (box, part) if part.any() else None
    blocks = reference.blocks(tools.side)
    number = blocks.at(*spot)
    return None if number is None else blocks.part(number, 0)
