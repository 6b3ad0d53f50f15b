"""How far a reference could admissibly have come out otherwise: the same light, as other experts would render it.

Experts differ in exposure, in contrast around zone V, and in how hard they bring a large range into the
picture. The reference is rendered again with each of these a step to either side; how far the renderings lie
from it, per pixel, is its spread (a standard deviation).
"""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LUMA_WEIGHTS
from iea40k.fusion.curve import brightness
from iea40k.fusion.fusing import Fusion
from iea40k.fusion.placing import MIDDLE, adjustment

EXPOSURE = 0.5
"""Stops to either side: the spread of FiveK's experts around their mean exposure."""

CONTRAST = 1.25
"""Factor on zones to either side: the spread of their contrasts."""

ENDS = 0.5
"""Stops to either side by which the ends of the range may be compressed otherwise."""

_LUMA = np.array([LUMA_WEIGHTS], np.float32)


def admissible_spread(fusion: Fusion) -> NDArray[np.float32]:
    """Return the standard deviation of admissible renderings' luma around the reference's: (H, W) in [0, 1]."""
    stops = fusion.light.stops
    zones = brightness(stops) + fusion.moved - np.float32(MIDDLE)
    low, high = fusion.placing.ends
    moves = [fusion.moved + np.float32(step) for step in (-EXPOSURE, EXPOSURE)]
    moves += [fusion.moved + zones * np.float32(factor - 1) for factor in (CONTRAST, 1 / CONTRAST)]
    moves += [
        adjustment(fusion.found, replace(fusion.placing, ends=(low - step, high + step)))
        for step in (-ENDS, ENDS)
    ]
    middle = _luma(fusion, fusion.moved)
    apart = [np.abs(_luma(fusion, moved) - middle) for moved in moves]
    # Either side of one choice counts once: what could have been chosen otherwise adds up in squares.
    sides = [(apart[i] + apart[i + 1]) / 2 for i in range(0, len(apart), 2)]
    spread: NDArray[np.float32] = np.sqrt(np.sum(np.square(sides), axis=0, dtype=np.float32))
    return np.where(fusion.covered, spread, 0).astype(np.float32)


def _luma(fusion: Fusion, moved: NDArray[np.float32]) -> NDArray[np.float32]:
    picture = fusion.curve.render(fusion.light.stops + moved[..., None])
    luma: NDArray[np.float32] = cv2.transform(picture, _LUMA).reshape(moved.shape) / np.float32(255)
    return luma
