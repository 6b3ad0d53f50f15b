"""The white level of a camera: the code at which its pictures pile up, whatever the exposure.

Not every camera's white is 255: some stop at 251, some converters at 235, and a fixed threshold then sees no
pixel blown. What is blown stays at one code from frame to frame, while a white wall moves with the exposure;
so a code counts that two frames share or more.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB
from iea40k.clipping import WHITE

LEAST_WHITE = 200
"""No camera stops lower; what piles up there is a wall."""

HEAP = 0.005
"""Share of a frame's pixels that pile up, at least, within a code of white."""

ABOVE = 0.02
"""Most pixels above white, as a share of those at it: ringing of JPEG."""

FRAMES = 2
"""Frames that show the same white, at least."""

_NEAR = 1


def pile_up(frame: EncodedRGB) -> int | None:
    """Return the code at which a frame (H, W, 3) piles up at its bright end, None where it does not."""
    # The middle of three channels: two or more at white is what blown means.
    middle = np.sort(frame.reshape(-1, 3), axis=1)[:, 1]
    counts = np.bincount(middle, minlength=256)
    above = np.append(counts[::-1].cumsum()[::-1][1:], 0)
    for code in range(255, LEAST_WHITE - 1, -1):
        heap = int(counts[max(code - _NEAR, 0) : code + _NEAR + 1].sum())
        if counts[code] == counts[max(code - 2, 0) : code + 3].max() and heap >= HEAP * middle.size:
            beyond = int(above[min(code + 2 * _NEAR, 255)])
            return code if beyond <= ABOVE * heap else None
    return None


def white_level(frames: Iterable[EncodedRGB]) -> tuple[float, int]:
    """Return a camera's white level in codes, and how many frames show it; `WHITE` and 0 where fewer than two agree."""
    found = [code for frame in frames if (code := pile_up(frame)) is not None]
    agreeing: NDArray[np.intp] = np.zeros(256, np.intp)
    for code in found:
        agreeing[max(code - _NEAR, 0) : code + _NEAR + 1] += 1
    if not found or agreeing.max() < FRAMES:
        return WHITE, 0
    # Of codes that as many agree on, the middle one.
    best = np.flatnonzero(agreeing == agreeing.max())
    white = float(best[len(best) // 2])
    return (WHITE if white >= WHITE - 2 else white), int(agreeing.max())
