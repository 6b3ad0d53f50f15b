"""Exposures from linear light: gain, clip at white, sRGB curve. What a camera without a tone curve would record."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.color.transfer import ROOT_STEPS, encode_table
from iea40k.develop.image import LinearImage


def expose(linear: LinearImage, evs: Sequence[float]) -> NDArray[np.uint8]:
    """Return the exposures (E, H, W, 3) uint8 of a picture at `evs` stops: `encode_srgb(pixels * 2**ev)`.

    The root of the light is taken once and each gain is applied to it, since `sqrt(g x) = sqrt(g) sqrt(x)`.
    """
    roots = cv2.sqrt(linear.pixels)
    exposures = np.empty((len(evs), *linear.pixels.shape), np.uint8)
    for ev, out in zip(evs, exposures, strict=True):
        steps = cv2.multiply(roots, ROOT_STEPS * 2.0 ** (ev / 2), dtype=cv2.CV_16U)  # saturates at white
        np.take(encode_table(), steps.reshape(out.shape), out=out)
    return exposures
