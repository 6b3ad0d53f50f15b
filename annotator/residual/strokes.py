"""A stroke in the making: dabs go into the codes as the mouse moves, and come out as one patch."""

import math

import numpy as np

from annotator.residual.brushes import Brush, Codes, neighbourhood_mean, painted
from annotator.shared.boxes import Box, Point, around, grown, inside
from annotator.shared.dabs import coverage, footprint
from iea40k.arrays import RESIDUAL_SCALE, ResidualCodes, Validity, bounding_box, validity_from_codes
from iea40k.store.ledger import Patch


class Scratch:
    """Working memory for the strokes on one image; kept between strokes, since fresh pages are what costs."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.weights = np.zeros(shape, np.float32)
        self.before = np.zeros(shape, np.int16)


class Stroke:
    """One stroke on `codes` (H, W) int16, which it changes in place, on valid pixels inside `limit` only.

    `stopped` counts the pixels that the stroke would have taken beyond [-1, 1] and that stopped there.
    """

    def __init__(
        self,
        codes: ResidualCodes,
        base: ResidualCodes,
        brush: Brush,
        *,
        scratch: Scratch | None = None,
        limit: Validity | None = None,
    ) -> None:
        self.codes = codes
        self.brush = brush
        self.stopped = 0
        self._base = base
        self._limit = limit
        self._scratch = scratch or Scratch((codes.shape[0], codes.shape[1]))
        self._reach: Box | None = None
        self._last: Point | None = None

    def move(self, to: Point) -> Box | None:
        """Paint from the last point to `to` (row, column); return the box of pixels that may have changed."""
        start = to if self._last is None else self._last
        self._last = to
        box = footprint(start, to, self.brush.radius, self.codes.shape)
        if box is None:
            return None
        fresh = coverage(box, start, to, self.brush)
        weights, before, codes = self._scratch.weights[box], self._scratch.before[box], self.codes[box]
        grows = (fresh > weights) & validity_from_codes(codes)
        if self._limit is not None:
            grows &= self._limit[box]
        if not grows.any():
            return None
        first = grows & (weights == 0)
        before[first] = codes[first]
        weights[grows] = fresh[grows]
        mean = self._mean(box)[grows] if self.brush.kind.blurs else None
        made = painted(before[grows], fresh[grows], self.brush, self._base[box][grows], mean)
        self.stopped += int((np.abs(made) > RESIDUAL_SCALE + 0.5).sum())
        codes[grows] = np.rint(np.clip(made, -RESIDUAL_SCALE, RESIDUAL_SCALE)).astype(np.int16)
        self._reach = around(box, self._reach)
        return box

    def finish(self) -> Patch | None:
        """Return what the stroke touched, None where it met no pixel; the stroke is over."""
        if self._reach is None:
            return None
        box, self._reach = self._reach, None
        weights = self._scratch.weights[box]
        mask = weights > 0
        weights[...] = 0
        inner = bounding_box(mask)
        if inner is None:
            return None
        mask = mask[inner].copy()
        before, after = self._scratch.before[box][inner], self.codes[box][inner]
        top, left = box[0].start + inner[0].start, box[1].start + inner[1].start
        return Patch(top, left, mask, before[mask], after[mask])

    def cancel(self) -> Box | None:
        """Put every code back as it was; return the box to draw anew."""
        if self._reach is None:
            return None
        box, self._reach = self._reach, None
        mask = self._scratch.weights[box] > 0
        self.codes[box][mask] = self._scratch.before[box][mask]
        self._scratch.weights[box] = 0
        return box

    def _mean(self, box: Box) -> Codes:
        area = grown(box, math.ceil(3 * self.brush.sigma), self.codes.shape)
        begun = self._scratch.weights[area] > 0
        as_before = np.where(begun, self._scratch.before[area], self.codes[area])
        mean = neighbourhood_mean(as_before, validity_from_codes(as_before), self.brush.sigma)
        return mean[inside(box, area)]
