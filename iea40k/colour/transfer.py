"""The sRGB curve (IEC 61966-2-1): light to picture and back, exact, with the clipped share told.

Light is linear, 1.0 = display white; a picture is encoded, 0 ... 255 (uint8) or 0 ... 65535 (uint16).
"""

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, LinearRGB
from iea40k.errors import ArrayError

TOE, SLOPE, OFFSET, POWER = 0.0031308, 12.92, 0.055, 2.4
"""The curve: a line of `SLOPE` up to light `TOE`, above it a power of 1 / `POWER` with an `OFFSET`."""

KNEE = 0.04045
"""The encoded value at which the line ends, as the standard rounds it."""

_BINS = 4096
"""Bins of the encoding table a unit of light: narrower than any two code thresholds lie apart (3.03e-4)."""

_CHUNK = 1 << 16
"""Values encoded at a time: what fits the processor's cache runs 10 times as fast as a whole picture."""


def srgb_curve(light: NDArray[Any]) -> NDArray[np.float64]:
    """Return the encoded value of light in [0, 1], in float64: 12.92 x below 0.0031308, else a power of 1/2.4."""
    x = np.asarray(light, np.float64)
    power = (1 + OFFSET) * np.maximum(x, TOE) ** (1 / POWER) - OFFSET
    return np.where(x <= TOE, SLOPE * x, power)


def srgb_inverse(encoded: NDArray[Any]) -> NDArray[np.float64]:
    """Return the light of encoded values in [0, 1], in float64: the inverse of `srgb_curve`."""
    y = np.asarray(encoded, np.float64)
    power = ((np.maximum(y, KNEE) + OFFSET) / (1 + OFFSET)) ** POWER
    return np.where(y <= KNEE, y / SLOPE, power)


def srgb_stops() -> NDArray[np.float64]:
    """Return log2 of the light behind each 8-bit code, (256,), in stops over display white; code 0 counts as 0.5."""
    return np.log2(srgb_inverse(np.maximum(np.arange(256), 0.5) / 255))


def encode_srgb(light: LinearRGB) -> EncodedRGB:
    """Return uint8 of float32 light of any shape: clipped to [0, 1], sRGB curve, rounded to the nearest code.

    Exact: every code is the one that the curve in float64 rounds to. What lies outside [0, 1] is clipped last,
    here; `clipped_share` tells how much that is. Raises `ArrayError` for another dtype, or NaN.

    >>> encode_srgb(np.array([-0.1, 0.0, 0.18, 1.0, 7.0], np.float32))
    array([  0,   0, 118, 255, 255], dtype=uint8)
    """
    if light.dtype != np.float32:
        raise ArrayError("light is float32", expected="float32", got=str(light.dtype))
    if light.size and np.isnan(np.min(light)):
        raise ArrayError("light holds NaN", expected="finite values", got="NaN")
    values = np.ascontiguousarray(light).reshape(-1)
    encoded = np.empty(values.size, np.uint8)
    for start in range(0, values.size, _CHUNK):
        _encode(values[start : start + _CHUNK], encoded[start : start + _CHUNK])
    return encoded.reshape(light.shape)


def decode_srgb(encoded: NDArray[np.uint8] | NDArray[np.uint16]) -> LinearRGB:
    """Return float32 light in [0, 1] of a uint8 or uint16 picture of any shape, the full range being white.

    Raises `ArrayError` for another dtype.

    >>> decode_srgb(np.array([[0, 118, 255]], np.uint8)).round(4)
    array([[0.    , 0.1812, 1.    ]], dtype=float32)
    """
    if encoded.dtype not in (np.uint8, np.uint16):
        raise ArrayError("a picture is uint8 or uint16", expected="uint8 or uint16", got=str(encoded.dtype))
    return look_up(encoded, _decoding_table(encoded.dtype.itemsize))


def look_up(codes: NDArray[Any], table: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `table[codes]` for uint8 or uint16 codes; `table` has an entry for every code."""
    if codes.ndim not in (2, 3) or not codes.size:
        taken: NDArray[np.float32] = table[codes]
        return taken
    found: NDArray[np.float32] = cv2.LUT(codes, table).reshape(codes.shape)
    return found


def clipped_share(light: NDArray[np.floating[Any]]) -> dict[str, float]:
    """Return which share of the values lies below 0 and above 1: what an encoding to sRGB would clip.

    Returns `{"below": share, "above": share}`, shares in [0, 1] of all values (channels count singly).
    """
    count = max(light.size, 1)
    return {
        "below": float(np.count_nonzero(light < 0)) / count,
        "above": float(np.count_nonzero(light > 1)) / count,
    }


def _encode(light: LinearRGB, out: NDArray[np.uint8]) -> None:
    codes, thresholds = _encoding_table()
    clipped = np.clip(light, 0.0, 1.0)
    # A bin holds one threshold at most, so that its lowest code and one comparison give the exact code.
    bins = (clipped * np.float32(_BINS)).astype(np.uint16)
    above = clipped >= cv2.LUT(bins, thresholds).reshape(-1)
    np.add(cv2.LUT(bins, codes).reshape(-1), above, out=out, casting="unsafe")


def encoding_steps() -> NDArray[np.float32]:
    """Return (255,) float32, rising: the least light whose 8-bit code is k + 1."""
    exact = srgb_inverse((np.arange(255) + 0.5) / 255)
    steps = exact.astype(np.float32)
    return np.where(steps < exact, np.nextafter(steps, np.float32(2)), steps).astype(np.float32)


@cache
def _encoding_table() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    steps = encoding_steps()
    starts = (np.arange(_BINS + 1) / _BINS).astype(np.float32)
    # cv2.LUT asks for an entry for each of the 65536 codes; bins beyond light 1.0 never occur.
    codes = np.zeros(65536, np.uint8)
    codes[: _BINS + 1] = np.searchsorted(steps, starts, side="right")
    thresholds = np.append(steps, np.float32(np.inf))[codes]
    return codes, thresholds.astype(np.float32)


@cache
def _decoding_table(itemsize: int) -> NDArray[np.float32]:
    codes = 256**itemsize
    return srgb_inverse(np.arange(codes) / (codes - 1)).astype(np.float32)
