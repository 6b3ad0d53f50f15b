"""Homographies: how they act, whether they are plausible for a hand-held bracket, and fits to tile votes.

A homography here is a (3, 3) float64 matrix that maps pixel coordinates (x, y, 1) of a frame to those of the
frame it is aligned to; pixel centres lie at integers.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Homography = NDArray[np.float64]
Size = tuple[int, int]  # width, height
_FINE = 512  # steps a pixel, of what each element of a matrix does at the far end of a frame


@dataclass(frozen=True)
class Bounds:
    """What a hand-held bracket can do. Shares are of the longer side; angles in degrees."""

    shift: float = 0.15
    turn: float = 10.0
    scale: float = 0.10
    bend: float = 0.04
    overlap: float = 0.70


def move(homography: Homography, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, 2) points x, y moved by the homography."""
    carried = np.column_stack((points, np.ones(len(points)))) @ homography.T
    moved: NDArray[np.float64] = carried[:, :2] / carried[:, 2:]
    return moved


def corners(size: Size) -> NDArray[np.float64]:
    """Return the centres of the four corner pixels, clockwise from the top left."""
    right, bottom = size[0] - 1.0, size[1] - 1.0
    return np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]], np.float64)


def distance(first: Homography, second: Homography, size: Size) -> float:
    """Return how far apart two homographies carry a corner of the frame, at most, in pixels."""
    return float(np.linalg.norm(move(first, corners(size)) - move(second, corners(size)), axis=1).max())


def shifted(dx: float, dy: float) -> Homography:
    """Return the homography of a translation."""
    return np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]], np.float64)


def halved(homography: Homography, level: int) -> Homography:
    """Return the homography for pictures `level` times halved by 2x2 means (negative: doubled)."""
    factor = 0.5**level
    # A 2x2 mean lies between its four pixel centres, hence the half pixel.
    down = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1]], np.float64)
    return normal(down @ homography @ np.linalg.inv(down))


def normal(homography: Homography) -> Homography:
    """Return the homography scaled so that its last element is 1."""
    scaled: Homography = homography / homography[2, 2]
    return scaled


def rounded(homography: Homography, size: Size) -> Homography:
    """Return the homography in steps that move no corner of a frame of `size` by more than about 1/300 of a pixel.

    Machines with other instructions round the last bits of sums otherwise, so their fits differ by a millionth of a
    pixel. In these steps they are the same, but for the rare one whose two values fall on two sides of a half step.
    """
    longer = float(max(size))
    fine = _FINE * np.array([[longer, longer, 1], [longer, longer, 1], [longer**2, longer**2, 1]])
    stepped: Homography = np.round(homography * fine) / fine + 0.0  # no -0
    return stepped


def implausible(homography: Homography, size: Size, bounds: Bounds) -> str | None:
    """Return why a homography is no hand-held bracket's, or None where it may be one."""
    if not np.isfinite(homography).all():
        return "the warp is not finite"
    here = corners(size)
    depth = np.column_stack((here, np.ones(4))) @ homography[2]
    if (depth <= 1e-3).any():
        return "the warp folds the frame over"
    there = move(homography, here)
    longer = max(size)
    middle = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    travel = float(np.linalg.norm(move(homography, middle[None])[0] - middle)) / longer
    if travel > bounds.shift:
        return f"the middle moves by {travel:.0%} of the longer side, more than {bounds.shift:.0%}"
    jacobian = _jacobian(homography, middle)
    growth = float(np.sqrt(abs(np.linalg.det(jacobian))))
    if np.linalg.det(jacobian) <= 0:
        return "the warp mirrors the frame"
    if abs(growth - 1) > bounds.scale:
        return f"the frame grows by {growth - 1:+.0%}, more than {bounds.scale:.0%}"
    turn = float(np.degrees(np.arctan2(jacobian[1, 0] - jacobian[0, 1], jacobian[0, 0] + jacobian[1, 1])))
    if abs(turn) > bounds.turn:
        return f"the frame turns by {turn:+.0f} degrees, more than {bounds.turn:g}"
    rigid = _similarity_part(here, there)
    bend = float(np.linalg.norm(rigid - there, axis=1).max()) / longer
    if bend > bounds.bend:
        return f"a corner bends by {bend:.0%} of the longer side, more than {bounds.bend:.0%}"
    common = overlap(homography, size)
    if common < bounds.overlap:
        return f"only {common:.0%} of the frames overlap, less than {bounds.overlap:.0%}"
    return None


def overlap(homography: Homography, size: Size) -> float:
    """Return the share of the fixed frame that the moved frame covers, in [0, 1]."""
    frame = corners(size).astype(np.float32)
    moved = move(homography, corners(size)).astype(np.float32)
    area, _ = cv2.intersectConvexConvex(cv2.convexHull(frame), cv2.convexHull(moved))
    return float(area) / ((size[0] - 1) * (size[1] - 1))


def _jacobian(homography: Homography, point: NDArray[np.float64]) -> NDArray[np.float64]:
    offsets = np.array([[0.5, 0], [-0.5, 0], [0, 0.5], [0, -0.5]])
    right, left, below, above = move(homography, point + offsets)
    return np.stack((right - left, below - above), axis=1)


def _similarity_part(here: NDArray[np.float64], there: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `here` moved by the least-squares similarity onto `there` (Umeyama 1991, in complex numbers)."""
    source, target = here @ (1, 1j), there @ (1, 1j)
    a, b = source - source.mean(), target - target.mean()
    fitted = (np.vdot(a, b) / np.vdot(a, a)) * a + target.mean()
    return np.column_stack((fitted.real, fitted.imag))
