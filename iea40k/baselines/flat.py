"""Baselines that look at one pixel at a time: nothing is wrong, one luma for all, a straight line in luma."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Residual
from iea40k.baselines.base import Baseline, Example, Numbers, learnt, some_pixels, wanted_luma
from iea40k.residuals import luma

_ROUNDS = 60
_LEAST_ERROR = 1e-4


def constant(grey: float = 0.48) -> Callable[[EncodedRGB], Residual]:
    """Return what says that every pixel ought to have the luma `grey`: the residual is grey - luma."""
    return lambda image: np.float32(grey) - luma(image)


def _zero(numbers: Numbers, image: EncodedRGB) -> Residual:
    del numbers
    return np.zeros(image.shape[:2], np.float32)


def _constant(numbers: Numbers, image: EncodedRGB) -> Residual:
    return constant(float(numbers["luma"]))(image)


def _fit_constant(examples: Iterable[Example]) -> dict[str, NDArray[np.float64]]:
    return {"luma": np.array(np.median(wanted_luma(examples)))}


def _affine(numbers: Numbers, image: EncodedRGB) -> Residual:
    slope, offset = numbers["line"].astype(np.float32)
    out: Residual = slope * luma(image) + offset
    return out


def _fit_affine(examples: Iterable[Example]) -> dict[str, NDArray[np.float64]]:
    """Return the line of the least absolute errors, by reweighted least squares."""
    found = [np.stack([luma(p).ravel(), r.ravel()]) for _, (p, r) in some_pixels(examples)]
    grey, label = np.concatenate(learnt(found), axis=1).astype(np.float64)
    inputs = np.stack([grey, np.ones_like(grey)], 1)
    weight = np.ones_like(grey)
    line = np.zeros(2)
    for _ in range(_ROUNDS):
        root = np.sqrt(weight)
        line = np.linalg.lstsq(inputs * root[:, None], label * root, rcond=None)[0]
        weight = 1 / np.maximum(np.abs(inputs @ line - label), _LEAST_ERROR)
    return {"line": line}


ZERO = Baseline("zero", "every picture is ideally exposed", _zero)
CONSTANT = Baseline(
    "constant",
    "every pixel ought to have the median luma of the references",
    _constant,
    _fit_constant,
    {"luma": ()},
)
AFFINE = Baseline("affine", "the residual is a straight line in luma", _affine, _fit_affine, {"line": (2,)})
