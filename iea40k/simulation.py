"""Exposures that were never captured: a ladder in linear light, or random gain and gamma as Messias et al. made them.

- the ladder: `S(encode(light * 2**ev))`, light from RAW, or from a rendered picture by inverting sRGB
- Messias et al.: `beta * (alpha * reference) ** gamma` on the encoded reference in [0, 1], with alpha, beta and gamma
  uniform in [0.9, 1/0.9], [0.5, 2] and [1/1.5, 1.5] (their equation 5 and section 4.1), for pictures without RAW
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, check_encoded
from iea40k.colour import srgb_curve, srgb_inverse
from iea40k.scene import level_name

ALPHA = (0.9, 1 / 0.9)
BETA = (0.5, 2.0)
GAMMA = (1 / 1.5, 1.5)


@dataclass(frozen=True)
class BadExposure:
    """One draw of Messias' degradation, and the stops `ev` by which it moves middle grey (18 %)."""

    alpha: float
    beta: float
    gamma: float

    @property
    def ev(self) -> float:
        """The gain in linear light, in stops, that moves middle grey to where this degradation does."""
        moved = self.beta * (self.alpha * float(srgb_curve(np.array(0.18)))) ** self.gamma
        return round(float(np.log2(srgb_inverse(np.array(moved)) / 0.18)), 2) + 0.0

    def apply(self, reference: EncodedRGB) -> tuple[EncodedRGB, float]:
        """Return the degraded picture, clipped last and rounded, and the share of values that were clipped."""
        check_encoded(reference, "reference")
        curve = self.beta * (self.alpha * np.arange(256) / 255) ** self.gamma
        codes = np.rint(np.minimum(curve, 1) * 255).astype(np.uint8)
        clipped = np.bincount(reference.ravel(), minlength=256)[curve > 1].sum() / reference.size
        return codes[reference], float(clipped)


def draw(count: int, seed: int, scene_id: str) -> tuple[BadExposure, ...]:
    """Return `count` degradations of a scene, darkest first; the same seed and scene always give the same.

    Draws whose levels share a name are drawn again, since a level names one exposure of a scene.
    """
    rng = np.random.default_rng([seed, *scene_id.encode()])
    drawn: dict[str, BadExposure] = {}
    while len(drawn) < count:
        alpha, beta, gamma = (round(float(rng.uniform(*span)), 6) for span in (ALPHA, BETA, GAMMA))
        bad = BadExposure(alpha, beta, gamma)
        drawn.setdefault(level_name(bad.ev), bad)
    return tuple(sorted(drawn.values(), key=lambda bad: bad.ev))


def degrade(
    reference: EncodedRGB, draws: Sequence[BadExposure]
) -> tuple[NDArray[np.uint8], list[dict[str, float]]]:
    """Return the degraded exposures (E, H, W, 3) uint8, and each one's parameters and clipped share."""
    exposures = np.empty((len(draws), *reference.shape), np.uint8)
    records: list[dict[str, float]] = []
    for bad, out in zip(draws, exposures, strict=True):
        out[...], clipped = bad.apply(reference)
        records.append(
            {"alpha": bad.alpha, "beta": bad.beta, "gamma": bad.gamma, "clipped_share": round(clipped, 6)}
        )
    return exposures, records
