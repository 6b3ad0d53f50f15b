"""Who draws how: each expert's map as truth + bias(person, level, zone) + noise(person). Pure, robust, shrunk.

After Dawid and Skene (1979) and the crossed random effects of Shrout and Fleiss (1979), for maps of numbers: the truth
of a pixel, the people's biases and their noises are estimated in turn until they agree. Medians and a bounded
influence keep people who are wrong on purpose from moving the others; a person's noise is judged against the truth that
the others give, so that nobody confirms themselves; what few images say is drawn towards what holds for all.

All values are in residual units ([-1, 1], + = underexposed).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iea40k.arrays import RESIDUAL_SCALE, ResidualCodes, Validity
from iea40k.errors import ArrayError

ZONES = 11
"""Zones 0 ... X."""

PIXELS_AN_IMAGE = 500
"""How many of an image's pixels are looked at: more say little, since neighbours say the same."""

_ROUNDS = 12
_NORMAL = 1.4826  # a median absolute deviation of a normal law, to its standard deviation
_BOUND = 1.5  # standard deviations from which a map's pull on the truth grows no more (Huber, 1964)
_REACH = 4.685  # standard deviations beyond which a person has no say in where the middle of all lies
_LEAST_NOISE = 1 / 255  # nobody is surer than one step of the published labels
_PRIOR_IMAGES = 5.0  # a person's noise counts for as many images as everybody's together

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RatedPixels:
    """Some pixels of one image that two people or more mapped.

    `maps` (P, N) in residual units, a row a person of `people`; `touched` (P, N) bool, where the person painted;
    `zones` (N,) the exposure's zones, 0 ... 10; `level` the exposure's level.
    """

    people: tuple[str, ...]
    level: str
    zones: NDArray[np.int64]
    maps: Values
    touched: NDArray[np.bool_]


@dataclass(frozen=True)
class Rater:
    """One person: `bias` over everything, what `levels` and `zones` add to it, and `noise`, a standard deviation.

    `images` is how many it is based on. + = this person calls pixels more underexposed than they are.
    """

    name: str
    images: int
    bias: float
    levels: Mapping[str, float]
    zones: tuple[float, ...]
    noise: float

    def bias_at(self, level: str, zones: NDArray[np.int64]) -> Values:
        """Return the bias at pixels of some zones of a level."""
        return self.bias + self.levels.get(level, 0.0) + np.asarray(self.zones)[zones]


@dataclass(frozen=True)
class RaterModel:
    """The people that a ledger's maps tell of, by name; of others nothing is known (no bias, everybody's noise)."""

    raters: Mapping[str, Rater]
    noise: float

    def rater(self, name: str) -> Rater:
        """Return a person, known or not."""
        return self.raters.get(name, Rater(name, 0, 0.0, {}, (0.0,) * ZONES, self.noise))


def sample_pixels(
    maps: Mapping[str, ResidualCodes],
    touched: Mapping[str, Validity],
    zones: NDArray[np.int64],
    level: str,
    mask: Validity,
    *,
    seed: int = 0,
) -> RatedPixels | None:
    """Return up to `PIXELS_AN_IMAGE` pixels of an image's maps, each (H, W), drawn where `mask` holds.

    None where fewer than two people mapped it, or no pixel is left. Raises `ArrayError` for maps of another size.
    """
    if any(m.shape != mask.shape for m in (*maps.values(), *touched.values(), zones)):
        raise ArrayError("the maps, the zones and the mask differ in size", expected=f"{mask.shape}")
    where = np.flatnonzero(mask)
    if len(maps) < 2 or not where.size:
        return None
    if where.size > PIXELS_AN_IMAGE:
        where = np.sort(np.random.default_rng(seed).choice(where, PIXELS_AN_IMAGE, replace=False))
    people = tuple(sorted(maps))
    return RatedPixels(
        people,
        level,
        np.clip(zones.ravel()[where], 0, ZONES - 1),
        np.stack([maps[name].ravel()[where] / RESIDUAL_SCALE for name in people]),
        np.stack([touched[name].ravel()[where] for name in people]),
    )


def fit_raters(images: Sequence[RatedPixels]) -> RaterModel:
    """Return the people's biases and noises over some images. No image, or one person, gives a model of nobody."""
    people = sorted({name for image in images for name in image.people})
    if len(people) < 2:
        return RaterModel({}, _LEAST_NOISE)
    data = _Data.of(images, people)
    bias, noise = np.zeros_like(data.values), np.full(len(people), 0.05)
    parts = _no_parts(data)
    for _ in range(_ROUNDS):
        others = data.truth_by_others(bias, noise)
        parts = data.biases(others, noise)
        bias = data.spread(parts)
        noise = data.noises(others, bias, noise)
    return RaterModel(
        {
            name: Rater(
                name,
                int(data.images[p]),
                float(parts[0][p, 0]),
                {level: float(parts[1][p, i]) for i, level in enumerate(data.level_names)},
                tuple(float(v) for v in parts[2][p]),
                float(noise[p]),
            )
            for p, name in enumerate(people)
        },
        float(np.median(noise)),
    )


def without_bias(model: RaterModel, pixels: RatedPixels) -> dict[str, Values]:
    """Return each person's map (N,) without their bias where they painted, in [-1, 1]."""
    return {
        name: np.clip(
            row - np.where(drawn, model.rater(name).bias_at(pixels.level, pixels.zones), 0.0), -1, 1
        )
        for name, row, drawn in zip(pixels.people, pixels.maps, pixels.touched, strict=True)
    }


def weighted_truth(
    model: RaterModel, pixels: RatedPixels, *, without: str | None = None
) -> tuple[Values, Values]:
    """Return the truth (N,) of some pixels and its standard deviation (N,), as the model weighs their people.

    `without` leaves one person out. A map counts by the inverse square of its person's noise, without their bias where
    they painted; one that lies far from the others pulls no harder than one at `1.5` of its deviations. Where
    all maps are equal and nobody painted, the truth is what they say.
    """
    rows = [i for i, name in enumerate(pixels.people) if name != without]
    known = [model.rater(pixels.people[i]) for i in rows]
    bias = np.stack([rater.bias_at(pixels.level, pixels.zones) for rater in known])
    values = pixels.maps[rows] - np.where(pixels.touched[rows], bias, 0.0)
    return _robust_mean(values, np.array([rater.noise for rater in known]))


def _robust_mean(values: Values, noise: Values) -> tuple[Values, Values]:
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


def _centre_of_people(part: Values, noise: Values) -> Values:
    """Return the middle (count,) of the people's biases (P, count), whose noise is (P,).

    Who lies far off has no say (Tukey's biweight), and who draws anything has little.
    """
    centre: Values = np.median(part, axis=0)
    for _ in range(5):
        scale = np.maximum(_NORMAL * np.median(np.abs(part - centre), axis=0), _LEAST_NOISE)
        weights = np.square(np.maximum(1 - np.square((part - centre) / (_REACH * scale)), 0.0))
        weights /= np.square(scale) + np.square(noise)[:, None]
        centre = (weights * part).sum(axis=0) / weights.sum(axis=0)
    return centre


def _no_parts(data: "_Data") -> tuple[Values, Values, Values]:
    people = len(data.images)
    return np.zeros((people, 1)), np.zeros((people, len(data.level_names))), np.zeros((people, ZONES))


@dataclass(frozen=True, eq=False)
class _Data:
    """All pixels of all images side by side: `values` (P, N), NaN where a person did not map the image."""

    values: Values
    touched: NDArray[np.bool_]
    image: NDArray[np.int64]
    level: NDArray[np.int64]
    zone: NDArray[np.int64]
    level_names: tuple[str, ...]
    images: NDArray[np.int64]

    @classmethod
    def of(cls, images: Sequence[RatedPixels], people: Sequence[str]) -> "_Data":
        sizes = [image.zones.size for image in images]
        levels = tuple(sorted({image.level for image in images}))
        values = np.full((len(people), sum(sizes)), np.nan)
        touched = np.zeros(values.shape, np.bool_)
        row = {name: i for i, name in enumerate(people)}
        start, counted = 0, np.zeros(len(people), np.int64)
        for image, size in zip(images, sizes, strict=True):
            rows = [row[name] for name in image.people]
            values[rows, start : start + size] = image.maps
            touched[rows, start : start + size] = image.touched
            counted[rows] += 1
            start += size
        number = np.arange(len(images))
        level = np.array([levels.index(image.level) for image in images], np.int64)
        return cls(
            values, touched, np.repeat(number, sizes), np.repeat(level, sizes),
            np.concatenate([image.zones for image in images]), levels, counted,
        )  # fmt: skip

    def truth_by_others(self, bias: Values, noise: Values) -> tuple[Values, Values]:
        """Return for each person the truth without them, and its standard deviation, both (P, N)."""
        values = self.values - np.where(self.touched, bias, 0.0)
        found = []
        for person in range(len(values)):
            rest = np.arange(len(values)) != person
            found.append(_robust_mean(values[rest], noise[rest]))
        return np.stack([f[0] for f in found]), np.stack([f[1] for f in found])

    def biases(self, others: tuple[Values, Values], noise: Values) -> tuple[Values, Values, Values]:
        """Return each person's bias over all, what each level adds, and what each zone adds: one after the other."""
        away = np.where(self.touched, self.values - others[0], np.nan)
        parts = []
        for group, count in (
            (np.zeros_like(self.level), 1),
            (self.level, len(self.level_names)),
            (self.zone, ZONES),
        ):
            part = self._part(away, group, count)
            part -= _centre_of_people(part, noise)  # what all share cannot be told from the truth
            parts.append(part)
            away = away - part[:, group]
        return parts[0], parts[1], parts[2]

    def _part(self, away: Values, group: NDArray[np.int64], count: int) -> Values:
        """Return the shrunk centre (P, count) of each person's deviations in each group, image by image."""
        centre, images, spread = (np.zeros((len(away), count)) for _ in range(3))
        for person, mine in enumerate(away):
            there = ~np.isnan(mine)
            if not there.any():
                continue
            table = pd.DataFrame({"v": mine[there], "i": self.image[there], "g": group[there]})
            medians = table.groupby(["g", "i"])["v"].median().reset_index()
            by_group = medians.groupby("g")["v"]
            where = by_group.median().index.to_numpy()
            centre[person, where] = by_group.median().to_numpy()
            images[person, where] = by_group.size().to_numpy()
            within = medians["v"] - by_group.transform("median")
            spread[person, where] = np.square(_NORMAL * np.median(np.abs(within))) + _LEAST_NOISE**2
        there = images > 0
        if not there.any():
            return centre
        # One image alone shows no spread: nobody is taken to vary less than people do.
        spread = np.maximum(spread, np.median(spread[there]))
        error = spread / np.maximum(images, 1)
        between = np.square(_NORMAL * np.median(np.abs(centre[there]))) - np.median(error[there])
        between = max(float(between), _LEAST_NOISE**2)
        shrunk: Values = np.where(there, centre * between / (between + error), 0.0)
        return shrunk

    def spread(self, parts: tuple[Values, Values, Values]) -> Values:
        """Return the bias (P, N) at every pixel."""
        return parts[0] + parts[1][:, self.level] + parts[2][:, self.zone]

    def noises(self, others: tuple[Values, Values], bias: Values, before: Values) -> Values:
        """Return each person's standard deviation about the truth that the others give, drawn towards everybody's."""
        away = self.values - np.where(self.touched, bias, 0.0) - others[0]
        own = np.array(before)
        for person, mine in enumerate(away):
            there = ~np.isnan(mine)
            if there.any():
                found = np.square(_NORMAL * np.median(np.abs(mine[there])))
                own[person] = (
                    max(found - np.median(np.square(others[1][person][there])), _LEAST_NOISE**2) ** 0.5
                )
        everybody = np.square(np.median(own))
        weighed = (self.images * np.square(own) + _PRIOR_IMAGES * everybody) / (self.images + _PRIOR_IMAGES)
        noise: Values = np.sqrt(weighed)
        return noise
