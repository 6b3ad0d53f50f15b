"""What every baseline is: how it is fitted, how it predicts, which numbers it is made of."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Residual
from iea40k.errors import BadInputError
from iea40k.residuals import luma

Example = tuple[EncodedRGB, Residual]
"""A picture (H, W, 3) uint8 and its residual (H, W) float32, NaN = no data."""

Numbers = Mapping[str, NDArray[np.float64]]
"""What a fitted baseline consists of, by name."""

PIXELS = 500
"""Pixels that are looked at of each picture: pictures count alike, whatever their size."""


@dataclass(frozen=True)
class Baseline:
    """A baseline. `shapes` are those of its numbers; `fit` makes them of examples, deterministically.

    `predict(numbers, picture)` returns the residual (H, W) float32 of a picture (H, W, 3) uint8.
    """

    name: str
    words: str
    predict: Callable[[Numbers, EncodedRGB], Residual]
    fit: Callable[[Iterable[Example]], dict[str, NDArray[np.float64]]] = lambda _: {}
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def some_pixels(examples: Iterable[Example], seed: int = 0) -> Iterator[tuple[EncodedRGB, Example]]:
    """Yield each picture with `PIXELS` of its valid pixels, (N, 1, 3), and their labels, (N, 1)."""
    random = np.random.default_rng(seed)
    for image, label in examples:
        valid = np.flatnonzero(~np.isnan(label.ravel()))
        if valid.size:
            chosen = random.choice(valid, min(PIXELS, valid.size), replace=False)
            yield image, (image.reshape(-1, 1, 3)[chosen], label.reshape(-1, 1)[chosen])


def wanted_luma(examples: Iterable[Example]) -> NDArray[np.float64]:
    """Return the luma that some pixels of every picture ought to have. Raises `BadInputError` where there is none."""
    found = [(luma(pixels) + labels).ravel() for _, (pixels, labels) in some_pixels(examples)]
    return np.concatenate(learnt(found)).astype(np.float64)


def learnt(found: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Return what was found. Raises `BadInputError` where that is nothing."""
    if not found:
        raise BadInputError("there is nothing to fit a baseline to", expected="pictures with valid pixels")
    return found
