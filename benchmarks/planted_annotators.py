"""A release with wrong labels, some images mapped by two people, and the truth that a scripted expert puts back."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from benchmarks.planted_labels import Full, plant
from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE
from iea40k.disputes.scenes import small_scene
from iea40k.residuals import residual_codes

TWICE = 0.3  # of the images were mapped by two people


@dataclass(frozen=True, eq=False)
class Labelled:
    """`full` as it is labelled, `truth` the codes (E, H, W) of each scene, `apart` (E, H, W) in residual units.

    `apart` is NaN where one person mapped the image; `wrong` the planted images (scene, exposure), by kind.
    """

    full: list[Full]
    truth: list[np.ndarray]
    apart: list[np.ndarray]
    wrong: dict[tuple[int, int], str]

    def small(self):
        """Return the scenes as disputes are sought in."""
        return [
            small_scene(s.scene_id, s.levels, s.evs, s.exposures, s.reference, s.codes, apart=apart)
            for s, apart in zip(self.full, self.apart, strict=True)
        ]


def labelled(clean, share, seed):
    """Return scenes with `share` of their images planted wrong.

    A second person, who errs a little everywhere and never grossly, maps `TWICE` of the images: the label is then the
    middle of both, and how far they lie apart is known.
    """
    made, plants = plant(clean, share, seed)
    random = np.random.default_rng([seed, 99])
    wrong = {p.place: p.kind for p in plants}
    truth = [scene.codes.copy() for scene in made]
    for (s, e), kind in wrong.items():
        if kind != "missed":
            truth[s][e] = clean[s].codes[e]
            continue
        # The lamp is white in this picture: what is right there is what the scene was before it.
        truth[s][e] = residual_codes(clean[s].reference, made[s].exposures[e][None])[0]
    full, apart = list(made), [np.full(s.codes.shape, np.nan, np.float32) for s in made]
    for s, scene in enumerate(made):
        codes = scene.codes.copy()
        for e in np.flatnonzero(random.random(len(scene.evs)) < TWICE):
            known = codes[e] != INVALID_CODE
            second = truth[s][e] + _slips(codes[e].shape, random) * RESIDUAL_SCALE
            both = np.rint((codes[e] + np.clip(second, -RESIDUAL_SCALE, RESIDUAL_SCALE)) / 2)
            apart[s][e] = np.where(known, np.abs(codes[e] - second) / 2 / RESIDUAL_SCALE, np.nan)
            codes[e] = np.where(known, both, codes[e])
        full[s] = replace(scene, codes=codes)
    return Labelled(full, truth, apart, wrong)


def _slips(shape, random):
    """Return how far a careful person is off (H, W): a few hundredths, in soft fields."""
    field = random.normal(0, 0.02, (5, 7)).astype(np.float32)
    return cv2.resize(field, shape[::-1], interpolation=cv2.INTER_CUBIC)
