"""Which models can be told apart: paired bootstrap over scenes, Holm's correction, letters for those that cannot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

DRAWS = 20_000
LEVEL = 0.05
LEAST_UNITS = 6
"""Scenes (groups of near-twins) below which no difference is told."""


@dataclass(frozen=True)
class Compared:
    """`letters`: models that share one cannot be told apart; `intervals`: 95 % of the mean MAE over scenes.

    `p`: of each pair, by name, after Holm. `left_out`: models that lack some of the scenes. `units`: how many there
    are.
    """

    letters: dict[str, str]
    intervals: dict[str, tuple[float, float]]
    p: dict[tuple[str, str], float]
    left_out: tuple[str, ...]
    units: int


def unit_errors(rows: pd.DataFrame) -> "pd.Series[float]":
    """Return a model's MAE of each unit: images of a unit count alike, and splits that tested it count alike."""
    return rows.groupby(["split", "unit"])["mae"].mean().groupby("unit").mean().dropna()


def compare(errors: Mapping[str, "pd.Series[float]"], *, seed: int = 0) -> Compared:
    """Compare models on the units that most of them have; `errors` as `unit_errors` returns them."""
    every = sorted({str(unit) for series in errors.values() for unit in series.index})
    whole = {name: s.reindex(every) for name, s in errors.items() if set(every) <= set(map(str, s.index))}
    left_out = tuple(name for name in errors if name not in whole)
    names = sorted(whole, key=lambda name: float(whole[name].mean()))
    if len(every) < 2 or not names:
        return Compared({}, {}, {}, left_out, len(every))
    table = np.stack([whole[name].to_numpy(np.float64) for name in names], 1)
    random = np.random.default_rng(seed)
    counts = random.multinomial(len(every), np.full(len(every), 1 / len(every)), DRAWS)
    means = counts @ table / len(every)
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    intervals = {name: (float(low[k]), float(high[k])) for k, name in enumerate(names)}
    if len(every) < LEAST_UNITS:
        return Compared({}, intervals, {}, left_out, len(every))
    raw = {}
    for one, other in combinations(range(len(names)), 2):
        difference = means[:, one] - means[:, other]
        beyond = min(int((difference <= 0).sum()), int((difference >= 0).sum()))
        raw[names[one], names[other]] = min(1.0, 2 * (beyond + 1) / (DRAWS + 1))
    p = holm(raw)
    apart = [pair for pair, value in p.items() if value < LEVEL]
    return Compared(letters(names, apart), intervals, p, left_out, len(every))


def holm(raw: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """Return p-values corrected for their number (Holm, 1979), in the order of `raw`."""
    found: dict[tuple[str, str], float] = {}
    last = 0.0
    for rank, pair in enumerate(sorted(raw, key=lambda key: raw[key])):
        last = max(last, min(1.0, raw[pair] * (len(raw) - rank)))
        found[pair] = last
    return {pair: found[pair] for pair in raw}


def letters(names: Sequence[str], apart: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return letters, best first, so that two names share one exactly where they are not `apart` (Piepho, 2004).

    >>> letters(["a", "b", "c"], [("a", "c")])
    {'a': 'a', 'b': 'ab', 'c': 'b'}
    """
    groups = [frozenset(names)]
    for one, other in apart:
        split: list[frozenset[str]] = []
        for group in groups:
            split += [group - {one}, group - {other}] if {one, other} <= group else [group]
        unique = list(dict.fromkeys(split))
        groups = [g for g in unique if not any(g < other_group for other_group in unique)]
    rank = {name: k for k, name in enumerate(names)}
    groups.sort(key=lambda group: sorted(rank[name] for name in group))
    return {name: "".join(_letter(k) for k, g in enumerate(groups) if name in g) for name in names}


def _letter(number: int) -> str:
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    return alphabet[number] if number < 26 else f"({number + 1})"
