"""Large pictures in tiles that fade into one another, for networks that see any size, whatever runs them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Residual

TILE = 1024
"""Side of a tile in pixels; larger pictures are taken tile by tile."""

OVERLAP = 128
"""Pixels over which neighbouring tiles fade into one another."""


def tile_starts(length: int, tile: int, overlap: int) -> list[int]:
    """Return where tiles start along a side: the first at 0, the last ending at `length`, evenly between."""
    if length <= tile:
        return [0]
    count = 1 + -(-(length - tile) // (tile - overlap))
    return [round(k * (length - tile) / (count - 1)) for k in range(count)]


def tiled(image: EncodedRGB, predict: Callable[[EncodedRGB], Residual], tile: int, overlap: int) -> Residual:
    """Return the map (H, W) of a picture (H, W, 3) from those of its tiles, in memory of one tile at a time.

    Tiles are blended by weights that fall to the tile's borders.
    """
    height, width = image.shape[:2]
    total = np.zeros((height, width), np.float32)
    tops, lefts = tile_starts(height, tile, overlap), tile_starts(width, tile, overlap)
    for top in tops:
        for left in lefts:
            window = (slice(top, min(height, top + tile)), slice(left, min(width, left + tile)))
            part = predict(image[window])
            total[window] += part * np.outer(_ramp(part.shape[0], overlap), _ramp(part.shape[1], overlap))
    # Tiles lie in a grid and weights are products, so that their sum is a product of two sums.
    total /= _summed_ramps(height, tile, tops, overlap)[:, None]
    total /= _summed_ramps(width, tile, lefts, overlap)
    return total


def _summed_ramps(length: int, tile: int, starts: list[int], overlap: int) -> NDArray[np.float32]:
    sums = np.zeros(length, np.float32)
    for start in starts:
        window = slice(start, min(length, start + tile))
        sums[window] += _ramp(window.stop - start, overlap)
    return sums


def _ramp(length: int, overlap: int) -> NDArray[np.float32]:
    """Return weights along a side that rise from nearly 0 to 1 over `overlap` pixels, and fall alike."""
    position = np.minimum(np.arange(length), np.arange(length)[::-1]) + 1
    return np.minimum(1, position / (overlap + 1)).astype(np.float32)
