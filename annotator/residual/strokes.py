"""A stroke in the making: dabs go into the codes as the mouse moves, and come out as one patch."""

import math

import numpy as np

from annotator.residual.brushes import Brush, Codes, neighbourhood_mean, painted
from annotator.shared.boxes import Box, Point, around, grown, inside
from annotator.shared.dabs import coverage, footprint
from annotator.shared.edges import EdgeGuide
from iea40k.arrays import (
    INVALID_CODE,
    RESIDUAL_SCALE,
    ResidualCodes,
    Validity,
    bounding_box,
    validity_from_codes,
)
from iea40k.store.ledger import Patch


class Scratch:
    """Working memory for the strokes on one image; kept between strokes, since fresh pages are what costs."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.weights = np.zeros(shape, np.float32)
        self.before = np.zeros(shape, np.int16)


class Stroke:
    """One stroke on `codes` (H, W) int16, which it changes in place, on valid pixels inside `limit` only.

    `guide`: it stops at edges. `source`: how many rows and columns away lies what a clone takes; as it was before the
    stroke, and only where that has valid data. `stopped` counts the pixels that the stroke would have taken beyond
    [-1, 1] and that stopped there.
    """

    def __init__(
        self,
        codes: ResidualCodes,
        base: ResidualCodes,
        brush: Brush,
        *,
        scratch: Scratch | None = None,
        limit: Validity | None = None,
        guide: EdgeGuide | None = None,
        source: tuple[int, int] = (0, 0),
    ) -> None:
        self.codes = codes
        self.brush = brush
        self.stopped = 0
        self._base = base
        self._limit = limit
        self.guide, self._source = guide, source
        self.pressures: tuple[float, float] | None = None
        """The least and the greatest pressure of the pen, None where none was told."""
        self._scratch = scratch or Scratch((codes.shape[0], codes.shape[1]))
        self._reach: Box | None = None
        self._last: Point | None = None

    def move(self, to: Point, pressure: float | None = None) -> Box | None:
        """Paint from the last point to `to` (row, column); return the box of pixels that may have changed.

        `pressure` in [0, 1], of a pen, weakens the brush.
        """
        start = to if self._last is None else self._last
        self._last = to
        box = footprint(start, to, self.brush.radius, self.codes.shape)
        if box is None:
            return None
        fresh = coverage(box, start, to, self.brush)
        if self.guide is not None:
            fresh *= self.guide.share(box, start, to)
        if pressure is not None:
            fresh *= np.float32(pressure)
            least, most = self.pressures or (pressure, pressure)
            self.pressures = min(least, pressure), max(most, pressure)
        weights, before, codes = self._scratch.weights[box], self._scratch.before[box], self.codes[box]
        grows = (fresh > weights) & validity_from_codes(codes)
        if self._limit is not None:
            grows &= self._limit[box]
        near = None
        if self.brush.kind.clones:
            near, known = self._cloned(box)
            grows &= known
        if not grows.any():
            return None
        first = grows & (weights == 0)
        before[first] = codes[first]
        weights[grows] = fresh[grows]
        if self.brush.kind.blurs:
            near = self._mean(box)
        to_near = None if near is None else near[grows]
        made = painted(before[grows], fresh[grows], self.brush, self._base[box][grows], to_near)
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

    def _before(self, area: Box) -> ResidualCodes:
        """Return the codes of an area as they were before the stroke."""
        begun = self._scratch.weights[area] > 0
        return np.where(begun, self._scratch.before[area], self.codes[area])

    def _cloned(self, box: Box) -> tuple[Codes, Validity]:
        """Return the codes at the source of a box, (h, w), and which of them there are."""
        spans = [slice(s.start + by, s.stop + by) for s, by in zip(box, self._source, strict=True)]
        shape = box[0].stop - box[0].start, box[1].stop - box[1].start
        codes = np.full(shape, INVALID_CODE, np.int16)
        inner = [slice(max(s.start, 0), min(s.stop, n)) for s, n in zip(spans, self.codes.shape, strict=True)]
        if all(i.start < i.stop for i in inner):
            at = tuple(slice(i.start - s.start, i.stop - s.start) for i, s in zip(inner, spans, strict=True))
            codes[at] = self._before((inner[0], inner[1]))
        return codes.astype(np.float32), validity_from_codes(codes)

    def _mean(self, box: Box) -> Codes:
        area = grown(box, math.ceil(3 * self.brush.sigma), self.codes.shape)
        as_before = self._before(area)
        mean = neighbourhood_mean(as_before, validity_from_codes(as_before), self.brush.sigma)
        return mean[inside(box, area)]
