"""Small scenes with known contents, for any test that needs a store or a release."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from iea40k.arrays import INVALID_CODE, LUMA_WEIGHTS, RESIDUAL_SCALE
from iea40k.scene import BuiltScene, level_name
from iea40k.uncertainty import UNKNOWN


def built_scene(
    scene_id: str = "scene_1",
    *,
    height: int = 24,
    width: int = 32,
    evs: Sequence[float] = (-1.0, 0.0, 1.0),
    seed: int = 0,
    invalid: bool = True,
    uncertainty: bool = False,
    licence: str = "CC0-1.0",
    recipe: dict[str, Any] | None = None,
    **attributes: Any,
) -> BuiltScene:
    """Return a scene of smooth pictures with noise; `invalid` puts a border without data into each residual."""
    rng = np.random.default_rng([seed, *scene_id.encode()])
    y, x = np.mgrid[0:height, 0:width]
    smooth = (y / height + x / width)[..., None] * rng.uniform(40, 120, 3)
    reference = (smooth + rng.integers(0, 12, (height, width, 3))).astype(np.uint8)
    exposures = np.stack(
        [np.clip(reference * 2.0 ** (ev / 2.2), 0, 255).round().astype(np.uint8) for ev in evs]
    )
    residual = np.rint((luma(reference) - luma(exposures)) * RESIDUAL_SCALE).astype(np.int16)
    if invalid:
        residual[:, :2] = INVALID_CODE
    spread = None
    if uncertainty:
        spread = rng.integers(100, 253, (len(evs), height, width)).astype(np.uint8)
        spread[:, :2] = UNKNOWN
    return BuiltScene(
        scene_id=scene_id,
        exposures=exposures,
        reference=reference,
        residual=residual,
        outliers=((exposures == 255).all(axis=-1) * 1).astype(np.uint8),
        evs=tuple(float(ev) for ev in evs),
        levels=tuple(level_name(ev) for ev in evs),
        review_priority=tuple(float(v) for v in rng.uniform(0, 1, len(evs))),
        attributes={"licence": licence, "kind": "raw", "device": "planted", **attributes},
        recipe=recipe if recipe is not None else {"made_by": "tests", "seed": seed},
        uncertainty=spread,
    )


def luma(encoded: np.ndarray) -> np.ndarray:
    """Return the Rec. 601 luma of sRGB-encoded uint8 pixels as float64 in [0, 1]."""
    return encoded.astype(np.float64) @ np.array(LUMA_WEIGHTS) / 255
