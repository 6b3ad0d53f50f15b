"""The simplest motion that explains the tiles' votes: none, a shift, a similarity, an affinity, a homography.

Each is fitted robustly (iteratively reweighted least squares, Tukey's biweight), and the one with the least
information criterion wins: a homography fitted to the noise of a nearly black frame would bend its corners. A tile
that holds nothing but a straight edge knows how far the edge moved across, not along: every vote counts by direction.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iea40k.alignment.geometry import Homography, Size, corners, normal
from iea40k.alignment.tiles import Tiles

Floats = NDArray[np.float64]

AGREES = 1.0
"""A vote within this many pixels of the motion agrees with it."""

SURE = 6.0
"""Largest standard deviation in pixels of a corner's place with which a motion is considered at all."""

MOTIONS = {"none": (0, 0), "shift": (2, 2), "similarity": (4, 4), "affinity": (6, 8), "homography": (8, 12)}
"""Each motion's degrees of freedom, and the fewest votes it is tried with."""

STIFFNESS = (0.5 / np.array([np.inf, np.inf, 30.0, 30.0, 3.0, 3.0, 4.0, 4.0])) ** 2
"""A tile's error over what a hand does, squared, for each of a motion's parameters: where the tiles say nothing,
nothing moves. In the order of `MOTIONS`: shift, scale and turn, aspect and shear, perspective."""

_WIDTH = 6.0
_FINEST = 0.15
_STILL = 1e-3
_DEGENERATE = 1e10


@dataclass(frozen=True)
class Motion:
    """A fitted motion: the homography that undoes the votes' shifts, its kind, and the weight of each vote.

    `left` (N,): how far in pixels each vote lies from it, as far as the tile can tell.
    """

    homography: Homography
    kind: str
    weights: Floats
    left: Floats


def fit(votes: Tiles, size: Size, width: float | None = None) -> Motion:
    """Return the simplest motion that carries the tiles' content back to where the tiles are.

    A motion whose corners the votes leave uncertain by more than `SURE` is not considered: a few tiles around a lamp
    say nothing about the far corner. Fewer than two votes give no motion. `width` in pixels: votes farther from rest
    count for nothing; without it the votes themselves say how far they scatter.
    """
    frame = _Frame(size)
    # The shift of a tile is where its content is; the motion takes it from there, so the design stands there.
    design = frame.design(votes.centres + votes.shifts)
    seen = _Seen(votes.sight @ design, np.einsum("nij,nj->ni", votes.sight, -votes.shifts))
    strength = np.clip(votes.peaks, 0, 1) ** 2
    unexplained = seen.lengths(np.zeros(0))
    best = Motion(np.eye(3), "none", strength, unexplained)
    least = _criterion(unexplained, strength, 0)
    for kind, (freedom, fewest) in MOTIONS.items():
        if freedom == 0 or len(votes) < fewest:
            continue
        found = _robust(seen, freedom, strength, width)
        if found is None:
            continue
        parameters, weights = found
        residual = seen.lengths(parameters)
        if _corner_spread(seen.matrix(freedom, weights), weights, residual, frame) > SURE:
            continue
        cost = _criterion(residual, strength, freedom)
        if cost < least:
            best = Motion(frame.homography(parameters), kind, weights, residual)
            least = cost
    return best


@dataclass(frozen=True)
class _Seen:
    """What the tiles can tell: `design` (N, 2, 8), how their shifts follow from the parameters, and `wanted` (N, 2)."""

    design: Floats
    wanted: Floats

    def lengths(self, parameters: Floats) -> Floats:
        """Return (N,) how far, in pixels, the parameters (the first F of 8) leave each tile from what it wants."""
        left = self.wanted - self.design[:, :, : len(parameters)] @ parameters
        return np.asarray(np.hypot(left[:, 0], left[:, 1]), np.float64)

    def matrix(self, freedom: int, weights: Floats) -> Floats:
        """Return the normal matrix (F, F)."""
        rows = self._rows(freedom)
        return np.asarray((rows * np.repeat(weights, 2)[:, None]).T @ rows, np.float64)

    def solve(self, freedom: int, weights: Floats) -> Floats | None:
        """Return the parameters (F,) of weighted least squares, None where the tiles do not determine them."""
        target = self._rows(freedom).T @ (self.wanted * weights[:, None]).ravel()
        matrix = self.matrix(freedom, weights) + np.diag(STIFFNESS[:freedom])
        try:
            return np.asarray(np.linalg.solve(matrix, target), np.float64)
        except np.linalg.LinAlgError:
            return None

    def _rows(self, freedom: int) -> Floats:
        return self.design[:, :, :freedom].reshape(-1, freedom)


def _robust(seen: _Seen, freedom: int, strength: Floats, width: float | None) -> tuple[Floats, Floats] | None:
    unexplained = seen.lengths(np.zeros(0))
    scale = width or max(_WIDTH, 3 * _median(unexplained))
    if np.linalg.cond(seen.matrix(freedom, strength)) > _DEGENERATE:
        return None
    weights = strength.copy()
    if width is not None:
        weights *= np.clip(1 - (unexplained / width) ** 2, 0, None) ** 2
    parameters = np.zeros(freedom)
    for _ in range(12):
        before = parameters
        solved = seen.solve(freedom, weights)
        if solved is None:
            return None
        parameters = solved
        residual = seen.lengths(parameters)
        used = weights > 1e-6
        spread = 1.4826 * _median(residual[used]) if used.any() else scale
        narrower = max(4.0 * spread, 0.75, 0.6 * scale)
        if width is not None:
            narrower = min(narrower, width)
        weights = np.clip(1 - (residual / narrower) ** 2, 0, None) ** 2 * strength
        if narrower == scale and np.abs(parameters - before).max() < _STILL:
            break
        scale = narrower
    return parameters, weights


def _median(values: Floats) -> float:
    """Return the middle value: the upper one of two."""
    return float(np.partition(values, len(values) // 2)[len(values) // 2])


def _criterion(residual: Floats, strength: Floats, freedom: int) -> float:
    """Bayesian information criterion with residuals capped, and a floor that keeps noise from buying freedom."""
    capped = np.minimum(residual, 3 * AGREES) ** 2
    mean = float(np.average(capped, weights=strength)) if strength.sum() > 0 else 0.0
    # Tiles overlap by half, so that about every second vote is its own.
    independent = max(len(residual) / 2, 1.0)
    return 2 * independent * float(np.log(mean + _FINEST**2)) + freedom * float(np.log(2 * independent))


def _corner_spread(matrix: Floats, weights: Floats, residual: Floats, frame: "_Frame") -> float:
    """Return the largest standard deviation of a corner's place in pixels, by the fit's linear error theory."""
    used = weights > 1e-6
    if not used.any() or np.linalg.cond(matrix) > _DEGENERATE:
        return float("inf")
    variance = 2 * max(1.2 * _median(residual[used]), _FINEST) ** 2
    at_corners = frame.design(corners(frame.size))[:, :, : len(matrix)]
    covariance = variance * np.linalg.inv(matrix)
    return float(np.sqrt(np.einsum("nik,kl,nil->n", at_corners, covariance, at_corners).max()))


class _Frame:
    """Coordinates from -1 to 1 along the longer side, about the middle of a frame of `size`."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.middle = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
        self.half = max(size) / 2

    def design(self, points: Floats) -> Floats:
        """Return (N, 2, 8): how x and y move with shift, scale, turn, aspect, shear and two perspectives, in pixels."""
        x, y = ((points - self.middle) / self.half).T
        zero, one = np.zeros_like(x), np.ones_like(x)
        across = np.stack((one, zero, x, -y, x, y, x * x, x * y), axis=1)
        down = np.stack((zero, one, y, x, -y, x, x * y, y * y), axis=1)
        return np.stack((across, down), axis=1)

    def homography(self, parameters: Floats) -> Homography:
        """Return the homography whose first-order motion the parameters describe."""
        shift_x, shift_y, scale, turn, aspect, shear, *bends = (
            np.pad(parameters, (0, 8 - len(parameters))) / self.half
        )
        inner = np.array(
            [
                [1 + scale + aspect, shear - turn, shift_x],
                [shear + turn, 1 + scale - aspect, shift_y],
                [-bends[0], -bends[1], 1],
            ]
        )
        to_unit = np.array(
            [
                [1 / self.half, 0, -self.middle[0] / self.half],
                [0, 1 / self.half, -self.middle[1] / self.half],
                [0, 0, 1],
            ]
        )
        return normal(np.linalg.inv(to_unit) @ inner @ to_unit)
