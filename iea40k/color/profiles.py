"""Embedded ICC profiles to linear light with sRGB primaries; never through 8 bits, never clipped on the way."""

from functools import cache
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LinearRGB
from iea40k.color.transfer import decode_srgb
from iea40k.errors import UnreadableImageError

# D65 and the primaries of Rec. 709, as chromaticities with Y = 1.
_WHITE = (0.3127, 0.3290, 1.0)
_PRIMARIES = (0.64, 0.33, 1.0, 0.30, 0.60, 1.0, 0.15, 0.06, 1.0)


def to_linear_srgb(pixels: NDArray[Any], icc: bytes | None) -> LinearRGB:
    """Return linear light (H, W, 3) float32 with sRGB primaries of uint8, uint16 or float32 pixels.

    With `icc`, by that profile (relative colorimetric, no black point compensation); without, the pixels are sRGB.
    Colours outside the sRGB gamut come out below 0 or above 1. Raises `UnreadableImageError` for a broken profile.
    """
    if icc is None:
        return decode_srgb(pixels)
    scaled = pixels if pixels.dtype == np.float32 else pixels.astype(np.float32) / np.iinfo(pixels.dtype).max
    try:
        linear: LinearRGB = imagecodecs.cms_transform(
            np.ascontiguousarray(scaled),
            icc,
            _linear_profile(),
            colorspace="rgb",
            outcolorspace="rgb",
            intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
            # The optimised path of 16-bit data errs by 0.1 in the darks.
            flags=imagecodecs.CMS.FLAGS.NOOPTIMIZE,
        )
    except (imagecodecs.CmsError, ValueError) as error:
        raise UnreadableImageError(
            "the colour profile cannot be used", expected="an ICC profile of an RGB space", got=str(error)
        ) from error
    return linear


def clipped_share(linear: LinearRGB) -> float:
    """Return the share of values outside [0, 1]: what encoding to sRGB clips."""
    return float(np.count_nonzero((linear < 0) | (linear > 1))) / max(linear.size, 1)


@cache
def _linear_profile() -> bytes:
    profile: bytes = imagecodecs.cms_profile("rgb", whitepoint=_WHITE, primaries=_PRIMARIES, gamma=1.0)
    return profile
