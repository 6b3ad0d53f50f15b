"""Light sources and logos: as bright in the reference as in the exposure, so that the difference is 0; with halo."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import Luma, Validity
from iea40k.clipping import blown
from iea40k.colour.transfer import srgb_inverse
from iea40k.outliers.kinds import Kind
from iea40k.outliers.regions import Region, closed, cut, disc, pieces
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

FLAT, FALLING, SLOWLY = 3, 0.03, 0.09
"""A halo ends where over so many pixels its linear light falls by less than this, or by less than this share."""

LEAST = 12
STAYS = 0.9
"""Share of what is blown that is blown at the darkest level as well, from which it is painted, not lit."""

SHOWN = 0.9
"""Luma below which a level shows how bright something is."""

HOT, DIM, SOFTLY, ALIKE = 0.7, 0.1, 3.0, 0.6
"""A light that the darkest level shows in full: from this share of its peak to that it fades over so many pixels at
least, and in the same way all around."""


def lights(view: Seen) -> Iterator[Region]:
    """Yield lights, and regions that are blown in exposure and reference at every level of the scene."""
    both = blown(view.exposure, view.white) & blown(view.reference) & view.valid
    # What a person has set is no longer 0.
    both &= view.label > LIGHT / 2
    darker = tuple(sorted((w for w in view.witnesses if w.ev <= view.ev - DARKER), key=lambda w: w.ev))
    if not darker:
        for top, left, mask in _together(both):
            if mask.sum() <= LARGEST * both.size:
                yield from _one(view, darker, top, left, mask)
        return
    still = blown(darker[0].exposure, view.white)
    if still[view.valid].all():
        for top, left, mask in _together(both):
            yield _clipped(top, left, mask)
        return
    # A logo is the same from level to level; a lamp beside it shrinks, and is another light.
    before = both if len(darker) == 1 else blown(darker[1].exposure, view.white) & both
    same = _same(before, still)
    for top, left, mask in _together(same):
        yield from _one(view, darker, top, left, mask)
    for top, left, mask in pieces(closed(both & ~same, 1) & both & ~same, LEAST):
        yield from _shrinking(view, darker, top, left, mask)


def _same(before: Validity, still: Validity) -> Validity:
    """Return the connected pieces of what was blown `before` that are nearly all blown at the darkest level as well."""
    count, labels = cv2.connectedComponents(before.astype(np.uint8), connectivity=8)
    size = np.bincount(labels.ravel(), minlength=count)
    # Compression moves a rim by a pixel.
    near = cv2.dilate(still.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    shining = np.bincount(labels[near], minlength=count) >= STAYS * size
    shining[0] = False
    result: Validity = shining[labels]
    return result


def _together(parts: Validity) -> Iterator[tuple[int, int, Validity]]:
    """Yield (top, left, pixels) of parts that lie together, as letters do."""
    for top, left, area in pieces(closed(parts, TOGETHER), LEAST):
        mask = parts[top : top + area.shape[0], left : left + area.shape[1]] & area
        if mask.sum() >= LEAST:
            yield top, left, mask


def _shrinking(
    view: Seen, darker: Sequence[Witness], top: int, left: int, mask: Validity
) -> Iterator[Region]:
    """Yield the lights in a blown region that darker levels show smaller.

    What still shines at the darkest level is the middle of one. So is what only the levels before it show blown, where
    it fades to all sides as light does, and a window or a white wall does not.
    """
    box = np.s_[top : top + mask.shape[0], left : left + mask.shape[1]]
    taken = np.zeros(mask.shape, np.bool_)
    for level in darker:
        parts = blown(np.ascontiguousarray(level.exposure[box]), view.white) & mask & ~taken
        for down, along, core in _together(parts):
            at = top + down, left + along
            white = level.ev > -DARKER  # something white is blown there as well
            if level is not darker[0] and (white or not _fades(darker[0], *at, core)):
                continue
            for region in _one(view, darker, *at, core):
                yield region
                near = region.whole(view.shape)[box]
                taken |= cv2.dilate(near.astype(np.uint8), disc(TOGETHER)).astype(bool)


def _one(view: Seen, darker: Sequence[Witness], top: int, left: int, mask: Validity) -> Iterator[Region]:
    pictures = (view.wanted, view.light, *(luma(w.exposure) for w in darker[:1]))
    stands = max(_falls(picture, top, left, mask) for picture in pictures)
    if mask.sum() <= LARGEST * view.valid.size and stands >= FALLS:
        share, at = halo(view, top, left, mask)
        if darker:
            box = np.s_[top : top + mask.shape[0], left : left + mask.shape[1]]
            still = blown(np.ascontiguousarray(darker[0].exposure[box]), view.white)
            last = max((w for w in darker if _shines(w, box, mask, view.white)), key=lambda w: -w.ev)
            reason = f"shines: blown here, in the reference and still at {last.ev:+g} EV"
            trust = 0.5 + 0.5 * float(still[mask].mean())
        else:
            reason, trust = "as bright as can be, here and in the reference", 0.6
        # The box in which the halo was looked for is wider than what belongs to it.
        found = cut(share >= HALO)
        if found is not None:
            down, along, inner = found
            part = share[down : down + inner.shape[0], along : along + inner.shape[1]]
            error = -LIGHT * float(part[inner].mean())
            yield Region(Kind.LIGHT, at[0] + down, at[1] + along, inner, error, trust, reason)
    elif darker:
        yield _clipped(top, left, mask)


def _clipped(top: int, left: int, mask: Validity) -> Region:
    reason = "blown at every level: nothing says what belongs here"
    return Region(Kind.CLIPPED, top, left, mask, 0.02, 0.5, reason)


def _shines(level: Witness, box: tuple[slice, slice], mask: Validity, white: float) -> bool:
    return int((blown(np.ascontiguousarray(level.exposure[box]), white) & mask).sum()) >= LEAST


def _around(
    shape: tuple[int, int], top: int, left: int, core: Validity, reach: int
) -> tuple[tuple[slice, slice], Validity]:
    """Return the box `reach` pixels around a core, and the core in it."""
    rows = slice(max(0, top - reach), min(shape[0], top + core.shape[0] + reach))
    columns = slice(max(0, left - reach), min(shape[1], left + core.shape[1] + reach))
    inner = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.bool_)
    inner[top - rows.start :, left - columns.start :][: core.shape[0], : core.shape[1]] = core
    return (rows, columns), inner


def _fades(level: Witness, top: int, left: int, core: Validity) -> bool:
    """Return whether a core that a level shows in full is bright in its middle and fades softly, alike all around."""
    reach = int(np.clip(3 * np.sqrt(core.sum() / np.pi), 8, 60))
    box, inner = _around(level.exposure.shape[:2], top, left, core, reach)
    light = srgb_inverse(luma(np.ascontiguousarray(level.exposure[box]))).astype(np.float32)
    peak = float(np.percentile(light[inner], 90))
    hot = inner & (light >= HOT * peak)
    away = np.minimum(cv2.distanceTransform((~hot).astype(np.uint8), cv2.DIST_L2, 5).astype(np.int32), reach)
    rings = [light[away == d] for d in range(reach + 1)]
    fall = np.array([float(np.median(r)) if r.size else np.nan for r in rings]) / max(peak, 1e-6)
    if not np.nanmin(fall) < DIM or int(np.argmax(fall < DIM)) < SOFTLY:
        return False
    for ring, middle in zip(rings, fall, strict=True):
        if 2 * DIM < middle < HOT and ring.size:
            low, high = np.percentile(ring, (25, 75))
            if high - low > ALIKE * middle * peak:
                return False
    return True


def halo(view: Seen, top: int, left: int, core: Validity) -> tuple[Luma, tuple[int, int]]:
    """Return how much of a light each pixel around a core is, (h, w) in [0, 1], and where that box lies.

    Light falls off with distance: the share is that of the median light at a distance over what lies further out. Where
    a level is blown a darker one says how bright it is there, and how far a light reaches before something white.
    """
    pixels = float(core.sum())
    reach = int(np.clip(3 * np.sqrt(pixels / np.pi), 12, 90))
    profile, inner, away, box = _profile(view, top, left, core, reach)
    falls = profile[:-FLAT] - profile[FLAT:] >= FALLING * np.maximum(1, profile[FLAT:] * SLOWLY / FALLING)
    end = int(np.argmin(falls[1:])) + 1 if not falls[1:].all() else reach
    floor = float(profile[end])
    share = np.clip((profile - floor) / np.clip(profile[0] - floor, 1e-3, 1), 0, 1)
    share[0], share[end:] = 1, 0
    share = np.minimum.accumulate(share)
    result: Luma = share[away].astype(np.float32)
    result[~view.valid[box]] = 0
    return np.where(inner, np.float32(1), result), (box[0].start, box[1].start)


def _profile(
    view: Seen, top: int, left: int, core: Validity, reach: int
) -> tuple[NDArray[np.float64], Validity, NDArray[np.int32], tuple[slice, slice]]:
    """Return the median light at each distance from a core, 1 what the level shows as white.

    With it the core, the distances of the pixels around it, and the box in which they lie.
    """
    box, inner = _around(view.shape, top, left, core, reach)
    away = np.minimum(
        cv2.distanceTransform((~inner).astype(np.uint8), cv2.DIST_L2, 5).astype(np.int32), reach
    )
    darker = sorted((w for w in view.witnesses if w.ev < view.ev), key=lambda w: -w.ev)
    levels = [
        (view.light[box], 0.0),
        *((luma(np.ascontiguousarray(w.exposure[box])), view.ev - w.ev) for w in darker),
    ]
    found = np.full(reach + 1, np.nan)
    for distance in range(reach + 1):
        ring = away == distance
        if not ring.any():
            continue
        for picture, stops in levels:
            middle = float(np.median(picture[ring]))
            found[distance] = float(srgb_inverse(np.asarray(middle))) * 2.0**stops
            if middle < SHOWN:
                break
    known = np.isfinite(found)
    return np.interp(np.arange(reach + 1), np.flatnonzero(known), found[known]), inner, away, box


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
