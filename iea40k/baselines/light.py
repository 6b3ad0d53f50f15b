"""Baselines that change the light of a whole picture by one gain, as a camera's meter would."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Residual
from iea40k.baselines.base import Baseline, Example, Numbers, wanted_luma
from iea40k.colour import srgb_curve, srgb_inverse
from iea40k.residuals import luma
from iea40k.zones import GREY, luminance

STOPS = np.arange(-6, 6.01, 0.1)
FEW = 64
BLACK = 2.0**-10  # darker light counts as this: black pixels would decide the mean of logarithms


def under_gain(image: EncodedRGB, stops: float) -> Residual:
    """Return luma(the picture under a gain in light) - luma(picture)."""
    out: Residual = luma(_exposed(image, stops)) - luma(image)
    return out


def key_of(image: EncodedRGB) -> float:
    """Return the mean zone of a picture (H, W, 3) uint8: 5 = its light is middle grey in the mean of logarithms."""
    return float(5 + np.log2(np.maximum(luminance(_few(image)), BLACK) / GREY).mean())


def _gain(numbers: Numbers, image: EncodedRGB) -> Residual:
    few = np.ascontiguousarray(_few(image))
    wanted = float(numbers["luma"])
    reached = [abs(luma(_exposed(few, g)).mean() - wanted) for g in STOPS]
    return under_gain(image, float(STOPS[int(np.argmin(reached))]))


def _fit_gain(examples: Iterable[Example]) -> dict[str, NDArray[np.float64]]:
    return {"luma": np.array(wanted_luma(examples).mean())}


def _zone_v(numbers: Numbers, image: EncodedRGB) -> Residual:
    del numbers
    return under_gain(image, 5 - key_of(image))


def _exposed(image: EncodedRGB, stops: float) -> EncodedRGB:
    """Return a picture under a gain in light. By a table of codes in float64, so that no machine rounds otherwise."""
    light = np.minimum(srgb_inverse(np.arange(256, dtype=np.float64) / 255) * 2.0**stops, 1)
    table = np.rint(srgb_curve(light) * 255).astype(np.uint8)
    out: EncodedRGB = table[image]
    return out


def _few(image: EncodedRGB) -> EncodedRGB:
    return image[:: max(1, image.shape[0] // FEW), :: max(1, image.shape[1] // FEW)]


GAIN = Baseline(
    "gain",
    "one gain in light that brings the mean luma to that of the references",
    _gain,
    _fit_gain,
    {"luma": ()},
)
ZONE_V = Baseline(
    "zone_v",
    "one gain in light that brings the picture's mean zone to V, middle grey; nothing is learnt",
    _zone_v,
)
