"""The brush: how much of a stroke each pixel takes, and what it makes of a residual code.

A brush works on int16 residual codes, so it has 128 steps between two neighbouring labels of 1/255. Within one stroke
a pixel takes the greatest weight any dab gave it, so going over it twice does not count twice; the next stroke does.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.shared.boxes import Box as Box
from iea40k.arrays import RESIDUAL_SCALE, ResidualCodes, Validity
from iea40k.errors import BadInputError

Mode = Literal["set", "add", "scale", "smooth", "erase"]
"""`set` to the value; `add` the value; `scale` by the value (0 = to zero, 1 = as it is); `smooth` towards the
neighbourhood's mean; `erase` back towards the base, which is the reference's own value."""

MODES: tuple[str, ...] = get_args(Mode)
Point = tuple[float, float]
"""(row, column) in pixels; the centre of the first pixel is (0, 0)."""

Weights = NDArray[np.float32]
_LIMITS = {"set": (-1.0, 1.0), "add": (-1.0, 1.0), "scale": (0.0, 4.0)}


@dataclass(frozen=True)
class Brush:
    """A brush. Raises `BadInputError` for values that mean nothing.

    - `value`: what `Mode` says: a residual in [-1, 1] for `set` and `add`, a factor in [0, 4] for `scale`
    - `radius` in pixels, > 0; `feather` in [0, 1]: the share of the radius over which the weight falls to 0
    - `strength` in (0, 1]: the greatest weight
    """

    mode: Mode = "set"
    value: float = 0.0
    radius: float = 12.0
    feather: float = 0.0
    strength: float = 1.0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise BadInputError("no such brush", expected=", ".join(MODES), got=repr(self.mode))
        low, high = _LIMITS.get(self.mode, (-math.inf, math.inf))
        if not low <= self.value <= high:
            raise BadInputError(
                f"{self.mode}: wrong value", expected=f"{low:g} ... {high:g}", got=f"{self.value}"
            )
        if not (self.radius > 0 and 0 <= self.feather <= 1 and 0 < self.strength <= 1):
            raise BadInputError(
                "this brush cannot paint",
                expected="radius > 0, feather 0 ... 1, strength above 0 and up to 1",
                got=f"radius {self.radius:g}, feather {self.feather:g}, strength {self.strength:g}",
            )


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


def coverage(box: Box, start: Point, end: Point, brush: Brush) -> Weights:
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
    if brush.feather * brush.radius < 1e-3:
        hard: Weights = (distance <= brush.radius).astype(np.float32) * np.float32(brush.strength)
        return hard
    rest = np.clip((brush.radius - distance) / (brush.radius * brush.feather), 0, 1)
    soft: Weights = (rest * rest * (3 - 2 * rest) * brush.strength).astype(np.float32)
    return soft


def painted(
    before: ResidualCodes,
    weights: Weights,
    brush: Brush,
    base: ResidualCodes,
    mean: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    """Return the codes, float32 and unlimited, that a brush makes of `before`; all arrays have the same shape.

    `base` are the codes an eraser goes back to, `mean` the neighbourhood's codes that `smooth` goes towards.
    """
    codes = before.astype(np.float32)
    if brush.mode == "add":
        return codes + weights * np.float32(brush.value * RESIDUAL_SCALE)
    if brush.mode == "scale":
        return codes * (1 + weights * np.float32(brush.value - 1))
    if brush.mode == "set":
        target = np.full_like(codes, round(brush.value * RESIDUAL_SCALE))
    elif brush.mode == "erase":
        target = base.astype(np.float32)
    else:
        target = codes if mean is None else mean
    result: NDArray[np.float32] = codes + weights * (target - codes)
    return result


def neighbourhood_mean(codes: ResidualCodes, valid: Validity, sigma: float) -> NDArray[np.float32]:
    """Return the Gaussian mean of the valid codes around each pixel, (H, W) float32; 0 where none is near."""
    known = valid.astype(np.float32)
    total = cv2.GaussianBlur(np.where(valid, codes, 0).astype(np.float32), (0, 0), sigma)
    share = cv2.GaussianBlur(known, (0, 0), sigma)
    mean: NDArray[np.float32] = np.divide(total, share, out=np.zeros_like(total), where=share > 1e-6)
    return mean
