"""Propagate a correction to the other levels of its scene.

A residual is `luma(reference) - luma(exposure)`. Where an expert changes it at one level, they say that the
reference is wrong there by that change; the reference is shared, so the same change belongs to every level. That is
`same change`. A fault of the exposure itself (a logo that is right as it is) may want the `same value` instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from iea40k.arrays import RESIDUAL_SCALE, ResidualCodes, Validity, validity_from_codes
from iea40k.store.ledger import Patch

How = Literal["same change", "same value"]


@dataclass(frozen=True)
class Propagated:
    """What would happen at one level: the patch, None where it touches nothing; and how many of its pixels would pass
    the ends of [-1, 1] and stop there."""

    level: str
    patch: Patch | None
    stopped: int


def propagate(
    base: ResidualCodes,
    corrected: ResidualCodes,
    touched: Validity,
    others: Mapping[str, ResidualCodes],
    how: How = "same change",
) -> list[Propagated]:
    """Return what a correction does at each of the `others`, whose codes are (H, W) int16 like `base`.

    Only pixels that were `touched` and are valid in both levels take part.
    """
    result = []
    for level, codes in others.items():
        reach = touched & validity_from_codes(codes) & validity_from_codes(corrected)
        wanted = corrected.astype(np.int32)
        if how == "same change":
            wanted = codes.astype(np.int32) + (wanted - base)
        stopped = int((np.abs(wanted[reach]) > RESIDUAL_SCALE).sum())
        after = codes.copy()
        after[reach] = np.clip(wanted[reach], -RESIDUAL_SCALE, RESIDUAL_SCALE).astype(np.int16)
        result.append(Propagated(level, Patch.between(codes, after, reach), stopped))
    return result
