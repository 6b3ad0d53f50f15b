"""Small displacements of tiles by the pictures' own slopes (Lucas and Kanade, IJCAI 1981), for all tiles in one pass.

Correlation looks everywhere within a radius and costs accordingly; where tiles already lie within a pixel or two of
each other, their slopes say how far, in a tenth of the time. A tile is two cells wide and high; tiles overlap by half.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.alignment.structure import Structure
from iea40k.alignment.tiles import LEAST_KNOWN, Tiles, sight_of

FARTHEST = 2.0
"""Pixels beyond which slopes are no evidence: a longer step is shortened to this."""

Floats = NDArray[np.float32]


def nudge(fixed: Structure, moving: Structure, cell: int) -> Tiles:
    """Return the votes of tiles of 2x2 cells on what small displacement is left; see `Tiles`.

    `peaks` are the correlations where the tiles lie now, not after the displacement. A tile votes where enough of its
    pixels are known in both pictures.
    """
    known = cv2.erode((fixed.known & moving.known).astype(np.uint8), np.ones((3, 3), np.uint8))
    weight = known.astype(np.float32)
    own, other = fixed.signal * weight, moving.signal * weight
    mean = cv2.addWeighted(fixed.signal, 0.5, moving.signal, 0.5, 0)
    across = cv2.Sobel(mean, cv2.CV_32F, 1, 0, scale=1 / 8) * weight
    down = cv2.Sobel(mean, cv2.CV_32F, 0, 1, scale=1 / 8) * weight
    difference = own - other
    share, xx, xy, yy, bx, by, dot, own_power, other_power = (
        _tile_means(plane, cell)
        for plane in (
            weight,
            across * across,
            across * down,
            down * down,
            across * difference,
            down * difference,
            own * other,
            own * own,
            other * other,
        )
    )
    centres = _centres(fixed.signal.shape, cell)
    votes = np.flatnonzero(share > LEAST_KNOWN)
    tensor = np.stack((xx, xy, xy, yy), axis=-1).reshape(-1, 2, 2)[votes].astype(np.float64)
    pull = np.stack((bx, by), axis=-1)[votes].astype(np.float64)
    # A little stiffness: where a tile is blind, it does not run off.
    stiff = 1e-3 * np.trace(tensor, axis1=1, axis2=2)[:, None, None] + 1e-9
    shifts = np.linalg.solve(tensor + stiff * np.eye(2), pull[..., None])[..., 0]
    length = np.linalg.norm(shifts, axis=1, keepdims=True)
    shifts *= np.minimum(1, FARTHEST / np.maximum(length, 1e-9))
    power = np.sqrt(own_power[votes] * other_power[votes])
    peaks = dot[votes] / np.maximum(power, 1e-6)
    return Tiles(centres[votes], shifts, peaks.astype(np.float64), sight_of(tensor))


def _tile_means(plane: Floats, cell: int) -> Floats:
    """Return the means over all tiles of 2x2 cells, flat, row by row; what is left over at the far sides is dropped."""
    height, width = plane.shape[0] // cell, plane.shape[1] // cell
    cells = cv2.resize(plane[: height * cell, : width * cell], (width, height), interpolation=cv2.INTER_AREA)
    means: Floats = (cells[:-1, :-1] + cells[:-1, 1:] + cells[1:, :-1] + cells[1:, 1:]) / 4
    return means.ravel()


def _centres(shape: tuple[int, ...], cell: int) -> NDArray[np.float64]:
    rows, columns = (np.arange(1, side // cell) * cell - 0.5 for side in shape)
    y, x = np.meshgrid(rows, columns, indexing="ij")
    return np.stack((x.ravel(), y.ravel()), axis=1)
