"""Light of encoded pixels for the read-out and the preview: the sRGB curve as tables, luminance, zone names."""

import math

import numpy as np
from numpy.typing import NDArray

from iea40k.colour.transfer import srgb_inverse
from iea40k.zones import ZONE_NAMES

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # Rec. 709 primaries, linear light


LIGHT = srgb_inverse(np.arange(256) / 255).astype(np.float32)
"""Linear light of each 8-bit value."""

DARKEST = float(LIGHT[1])
"""The least light an 8-bit picture can show; what is darker counts as this in ratios."""


def light(pixel: NDArray[np.uint8]) -> float:
    """Return the linear luminance of one encoded pixel (3,), at least `DARKEST`."""
    return max(float(LIGHT[pixel] @ _LUMINANCE), DARKEST)


def zone_name(luminance: float) -> str:
    """Return Adams' zone of a luminance in (0, 1], to a third: zone V is 18 % grey, one zone a stop."""
    thirds = round(3 * (5 + math.log2(luminance / 0.18)))
    thirds = min(max(thirds, 0), 30)
    zone, rest = divmod(thirds, 3)
    return ZONE_NAMES[zone] + ("", "⅓", "⅔")[rest]
