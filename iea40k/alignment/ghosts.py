"""What moved by itself between the frames of a bracket: people, cars, branches, clouds, waves.

After alignment a frame must show what the anchor shows, only darker or brighter. How a code of the frame becomes a
code of the anchor is read off the two frames themselves, channel by channel: the median of the anchor's codes for
each of the frame's, made monotone (the intensity mapping function of Grossberg and Nayar, PAMI 2003). A pixel that
differs from it by more than noise, rounding and a pixel of displacement can explain, together with most of its
neighbours, moved.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Validity

BLACK, WHITE = 4, 250
"""Codes at which a frame says only that the light is at most, or at least, so much."""

ODD = 4.0
"""Standard deviations from what is expected that make a pixel odd."""

LEAST_DEVIATION = 2.5
"""Codes: rounding of both frames, and of JPEG."""

NEIGHBOURHOOD, MAJORITY = 9, 0.45
"""Side in pixels of the window in which so large a share of odd pixels makes a place that moved."""

SMALLEST = 40
"""Pixels of the smallest place that counts as moved, before it is grown."""

GROW = 5
"""Pixels by which a place that moved is grown: its rim is mixed with what stands still."""

FEWEST = 500
"""Pixels that both frames must show for anything to be said."""

Floats = NDArray[np.float32]


def moved(
    anchor: EncodedRGB, anchor_valid: Validity, frame: EncodedRGB, frame_valid: Validity
) -> NDArray[np.bool_]:
    """Return (H, W) bool: where a registered frame shows something else than the anchor. Both are (H, W, 3) uint8.

    Pixels that either lacks are False.
    """
    both = anchor_valid & frame_valid
    if both.sum() < FEWEST:
        return np.zeros(both.shape, np.bool_)
    scale = max(1.0, min(both.shape) / 512)
    found = np.zeros(both.shape, np.bool_)
    # The second round knows what to leave out of the expectation.
    for _ in range(2):
        odd = np.zeros(both.shape, np.bool_)
        for channel in range(3):
            odd |= _odd(anchor[..., channel], frame[..., channel], both, both & ~found)
        found = _places(odd, both, scale)
    return _grown(found, scale) & both


def _odd(first: NDArray[np.uint8], second: NDArray[np.uint8], both: Validity, still: Validity) -> Validity:
    """Return where one channel of two frames is not what the other lets expect, whichever way it is read."""
    # Read from the darker to the brighter and back: each direction is blind where its target is clipped.
    return _unexpected(first, second, both, still) & _unexpected(second, first, both, still)


def _unexpected(
    target: NDArray[np.uint8], source: NDArray[np.uint8], both: Validity, still: Validity
) -> Validity:
    middle, deviation = expected(target, source, still)
    low, high = middle.copy(), middle.copy()
    low[:BLACK], high[WHITE:] = 0, 255
    # A pixel of displacement: the target may show what any neighbour is expected to show.
    kernel = np.ones((3, 3), np.uint8)
    darkest = cv2.erode(low[source], kernel)
    brightest = cv2.dilate(high[source], kernel)
    codes = target.astype(np.float32)
    beyond = np.maximum(np.maximum(darkest - codes, codes - brightest), 0)
    return np.asarray(both & (beyond > ODD * deviation[source]))


def expected(target: NDArray[np.uint8], source: NDArray[np.uint8], still: Validity) -> tuple[Floats, Floats]:
    """Return (256,) the target's expected code for each of the source's, never falling, and (256,) its deviation."""
    joint = np.bincount(source[still].astype(np.int64) * 256 + target[still], minlength=256 * 256).reshape(
        256, 256
    )
    # Neighbouring codes help where one is rare.
    smooth = cv2.blur(joint.astype(np.float32), (1, 5), borderType=cv2.BORDER_REPLICATE)
    total = smooth.sum(axis=1)
    share = smooth.cumsum(axis=1) / np.maximum(total, 1e-6)[:, None]
    quartiles = [(share >= q).argmax(axis=1).astype(np.float32) for q in (0.25, 0.5, 0.75)]
    seen = np.flatnonzero(total >= 1)
    middle = _monotone(np.interp(np.arange(256), seen, quartiles[1][seen]))
    spread = np.interp(np.arange(256), seen, (quartiles[2] - quartiles[0])[seen] / 1.349)
    # A rare code's own spread says little: the largest around it counts.
    spread = np.convolve(np.pad(spread, 4, mode="edge"), np.ones(9) / 9, mode="valid")
    slope = np.abs(np.gradient(middle))
    return middle.astype(np.float32), np.maximum(spread, LEAST_DEVIATION * np.maximum(1, slope)).astype(
        np.float32
    )


def _monotone(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a near curve that never falls: the mean of the running maximum from below and minimum from above."""
    rising = np.maximum.accumulate(values)
    falling = np.minimum.accumulate(values[::-1])[::-1]
    return (rising + falling) / 2


def _places(odd: Validity, both: Validity, scale: float) -> NDArray[np.bool_]:
    """Return the places where most pixels are odd, without specks."""
    side = 2 * round(NEIGHBOURHOOD * scale / 2) + 1
    share = cv2.blur(odd.astype(np.float32), (side, side))
    known = cv2.blur(both.astype(np.float32), (side, side))
    dense = (share > MAJORITY * np.maximum(known, 0.25)).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(dense, connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= SMALLEST * scale**2
    large[0] = False
    return np.asarray(large[labels])


def _grown(found: NDArray[np.bool_], scale: float) -> NDArray[np.bool_]:
    side = 2 * round(GROW * scale) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.dilate(found.astype(np.uint8), kernel) > 0)
