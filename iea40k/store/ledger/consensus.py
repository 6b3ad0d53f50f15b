"""Consensus: one map out of several experts' maps, and how far they lie apart. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE, ResidualCodes, Validity, check_codes
from iea40k.errors import ArrayError
from iea40k.raters import ZONES, RatedPixels, RaterModel, weighted_truth
from iea40k.scene import NO_UNCERTAINTY


@dataclass(frozen=True, eq=False)
class Consensus:
    """The per-pixel median of k maps and its spread.

    - `codes` (H, W) int16: the median; of an even number of maps the mean of the middle two, ties to even
    - `disagreement` (H, W) uint16 in the residual's unit (code / 32640): the median absolute deviation from it, without
      any factor; `NO_UNCERTAINTY` where fewer than two maps have data
    """

    codes: ResidualCodes
    disagreement: NDArray[np.uint16]


def consensus(maps: Sequence[ResidualCodes]) -> Consensus:
    """Return the consensus of one or more (H, W) int16 maps; a pixel without data in a map does not count there.

    The order of the maps does not matter. Raises `ArrayError` for maps of different sizes, or none.
    """
    if not maps:
        raise ArrayError("a consensus needs one map at least")
    if len({m.shape for m in maps}) != 1:
        raise ArrayError("the maps differ in size", got=", ".join(sorted({str(m.shape) for m in maps})))
    for each in maps:
        check_codes(each)
    if len(maps) == 1:
        return Consensus(maps[0].copy(), np.full(maps[0].shape, NO_UNCERTAINTY, np.uint16))
    stack = np.stack(maps).astype(np.float64)
    valid = stack != INVALID_CODE
    if valid.all():
        middle = np.rint(np.median(stack, axis=0))
        spread = np.rint(np.median(np.abs(stack - middle), axis=0))
        return Consensus(middle.astype(np.int16), spread.astype(np.uint16))
    stack[~valid] = np.nan
    count = valid.sum(axis=0)
    filled = np.where(count == 0, 0, stack)  # a median of nothing would warn
    middle = np.rint(np.nanmedian(filled, axis=0))
    spread = np.rint(np.nanmedian(np.abs(filled - middle), axis=0))
    codes = np.where(count == 0, INVALID_CODE, middle).astype(np.int16)
    return Consensus(codes, np.where(count < 2, NO_UNCERTAINTY, spread).astype(np.uint16))


def weighed_consensus(
    maps: Mapping[str, ResidualCodes],
    touched: Mapping[str, Validity],
    level: str,
    zones: NDArray[np.int64],
    model: RaterModel,
) -> Consensus:
    """Return the consensus of people's maps as `model` weighs them: by noise, without their bias where they painted.

    `zones` (H, W) are the exposure's. Where nobody painted, and of one map, it is what the maps say; the disagreement
    is that of the plain consensus, so that it stays comparable. Raises as `consensus` does.
    """
    plain = consensus(list(maps.values()))
    people = tuple(sorted(maps))
    stack = np.stack([maps[name] for name in people])
    painted = np.any([touched[name] for name in people], axis=0) & (stack != INVALID_CODE).all(axis=0)
    if len(people) < 2 or not painted.any():
        return plain
    pixels = RatedPixels(
        people,
        level,
        np.clip(zones[painted], 0, ZONES - 1),
        stack[:, painted] / RESIDUAL_SCALE,
        np.stack([touched[name][painted] for name in people]),
    )
    truth, _ = weighted_truth(model, pixels)
    codes = plain.codes.copy()
    codes[painted] = np.rint(np.clip(truth, -1, 1) * RESIDUAL_SCALE).astype(np.int16)
    return replace(plain, codes=codes)
