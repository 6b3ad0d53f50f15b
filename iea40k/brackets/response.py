"""Stops between aligned frames, estimated from their pixels where nothing else states them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LUMA_WEIGHTS, EncodedRGB, Validity
from iea40k.errors import BadInputError

LOW, HIGH = 24, 232
"""Codes between which a pixel of both frames is believed."""

LEAST_PIXELS = 200


def estimate_evs(
    frames: Sequence[EncodedRGB] | NDArray[np.uint8], validity: Sequence[Validity] | NDArray[np.bool_]
) -> tuple[tuple[float, ...], dict[str, Any]]:
    """Return each aligned frame's EV minus the darkest frame's, and the recipe.

    Raises `BadInputError` where two frames next to each other in brightness share no well exposed pixels.
    """
    lumas = [frame.astype(np.float32) @ np.array(LUMA_WEIGHTS, np.float32) for frame in frames]
    order = np.argsort([float(luma.mean()) for luma in lumas], kind="stable")
    evs = np.zeros(len(lumas))
    for darker, brighter in pairwise(order):
        both = validity[darker] & validity[brighter]
        evs[brighter] = evs[darker] + _step(lumas[darker][both], lumas[brighter][both])
    return tuple(float(ev) for ev in evs), {"method": "median ratio under an average camera's response"}


def _step(darker: NDArray[np.float32], brighter: NDArray[np.float32]) -> float:
    good = (darker > LOW) & (darker < HIGH) & (brighter > LOW) & (brighter < HIGH)
    if np.count_nonzero(good) < LEAST_PIXELS:
        raise BadInputError(
            "the stops between two frames cannot be estimated",
            expected=f"{LEAST_PIXELS} pixels well exposed in both",
            got=str(int(np.count_nonzero(good))),
            remedy="give the EVs in a table",
        )
    return float(np.median(_log_light(brighter[good]) - _log_light(darker[good])))


def _log_light(codes: NDArray[np.float32]) -> NDArray[np.float32]:
    encoded = codes / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.log2(linear) / 1.25, np.float32)
