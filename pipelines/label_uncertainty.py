"""The uncertainty of a scene's labels: what is not known exactly about its frames and its reference, part by part."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import Validity
from iea40k.experts import spread_of
from iea40k.fusion import (
    Fusion,
    admissible_sd,
    disagreement_sd,
    ev_sd,
    rendering_sd,
    unshown_sd,
)
from iea40k.residuals import luma
from iea40k.uncertainty import BAND_90, NORMAL, PARTS, Uncertainty, combined, displaced
from pipelines.brackets import BracketFrames
from pipelines.simulated import SimulatedFrames

STATED_ERROR = 0.02
"""Share by which EVs are wrong that metadata or a table state: the response is fitted to them."""

STILL = 0.05
"""Pixels by which a frame lies off at least, along either axis."""

PLACED = 0.15
"""Pixels by which a retouch lies off, along either axis: tone alone moves the estimate by 0.14."""

FEW = 2.0
"""How many experts the model of experts counts as, where there are some to measure: a few agree now and then
by chance."""

PARAMETERS: Mapping[str, Any] = {
    "band_90": BAND_90,
    "stated_ev_error": STATED_ERROR,
    "still_px": STILL,
    "placed_px": PLACED,
    "model_counts_as": FEW,
}

MEDIAN_OF_NORMALS = 1.571
"""Variance of a median of many, times their number, in units of their own: pi / 2."""

_MEDIAN_DISTANCE = 1.177  # median of a distance in the plane, in standard deviations along either axis
_UNIFORM = 12**-0.5

Map = NDArray[np.floating[Any]]


def of_bracket(bracket: BracketFrames) -> Uncertainty:
    """Return the uncertainty of captures' labels, in the order of the bracket's exposures."""
    return combined(bracket_parts(bracket), bracket.validity)


def bracket_parts(bracket: BracketFrames) -> dict[str, Map]:
    """Return the parts of captures' labels: standard deviations, (H, W) or (E, H, W)."""
    pixels = [np.hypot(STILL, distance / _MEDIAN_DISTANCE) for distance in bracket.distances]
    frames = np.stack([displaced(luma(f), float(p)) for f, p in zip(bracket.exposures, pixels, strict=True)])
    if bracket.fusion is not None:
        # The fusion stands on all frames: it lies off as they do on average.
        reference = displaced(luma(bracket.reference), float(np.sqrt(np.mean(np.square(pixels)))))
        stated = bracket.recipe["evs"].get("relative_error", STATED_ERROR)
        return {
            "ev": ev_sd(bracket.fusion, float(stated)),
            "registration": np.hypot(frames, reference),
            "clipping": unshown_sd(bracket.fusion),
            "fusion": fusion_part(bracket.fusion),
        }
    count = len(bracket.references)
    spread = spread_of(np.stack(bracket.references)) if count > 1 else None
    parts: dict[str, Map] = {
        "registration": frames,
        "experts": experts_part(bracket.reference, spread, count),
    }
    if bracket.moved_reference:
        parts["placement"] = displaced(luma(bracket.reference), PLACED)
    return parts


def of_simulated(simulated: SimulatedFrames) -> Uncertainty:
    """Return the uncertainty of simulated exposures' labels, in their order."""
    valid = np.ones(simulated.exposures.shape[:3], np.bool_)
    parts: dict[str, Map] = {}
    if simulated.at_white is not None:
        parts["clipping"] = _behind_white(simulated, simulated.at_white)
    if simulated.fusion is not None:
        parts["fusion"] = fusion_part(simulated.fusion)
    else:
        parts["experts"] = experts_part(simulated.reference, simulated.spread, simulated.experts)
        if simulated.experts:
            parts["placement"] = displaced(luma(simulated.reference), PLACED)
    return combined(parts, valid)


def fusion_part(fusion: Fusion) -> Map:
    """Return how far other admissible fusions, and frames that disagree, would bring a fusion."""
    part: Map = np.hypot(admissible_sd(fusion), disagreement_sd(fusion))
    return part


def experts_part(reference: NDArray[np.uint8], spread: Map | None, count: int) -> Map:
    """Return how far a further expert would lie from a retouch, or from the median of `count` of them.

    One retouch cannot tell, so it is rendered as others might have done; where there are several, what they
    show counts with their number, and the model as `FEW`.
    """
    modelled = rendering_sd(reference)
    if spread is None or count < 2:
        one: Map = modelled * np.sqrt(2)
        return one
    measured = spread * np.float32(NORMAL * np.sqrt(count / (count - 1)))
    around = np.sqrt((count * measured**2 + FEW * modelled**2) / (count + FEW))
    both: Map = around * np.sqrt(1 + MEDIAN_OF_NORMALS / count)
    return both


def by_level(found: Uncertainty, levels: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Return each part's number an image, as attributes: `uncertainty_NAME`, a level each."""
    return {
        f"uncertainty_{name}": dict(zip(levels, found.parts[name], strict=True))
        for name in PARTS
        if name in found.parts
    }


def _behind_white(simulated: SimulatedFrames, at_white: Validity) -> Map:
    """Return what is not known of exposures where their own source is at white: how much brighter it was.

    A darker exposure shows such light as grey, and would have recorded anything from there up to white.
    """
    exposures = np.stack([luma(frame) for frame in simulated.exposures])
    hidden: Map = np.where(at_white, (1 - exposures) * np.float32(_UNIFORM), 0)
    return hidden
