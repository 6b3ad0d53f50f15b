"""A Bayer mosaic straight to a small picture: what demosaicing adds to an average, without the full-size picture.

Averaging red over its own photosites alone is wrong where detail is finer than their spacing: they sample it too
thinly. Green is known at twice as many places and, interpolated along the direction in which the picture changes less
(as Hamilton and Adams do, US patent 5629734, expired), at red's and blue's too. So green is averaged over *all*
photosites, and to it is added the average of the differences red - green and blue - green, which have little fine
detail. One direction serves a whole 2x2 block: told by the steps of all four colours, it is less misled by noise
than one of each place, and half the work.

Rows are added to the small picture's as they come, so that the large picture is never held as light.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LinearRGB

REVISION = 2
"""Which way of making small pictures this is: recipes tell it. 1 judged every place's direction by itself."""

_BAND = 32
"""Rows of 2x2 blocks worked on at a time: what fits the processor's cache."""

_HALO = 2
"""Blocks of neighbourhood that a block's result depends on."""

Plane = NDArray[np.float32]
Codes = NDArray[np.uint16]


@dataclass(frozen=True)
class Mosaic:
    """Sensor codes (H, W) uint16 with even sides, and what they mean.

    For the four places of a 2x2 block, row by row: `colours` (0 R, 1 G, 2 B; two are green, diagonally), `black` (code
    of no light) and `gains` (balanced light a code). Light of 1.0 is white, and more is cut there.
    """

    codes: Codes
    colours: tuple[int, int, int, int]
    black: tuple[float, ...]
    gains: tuple[float, ...]


@dataclass(frozen=True)
class _Block:
    """Where the colours of a block lie, whichever of the four orders it has.

    `places` are those of red or blue in the upper row, green beside it, green below it, and blue or red
    across. `toward` is the way along a row to the block that lies nearer to the upper row's green: +1 or -1.
    """

    places: tuple[int, int, int, int]
    toward: int


def scale_mosaic(mosaic: Mosaic, size: tuple[int, int]) -> tuple[LinearRGB, float]:
    """Return balanced camera colours scaled to `size` (height, width) by area, and the share of codes cut at 1.0.

    `size` is at most half the mosaic's on each side. Noise below black stays negative, since cutting it would
    brighten the darks. Every colour is brought to the centres of the blocks.
    """
    blocks = mosaic.codes.shape[0] // 2
    column = int(mosaic.colours[0] == 1)
    block = _Block((column, 1 - column, 2 + column, 3 - column), 2 * column - 1)
    light = np.empty((*size, 3), np.float32)
    done, cut = 0, 0
    begun = np.empty((0, 3, mosaic.codes.shape[1] // 2), np.float32)
    for start in range(0, blocks, _BAND):
        stop = min(start + _BAND, blocks)
        codes, planes, saturated = _planes(mosaic, block, start, stop)
        cut += saturated
        sums = _added(_colours(codes, planes, block.toward), start, blocks, size[0], begun)
        ready = stop * size[0] // blocks - done
        if ready:
            light[done : done + ready] = _narrow(sums[:ready], block.toward, size[1])
        begun = sums[ready:]
        done += ready
    # Red is in the upper row, or blue is.
    return light if mosaic.colours[column] == 0 else light[..., ::-1].copy(), cut / mosaic.codes.size


def _planes(mosaic: Mosaic, block: _Block, start: int, stop: int) -> tuple[list[Codes], list[Plane], int]:
    """Return codes and light of each of `block.places`, in [start, stop) with a halo all round; how many were cut."""
    blocks = mosaic.codes.shape[0] // 2
    first, last = max(0, start - _HALO), min(blocks, stop + _HALO)
    border = (_HALO - (start - first), _HALO - (last - stop), _HALO, _HALO)
    split: list[Codes] = []
    for row in (0, 1):
        pairs = mosaic.codes[2 * first + row : 2 * last : 2]
        split += cv2.split(pairs.reshape(last - first, -1, 2))
    codes, planes, cut = [], [], 0
    for place in block.places:
        own = cv2.copyMakeBorder(split[place], *border, cv2.BORDER_REPLICATE)
        light = own.astype(np.float32)
        if mosaic.black[place]:
            light -= np.float32(mosaic.black[place])
        light *= np.float32(mosaic.gains[place])
        # The sum that gives exactly 1 on paper may miss it by a rounding.
        limit = np.ceil(mosaic.black[place] + 1 / mosaic.gains[place] - 1e-3)
        if split[place].max() >= limit:
            cut += int(np.count_nonzero(own[_HALO:-_HALO, _HALO:-_HALO] >= limit))
            cv2.min(light, 1.0, light)
        codes.append(own)
        planes.append(light)
    return codes, planes, cut


def _colours(codes: list[Codes], light: list[Plane], toward: int) -> Plane:
    """Return (rows, 3, columns): upper colour - green, green, lower colour - green, each centred between its rows."""
    across = _across(codes, toward)
    upper, beside, below, lower = light
    here, there = _moved(beside, 0, 0), _moved(below, 0, 0)
    green_up = _green(here, _moved(beside, 0, toward), there, _moved(below, -1, 0), across)
    green_low = _green(there, _moved(below, 0, -toward), here, _moved(beside, 1, 0), across)
    rows = np.empty((here.shape[0] - 2, 3, here.shape[1] - 2), np.float32)
    _between(cv2.subtract(_moved(upper, 0, 0), green_up), 1, rows[:, 0])
    _between(cv2.subtract(_moved(lower, 0, 0), green_low), -1, rows[:, 2])
    green_up += green_low
    green_up += here
    green_up += there
    np.multiply(green_up[1:-1, 1:-1], np.float32(0.25), out=rows[:, 1])
    return rows


def _across(codes: list[Codes], toward: int) -> Plane:
    """Return how far the picture changes less along rows than along columns, in [-1, 1], one block of halo kept.

    -1 where neither changes: lines of one pixel, which steps of two do not see, are taken to be upright.
    """
    upper, beside, below, lower = codes
    along_rows = _steps(((beside, toward), (below, -toward), (upper, -toward), (lower, toward)), (0, 1))
    along_columns = _steps(((below, -1), (beside, 1), (upper, 1), (lower, -1)), (1, 0))
    along_rows *= along_rows
    along_rows += np.float32(1)
    along_columns *= along_columns
    across: Plane = along_columns - along_rows
    along_columns += along_rows
    across /= along_columns
    return across


def _steps(planes: Any, axis: tuple[int, int]) -> Plane:
    """Return the sum of the planes' steps, in codes, each to its neighbour that many blocks away along an axis."""
    total, step = (np.empty((planes[0][0].shape[0] - 2, planes[0][0].shape[1] - 2), np.uint16) for _ in "ab")
    for number, (plane, way) in enumerate(planes):
        out = step if number else total
        cv2.absdiff(_moved(plane, 0, 0), _moved(plane, way * axis[0], way * axis[1]), out)
        if number:
            cv2.add(total, step, total)  # no more than 65535
    steps: Plane = total.astype(np.float32)
    return steps


def _green(left: Plane, right: Plane, above: Plane, under: Plane, across: Plane) -> Plane:
    """Return green at a red or blue place from its four neighbours, by the direction that changes less."""
    row, column = cv2.add(left, right), cv2.add(above, under)
    mean: Plane = row + column
    row -= column
    row *= across
    mean += row
    mean *= np.float32(0.25)
    return mean


def _between(difference: Plane, down: int, out: Plane) -> None:
    """Write a plane sampled above (`down` 1) or below (-1) its blocks' middle as if sampled there; no halo is left."""
    cv2.addWeighted(difference[1:-1, 1:-1], 0.75, _moved(difference, down, 0), 0.25, 0, out)


def _added(rows: Plane, start: int, blocks: int, height: int, begun: Plane) -> Plane:
    """Return sums (n, 3, columns) by area of rows of blocks: the rows of a picture of `height` that they lie in.

    The first row of blocks is number `start` of `blocks`; `begun` is the sum, if any, that it goes on with. A row of
    blocks that a border between two sums cuts is shared in proportion.
    """
    numbers = np.arange(start, start + rows.shape[0])
    firsts = numbers * height // blocks
    lasts = ((numbers + 1) * height - 1) // blocks
    whole = height / blocks
    parts = np.where(lasts > firsts, (lasts * blocks - numbers * height) / blocks, whole)
    sums = np.zeros((int(lasts[-1] - firsts[0]) + 1, *rows.shape[1:]), np.float32)
    sums[: begun.shape[0]] = begun
    firsts, lasts = firsts - firsts[0], lasts - firsts[0]
    flat, into = rows.reshape(rows.shape[0], -1), sums.reshape(sums.shape[0], -1)
    for row, first, last, part in zip(flat, firsts.tolist(), lasts.tolist(), parts.tolist(), strict=True):
        cv2.scaleAdd(row, part, into[first], into[first])
        if last > first:
            cv2.scaleAdd(row, whole - part, into[last], into[last])
    return sums


def _narrow(sums: Plane, toward: int, width: int) -> LinearRGB:
    """Return (rows, width, 3) of sums: upper colour, green, lower colour, centred between the columns of a block."""
    upper, green, lower = (np.ascontiguousarray(sums[:, part]) for part in range(3))
    merged = cv2.merge([_beside(upper, -toward), green, _beside(lower, toward)])
    light: LinearRGB = cv2.resize(merged, (width, sums.shape[0]), interpolation=cv2.INTER_AREA)
    light[..., 0] += light[..., 1]
    light[..., 2] += light[..., 1]
    return light


def _beside(difference: Plane, right: int) -> Plane:
    """Return a plane sampled left (`right` 1) or right (-1) of its blocks' centres as if sampled in them."""
    padded = cv2.copyMakeBorder(difference, 0, 0, 1, 1, cv2.BORDER_REPLICATE)
    width = difference.shape[1]
    centred: Plane = cv2.addWeighted(difference, 0.75, padded[:, 1 + right : 1 + right + width], 0.25, 0)
    return centred


def _moved(plane: Any, down: int, right: int) -> Any:
    """Return the view of a plane with one block of halo left, moved by whole blocks."""
    height, width = plane.shape[0] - 2, plane.shape[1] - 2
    return plane[1 + down : 1 + down + height, 1 + right : 1 + right + width]
