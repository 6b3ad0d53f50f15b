"""Middles that a few wrong values do not move."""

import numpy as np
from numpy.typing import NDArray

NORMAL = 1.4826
"""A median absolute deviation of a normal law, times this, is its standard deviation."""

LEAST_NOISE = 1 / 255
"""Nobody is surer than one step of the published labels."""

_BOUND = 1.5  # standard deviations from which a map's pull on the truth grows no more (Huber, 1964)
_REACH = 4.685  # standard deviations beyond which a person has no say in where the middle of all lies

Values = NDArray[np.float64]


def robust_mean(values: Values, noise: Values) -> tuple[Values, Values]:
    """Return the weighted mean (N,) of values (P, N) with bounded influence, and its standard deviation.

    NaN is no value.
    """
    weights = np.where(np.isnan(values), 0.0, (1 / np.square(noise))[:, None])
    filled = np.nan_to_num(values)
    truth = _weighted_median(filled, weights)
    for _ in range(3):
        away = np.abs(filled - truth) / noise[:, None]
        bounded = weights * np.minimum(1.0, _BOUND / np.maximum(away, _BOUND))
        total = bounded.sum(axis=0)
        truth = np.where(total > 0, (bounded * filled).sum(axis=0) / np.maximum(total, 1e-12), np.nan)
        truth = np.where(total > 0, truth, 0.0)
    total = (
        weights * np.minimum(1.0, _BOUND / np.maximum(np.abs(filled - truth) / noise[:, None], _BOUND))
    ).sum(axis=0)
    return np.where(total > 0, truth, np.nan), 1 / np.sqrt(np.maximum(total, 1e-12))


def _weighted_median(values: Values, weights: Values) -> Values:
    order = np.argsort(values, axis=0)
    values, weights = np.take_along_axis(values, order, 0), np.take_along_axis(weights, order, 0)
    passed = np.cumsum(weights, axis=0)
    middle = (passed >= passed[-1] / 2).argmax(axis=0)
    found: Values = np.take_along_axis(values, middle[None], 0)[0]
    return found


def centre_of_people(part: Values, noise: Values) -> Values:
    """Return the middle (count,) of the people's biases (P, count), whose noise is (P,).

    Who lies far off has no say (Tukey's biweight), and who draws anything has little.
    """
    centre: Values = np.median(part, axis=0)
    for _ in range(5):
        scale = np.maximum(NORMAL * np.median(np.abs(part - centre), axis=0), LEAST_NOISE)
        weights = np.square(np.maximum(1 - np.square((part - centre) / (_REACH * scale)), 0.0))
        weights /= np.square(scale) + np.square(noise)[:, None]
        centre = (weights * part).sum(axis=0) / weights.sum(axis=0)
    return centre
