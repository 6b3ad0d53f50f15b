"""Light sources and logos: as bright in the reference as in the exposure, so that the difference is 0; with halo."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import Luma, Validity
from iea40k.clipping import blown
from iea40k.colour.transfer import srgb_inverse
from iea40k.outliers.kinds import Kind
from iea40k.outliers.regions import Region, closed, cut, pieces
from iea40k.outliers.seen import Seen, Witness
from iea40k.residuals import luma

LIGHT = -0.35
"""The residual of a light source: see docs/words.md."""

DARKER = 0.9
"""Stops by which a level must be darker to tell a light from something white."""

LARGEST = 0.04
"""Share of the picture beyond which what is blown is no light but a sky or a wall."""

FALLS = 0.12
"""Luma by which a light stands out from what lies around it."""

TOGETHER = 8
"""Letters of a logo lie this near to each other."""

HALO = 0.25
"""Share of a light from which a pixel belongs to its halo."""

FLAT, FALLING = 3, 0.03
"""A halo ends where over so many pixels its linear light falls by less than this."""


def lights(view: Seen) -> Iterator[Region]:
    """Yield lights, and regions that are blown in exposure and reference at every level of the scene."""
    both = blown(view.exposure, view.white) & blown(view.reference) & view.valid
    # What a person has set is no longer 0.
    both &= view.label > LIGHT / 2
    darker = [w for w in view.witnesses if w.ev <= view.ev - DARKER]
    darkest = min(darker, key=lambda w: w.ev, default=None)
    still = None if darkest is None else blown(darkest.exposure, view.white)
    looked = (view.wanted, view.light, *(() if darkest is None else (luma(darkest.exposure),)))
    for top, left, area in pieces(closed(both, TOGETHER), 12):
        box = np.s_[top : top + area.shape[0], left : left + area.shape[1]]
        mask = both[box] & area
        pixels = int(mask.sum())
        if pixels < 12:
            continue
        shines = None if still is None else float(still[box][mask].mean())
        whole = shines is None or shines >= 0.3
        if still is not None and (pixels > LARGEST * both.size or not whole):
            # A light before something white: only what still shines at the darkest level is it.
            for inner_top, inner_left, core in pieces(still[box] & mask, 12):
                yield from _one(view, looked, top + inner_top, left + inner_left, core, still, darkest)
        elif pixels <= LARGEST * both.size:
            yield from _one(view, looked, top, left, mask, still, darkest)


def _one(
    view: Seen,
    looked: tuple[Luma, ...],
    top: int,
    left: int,
    mask: Validity,
    still: Validity | None,
    darkest: Witness | None,
) -> Iterator[Region]:
    pixels = int(mask.sum())
    stands = max(_falls(picture, top, left, mask) for picture in looked)
    if pixels <= LARGEST * view.valid.size and stands >= FALLS:
        share, at = halo(view, top, left, mask)
        if darkest is None or still is None:
            reason, trust = "as bright as can be, here and in the reference", 0.6
        else:
            box = np.s_[top : top + mask.shape[0], left : left + mask.shape[1]]
            reason = f"shines: blown here, in the reference and still at {darkest.ev:+g} EV"
            trust = 0.5 + 0.5 * float(still[box][mask].mean())
        # The box in which the halo was looked for is wider than what belongs to it.
        found = cut(share >= HALO)
        if found is not None:
            down, along, inner = found
            part = share[down : down + inner.shape[0], along : along + inner.shape[1]]
            error = -LIGHT * float(part[inner].mean())
            yield Region(Kind.LIGHT, at[0] + down, at[1] + along, inner, error, trust, reason)
    elif still is not None:
        yield Region(
            Kind.CLIPPED, top, left, mask, 0.02, 0.5, "blown at every level: nothing says what belongs here"
        )


def halo(view: Seen, top: int, left: int, core: Validity) -> tuple[Luma, tuple[int, int]]:
    """Return how much of a light each pixel around a core is, (h, w) in [0, 1], and where that box lies.

    Light falls off with distance: the share is that of the median light at a distance over what lies further out.
    """
    pixels = float(core.sum())
    reach = int(np.clip(3 * np.sqrt(pixels / np.pi), 12, 90))
    height, width = view.shape
    rows = slice(max(0, top - reach), min(height, top + core.shape[0] + reach))
    columns = slice(max(0, left - reach), min(width, left + core.shape[1] + reach))
    inner = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
    inner[top - rows.start :, left - columns.start :][: core.shape[0], : core.shape[1]] = core
    away = cv2.distanceTransform(1 - inner, cv2.DIST_L2, 5)
    light = srgb_inverse(view.light[rows, columns]).astype(np.float32)
    ring = np.minimum(away.astype(np.int32), reach)
    profile = np.array(
        [float(np.median(light[ring == d])) if (ring == d).any() else np.nan for d in range(reach + 1)]
    )
    known = np.isfinite(profile)
    profile = np.interp(np.arange(reach + 1), np.flatnonzero(known), profile[known])
    falls = profile[:-FLAT] - profile[FLAT:] >= FALLING
    end = int(np.argmin(falls[1:])) + 1 if not falls[1:].all() else reach
    floor = float(profile[end])
    share = np.clip((profile - floor) / max(1 - floor, 1e-3), 0, 1)
    share[0], share[end:] = 1, 0
    share = np.minimum.accumulate(share)
    result: Luma = share[ring].astype(np.float32)
    result[~view.valid[rows, columns]] = 0
    return np.where(inner > 0, np.float32(1), result), (rows.start, columns.start)


def _falls(picture: NDArray[np.float32], top: int, left: int, area: Validity) -> float:
    """Return by how much luma of a picture falls from a region to what lies around it."""
    radius = np.sqrt(float(area.sum()) / np.pi)
    near, wide = int(np.clip(radius, 3, 40)), int(np.clip(2 * radius, 14, 80))
    rows = slice(max(0, top - wide), top + area.shape[0] + wide)
    columns = slice(max(0, left - wide), left + area.shape[1] + wide)
    part = picture[rows, columns]
    inner = np.zeros(part.shape, np.uint8)
    inner[top - rows.start :, left - columns.start :][: area.shape[0], : area.shape[1]] = area
    away = cv2.distanceTransform(1 - inner, cv2.DIST_L2, 5)
    around = (away > near) & (away <= wide)
    if not around.any():
        return 0.0
    return float(np.median(part[inner > 0])) - float(np.median(part[around]))
