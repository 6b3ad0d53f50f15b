"""Speckle: single dots that stand apart, gathered into fields."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import Validity
from iea40k.outliers.kinds import Kind
from iea40k.outliers.regions import Region, closed, cut, disc, pieces

DOT = 12
"""Pixels of a dot at most; its longer side is at most 5."""

LEAST_STEP = 20 / 255
"""Luma by which a dot must be off."""
STRONG = 60 / 255
"""A dot that stands by itself must be so much off."""

REACH = 12
"""Dots this near belong to one field."""

AROUND = 3
"""A dot stands alone: in a ring this wide around it nothing is wrong."""


def dots(odd: NDArray[np.float32], texture: NDArray[np.float32], *, alone: bool = False) -> Validity:
    """Return the pixels (H, W) of single dots in a map of what is wrong, 0 where nothing is.

    They stand out from the picture's own `texture` (H, W), its standard deviation near a pixel. `alone`: also from what
    else is wrong around them, as compression is.
    """
    wrong = odd != 0
    count, labels, stats, _ = cv2.connectedComponentsWithStats(wrong.astype(np.uint8), connectivity=8)
    peak = np.zeros(count, np.float32)
    np.maximum.at(peak, labels[wrong], np.abs(odd[wrong]))
    rough = np.zeros(count, np.float32)
    np.maximum.at(rough, labels[wrong], texture[wrong])
    small = (
        (stats[:, cv2.CC_STAT_AREA] <= DOT)
        & (np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) <= 5)
        & (peak >= LEAST_STEP)
        & (peak >= rough)
    )
    if alone:
        size = np.abs(odd)
        around = cv2.boxFilter(size, -1, (15, 15), normalize=False)
        np.subtract.at(around, np.nonzero(wrong), size[wrong])
        other = np.zeros(count, np.float32)
        np.maximum.at(other, labels[wrong], around[wrong] / 225)
        small &= peak >= 12 * other
    small[0] = False
    spots: Validity = small[labels]
    large = wrong & ~spots
    beside = cv2.dilate(large.astype(np.uint8), disc(AROUND)).astype(bool)
    touched = np.zeros(count, np.bool_)
    touched[labels[spots & beside]] = True
    touched[0] = False
    result: Validity = spots & ~touched[labels]
    return result


def texture(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the standard deviation (H, W) of a picture in 9 x 9 pixels around each."""
    mean = cv2.blur(picture, (9, 9))
    spread: NDArray[np.float32] = np.sqrt(np.maximum(cv2.blur(picture * picture, (9, 9)) - mean * mean, 0))
    return spread


def fields(spots: Validity, odd: NDArray[np.float32], reason: str, trust: float = 0.9) -> Iterator[Region]:
    """Yield fields of dots as regions of their pixels, a rim of one pixel with each."""
    if not spots.any():
        return
    near = closed(cv2.dilate(spots.astype(np.uint8), disc(2)).astype(bool), REACH)
    grown = cv2.dilate(spots.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    for top, left, area in pieces(near, 1):
        box = np.s_[top : top + area.shape[0], left : left + area.shape[1]]
        inner = spots[box] & area
        count = cv2.connectedComponents(inner.astype(np.uint8))[0] - 1
        if count > 1 or (inner.any() and float(odd[box][inner].max()) >= STRONG):
            # The area in which dots belong together is wider than what they hold.
            found = cut(grown[box] & area)
            if found is None:
                continue
            down, along, mask = found
            error = float(odd[box][inner].mean()) * float(inner.sum()) / float(mask.sum())
            said = f"{count} dots: {reason}" if count > 1 else reason
            sure = trust if count > 1 else trust / 2
            yield Region(Kind.SPECKLE, top + down, left + along, mask, error, sure, said)
