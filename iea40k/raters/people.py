"""What is known of who draws how, the pixels it is learnt from, and what it says of the truth."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import RESIDUAL_SCALE, ResidualCodes, Validity
from iea40k.errors import ArrayError
from iea40k.raters.robust import Values, robust_mean

ZONES = 11
"""Zones 0 ... X."""

PIXELS_AN_IMAGE = 500
"""How many of an image's pixels are looked at: more say little, since neighbours say the same."""


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

    def as_text(self) -> str:
        """Return the model as JSON: the same model gives the same text."""
        return json.dumps(
            {"noise": self.noise, "raters": [asdict(self.raters[name]) for name in sorted(self.raters)]},
            sort_keys=True,
        )

    @classmethod
    def of_text(cls, text: str) -> "RaterModel":
        """Return the model of a text that `as_text` gave."""
        read = json.loads(text)
        raters = [Rater(**{**each, "zones": tuple(each["zones"])}) for each in read["raters"]]
        return cls({rater.name: rater for rater in raters}, read["noise"])

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
    return robust_mean(values, np.array([rater.noise for rater in known]))
