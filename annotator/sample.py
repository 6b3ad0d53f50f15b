"""A practice scene from photographs that scikit-image ships, with faults planted as a build leaves them.

The photograph is the reference; the exposures are the same light, brighter and darker by whole stops. Planted are a
logo that is blown in both, speckle, and a displaced patch: what an expert repairs.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from annotator.shared.light import LIGHT
from iea40k.arrays import EncodedRGB, Validity
from iea40k.colour import srgb_curve
from iea40k.errors import BadInputError
from iea40k.outliers import look
from iea40k.residuals import residual_codes
from iea40k.scene import BuiltScene, level_name

PHOTOGRAPHS = ("coffee", "astronaut", "chelsea", "rocket")
EVS = (-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0)
Fault = Literal["logo", "speckle", "misaligned", "wrong sign", "wrong gain"]


@dataclass(frozen=True)
class Practice:
    """A scene with its faults, and the truth: `truth` (E, H, W) int16 is the residual without them.

    `faults` are the planted regions, (name, (H, W) bool), at every level.
    """

    scene: BuiltScene
    truth: NDArray[np.int16]
    faults: tuple[tuple[Fault, Validity], ...]


def practice_scene(
    photograph: EncodedRGB,
    scene_id: str,
    *,
    evs: tuple[float, ...] = EVS,
    seed: int = 0,
    speckles: int = 24,
    label_faults: bool = False,
) -> Practice:
    """Return a practice scene of a photograph (H, W, 3) uint8. The same seed gives the same scene.

    `label_faults`: irregular regions of the label have the wrong sign, or are off by a factor, as well.
    """
    rng = np.random.default_rng(seed)
    height, width = photograph.shape[:2]
    reference, faults = photograph.copy(), []
    logo = _logo((height, width), rng)
    reference[logo] = 255
    faults.append(("logo", logo))
    exposures = np.stack([_exposed(reference, ev) for ev in evs])
    exposures[:, logo] = 255
    truth = residual_codes(reference, exposures)
    # A sign that shines: both are blown, so the difference is 0, and yet it is overexposed.
    truth[:, logo] = round(-0.35 * 32640)
    patch = _patch((height, width), rng, logo)
    moved = exposures.copy()
    moved[:, patch] = np.roll(exposures, (5, 9), axis=(1, 2))[:, patch]
    codes = residual_codes(reference, moved)
    faults.append(("misaligned", patch))
    dots = _speckles((height, width), rng, logo | patch, speckles)
    codes[:, dots] = np.where(codes[:, dots] > 0, codes[:, dots] - 12000, codes[:, dots] + 12000)
    faults.append(("speckle", dots))
    if label_faults:
        taken = logo | patch | dots
        for name, spoil in (("wrong sign", -1.0), ("wrong gain", 1.6)):
            region = _blob((height, width), rng, taken)
            spoilt = np.rint(np.clip(codes[:, region] * spoil, -32640, 32640))
            codes[:, region] = spoilt.astype(np.int16)
            taken |= region
            faults.append((name, region))
    looked = look(reference, moved, codes, evs)
    scene = BuiltScene(
        scene_id=scene_id,
        exposures=moved,
        reference=reference,
        residual=codes,
        outliers=looked.flags,
        evs=evs,
        levels=tuple(level_name(ev) for ev in evs),
        review_priority=looked.priorities,
        attributes={
            "licence": "CC0-1.0",
            "kind": "rendered",
            "source": "scikit-image sample, faults planted",
        },
        recipe={"made_by": "annotator.sample", "seed": seed},
    )
    return Practice(scene, truth, tuple(faults))  # type: ignore[arg-type]


def photograph(name: str) -> EncodedRGB:
    """Return one of `PHOTOGRAPHS`, (H, W, 3) uint8, at most 512 pixels on its shorter side."""
    from skimage import data

    if name not in PHOTOGRAPHS:
        raise BadInputError("no such photograph", expected=", ".join(PHOTOGRAPHS), got=name)
    pixels: EncodedRGB = np.ascontiguousarray(getattr(data, name)()[..., :3])
    return pixels


def _exposed(pixels: EncodedRGB, ev: float) -> EncodedRGB:
    light = np.clip(LIGHT * 2.0**ev, 0, 1)
    table = np.rint(srgb_curve(light) * 255).astype(np.uint8)
    exposed: EncodedRGB = table[pixels]
    return exposed


def _logo(shape: tuple[int, int], rng: np.random.Generator) -> Validity:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    cy, cx = rng.uniform(0.2, 0.8) * shape[0], rng.uniform(0.2, 0.8) * shape[1]
    radius = 0.055 * min(shape)
    ring = (y - cy) ** 2 + (x - cx) ** 2
    bar = (abs(y - cy) < radius * 0.35) & (abs(x - cx) < radius * 1.7)
    logo: Validity = ((ring < radius**2) | bar) & (ring < (2 * radius) ** 2)
    return logo


def _patch(shape: tuple[int, int], rng: np.random.Generator, taken: Validity) -> Validity:
    height, width = shape
    side = min(shape) // 7
    for _ in range(100):
        top, left = int(rng.integers(20, height - side - 20)), int(rng.integers(20, width - side - 20))
        patch = np.zeros(shape, np.bool_)
        patch[top : top + side, left : left + side] = True
        if not (patch & taken).any():
            return patch
    raise BadInputError("the photograph is too small to practise on", got=f"{width}x{height}")


def _blob(shape: tuple[int, int], rng: np.random.Generator, taken: Validity) -> Validity:
    """Return an irregular region clear of others: where smooth noise is high around some middle."""
    side = min(shape) // 5
    noise = gaussian_filter(rng.normal(size=(side, side)), side / 10)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    part: Validity = noise / noise.std() * 0.2 - (x**2 + y**2) > -0.5
    for _ in range(200):
        top, left = (int(rng.integers(4, size - side - 4)) for size in shape)
        blob = np.zeros(shape, np.bool_)
        blob[top : top + side, left : left + side] = part
        if not (blob & taken).any():
            return blob
    raise BadInputError("the photograph is too small to practise on", got=f"{shape[1]}x{shape[0]}")


def _speckles(shape: tuple[int, int], rng: np.random.Generator, taken: Validity, count: int) -> Validity:
    dots = np.zeros(shape, np.bool_)
    while count > 0:
        row, column = int(rng.integers(4, shape[0] - 6)), int(rng.integers(4, shape[1] - 6))
        if (
            taken[row - 3 : row + 6, column - 3 : column + 6].any()
            or dots[row - 8 : row + 10, column - 8 : column + 10].any()
        ):
            continue
        dots[row : row + 2, column : column + 2] = True
        count -= 1
    return dots
