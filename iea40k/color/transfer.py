"""The sRGB transfer curve (IEC 61966-2-1), both ways."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LinearRGB
from iea40k.errors import ArrayError

ROOT_STEPS = 65535
"""Steps of the square root of linear light in the encoding table: 0.006 of an 8-bit code at the steepest."""


def srgb_curve(linear: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the encoded value in [0, 1] of linear light in [0, 1], in float64, exactly as the standard says."""
    light = np.asarray(linear, np.float64)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)


def srgb_inverse(encoded: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the linear light in [0, 1] of encoded values in [0, 1], in float64."""
    value = np.asarray(encoded, np.float64)
    return np.where(value <= 0.04045, value / 12.92, ((np.maximum(value, 0) + 0.055) / 1.055) ** 2.4)


def encode_table() -> NDArray[np.uint8]:
    """Return the 8-bit code of light `(k / 65535) ** 2` for k = 0 ... 65535."""
    return _ENCODE


def encode_srgb(linear: LinearRGB) -> NDArray[np.uint8]:
    """Return the 8-bit sRGB codes of linear light: clipped to [0, 1], the sRGB curve, rounded.

    Differs from the exact curve in float64 by one code where the exact value lies within 0.006 of a rounding tie.
    """
    roots = cv2.sqrt(np.maximum(linear, 0, dtype=np.float32))
    steps = cv2.multiply(roots, float(ROOT_STEPS), dtype=cv2.CV_16U)  # saturates: this is the clip at white
    codes: NDArray[np.uint8] = _ENCODE[steps.reshape(linear.shape)]
    return codes


def decode_srgb(encoded: NDArray[Any]) -> LinearRGB:
    """Return linear light in [0, 1], float32, of uint8 or uint16 sRGB codes. Raises `ArrayError` for other dtypes."""
    table = {1: _DECODE_8, 2: _DECODE_16}.get(encoded.dtype.itemsize if encoded.dtype.kind == "u" else 0)
    if table is not None:
        linear: LinearRGB = table[encoded]
        return linear
    raise ArrayError(
        "only uint8 and uint16 are sRGB codes", expected="uint8 or uint16", got=str(encoded.dtype)
    )


_ENCODE = np.rint(srgb_curve((np.arange(ROOT_STEPS + 1) / ROOT_STEPS) ** 2) * 255).astype(np.uint8)
_DECODE_8 = srgb_inverse(np.arange(256) / 255).astype(np.float32)
_DECODE_16 = srgb_inverse(np.arange(65536) / 65535).astype(np.float32)
