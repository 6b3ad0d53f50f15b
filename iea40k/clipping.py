"""Which pixels of a picture are blown, which are crushed: the one place that says so."""

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB

WHITE = 255.0
"""White level in codes of a picture whose camera is not known to stop below it."""

BELOW_WHITE, CRUSHED = 1, 1
"""JPEG moves white by a code, and black by one."""


def blown(pixels: EncodedRGB, white: float = WHITE) -> NDArray[np.bool_]:
    """Return where two channels or more of (..., 3) uint8 are at white: one alone is a vivid colour.

    >>> blown(np.array([[[255, 255, 200], [255, 200, 200]]], np.uint8))
    array([[ True, False]])
    """
    at_white = pixels >= white - BELOW_WHITE
    red, green, blue = at_white[..., 0], at_white[..., 1], at_white[..., 2]
    found: NDArray[np.bool_] = (red & green) | (red & blue) | (green & blue)
    return found


def crushed(pixels: EncodedRGB) -> NDArray[np.bool_]:
    """Return where all three channels of (..., 3) uint8 are at black."""
    # Channel by channel: a reduction along an axis of three is ten times slower.
    at_black = pixels <= CRUSHED
    found: NDArray[np.bool_] = at_black[..., 0] & at_black[..., 1] & at_black[..., 2]
    return found
