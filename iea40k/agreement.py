"""How far several people agree on the same maps: ICC(2,1), Krippendorff's alpha, differences, bias and drift. Pure.

Sums are kept as whole numbers of residual codes, so that a tally over any number of images is exact and does not depend
on their order; figures come out in residual units ([-1, 1], 1 = 32640 codes).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import RESIDUAL_SCALE, ResidualCodes, Validity
from iea40k.errors import ArrayError

SIGN_CODES = 128
"""How far from 0 a code must lie to say under- or overexposed: 1/255, one step of the published labels."""

DRIFT_DAYS = 7.0
"""Over how many days a person's maps must lie for a drift: one of 30 days told from an afternoon means nothing."""

_PIXELS_AT_ONCE = 1 << 18


@dataclass(frozen=True)
class Agreement:
    """How far people agree over some images. None where there is too little to say it.

    - `images`, `pixels`: what it is based on; a pixel counts once, however many people mapped it
    - `icc`: ICC(2,1), two-way random effects, absolute agreement, one rater (Shrout and Fleiss, 1979); where different
      people mapped different images, the mean over the sets of people, weighted by pixels
    - `alpha`: Krippendorff's alpha for interval data (Krippendorff, 2011): 1 = agreement, 0 = chance
    - `mae`: mean absolute difference of two people's maps, over all pairs, in [0, 2]
    - `sign_area`: share of pixels, over all pairs, that one calls under- and the other overexposed, in [0, 1]
    """

    images: int
    pixels: int
    icc: float | None
    alpha: float | None
    mae: float | None
    sign_area: float | None


@dataclass
class _Moments:
    """Sums over the pixels that one set of people mapped."""

    pixels: int = 0
    columns: list[int] = field(default_factory=list)
    row_squares: int = 0
    squares: int = 0


@dataclass
class Tally:
    """Sums over images; add images, then ask `agreement()`."""

    images: int = 0
    _sets: dict[tuple[str, ...], _Moments] = field(default_factory=dict)
    _pairs: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def add(self, maps: Mapping[str, ResidualCodes], mask: Validity) -> None:
        """Count one image: each person's (H, W) int16 map, over the pixels where `mask` (H, W) bool is True.

        `mask` holds pixels with valid data only. Images of fewer than two people, or without a pixel, say nothing and
        are not counted. Raises `ArrayError` for maps of another size.
        """
        if any(m.shape != mask.shape for m in maps.values()):
            raise ArrayError("the maps and the mask differ in size", expected=f"{mask.shape}")
        names = tuple(sorted(maps))
        if len(names) < 2 or not mask.any():
            return
        values = np.stack([maps[name][mask] for name in names]).astype(np.int64)
        self.images += 1
        moments = self._sets.setdefault(names, _Moments(columns=[0] * len(names)))
        _add_moments(moments, values)
        for (i, first), (j, second) in combinations(enumerate(names), 2):
            sums = self._pairs.setdefault((first, second), [0, 0, 0])
            sums[0] += values.shape[1]
            sums[1] += int(np.abs(values[i] - values[j]).sum())
            sums[2] += int(_opposed(values[i], values[j]).sum())

    def agreement(self) -> Agreement:
        """Return the figures over all images counted."""
        pixels = sum(m.pixels for m in self._sets.values())
        seen = [sum(column) for column in zip(*self._pairs.values(), strict=True)] or [0, 0, 0]
        return Agreement(
            images=self.images,
            pixels=pixels,
            icc=self._icc(pixels),
            alpha=_alpha([(len(names), m) for names, m in self._sets.items()]),
            mae=seen[1] / seen[0] / RESIDUAL_SCALE if seen[0] else None,
            sign_area=seen[2] / seen[0] if seen[0] else None,
        )

    def pairs(self) -> dict[tuple[str, str], tuple[float, float, int]]:
        """Return for each pair of people: mean absolute difference, share of opposed signs, pixels."""
        return {
            pair: (total / count / RESIDUAL_SCALE, opposed / count, count)
            for pair, (count, total, opposed) in sorted(self._pairs.items())
        }

    def _icc(self, pixels: int) -> float | None:
        found = [(m.pixels, _icc(len(names), m)) for names, m in self._sets.items()]
        known = [(n, value) for n, value in found if value is not None]
        return sum(n * value for n, value in known) / sum(n for n, _ in known) if known and pixels else None


@dataclass(frozen=True)
class Deviation:
    """One person's map of one image against the mean of the others': in residual units.

    `bias` + = this person calls it more underexposed than the others do; `difference` is the mean absolute difference.
    """

    annotator: str
    time: float
    bias: float
    difference: float


@dataclass(frozen=True)
class PersonFigures:
    """One person over all images shared with others. None where there is too little to say it.

    - `bias`: mean deviation from the others, + = more underexposed; `difference`: mean absolute difference
    - `drift`: change of the bias in 30 days (least squares over 3 images at least, over `DRIFT_DAYS` at least);
      `drift_error` its standard error
    """

    annotator: str
    images: int
    bias: float
    difference: float
    drift: float | None
    drift_error: float | None


def mean_difference(first: ResidualCodes, second: ResidualCodes, mask: Validity) -> float | None:
    """Return the mean |difference| of two (H, W) int16 maps where `mask` is True, in [0, 2]; None for no pixel."""
    if not mask.any():
        return None
    return float(np.abs(first[mask].astype(np.int32) - second[mask]).mean()) / RESIDUAL_SCALE


def deviations(
    maps: Mapping[str, ResidualCodes], mask: Validity, times: Mapping[str, float]
) -> list[Deviation]:
    """Return each person's deviation from the mean of the others on one image; `times` in days, on any origin."""
    if len(maps) < 2 or not mask.any():
        return []
    values = {name: codes[mask].astype(np.float64) for name, codes in maps.items()}
    total = np.sum(list(values.values()), axis=0)
    found: list[Deviation] = []
    for name, own in values.items():
        away = own - (total - own) / (len(values) - 1)
        found.append(
            Deviation(
                name,
                times[name],
                float(away.mean()) / RESIDUAL_SCALE,
                float(np.abs(away).mean()) / RESIDUAL_SCALE,
            )
        )
    return found


def person_figures(found: Sequence[Deviation]) -> list[PersonFigures]:
    """Return each person's bias, difference and drift over deviations of many images, by name."""
    people: dict[str, list[Deviation]] = {}
    for each in found:
        people.setdefault(each.annotator, []).append(each)
    return [_figures(name, mine) for name, mine in sorted(people.items())]


def _figures(name: str, mine: list[Deviation]) -> PersonFigures:
    bias = np.array([d.bias for d in mine])
    times = np.array([d.time for d in mine])
    drift: float | None = None
    error: float | None = None
    if len(mine) >= 3 and np.ptp(times) >= DRIFT_DAYS:
        from scipy import stats  # here: it takes a second to import, and a window does not need it

        line: Any = stats.linregress(times, bias)
        drift = 30 * float(line.slope)
        error = 30 * float(line.stderr) if np.isfinite(line.stderr) else 0.0
    difference = float(np.mean([d.difference for d in mine]))
    return PersonFigures(name, len(mine), float(bias.mean()), difference, drift, error)


def _add_moments(moments: _Moments, values: NDArray[np.int64]) -> None:
    moments.pixels += values.shape[1]
    for start in range(0, values.shape[1], _PIXELS_AT_ONCE):
        # In blocks: a sum of squares of codes over one of them stays far below 2^63.
        block = values[:, start : start + _PIXELS_AT_ONCE]
        moments.columns = [a + int(b) for a, b in zip(moments.columns, block.sum(axis=1), strict=True)]
        rows = block.sum(axis=0)
        moments.row_squares += int((rows * rows).sum())
        moments.squares += int((block * block).sum())


def _opposed(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
    opposed: NDArray[np.bool_] = (
        (np.abs(first) > SIGN_CODES) & (np.abs(second) > SIGN_CODES) & ((first > 0) != (second > 0))
    )
    return opposed


def _icc(k: int, m: _Moments) -> float | None:
    """ICC(2,1) from the sums of squares of a two-way table of n pixels by k people."""
    n, total = m.pixels, sum(m.columns)
    if n < 2:
        return None
    # Over a common denominator of n * k the sums stay whole numbers: nothing cancels.
    rows = (m.row_squares * n - total * total) / (n * k)
    columns = (sum(c * c for c in m.columns) * k - total * total) / (n * k)
    everything = (m.squares * n * k - total * total) / (n * k)
    error = max(everything - rows - columns, 0.0) / ((n - 1) * (k - 1))
    between, raters = rows / (n - 1), columns / (k - 1)
    below = between + (k - 1) * error + k * (raters - error) / n
    return (between - error) / below if below > 0 else None


def _alpha(sets: Sequence[tuple[int, _Moments]]) -> float | None:
    """Krippendorff's alpha with squared differences: 1 - observed / expected disagreement."""
    count = sum(k * m.pixels for k, m in sets)
    if count < 2:
        return None
    # Of k values, the squared differences of all ordered pairs sum to 2 (k * sum of squares - square of sum).
    observed = sum(2 * (k * m.squares - m.row_squares) / (k - 1) for k, m in sets) / count
    squares, total = sum(m.squares for _, m in sets), sum(sum(m.columns) for _, m in sets)
    expected = 2 * (count * squares - total * total) / (count * (count - 1))
    return 1 - observed / expected if expected > 0 else None
