"""Size and orientation: pictures are scaled by area in linear light, and turned once."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LinearRGB
from iea40k.errors import BadInputError

_BAND = 1 << 21
"""Values held as light at a time while a large picture is scaled."""

# EXIF orientation -> (transpose, flip rows, flip columns), applied in this order.
_TURNS = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def fit(height: int, width: int, short_side: int | None) -> tuple[int, int]:
    """Return (height, width) scaled so that the shorter side is `short_side`; never enlarged. None keeps the size.

    The longer side is rounded to the nearest pixel, halves up. Raises `BadInputError` for a side below 2.
    """
    if short_side is None:
        return height, width
    if short_side < 2:
        raise BadInputError("impossible size", expected="short_side >= 2", got=str(short_side))
    shorter = min(height, width)
    if shorter <= short_side:
        return height, width
    return _scaled(height, short_side, shorter), _scaled(width, short_side, shorter)


def orient(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return the picture as it is meant to be seen, by its EXIF orientation 1 ... 8 (TIFF 6.0, tag 274)."""
    transpose, rows, columns = _TURNS[orientation]
    turned = pixels.swapaxes(0, 1) if transpose else pixels
    turned = turned[::-1] if rows else turned
    turned = turned[:, ::-1] if columns else turned
    return np.ascontiguousarray(turned)


def scale_light(
    pixels: NDArray[Any], size: tuple[int, int], light: Callable[[NDArray[Any]], LinearRGB]
) -> LinearRGB:
    """Return `light(pixels)` scaled to `size` (height, width) by area, without holding all of it at full size.

    `light` takes rows of pixels to rows of linear light (h, w, 3) float32, each row by itself. Both sides of `size`
    are at most those of the picture. Area scaling is separable, so that bands of rows are narrowed one by
    one and the narrow picture is shortened at the end.
    """
    height, width = size
    if pixels.shape[:2] == (height, width):
        return light(pixels)
    narrow = np.empty((pixels.shape[0], width, 3), np.float32)
    rows = max(1, _BAND // (pixels.shape[1] * 3))
    for start in range(0, pixels.shape[0], rows):
        band = light(pixels[start : start + rows])
        narrow[start : start + rows] = _by_area(band, band.shape[0], width)
    return _by_area(narrow, height, width)


def _by_area(light: LinearRGB, height: int, width: int) -> LinearRGB:
    if light.shape[:2] == (height, width):
        return light
    scaled: LinearRGB = cv2.resize(light, (width, height), interpolation=cv2.INTER_AREA)
    return scaled


def _scaled(side: int, short_side: int, shorter: int) -> int:
    return (2 * side * short_side + shorter) // (2 * shorter)
