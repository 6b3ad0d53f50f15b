"""The noun of development: a picture in linear light, and how it is brought to size."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from iea40k.arrays import LinearRGB, check_linear
from iea40k.errors import UnreadableImageError

MAX_PIXELS = 250_000_000
"""Frames larger than this are refused before they are decoded; the largest cameras have 150 Mpx."""


@dataclass(frozen=True)
class LinearImage:
    """Linear light (H, W, 3) float32, sRGB primaries, >= 0; 1.0 = display white at EV 0, more is headroom.

    `recipe` says how it was made, JSON-able. Raises `ArrayError` for NaN, infinite or negative light.
    """

    pixels: LinearRGB
    recipe: Mapping[str, Any]

    def __post_init__(self) -> None:
        check_linear(self.pixels)


def check_size(width: int, height: int, where: object, max_pixels: int = MAX_PIXELS) -> None:
    """Raise `UnreadableImageError` for a picture that is empty, a line, or larger than `max_pixels`."""
    if min(width, height) < 2:
        raise UnreadableImageError(
            "the picture is too small",
            where=str(where),
            expected="at least 2x2 pixels",
            got=f"{width}x{height}",
        )
    if width * height > max_pixels:
        raise UnreadableImageError(
            "the picture is too large; it was not decoded",
            where=str(where),
            expected=f"at most {max_pixels / 1e6:.0f} Mpx",
            got=f"{width}x{height}, {width * height / 1e6:.0f} Mpx",
            remedy="scale it down first, or raise the limit where you call for it",
        )


def shrink_to(pixels: LinearRGB, short_side: int | None) -> LinearRGB:
    """Return the picture scaled down to `short_side` pixels on the shorter side, by area, never up."""
    height, width = pixels.shape[:2]
    if short_side is None or min(height, width) <= short_side:
        return pixels
    scale = short_side / min(height, width)
    size = (
        (max(short_side, round(width * scale)), short_side)
        if height <= width
        else (short_side, max(short_side, round(height * scale)))
    )
    shrunk: LinearRGB = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return shrunk


def oriented(pixels: LinearRGB, orientation: int) -> LinearRGB:
    """Return the picture turned and mirrored as EXIF orientation 1 ... 8 asks; anything else counts as 1."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
