"""From pixels to regions: grown, merged, cut out."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import Validity
from iea40k.outliers.kinds import Kind


@dataclass(frozen=True, eq=False)
class Region:
    """A region that is found.

    - `top`, `left` and `mask` (h, w) bool: its pixels
    - `kind`; `reason` in words; `shift` (rows, columns): by how much the exposure lies off, where it is displaced
    - `error`: the expected error of the label in it, in luma; `trust` in [0, 1]: how sure it is
    """

    kind: Kind
    top: int
    left: int
    mask: Validity
    error: float
    trust: float
    reason: str
    shift: tuple[float, float] = (0.0, 0.0)

    @property
    def box(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        height, width = self.mask.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    @cached_property
    def pixels(self) -> int:
        """How many pixels it has."""
        return int(np.count_nonzero(self.mask))

    @property
    def cost(self) -> float:
        """The label error that it probably holds: mean error x pixels x trust. Proposals are ranked by it."""
        return self.error * self.pixels * self.trust

    def whole(self, shape: tuple[int, int]) -> Validity:
        """Return its pixels in a picture of `shape`, (H, W) bool."""
        found = np.zeros(shape, np.bool_)
        found[self.box] = self.mask
        return found


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
