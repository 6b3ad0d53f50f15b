"""The weights of a gradient: full where a drag began and behind it, falling to nothing where it ends."""

import numpy as np

from annotator.shared.boxes import Point
from annotator.shared.dabs import Weights

SHORTEST = 2.0
"""A drag of fewer pixels is no gradient."""


def ramp(shape: tuple[int, int], start: Point, end: Point, strength: float = 1.0) -> Weights | None:
    """Return weights (H, W) float32 in [0, strength] that depend on the way along the drag alone.

    They are `strength` at and behind `start`, 0 at and beyond `end`, with a smooth step between; None where the drag is
    too short.
    """
    down, right = end[0] - start[0], end[1] - start[1]
    length = down * down + right * right
    if length < SHORTEST**2:
        return None
    rows = (np.arange(shape[0], dtype=np.float32) - np.float32(start[0])) * np.float32(down / length)
    columns = (np.arange(shape[1], dtype=np.float32) - np.float32(start[1])) * np.float32(right / length)
    rest = np.clip(1 - (rows[:, None] + columns[None, :]), 0, 1)
    weights: Weights = (rest * rest * (3 - 2 * rest) * np.float32(strength)).astype(np.float32)
    return weights
