"""From pixels to regions: grown, merged, cut out."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import Validity
from iea40k.outliers.kinds import Kind


@dataclass(frozen=True, eq=False)
class Region:
    """A region that is found: see `iea40k.outliers.proposals.Proposal`, whose fields these are."""

    kind: Kind
    top: int
    left: int
    mask: Validity
    error: float
    trust: float
    reason: str
    shift: tuple[float, float] = (0.0, 0.0)

    @property
    def pixels(self) -> int:
        """How many pixels it has."""
        return int(np.count_nonzero(self.mask))


def disc(radius: int) -> NDArray[np.uint8]:
    """Return a disc as a structuring element."""
    element: NDArray[np.uint8] = cv2.getStructuringElement(
        cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)
    )
    return element


def closed(mask: Validity, radius: int) -> Validity:
    """Return a mask with its gaps of up to twice `radius` closed, and its holes of that size filled."""
    pad = radius + 1
    wide = cv2.copyMakeBorder(mask.astype(np.uint8), pad, pad, pad, pad, cv2.BORDER_CONSTANT)
    found = cv2.morphologyEx(wide, cv2.MORPH_CLOSE, disc(radius))
    result: Validity = found[pad:-pad, pad:-pad] > 0
    return result


def pieces(mask: Validity, least: int = 1) -> Iterator[tuple[int, int, Validity]]:
    """Yield (top, left, pixels) of each connected piece of at least `least` pixels."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    for number in np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] >= least) + 1:
        left, top, width, height, _ = (int(v) for v in stats[number])
        yield top, left, labels[top : top + height, left : left + width] == number


def cut(mask: Validity) -> tuple[int, int, Validity] | None:
    """Return (top, left, pixels) of everything in a mask, None where it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    top, left = int(rows[0]), int(columns[0])
    return top, left, mask[top : rows[-1] + 1, left : columns[-1] + 1]


def painted(region: Region, shape: tuple[int, int]) -> Validity:
    """Return a region's pixels in a picture of `shape`, (H, W) bool."""
    whole = np.zeros(shape, np.bool_)
    whole[region.top :, region.left :][: region.mask.shape[0], : region.mask.shape[1]] = region.mask
    return whole
