"""How an image is shown to a network: which window, which flips. Decided before a pixel is read.

Every choice follows from (seed, epoch, number) alone, so that it does not depend on the number of workers, on the
batch, or on where a run was interrupted.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Mode = Literal["random", "centre", "whole", "official", "zoom"]
"""`random` and `centre` crops; `whole` images; `official`: the whole image resized to a square, as published;
`zoom`: most of the image, resized to a square by area."""

ZOOM = (0.45, 1.0)
"""The share of an image's area that a zoom shows."""
STRETCH = 0.25
"""By how much a zoom's window may be longer or wider than the image: the natural logarithm, at most."""


@dataclass(frozen=True)
class View:
    """A window (rows, columns) of an image, what is missing to the wanted size, and flips, applied in this order.

    `side`: the window is resized to a square of this side.
    """

    rows: slice
    columns: slice
    missing: tuple[int, int] = (0, 0)
    flip_rows: bool = False
    flip_columns: bool = False
    side: int | None = None


def choose_view(
    mode: Mode, shape: tuple[int, int], size: int, flips: bool, key: tuple[int, int, int]
) -> View:
    """Return the view of an image of `shape` (H, W) for `key` = (seed, epoch, number).

    Crops are `size` x `size`; what a smaller image lacks is `missing` and will be padded as pixels without data.
    """
    random = np.random.default_rng(key)
    flip_rows, flip_columns = (bool(f) for f in random.integers(0, 2, 2)) if flips else (False, False)
    if mode in ("whole", "official"):
        return View(slice(0, shape[0]), slice(0, shape[1]), (0, 0), flip_rows, flip_columns)
    if mode == "zoom":
        rows, columns = _zoomed(shape, random)
        return View(rows, columns, (0, 0), flip_rows and bool(random.integers(0, 4) == 0), flip_columns, size)
    windows, missing = [], []
    for side in shape:
        room = max(0, side - size)
        start = int(random.integers(0, room + 1)) if mode == "random" else room // 2
        windows.append(slice(start, min(side, start + size)))
        missing.append(max(0, size - side))
    return View(windows[0], windows[1], (missing[0], missing[1]), flip_rows, flip_columns)


def _zoomed(shape: tuple[int, int], random: np.random.Generator) -> tuple[slice, slice]:
    """Return a window that shows a share `ZOOM` of the image."""
    side = np.sqrt(random.uniform(*ZOOM))
    stretch = np.exp(random.uniform(-STRETCH, STRETCH))
    windows = []
    for length, share in zip(shape, (side * stretch, side / stretch), strict=True):
        shown = max(1, round(length * min(1.0, share)))
        start = int(random.integers(0, length - shown + 1))
        windows.append(slice(start, start + shown))
    return windows[0], windows[1]
