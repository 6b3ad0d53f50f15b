"""How a frame is cut into tiles, and which of them hold a window.

A tile is an inner chunk: a crop decodes those that it touches and no others. docs/decisions/0031 has the measurements.
"""

from collections.abc import Iterator

_SIDE = 128  # pixels, about
Span = tuple[int, slice, slice]
"""The number of a tile along one axis, what of it lies in the window, and where in the window that belongs."""


def tile_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """Return the (h, w) of the tiles of a frame (H, W): about 128 pixels, so that few hang over the edge."""
    height, width = (-(-side // max(1, (side + _SIDE // 2) // _SIDE)) for side in shape)
    return height, width


def covering(shape: tuple[int, int], tile: tuple[int, int]) -> tuple[int, int]:
    """Return the (H, W) of the whole tiles that cover a frame."""
    height, width = (-(-side // step) * step for side, step in zip(shape, tile, strict=True))
    return height, width


def spans(first: int, last: int, tile: int) -> Iterator[Span]:
    """Yield the tiles that hold places `first` to `last` (exclusive) of an axis."""
    for number in range(first // tile, -(-last // tile)):
        low, high = max(first, number * tile), min(last, (number + 1) * tile)
        yield number, slice(low - number * tile, high - number * tile), slice(low - first, high - first)
