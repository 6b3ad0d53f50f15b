"""How sure a mean over images is, and whether two of them differ on the same images: no law of errors is assumed."""

import numpy as np
from numpy.typing import NDArray

DRAWS = 4999
_EXACT = 12  # up to so many images every exchange of signs is looked at


def bootstrap_interval(
    values: NDArray[np.float64], *, share: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Return the bounds that hold the mean of `values` (N,) in `share` of draws with replacement; NaN for one value.

    >>> low, high = bootstrap_interval(np.array([0.1, 0.2, 0.3, 0.4]))
    >>> low < 0.25 < high
    True
    """
    values = np.asarray(values, np.float64)
    if len(values) < 2:
        return float("nan"), float("nan")
    drawn = np.random.default_rng(seed).integers(0, len(values), (DRAWS, len(values)))
    low, high = np.quantile(values[drawn].mean(1), [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def paired_p(differences: NDArray[np.float64], *, seed: int = 0) -> float:
    """Return how often chance alone makes the mean of paired differences (N,) as far from 0, by exchanging signs.

    Two-sided (Fisher, 1935); exact up to 12 pairs. Fewer than 6 pairs can never give less than 0.05.

    >>> paired_p(np.array([1.0, 1.0, 1.0]))
    0.25
    """
    differences = np.asarray(differences, np.float64)
    count = len(differences)
    if count <= _EXACT:
        signs = 1 - 2.0 * ((np.arange(2**count)[:, None] >> np.arange(count)) & 1)
        means = np.abs(signs @ differences)
        return float((means >= abs(differences.sum()) - 1e-12).mean())
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (DRAWS, count))
    beyond = int((np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12).sum())
    return (beyond + 1) / (DRAWS + 1)
