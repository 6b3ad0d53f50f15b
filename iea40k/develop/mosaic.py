"""A Bayer mosaic straight to a small picture: what demosaicing adds to an average, without the full-size picture.

Averaging red over its own photosites alone is wrong where detail is finer than their spacing: they sample it too
thinly. Green is known at twice as many places and, interpolated along the direction in which the picture changes less
(Hamilton and Adams, US patent 5629734, expired), at red's and blue's too. So green is averaged over *all* photosites,
and to it is added the average of the differences red - green and blue - green, which have little fine detail.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LinearRGB

_BAND = 32
"""Rows of 2x2 blocks worked on at a time: what fits the processor's cache."""

_HALO = 2
"""Blocks of neighbourhood that a block's result depends on."""

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Mosaic:
    """Sensor codes (H, W) uint16 with even sides, and what they mean.

    For the four places of a 2x2 block, row by row: `colours` (0 R, 1 G, 2 B; two are green, diagonally), `black` (code
    of no light) and `gains` (balanced light a code). Light of 1.0 is white, and more is cut there.
    """

    codes: NDArray[np.uint16]
    colours: tuple[int, int, int, int]
    black: tuple[float, ...]
    gains: tuple[float, ...]


def scale_mosaic(mosaic: Mosaic, size: tuple[int, int]) -> tuple[LinearRGB, float]:
    """Return balanced camera colours scaled to `size` (height, width) by area, and the share of codes cut at 1.0.

    `size` is at most half the mosaic's on each side. Noise below black stays negative, since cutting it would
    brighten the darks. Every colour is brought to the centres of the blocks.
    """
    blocks = mosaic.codes.shape[0] // 2
    narrow = np.empty((blocks, size[1], 3), np.float32)
    cut = 0
    for start in range(0, blocks, _BAND):
        stop = min(start + _BAND, blocks)
        planes, saturated = _planes(mosaic, start, stop)
        cut += saturated
        colours = _block_colours(planes, mosaic.colours)
        narrow[start:stop] = cv2.resize(colours, (size[1], stop - start), interpolation=cv2.INTER_AREA)
    light: LinearRGB = cv2.resize(narrow, size[::-1], interpolation=cv2.INTER_AREA)
    return light, cut / mosaic.codes.size


def _planes(mosaic: Mosaic, start: int, stop: int) -> tuple[list[Plane], int]:
    """Return the light of each place of the blocks in [start, stop), with a halo all round, and how many were cut."""
    blocks = mosaic.codes.shape[0] // 2
    first, last = max(0, start - _HALO), min(blocks, stop + _HALO)
    border = (_HALO - (start - first), _HALO - (last - stop), _HALO, _HALO)
    planes, cut = [], 0
    for row in (0, 1):
        pairs = np.ascontiguousarray(mosaic.codes[2 * first + row : 2 * last : 2])
        for column, codes in enumerate(cv2.split(pairs.reshape(last - first, -1, 2))):
            place = 2 * row + column
            light = codes.astype(np.float32)
            light -= np.float32(mosaic.black[place])
            light *= np.float32(mosaic.gains[place])
            inner = light[start - first : stop - first]
            cut += int(np.count_nonzero(inner >= 1))
            np.minimum(light, np.float32(1), out=light)
            planes.append(cv2.copyMakeBorder(light, *border, cv2.BORDER_REPLICATE))
    return planes, cut


def _block_colours(planes: list[Plane], colours: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """Return R, G, B of every block, as seen from its centre."""
    inner = (slice(_HALO, -_HALO), slice(_HALO, -_HALO))
    first, second = (plane[inner] for plane, colour in zip(planes, colours, strict=True) if colour == 1)
    green: Plane = first + second
    differences = {}
    for place, colour in enumerate(colours):
        if colour != 1:
            there = _green_at(planes, place)
            difference = _moved(planes[place], 0, 0) - there
            green += there[1:-1, 1:-1]
            differences[colour] = _centred(difference, *divmod(place, 2))
    green *= np.float32(0.25)
    merged: NDArray[np.float32] = cv2.merge([differences[0] + green, green, differences[2] + green])
    return merged


def _green_at(planes: list[Plane], place: int) -> Plane:
    """Return green at a red or blue place, one block of halo kept: from the direction that changes less."""
    row, column = divmod(place, 2)
    own, beside, above = planes[place], planes[2 * row + 1 - column], planes[2 * (1 - row) + column]
    across, across_change = _along(own, beside, column, (0, 1))
    down, down_change = _along(own, above, row, (1, 0))
    across_change *= across_change
    down_change *= down_change
    across_change += down_change
    across_change += np.float32(1e-9)
    down_change /= across_change
    across -= down
    across *= down_change
    across += down
    return across


def _along(own: Plane, green: Plane, offset: int, step: tuple[int, int]) -> tuple[Plane, Plane]:
    """Return green interpolated along one axis and how much the picture changes there.

    The mean of the two green neighbours, corrected by the curvature of the place's own colour.
    """
    before = _moved(green, *(-s * (1 - offset) for s in step))
    after = _moved(green, *(s * offset for s in step))
    curvature = _moved(own, 0, 0) * np.float32(2)
    curvature -= _moved(own, *(-s for s in step))
    curvature -= _moved(own, *step)
    change = np.abs(before - after)
    change += np.abs(curvature)
    mean = before + after
    mean *= np.float32(0.5)
    curvature *= np.float32(0.25)
    mean += curvature
    return mean, change


def _centred(difference: Plane, row: int, column: int) -> Plane:
    """Return a plane sampled at (row, column) of its blocks as if sampled in their centres, without its halo."""
    near, far = np.float32(0.75), np.float32(0.25)
    mixed = difference[1:-1] * near
    mixed += (difference[:-2] if row else difference[2:]) * far
    centred: Plane = mixed[:, 1:-1] * near
    centred += (mixed[:, :-2] if column else mixed[:, 2:]) * far
    return centred


def _moved(plane: Plane, down: int, right: int) -> Plane:
    """Return the view of a plane with one block of halo left, moved by whole blocks."""
    height, width = plane.shape[0] - 2, plane.shape[1] - 2
    view: Any = plane[1 + down : 1 + down + height, 1 + right : 1 + right + width]
    moved: Plane = view
    return moved
