"""Dabs: how much of a brush each pixel takes, whatever the brush does with it."""

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from annotator.shared.boxes import Box, Point

Weights = NDArray[np.float32]


class Dab(Protocol):
    """A round brush: `radius` in pixels, > 0; `feather` in [0, 1]: the share of the radius over which the weight
    falls to 0; `strength` in (0, 1]: the greatest weight."""

    @property
    def radius(self) -> float: ...  # noqa: D102

    @property
    def feather(self) -> float: ...  # noqa: D102

    @property
    def strength(self) -> float: ...  # noqa: D102


def footprint(start: Point, end: Point, radius: float, shape: tuple[int, ...]) -> Box | None:
    """Return the box of an image of `shape` that a dab from `start` to `end` can reach, None where it misses."""
    spans = []
    for a, b, size in zip(start, end, shape[:2], strict=True):
        low = max(0, math.ceil(min(a, b) - radius))
        high = min(size, math.floor(max(a, b) + radius) + 1)
        if low >= high:
            return None
        spans.append(slice(low, high))
    return spans[0], spans[1]


def coverage(box: Box, start: Point, end: Point, dab: Dab) -> Weights:
    """Return the weight (h, w) float32 in [0, strength] of each pixel of `box` for a dab from `start` to `end`.

    The weight depends on the distance to the segment: `strength` inside `radius * (1 - feather)`, falling by a smooth
    step to 0 at `radius`. A hard brush (no feather) takes pixels up to and including the radius.
    """
    rows = np.arange(box[0].start, box[0].stop, dtype=np.float32)[:, None] - np.float32(start[0])
    columns = np.arange(box[1].start, box[1].stop, dtype=np.float32)[None, :] - np.float32(start[1])
    dr, dc = end[0] - start[0], end[1] - start[1]
    length = dr * dr + dc * dc
    if length > 1e-9:
        along = np.clip((rows * np.float32(dr / length) + columns * np.float32(dc / length)), 0, 1)
        rows = rows - along * np.float32(dr)
        columns = columns - along * np.float32(dc)
    distance = np.sqrt(rows * rows + columns * columns)
    if dab.feather * dab.radius < 1e-3:
        hard: Weights = (distance <= dab.radius).astype(np.float32) * np.float32(dab.strength)
        return hard
    rest = np.clip((dab.radius - distance) / (dab.radius * dab.feather), 0, 1)
    soft: Weights = (rest * rest * (3 - 2 * rest) * dab.strength).astype(np.float32)
    return soft
