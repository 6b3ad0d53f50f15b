"""Fit the model of who draws how: truth, biases and noises in turn until they agree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iea40k.raters.people import ZONES, RatedPixels, Rater, RaterModel
from iea40k.raters.robust import LEAST_NOISE, NORMAL, Values, centre_of_people, robust_mean

_ROUNDS = 12
_PRIOR_IMAGES = 5.0  # a person's noise counts for as many images as everybody's together


def fit_raters(images: Sequence[RatedPixels]) -> RaterModel:
    """Return the people's biases and noises over some images. No image, or one person, gives a model of nobody."""
    people = sorted({name for image in images for name in image.people})
    if len(people) < 2:
        return RaterModel({}, LEAST_NOISE)
    data = _Data.of(images, people)
    bias, noise = np.zeros_like(data.values), np.full(len(people), 0.05)
    parts = _no_parts(data)
    for _ in range(_ROUNDS):
        others = data.truth_by_others(bias, noise)
        parts = data.biases(others, noise)
        bias = data.bias_at_pixels(parts)
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
            found.append(robust_mean(values[rest], noise[rest]))
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
            part -= centre_of_people(part, noise)  # what all share cannot be told from the truth
            parts.append(part)
            away = away - part[:, group]
        return parts[0], parts[1], parts[2]

    def _part(self, away: Values, group: NDArray[np.int64], count: int) -> Values:
        """Return the shrunk centre (P, count) of each person's deviations in each group, image by image."""
        centre, images, variance = (np.zeros((len(away), count)) for _ in range(3))
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
            variance[person, where] = np.square(NORMAL * np.median(np.abs(within))) + LEAST_NOISE**2
        there = images > 0
        if not there.any():
            return centre
        # One image alone shows no variance: nobody is taken to vary less than people do.
        variance = np.maximum(variance, np.median(variance[there]))
        error = variance / np.maximum(images, 1)
        between = np.square(NORMAL * np.median(np.abs(centre[there]))) - np.median(error[there])
        between = max(float(between), LEAST_NOISE**2)
        shrunk: Values = np.where(there, centre * between / (between + error), 0.0)
        return shrunk

    def bias_at_pixels(self, parts: tuple[Values, Values, Values]) -> Values:
        """Return the bias (P, N) at every pixel."""
        return parts[0] + parts[1][:, self.level] + parts[2][:, self.zone]

    def noises(self, others: tuple[Values, Values], bias: Values, before: Values) -> Values:
        """Return each person's standard deviation about the truth that the others give, drawn towards everybody's."""
        away = self.values - np.where(self.touched, bias, 0.0) - others[0]
        own = np.array(before)
        for person, mine in enumerate(away):
            there = ~np.isnan(mine)
            if there.any():
                found = np.square(NORMAL * np.median(np.abs(mine[there])))
                own[person] = (
                    max(found - np.median(np.square(others[1][person][there])), LEAST_NOISE**2) ** 0.5
                )
        everybody = np.square(np.median(own))
        weighed = (self.images * np.square(own) + _PRIOR_IMAGES * everybody) / (self.images + _PRIOR_IMAGES)
        noise: Values = np.sqrt(weighed)
        return noise
