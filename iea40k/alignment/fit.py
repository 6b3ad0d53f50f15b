"""The simplest motion that explains the tiles' votes: none, a shift, a similarity, an affinity, a homography.

Each is fitted robustly (iteratively reweighted least squares, Tukey's biweight), and the one with the least
information criterion wins: a homography fitted to the noise of a nearly black frame would bend its corners.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iea40k.alignment.geometry import Homography, Size, corners, move, normal

Points = NDArray[np.float64]

AGREES = 1.0
"""A vote within this many pixels of the motion agrees with it."""

SURE = 0.5
"""Largest standard deviation in pixels that a corner's place may have."""


@dataclass(frozen=True)
class Motion:
    """A fitted motion: its homography, its kind, and the weight in [0, 1] it gave each vote."""

    homography: Homography
    kind: str
    weights: NDArray[np.float64]


def fit(here: Points, there: Points, votes: NDArray[np.float64], *, size: Size, width: float = 6.0) -> Motion:
    """Return the simplest motion that carries `here` to `there`, both (N, 2), by votes of weight `votes` (N,).

    `width` is the residual in pixels from which a vote counts for nothing at first; it narrows to the spread that
    the votes show. A motion whose corners the votes leave uncertain by more than `SURE` is not considered: a few
    tiles around a lamp say nothing about the far corner. Fewer than two votes give no motion.
    """
    candidates = [Motion(np.eye(3), "none", np.ones(len(here)))]
    for kind, (solve, least) in MODELS.items():
        if len(here) >= least:
            found = _robust(solve, here, there, votes, width)
            if found is not None:
                motion = Motion(found[0], kind, found[1])
                if corner_spread(motion, here, there, size) <= SURE:
                    candidates.append(motion)
    costs = [_criterion(motion, here, there, votes) for motion in candidates]
    return candidates[int(np.argmin(costs))]


def corner_spread(motion: Motion, here: Points, there: Points, size: Size) -> float:
    """Return the largest standard deviation of a corner's place in pixels, by the fit's linear error theory."""
    used = motion.weights > 1e-6
    if np.count_nonzero(used) < 2:
        return float("inf")
    residual = np.linalg.norm(move(motion.homography, here[used]) - there[used], axis=1)
    # Tiles overlap by half in both directions, so that about every second vote is its own.
    variance = 2 * max(float(np.median(residual)) * 1.2, 0.15) ** 2
    middle, scale = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2]), max(size) / 2
    columns = _FREEDOM[motion.kind]
    design = _design((here[used] - middle) / scale)[:, :, columns]
    normal_matrix = np.einsum("nik,nil,n->kl", design, design, motion.weights[used])
    if np.linalg.cond(normal_matrix) > 1e10:
        return float("inf")
    covariance = variance * np.linalg.inv(normal_matrix)
    at_corners = _design((corners(size) - middle) / scale)[:, :, columns]
    spread = np.einsum("nik,kl,nil->n", at_corners, covariance, at_corners)
    return float(np.sqrt(spread.max()))


def _design(points: Points) -> NDArray[np.float64]:
    """Return (N, 2, 8): how x and y change with the shift, scale, turn, shear, aspect and perspective."""
    x, y = points.T
    zero, one = np.zeros_like(x), np.ones_like(x)
    across = np.stack((one, zero, x, -y, y, x, x * x, x * y), axis=1)
    down = np.stack((zero, one, y, x, x, -y, x * y, y * y), axis=1)
    return np.stack((across, down), axis=1)


def _robust(
    solve: "Solver",
    here: Points,
    there: Points,
    votes: NDArray[np.float64],
    width: float,
) -> tuple[Homography, NDArray[np.float64]] | None:
    step = there - here
    middle = np.median(step, axis=0)
    residual = np.linalg.norm(step - middle, axis=1)
    scale = max(width, 3 * float(np.median(residual)))
    weights = _tukey(residual, scale) * votes
    homography: Homography = np.eye(3)
    for _ in range(12):
        if np.count_nonzero(weights > 1e-6) < 3 and solve is not _solve_shift:
            return None
        try:
            homography = solve(here, there, weights)
        except np.linalg.LinAlgError:
            return None
        residual = np.linalg.norm(move(homography, here) - there, axis=1)
        if not np.isfinite(residual).all():
            return None
        spread = 1.4826 * float(np.median(residual[weights > 1e-6])) if (weights > 1e-6).any() else scale
        scale = max(4.0 * spread, 0.75, 0.6 * scale)
        weights = _tukey(residual, scale) * votes
    return homography, weights


def _tukey(residual: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    inside = np.clip(1 - (residual / scale) ** 2, 0, None)
    weights: NDArray[np.float64] = inside**2
    return weights


def _criterion(motion: Motion, here: Points, there: Points, votes: NDArray[np.float64]) -> float:
    """Bayesian information criterion with residuals capped at `AGREES`, and a floor at 0.15 pixels."""
    residual = np.linalg.norm(move(motion.homography, here) - there, axis=1)
    capped = np.minimum(residual, 3 * AGREES) ** 2
    mean = float(np.average(capped, weights=votes)) if votes.sum() > 0 else 0.0
    freedom = _FREEDOM[motion.kind].stop or 0
    # Tiles overlap by half, so that about every second vote is its own.
    independent = max(len(here) / 2, 1.0)
    return 2 * independent * float(np.log(mean + 0.15**2)) + freedom * float(np.log(2 * independent))


def _solve_shift(here: Points, there: Points, weights: NDArray[np.float64]) -> Homography:
    found = np.eye(3)
    if weights.sum() > 0:
        found[:2, 2] = np.average(there - here, axis=0, weights=weights)
    return found


def _solve_similarity(here: Points, there: Points, weights: NDArray[np.float64]) -> Homography:
    total = weights.sum()
    source, target = here @ (1, 1j), there @ (1, 1j)
    m, n = (weights @ source) / total, (weights @ target) / total
    spread = weights @ np.abs(source - m) ** 2
    if spread < 1e-9:
        raise np.linalg.LinAlgError("one point carries no turn")
    factor = (weights * np.conj(source - m)) @ (target - n) / spread
    offset = n - factor * m
    return np.array(
        [[factor.real, -factor.imag, offset.real], [factor.imag, factor.real, offset.imag], [0, 0, 1]]
    )


def _solve_affinity(here: Points, there: Points, weights: NDArray[np.float64]) -> Homography:
    normalise, back, a, b = _normalised(here, there, weights)
    design = np.column_stack((a, np.ones(len(a)))) * np.sqrt(weights)[:, None]
    solution, _, rank, _ = np.linalg.lstsq(design, b * np.sqrt(weights)[:, None], rcond=1e-6)
    if rank < 3:
        raise np.linalg.LinAlgError("the points lie on a line")
    fitted: Homography = back @ np.vstack((solution.T, (0, 0, 1))) @ normalise
    return fitted


def _solve_homography(here: Points, there: Points, weights: NDArray[np.float64]) -> Homography:
    normalise, back, a, b = _normalised(here, there, weights)
    zero, one = np.zeros(len(a)), np.ones(len(a))
    x, y = a.T
    u, v = b.T
    rows = np.concatenate(
        (
            np.stack((x, y, one, zero, zero, zero, -u * x, -u * y), axis=1),
            np.stack((zero, zero, zero, x, y, one, -v * x, -v * y), axis=1),
        )
    )
    root = np.sqrt(np.concatenate((weights, weights)))
    solution, _, rank, _ = np.linalg.lstsq(rows * root[:, None], np.concatenate((u, v)) * root, rcond=1e-6)
    if rank < 8:
        raise np.linalg.LinAlgError("the points do not span the plane")
    return normal(back @ np.append(solution, 1.0).reshape(3, 3) @ normalise)


def _normalised(
    here: Points, there: Points, weights: NDArray[np.float64]
) -> tuple[Homography, Homography, Points, Points]:
    """Return both point sets shifted and scaled to unit spread, and the matrices there and back (Hartley 1997)."""
    total = weights.sum()
    centre = weights @ here / total
    scale = float(np.sqrt(weights @ ((here - centre) ** 2).sum(axis=1) / total)) or 1.0
    to_unit = np.array([[1 / scale, 0, -centre[0] / scale], [0, 1 / scale, -centre[1] / scale], [0, 0, 1]])
    return to_unit, np.linalg.inv(to_unit), (here - centre) / scale, (there - centre) / scale


Solver = Callable[[Points, Points, NDArray[np.float64]], Homography]

MODELS: dict[str, tuple[Solver, int]] = {
    "shift": (_solve_shift, 2),
    "similarity": (_solve_similarity, 4),
    "affinity": (_solve_affinity, 8),
    "homography": (_solve_homography, 12),
}
"""Each motion's solver and the fewest votes it is tried with."""

_FREEDOM = {
    "none": slice(0, 0),
    "shift": slice(0, 2),
    "similarity": slice(0, 4),
    "affinity": slice(0, 6),
    "homography": slice(0, 8),
}
