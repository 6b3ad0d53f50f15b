"""Displacements measured tile by tile: masked normalised cross-correlation of two structures.

Each tile votes by itself, so that a moving person or a parallax spoils its own tiles and not the whole, and so
that two unrelated pictures show themselves: their tiles point everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from iea40k.alignment.structure import Structure

LEAST_KNOWN = 0.25
"""Share of a tile's pixels that must be known, in both pictures, for the tile to vote."""

BLIND = 0.25
"""Contrast along an edge, as a share of that across it, below which a tile is partly blind to motion along it."""


@dataclass(frozen=True)
class Tiles:
    """The votes of N tiles.

    - `centres` (N, 2) float64: x, y of the tile in the fixed picture, pixel centres at integers
    - `shifts` (N, 2) float64: where the tile's content lies in the moving picture, minus `centres`
    - `peaks` (N,): correlation at the best shift, in [-1, 1]
    - `sight` (N, 2, 2): how well each shift is known by direction; times a vector, what the tile can tell of it. The
      identity for a corner; for a straight edge, what lies across it
    """

    centres: NDArray[np.float64]
    shifts: NDArray[np.float64]
    peaks: NDArray[np.float64]
    sight: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.peaks)

    def doubled(self, times: int) -> "Tiles":
        """Return the votes in pixels of pictures so many times twice as large; each doubling halves their weight."""
        if times == 0:
            return self
        factor = 2.0**times
        centres = (self.centres + 0.5) * factor - 0.5
        return Tiles(centres, self.shifts * factor, self.peaks / factor, self.sight)

    @classmethod
    def joined(cls, votes: Sequence["Tiles"]) -> "Tiles":
        """Return all votes as one."""
        parts = ([getattr(v, name) for v in votes] for name in ("centres", "shifts", "peaks", "sight"))
        return cls(*(np.concatenate(part) for part in parts))

    @property
    def lengths(self) -> NDArray[np.float64]:
        """The lengths (N,) of the shifts in pixels, as far as each tile can tell."""
        return np.asarray(np.linalg.norm(np.einsum("nij,nj->ni", self.sight, self.shifts), axis=1))


def measure(
    fixed: Structure,
    moving: Structure,
    *,
    size: int,
    step: int,
    radius: int,
    only: NDArray[np.float64] | None = None,
) -> Tiles:
    """Return the votes of `size`-pixel tiles, `step` apart, each searched within +-`radius` pixels.

    `only`, (N, 2), takes the tiles with these centres instead.
    """
    if only is None:
        corners = _usable_corners(fixed, moving, size, step)
    else:
        corners = np.rint(only[:, ::-1] - (size - 1) / 2).astype(np.int64)
    if not len(corners):
        empty = np.zeros((0, 2))
        return Tiles(empty, empty, np.zeros(0), np.zeros((0, 2, 2)))
    shifts, peaks = _peak(_correlate(fixed, moving, corners, size, radius), radius)
    centres = np.asarray(corners[:, ::-1] + (size - 1) / 2, np.float64)
    return Tiles(centres, shifts, peaks, _sight(fixed, moving, corners, size))


def common_shift(
    fixed: Structure, moving: Structure, *, size: int, step: int, radius: int
) -> NDArray[np.float64] | None:
    """Return the (dx, dy) on which all tiles together agree best, None where no tile votes."""
    corners = _usable_corners(fixed, moving, size, step)
    if not len(corners):
        return None
    surface = _correlate(fixed, moving, corners, size, radius).sum(axis=0)
    shift: NDArray[np.float64] = _peak(surface[None], radius)[0][0]
    return shift


def _usable_corners(fixed: Structure, moving: Structure, size: int, step: int) -> NDArray[np.int64]:
    height, width = fixed.signal.shape
    rows, columns = (np.arange(0, side - size + 1, step) for side in (height, width))
    grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
    if not len(grid):
        return grid
    own, other = _known_share(fixed.known, grid, size), _known_share(moving.known, grid, size)
    usable: NDArray[np.int64] = grid[(own > LEAST_KNOWN) & (other > LEAST_KNOWN / 2)]
    return usable


def _known_share(known: NDArray[np.bool_], corners: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    return _sums(known.astype(np.uint8), corners, size) / size**2


def _sums(picture: NDArray[np.generic], corners: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Return the picture summed over each tile."""
    total = cv2.integral(picture, sdepth=cv2.CV_64F)
    top, left = corners[:, 0], corners[:, 1]
    bottom, right = top + size, left + size
    inside: NDArray[np.float64] = (
        total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
    )
    return inside


def _sight(fixed: Structure, moving: Structure, corners: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Return the square roots of the tiles' structure tensors, scaled so that the best seen direction counts 1.

    A direction that shows a `BLIND` part of the best one's contrast counts fully: it is plain enough to be wrong in.
    """
    across, down = cv2.Sobel(fixed.signal, cv2.CV_32F, 1, 0), cv2.Sobel(fixed.signal, cv2.CV_32F, 0, 1)
    # Where the signal ends, its edge is the mask's and not the picture's.
    inner = cv2.erode((fixed.known & moving.known).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(
        np.float32
    )
    xx, xy, yy = (
        _sums(a * b * inner, corners, size) for a, b in ((across, across), (across, down), (down, down))
    )
    return sight_of(np.stack((xx, xy, xy, yy), axis=-1).reshape(-1, 2, 2))


def sight_of(tensors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the `sight` (N, 2, 2) of tiles with these structure tensors (N, 2, 2)."""
    values, vectors = np.linalg.eigh(tensors + 1e-9 * np.eye(2))
    seen = np.clip(np.sqrt(np.clip(values / values[:, 1:], 0, 1)) / BLIND, 0, 1)
    return np.asarray(np.einsum("nij,nj,nkj->nik", vectors, seen, vectors), np.float64)


def _correlate(
    fixed: Structure, moving: Structure, corners: NDArray[np.int64], size: int, radius: int
) -> NDArray[np.float64]:
    """Return (N, 2r+1, 2r+1) masked normalised correlations (Padfield 2012, with zero means)."""
    reach = size + 2 * radius
    shape = (fft.next_fast_len(reach, real=True),) * 2
    own_signal = _cut(fixed.signal, corners, size)
    own_known = _cut(fixed.known.astype(np.float32), corners, size)
    pad = ((radius, radius), (radius, radius))
    other_signal = _cut(np.pad(moving.signal, pad), corners, reach)
    other_known = _cut(np.pad(moving.known.astype(np.float32), pad), corners, reach)

    def spectrum(stack: NDArray[np.float32]) -> NDArray[np.complex64]:
        transformed: NDArray[np.complex64] = fft.rfft2(stack, shape)
        return transformed

    def slide(own: NDArray[np.complex64], other: NDArray[np.complex64]) -> NDArray[np.float32]:
        side = 2 * radius + 1
        product: NDArray[np.float32] = fft.irfft2(np.conj(own) * other, shape)[:, :side, :side]
        return product

    own_mask, other_mask = spectrum(own_known), spectrum(other_known)
    dot = slide(spectrum(own_signal), spectrum(other_signal))
    own_power = slide(spectrum(own_signal**2), other_mask)
    other_power = slide(own_mask, spectrum(other_signal**2))
    common = slide(own_mask, other_mask)
    power = np.sqrt(np.maximum(own_power, 0) * np.maximum(other_power, 0))
    enough = common > 0.5 * LEAST_KNOWN * size**2
    return np.where(enough, dot / np.maximum(power, 1.0), 0).astype(np.float64)


def _cut(picture: NDArray[np.float32], corners: NDArray[np.int64], size: int) -> NDArray[np.float32]:
    windows = np.lib.stride_tricks.sliding_window_view(picture, (size, size))
    return np.ascontiguousarray(windows[corners[:, 0], corners[:, 1]])


def _peak(surface: NDArray[np.float64], radius: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the (dx, dy) of each surface's maximum, refined by a parabola along each axis, and its height."""
    count, side, _ = surface.shape
    best = surface.reshape(count, -1).argmax(axis=1)
    row, column = np.divmod(best, side)
    each = np.arange(count)
    height = surface[each, row, column]
    r, c = np.clip(row, 1, side - 2), np.clip(column, 1, side - 2)
    dy = _vertex(surface[each, r - 1, column], surface[each, r, column], surface[each, r + 1, column])
    dx = _vertex(surface[each, row, c - 1], surface[each, row, c], surface[each, row, c + 1])
    dy, dx = np.where(r == row, dy, 0), np.where(c == column, dx, 0)
    return np.stack((column + dx - radius, row + dy - radius), axis=1), height


def _vertex(
    before: NDArray[np.float64], at: NDArray[np.float64], after: NDArray[np.float64]
) -> NDArray[np.float64]:
    bend = before - 2 * at + after
    return np.clip(np.where(bend < -1e-9, (before - after) / (2 * np.minimum(bend, -1e-9)), 0), -0.5, 0.5)
