"""The loupe's picture: the pixels around the cursor, large, and beside them the residual there."""

import numpy as np
from numpy.typing import NDArray

from annotator.shared.boxes import Box, Spot
from iea40k.arrays import EncodedRGB

HALF = 10
"""Pixels on each side of the one under the cursor."""

TIMES = 8
"""Pixels of the loupe for one of the image."""

OUTSIDE = 40
"""The grey of what lies beyond the picture."""


def around(spot: Spot, shape: tuple[int, int]) -> tuple[Box, tuple[int, int]] | None:
    """Return the box that the loupe shows, and where its first pixel lies in it (row, column); None outside."""
    if not (0 <= spot[0] < shape[0] and 0 <= spot[1] < shape[1]):
        return None
    spans = [slice(max(s - HALF, 0), min(s + HALF + 1, n)) for s, n in zip(spot, shape, strict=True)]
    return (spans[0], spans[1]), (spans[0].start - spot[0] + HALF, spans[1].start - spot[1] + HALF)


def enlarged(parts: list[EncodedRGB], at: tuple[int, int]) -> EncodedRGB:
    """Return the parts (h, w, 3) uint8 of the loupe's box beside each other, with a rim around the middle pixel."""
    side = 2 * HALF + 1
    shown: list[NDArray[np.uint8]] = []
    for part in parts:
        whole = np.full((side, side, 3), OUTSIDE, np.uint8)
        whole[at[0] : at[0] + part.shape[0], at[1] : at[1] + part.shape[1]] = part
        large = whole.repeat(TIMES, 0).repeat(TIMES, 1)
        low, high = HALF * TIMES - 1, (HALF + 1) * TIMES
        for colour, edge in ((0, 0), (255, 1)):
            a, b = low - edge, high + edge
            large[a, a : b + 1] = large[b, a : b + 1] = colour
            large[a : b + 1, a] = large[a : b + 1, b] = colour
        shown.append(large)
    return np.concatenate(shown, axis=1)
