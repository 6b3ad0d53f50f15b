"""Regions found by one click: which pixels belong together, and what to put there."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from annotator.residual.brushes import Brush, neighbourhood_mean, painted
from annotator.residual.state import Image
from annotator.shared.boxes import Spot, grown
from iea40k.arrays import (
    INVALID_CODE,
    RESIDUAL_SCALE,
    EncodedRGB,
    Luma,
    OutlierFlags,
    ResidualCodes,
    Validity,
    validity_from_codes,
)
from iea40k.outliers import Outlier
from iea40k.store.ledger import Patch

SNAP = 5
"""A click this many pixels beside a flagged region still means it."""

SUGGESTED = Outlier(sum(bit for bit in Outlier if bit.suggested))
"""The flags that suggest a repair; blown or crushed pixels alone are what an exposure error looks like."""

CLIPPED = Outlier(sum(bit for bit in Outlier if not bit.suggested))
"""The flags that only tell how the exposure is."""


@dataclass(frozen=True)
class RegionTool:
    """A tool that fills a region at one click: `find` says which, in an image at a pixel, by the settings it has.

    `settings` are their names. `kind` is what the ledger calls the fill; it notes the settings, and what is `noted`.
    `mode`: what it does there whatever the brush does, "" where it does the same.
    """

    find: Callable[[Image, Spot, Mapping[str, float]], Validity]
    settings: tuple[str, ...] = ()
    kind: str = "fill"
    noted: Mapping[str, object] = field(default_factory=dict)
    mode: str = ""


_HALF = 96  # half the side of the window in which superpixels are made
_NEIGHBOURS = 8


def similar_region(codes: ResidualCodes, seed: Spot, tolerance: float) -> Validity:
    """Return the connected valid pixels (H, W) whose residual differs from the seed's by at most `tolerance`."""
    found = np.pad(~validity_from_codes(codes), 1, constant_values=True).astype(np.uint8)
    if found[seed[0] + 1, seed[1] + 1]:
        return np.zeros(codes.shape, np.bool_)
    step = tolerance * RESIDUAL_SCALE + 0.5
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (2 << 8)
    cv2.floodFill(codes.astype(np.float32), found, (seed[1], seed[0]), 0.0, step, step, flags)
    region: Validity = found[1:-1, 1:-1] == 2
    return region


def superpixel(exposure: EncodedRGB, valid: Validity, seed: Spot, side: float = 16.0) -> Validity:
    """Return the superpixel (H, W) of about `side` pixels a side that holds the seed: SLIC in a window around it."""
    box = grown((slice(seed[0], seed[0]), slice(seed[1], seed[1])), _HALF, valid.shape)
    window = np.ascontiguousarray(exposure[box])
    count = max(2, round(window.shape[0] * window.shape[1] / side**2))
    from skimage.segmentation import slic  # here: it takes half a second to import

    labels = slic(window, n_segments=count, compactness=12, sigma=0.8, start_label=1, max_num_iter=6)
    region = np.zeros(valid.shape, np.bool_)
    region[box] = labels == labels[seed[0] - box[0].start, seed[1] - box[1].start]
    return region & valid


def value_range(codes: ResidualCodes, low: float, high: float) -> Validity:
    """Return the valid pixels whose residual lies in [low, high]."""
    inside: Validity = (codes >= math.ceil(low * RESIDUAL_SCALE)) & (
        codes <= math.floor(high * RESIDUAL_SCALE)
    )
    return inside & validity_from_codes(codes)


def same_sign(codes: ResidualCodes, seed: Spot) -> Validity:
    """Return the connected valid pixels (H, W) whose residual has the sign of the seed's; none where that is 0.

    A region of the wrong sign lies among pixels of the other one: this is that region, and nothing beside it.
    """
    sign = int(np.sign(codes[seed]))
    if sign == 0 or codes[seed] == INVALID_CODE:
        return np.zeros(codes.shape, np.bool_)
    alike = ((np.sign(codes) == sign) & validity_from_codes(codes)).astype(np.uint8)
    _, labels = cv2.connectedComponents(alike, connectivity=4)
    region: Validity = labels == labels[seed]
    return region


def luminance_range(luma: Luma, valid: Validity, low: float, high: float) -> Validity:
    """Return the valid pixels whose luma lies in [low, high]."""
    inside: Validity = (luma >= low) & (luma <= high) & valid
    return inside


def flagged_region(flags: OutlierFlags, seed: Spot, bits: Outlier = SUGGESTED) -> Validity:
    """Return the connected pixels of the flag at the seed, or of the nearest one within `SNAP` pixels.

    Of several flags at a pixel the one with the greatest bit counts. Empty where nothing is near.
    """
    spot = _nearest((flags & int(bits)) != 0, seed)
    if spot is None:
        return np.zeros(flags.shape, np.bool_)
    bit = 1 << (int(flags[spot] & int(bits)).bit_length() - 1)
    wanted = ((flags & bit) != 0).astype(np.uint8)
    _, labels = cv2.connectedComponents(wanted, connectivity=_NEIGHBOURS)
    region: Validity = labels == labels[spot]
    return region


def light_source(flags: OutlierFlags, seed: Spot) -> Validity:
    """Return the connected region at the seed that is blown in exposure and reference: a lamp, a logo, the sun."""
    return flagged_region(flags, seed, Outlier.CLIPPED_BOTH)


def region_patch(codes: ResidualCodes, region: Validity, brush: Brush, base: ResidualCodes) -> Patch | None:
    """Return the patch that applies `brush` to every valid pixel of `region` with its full strength; None if empty."""
    touched = region & (codes != INVALID_CODE)
    weights = np.full(int(touched.sum()), brush.strength, np.float32)
    mean = None
    if brush.kind.blurs:
        mean = neighbourhood_mean(codes, validity_from_codes(codes), brush.sigma)[touched]
    made = painted(codes[touched], weights, brush, base[touched], mean)
    after = codes.copy()
    after[touched] = np.rint(np.clip(made, -RESIDUAL_SCALE, RESIDUAL_SCALE)).astype(np.int16)
    return Patch.between(codes, after, touched)


def _nearest(wanted: Validity, seed: Spot) -> Spot | None:
    top, left = max(0, seed[0] - SNAP), max(0, seed[1] - SNAP)
    near = np.argwhere(wanted[top : seed[0] + SNAP + 1, left : seed[1] + SNAP + 1])
    if near.size == 0:
        return None
    distance = ((near - np.array([seed[0] - top, seed[1] - left])) ** 2).sum(axis=1)
    row, column = near[int(np.argmin(distance))]
    return int(row) + top, int(column) + left


REGION_TOOLS: dict[str, RegionTool] = {
    "fill": RegionTool(lambda i, seed, s: similar_region(i.codes, seed, **s), ("tolerance",)),
    "superpixel": RegionTool(
        lambda i, seed, s: superpixel(i.exposure, i.valid, seed, **s), ("side",), "superpixel"
    ),
    "light source": RegionTool(lambda i, seed, _: light_source(i.flags, seed), noted={"light_source": True}),
    "sign": RegionTool(lambda i, seed, _: same_sign(i.codes, seed), noted={"region": "sign"}, mode="negate"),
    "range": RegionTool(lambda i, _, s: value_range(i.codes, **s), ("low", "high"), "range"),
}
"""By the name of the tool. A new one is one more entry."""
