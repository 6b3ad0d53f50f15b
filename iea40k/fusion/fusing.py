"""One well exposed picture from the frames of a bracket: their light, rendered as their camera renders it.

The frames' light is merged (`iea40k.fusion.light`), placed on the zones (`iea40k.fusion.placing`), and
rendered through the very response that made the frames. So where a scene fits the range of a picture, the
reference is what the camera would have recorded at exposure k, and the residual of a frame at that exposure is
zero; where it does not, whole areas are brought into the range, and the recipe says by how much.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Validity
from iea40k.errors import ArrayError
from iea40k.fusion.curve import Curve, brightness
from iea40k.fusion.light import DIM, MIDDLE_CODE, WELL_EXPOSED, Light, merge
from iea40k.fusion.masks import checked, feathered, filled
from iea40k.fusion.placing import (
    EXPERTS,
    HIGH,
    LOW,
    Areas,
    AsShot,
    Habits,
    Placing,
    adjustment,
    anchor,
    areas,
)
from iea40k.recipe import versions

REVISION = 2
"""Of what this module makes of the same frames; it stands in the recipe of each reference. 1: frames counted by how
near they showed a pixel to the rendering that was wanted."""

METHOD = "light merged, placed on the zones, rendered by the frames' response"


@dataclass(frozen=True)
class Fusion:
    """A fused reference and what it was made of.

    - `reference` (H, W, 3) uint8, 0 where no frame has data; `covered` (H, W) bool: where any has
    - `light`: the merged light; `found`: its areas; `moved` (H, W) float32: stops by which each pixel's light was moved
    - `placing`: where it fell on the zones; `curve`: the response that rendered it
    """

    reference: EncodedRGB
    covered: Validity
    light: Light
    found: Areas
    moved: NDArray[np.float32]
    placing: Placing
    curve: Curve
    recipe: dict[str, Any]


def fuse(
    frames: Sequence[EncodedRGB] | NDArray[np.uint8],
    validity: Sequence[Validity] | NDArray[np.bool_] | None = None,
    *,
    evs: Sequence[float],
    curve: Curve | None = None,
    white: float = 255.0,
    as_shot: AsShot | None = None,
    habits: Habits = EXPERTS,
) -> Fusion:
    """Return the fusion of aligned (H, W, 3) uint8 frames that lie `evs` stops apart.

    `validity` holds an (H, W) bool mask a frame. `curve` is the response of the frames' camera, sRGB's by default;
    `white` its white level in codes. `as_shot` is what is known of the exposure that was meant, `habits` where experts
    put things. Raises `ArrayError`
    for no frames, other counts of masks or EVs, or shapes that differ.
    """
    masks = checked(frames, validity)
    if len(evs) != len(masks) or not np.isfinite(evs).all():
        raise ArrayError("one EV a frame", expected=f"{len(masks)} finite numbers", got=str(list(evs)))
    curve = curve or Curve()
    weights = [feathered(mask) for mask in masks]
    covered: Validity = np.logical_or.reduce(masks)
    light = merge(frames, weights, evs, curve, white=white)
    stops = filled(light.stops, covered)
    found = areas(brightness(stops), covered)
    placing = anchor(stops, found, curve, as_shot, habits)
    moved = adjustment(found, placing)
    reference = np.rint(curve.render(light.stops + moved[..., None])).astype(np.uint8)
    reference[~covered] = 0
    return Fusion(
        reference,
        covered,
        light,
        found,
        moved,
        placing,
        curve,
        {
            "method": METHOD,
            "revision": REVISION,
            "well_exposed": [MIDDLE_CODE, WELL_EXPOSED, DIM],
            "frames": len(masks),
            "placing": _rounded(asdict(placing)),
            "habits": asdict(habits),
            "as_shot": None if as_shot is None else asdict(as_shot),
            "compressed_to": [LOW, HIGH],
            "white_level": round(float(white), 2),
            "versions": versions("numpy", "opencv-python-headless"),
        },
    )


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: [round(v, 3) for v in value] if isinstance(value, tuple) else round(value, 3)
        for key, value in values.items()
    }
