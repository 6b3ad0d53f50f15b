"""A gradient in the making: what a brush does, with full weight where the drag began and none where it ends."""

import numpy as np

from annotator.residual.brushes import Brush, neighbourhood_mean, painted
from annotator.shared.boxes import Box, Point, whole
from annotator.shared.ramp import ramp
from iea40k.arrays import RESIDUAL_SCALE, ResidualCodes, Validity, validity_from_codes
from iea40k.store.ledger import Patch

LIVE = 1 << 21
"""Pixels of an image up to which a gradient is seen while it is drawn; on a larger one, when the button is let go."""


class GradientStroke:
    """One gradient on `codes` (H, W) int16, which it changes in place, on valid pixels inside `limit` only.

    `stopped` counts the pixels that it would have taken beyond [-1, 1] and that stopped there; `ends` are where it goes
    from and to, (row, column).
    """

    pressures = None

    def __init__(
        self, codes: ResidualCodes, base: ResidualCodes, brush: Brush, *, limit: Validity | None = None
    ) -> None:
        self.codes, self.brush, self.stopped = codes, brush, 0
        self.ends: tuple[Point, Point] | None = None
        self._base, self._limit = base, limit
        self._before = codes.copy()
        self._touched: Validity | None = None

    def move(self, to: Point, pressure: float | None = None) -> Box | None:
        """Go on to a pixel; return the box that may have changed."""
        del pressure
        self.ends = (to if self.ends is None else self.ends[0], to)
        return self._paint() if self.codes.size <= LIVE else None

    def finish(self) -> Patch | None:
        """Return what it touched, None where it met no pixel; it is over."""
        if self.codes.size > LIVE:
            self._paint()
        touched = self._touched
        return None if touched is None else Patch.between(self._before, self.codes, touched)

    def cancel(self) -> Box:
        """Put every code back as it was; return the box to draw anew."""
        self.codes[...] = self._before
        self._touched = None
        return whole(self.codes.shape)

    def _paint(self) -> Box:
        self.stopped, self._touched = 0, None
        self.codes[...] = self._before
        weights = None if self.ends is None else ramp(self.codes.shape, *self.ends, self.brush.strength)
        if weights is not None:
            valid = validity_from_codes(self._before)
            touched = (weights > 0) & valid
            if self._limit is not None:
                touched &= self._limit
            near = (
                neighbourhood_mean(self._before, valid, self.brush.sigma) if self.brush.kind.blurs else None
            )
            made = painted(
                self._before[touched],
                weights[touched],
                self.brush,
                self._base[touched],
                None if near is None else near[touched],
            )
            self.stopped = int((np.abs(made) > RESIDUAL_SCALE + 0.5).sum())
            stopped = np.clip(made, -RESIDUAL_SCALE, RESIDUAL_SCALE)
            self.codes[touched] = np.rint(stopped).astype(np.int16)
            self._touched = touched if touched.any() else None
        return whole(self.codes.shape)
