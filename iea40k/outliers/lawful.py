"""What a level must look like by another one: exposures of one scene differ by a curve, and by nothing else.

The curve is read from the two pictures themselves: of all pixels with one code in one of them, the codes in the other.
Where these scatter, nothing is known, and the bounds are wide.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LUMA_WEIGHTS, EncodedRGB, Luma, Validity

SMOOTHED = 2.0
"""Codes over which the curve is smoothed."""

FEW = 40.0
"""Pixels below which a code's own scatter is not believed."""

INNER, TAIL = 0.08, 0.015
"""Shares of pixels left out at either end of a code's scatter; of codes at black or white, where much is hidden."""

SLACK = np.ones((3, 3), np.uint8)
"""One pixel of registration is nobody's fault."""


@dataclass(frozen=True, eq=False)
class Expected:
    """Luma (H, W) float32 that is expected, and the bounds within which it is lawful."""

    middle: Luma
    low: Luma
    high: Luma

    @property
    def width(self) -> Luma:
        """How little is known, in luma."""
        return self.high - self.low


@dataclass(frozen=True, eq=False)
class Law:
    """How one picture follows from another: for each channel and code of it the middle and the bounds, (3, 3, 256)."""

    tables: NDArray[np.float32]

    @classmethod
    def between(cls, source: EncodedRGB, target: EncodedRGB, valid: Validity) -> "Law":
        """Read the law from two pictures (H, W, 3) uint8 of one scene, where they are `valid`."""
        curves = [_curve(source[..., channel], target[..., channel], valid) for channel in range(3)]
        return cls(np.stack([np.stack(curve) for curve in curves]))

    def expect(self, source: EncodedRGB) -> Expected:
        """Return what `source` (h, w, 3) uint8, all of the picture or a part of it, says of the other's luma."""
        found = np.zeros((3, *source.shape[:2]), np.float32)
        for channel, weight in enumerate(LUMA_WEIGHTS):
            for row in range(3):
                found[row] += np.float32(weight / 255) * self.tables[channel, row][source[..., channel]]
        return Expected(found[0], found[1], found[2])


def beyond(seen: Luma, by: Expected, allowed: float) -> NDArray[np.float32]:
    """Return by how much luma lies above (+) or below (-) what is lawful, one pixel of registration allowed."""
    high = cv2.dilate(by.high, SLACK) + np.float32(allowed)
    low = cv2.erode(by.low, SLACK) - np.float32(allowed)
    above: NDArray[np.float32] = np.maximum(seen - high, 0) - np.maximum(low - seen, 0)
    # The other way round as well: a light spot may be missing where it is expected.
    near_high = cv2.dilate(seen, SLACK) + np.float32(allowed)
    near_low = cv2.erode(seen, SLACK) - np.float32(allowed)
    missing = np.maximum(near_low - by.high, 0) - np.maximum(by.low - near_high, 0)
    result: NDArray[np.float32] = np.where(np.abs(above) >= np.abs(missing), above, missing)
    return result


def _curve(
    source: NDArray[np.uint8], target: NDArray[np.uint8], valid: Validity
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return, for each code of a channel, the middle and the bounds of the other channel's codes."""
    pairs = source[valid].astype(np.int32) * 256 + target[valid]
    table = np.bincount(pairs, minlength=65536).reshape(256, 256).astype(np.float32)
    table = cv2.GaussianBlur(table, (0, 0), sigmaX=0.5, sigmaY=SMOOTHED)
    total = table.sum(axis=1)
    share = np.cumsum(table, axis=1) / np.maximum(total, 1e-6)[:, None]
    codes = np.arange(256)
    clipped = (codes <= 3) | (codes >= 252)
    left_out = np.where(clipped, TAIL, INNER)[:, None]
    middle = (share < 0.5).sum(axis=1).astype(np.float32)
    low = (share < left_out).sum(axis=1).astype(np.float32)
    high = (share < 1 - left_out).sum(axis=1).astype(np.float32)
    known = total >= FEW
    if not known.any():
        return np.full(256, 128, np.float32), np.zeros(256, np.float32), np.full(256, 255, np.float32)
    # What is rare borrows from the nearest codes that are not, and is believed less.
    at = codes[known]
    middle, low, high = (np.interp(codes, at, v[known]).astype(np.float32) for v in (middle, low, high))
    away = np.abs(codes[:, None] - at[None, :]).min(axis=1)
    more = np.minimum(away * 1.5, 128).astype(np.float32)
    middle = np.maximum.accumulate(middle)
    return middle, np.maximum(low - more, 0), np.minimum(high + more, 255)
