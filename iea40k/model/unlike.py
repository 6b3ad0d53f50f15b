"""What tells a picture that no network here has learnt from, in words: noise, a screenshot, one colour, no colour.

A network gives such a picture a map as sure of itself as any other. So its band is widened, and the words say why. The
limits were set on the photographs that the shipped weights learnt from, each at -4, -2, 0, +2 and +4 EV; none of the
rules but clipping holds for more than one in a hundred of them. `python -m benchmarks unlike` measures them on
photographs held out, and on odd pictures that were made otherwise than those the limits were tried on.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB
from iea40k.residuals import luma

WINDOW = 128
"""Side, in pixels, of the windows (three by three, at the picture's own size) in which neighbours are compared."""

NOTHING_KNOWN = 0.5
"""Half-width of the 90 % band of one who knows nothing: so far from zero lie nine in ten labels from -4 to +4 EV."""

HARDLY_KNOWN = 0.3
"""The same where the picture is one that could be judged, but of a kind that was not learnt from."""


@dataclass(frozen=True)
class Unlike:
    """A reason why a picture is unlike those learnt from, and the least half-width of its band."""

    reason: str
    least_band: float


@dataclass(frozen=True)
class Looks:
    """What the rules read of a picture.

    - `spread`: standard deviation of luma; `coarse`: the share of it that is left in means over a 32nd of each side
    - `equal`: share of neighbouring pixels (not clipped) that are the same; `step`, `large_step`: the median and the
      90 % quantile of the difference, in codes, where they are not
    - `chroma`: 99 % quantile of the largest channel minus the smallest, in codes
    - `within`: share of pixels that are neither black nor white; `colours`: how many of 65,536 sampled pixels
    """

    height: int
    width: int
    spread: float
    coarse: float
    equal: float
    step: float
    large_step: float
    chroma: float
    within: float
    colours: int


def unlike(image: EncodedRGB) -> tuple[Unlike, ...]:
    """Return why a picture (H, W, 3) uint8, sRGB-encoded, is unlike the photographs learnt from; empty where it is not.

    >>> [found.reason for found in unlike(np.full((300, 400, 3), 90, np.uint8))]
    ['nearly one colour: there is nothing in it to judge']
    """
    looks = look(image)
    short, long = sorted((looks.height, looks.width))
    # The first that holds says enough: one colour has no chroma either.
    contents = (
        (looks.within < 0.05, "clipped nearly everywhere: what was there is guessed", NOTHING_KNOWN),
        (
            looks.spread < 0.012 or looks.colours < 24,
            "nearly one colour: there is nothing in it to judge",
            NOTHING_KNOWN,
        ),
        (
            looks.coarse < 0.45 and looks.step > 0.3 * 255 * looks.spread and looks.within > 0.5,
            "noise: neighbouring pixels have little to do with each other",
            NOTHING_KNOWN,
        ),
        (
            looks.equal > 0.6 and looks.large_step > 50,
            "flat areas and hard edges: a screenshot, a text or a drawing",
            NOTHING_KNOWN,
        ),
        (
            looks.large_step <= 1 and looks.equal > 0.55 and looks.within > 0.6,
            "no detail: neighbouring pixels differ by one code at most",
            NOTHING_KNOWN,
        ),
        (looks.chroma <= 2, "no colour: black and white, or infrared", HARDLY_KNOWN),
    )
    found = [Unlike(reason, band) for holds, reason, band in contents if holds][:1]
    if short < 64:
        found.append(Unlike(f"small: {looks.width}x{looks.height} pixels", HARDLY_KNOWN))
    if long > 3 * short:
        found.append(Unlike(f"long: its sides are 1 to {long / short:.2g}", HARDLY_KNOWN))
    return tuple(found)


def look(image: EncodedRGB) -> Looks:
    """Measure what the rules read. In bounded memory: sums over rows, and windows of the picture."""
    height, width = image.shape[:2]
    same, steps = _neighbours(image)
    small: EncodedRGB = cv2.resize(image, (256, 256), interpolation=cv2.INTER_NEAREST)
    grey, coarse = luma(small), luma(cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA))
    spread = float(grey.std())
    return Looks(
        height,
        width,
        spread=spread,
        coarse=float(coarse.std()) / max(spread, 1e-6),
        equal=same,
        step=float(np.quantile(steps, 0.5)) if steps.size else 0.0,
        large_step=float(np.quantile(steps, 0.9)) if steps.size else 0.0,
        chroma=float(np.quantile(small.max(2) - small.min(2), 0.99)),
        within=float(((grey > 0.01) & (grey < 0.99)).mean()),
        colours=len(np.unique(small.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32))),
    )


def _neighbours(image: EncodedRGB) -> tuple[float, NDArray[np.int16]]:
    """Return the share of neighbours that are the same, and the differences of the others; clipped pixels left out."""
    equal, total, steps = 0, 0, []
    for window in _windows(image):
        codes = window.astype(np.int16)
        for axis in (0, 1):
            if codes.shape[axis] < 2:
                continue
            differences = np.abs(np.diff(codes, axis=axis)).max(2)
            largest = codes.max(2)
            first = largest[:-1] if axis == 0 else largest[:, :-1]
            told = differences[(first > 2) & (first < 253)]
            total += told.size
            equal += int((told == 0).sum())
            steps.append(told[told > 0])
    return (equal / total if total else 1.0), np.concatenate(steps or [np.empty(0, np.int16)])


def _windows(image: EncodedRGB) -> Iterator[EncodedRGB]:
    height, width = image.shape[:2]
    rows, columns = min(height, WINDOW), min(width, WINDOW)
    for top in np.unique(np.linspace(0, height - rows, 3).astype(int)):
        for left in np.unique(np.linspace(0, width - columns, 3).astype(int)):
            yield image[top : top + rows, left : left + columns]
