"""Faults of an exposure: what the scene's other levels do not allow there, and what structure says of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import Validity
from iea40k.outliers.evidence import Evidence
from iea40k.outliers.kinds import Kind
from iea40k.outliers.regions import Region, closed, cut, disc, pieces
from iea40k.outliers.seen import Seen
from iea40k.outliers.shifts import explained, found_shift, unexplained
from iea40k.outliers.speckles import dots, fields, texture

JOINED = 5
"""Pieces of one displaced or moved thing lie this near to each other."""

GROWN = 10
"""Pixels by which it may reach further than what is beyond doubt."""

TIMES = 2.5
"""How many times as large as what is beyond doubt of it a region may be."""

SURE_SHIFT = 1.2
"""Pixels below which a displacement is registration."""

SHIFT_LEAVES = 0.6
"""Share of what is odd in a region that a shift may leave. Of water and leaves it leaves more, and finds some."""

LEAST_ERROR = 8 / 255
"""Luma by which a region's label must be off, in the mean."""

TONE_ERROR = 26 / 255
"""The same where only brightness is odd: curves of cameras differ by colour."""

TOGETHER, ALIKE = 8, 1.5
"""Displaced regions this near to each other, in pixels, whose shifts differ by no more, are one."""

CLOSELY, DARK, BRIGHT = 0.05, 0.06, 0.92
"""Where only brightness is odd: how little the levels may leave open, and the luma within which curves hold."""

SELDOM = 0.2
"""Share of such regions on real brackets in which the label was wrong: 5 of 24 that were judged by eye."""

SAME = 0.85
"""Correlation from which exposure and reference show the same thing."""


def picture_faults(view: Seen, found: Evidence) -> Iterator[Region]:
    """Yield speckle, displaced and moved regions of the exposure."""
    known = np.isfinite(found.lawful)
    spots = dots(found.beyond, texture(np.where(known, found.lawful, view.wanted)))
    yield from fields(
        spots, np.abs(found.beyond), "they are neither in the reference nor at the other levels"
    )
    wrong = (found.beyond != 0) & ~spots
    # What the label is off by, not only what is beyond doubt of it.
    off = np.where(np.isfinite(found.lawful), np.abs(view.light - found.lawful), np.abs(found.beyond))
    made = _one_by_one(view, found, wrong, off)
    displaced = [r for r in made if r.kind == Kind.DISPLACED]
    yield from joined(displaced, off)
    yield from (r for r in made if r.kind != Kind.DISPLACED)


def joined(regions: Sequence[Region], off: NDArray[np.float32]) -> list[Region]:
    """Return displaced regions with those that lie together and are off alike made one; `off` (H, W) is the error."""
    left = sorted(regions, key=lambda r: (-r.pixels, r.top, r.left))
    made: list[Region] = []
    while left:
        first = left.pop(0)
        whole = first.whole(off.shape)
        near = cv2.dilate(whole.astype(np.uint8), disc(TOGETHER)).astype(bool)
        for other in list(left):
            mask = other.whole(off.shape)
            apart = np.hypot(first.shift[0] - other.shift[0], first.shift[1] - other.shift[1])
            if (near & mask).any() and apart <= ALIKE + 0.3 * np.hypot(*first.shift):
                whole |= mask
                left.remove(other)
        box = cut(whole)
        if box is not None:
            made.append(replace(first, top=box[0], left=box[1], mask=box[2], error=float(off[whole].mean())))
    return made


def _one_by_one(view: Seen, found: Evidence, wrong: Validity, off: NDArray[np.float32]) -> list[Region]:
    """Return displaced regions first; what no shift explains is grown, joined, and looked at again."""
    made: list[Region] = []
    left = np.zeros(view.shape, np.bool_)
    body = closed(wrong, JOINED) & view.valid
    for top, start, mask in pieces(body, 24):
        region = _displaced(view, found, Region(Kind.MOVED, top, start, mask, 0.0, 0.0, ""), off, wrong)
        if region is None:
            left[top:, start:][: mask.shape[0], : mask.shape[1]] |= mask
        else:
            made.append(region)
    heart = cv2.morphologyEx(left.astype(np.uint8), cv2.MORPH_OPEN, disc(2))
    near = cv2.dilate(heart, disc(GROWN)).astype(bool)
    for region in made:
        near &= ~region.whole(view.shape)
    wide = _grown(left, left | (near & (cv2.blur(off, (3, 3)) > LEAST_ERROR)))
    for top, first, mask in pieces(closed(wide, 2) & view.valid, 24):
        box = np.s_[top : top + mask.shape[0], first : first + mask.shape[1]]
        inner = int((wrong[box] & mask).sum())
        error = float(off[box][mask].mean())
        if inner < 12 or error < LEAST_ERROR:
            continue
        trust = min(1.0, 0.4 + inner / float(mask.sum()))
        other = _other(found, Region(Kind.MOVED, top, first, mask, error, trust, ""))
        if other.kind != Kind.BRIGHTNESS or (error >= TONE_ERROR and _well_known(view, found, box, mask)):
            made.append(other)
    return made


def _grown(heart: Validity, wide: Validity) -> Validity:
    """Return `wide`, and only the `heart` of what would be more than `TIMES` as large.

    Where everything around is off a little, the curve does not hold there, and says nothing of a region.
    """
    count, labels = cv2.connectedComponents(wide.astype(np.uint8), connectivity=8)
    size = np.bincount(labels.ravel(), minlength=count)
    inner = np.bincount(labels[heart], minlength=count)
    fits: Validity = size <= TIMES * inner
    result: Validity = heart | (wide & fits[labels])
    return result


def _well_known(view: Seen, found: Evidence, box: tuple[slice, slice], mask: Validity) -> bool:
    """Return whether the levels say closely what belongs there, and it is neither near black nor near white."""
    light = float(view.light[box][mask].mean())
    return float(found.unsure[box][mask].mean()) <= CLOSELY and DARK <= light <= BRIGHT


def _displaced(
    view: Seen, found: Evidence, heart: Region, off: NDArray[np.float32], wrong: Validity
) -> Region | None:
    """Return the region around a piece of what is wrong, where a shift explains it; None where none does."""
    top, left, mask = heart.top, heart.left, heart.mask
    box = np.s_[top : top + mask.shape[0], left : left + mask.shape[1]]
    if (wrong[box] & mask).sum() < 12 or float(off[box][mask].mean()) < LEAST_ERROR:
        return None
    shift = found_shift(view, found.lawful, top, left, mask)
    if not shift.sure or shift.length < SURE_SHIFT:
        return None
    trust = min(1.0, 0.4 + float((wrong[box] & mask).sum()) / mask.sum())
    top, left, mask = explained(view, found.lawful, heart, shift)
    rest = unexplained(view, found.lawful, shift, top, left, mask)
    if rest > SHIFT_LEAVES:
        return None
    trust *= 1 - rest
    error = float(off[top : top + mask.shape[0], left : left + mask.shape[1]][mask].mean())
    reason = f"the edge lies {shift.length:.0f} px off here"
    return Region(Kind.DISPLACED, top, left, mask, error, trust, reason, (shift.rows, shift.columns))


def _other(found: Evidence, region: Region) -> Region:
    """Return a region that no shift explains as what it is: the same in other light, or something else."""
    top, left, mask = region.top, region.left, region.mask
    box = np.s_[top : top + mask.shape[0], left : left + mask.shape[1]]
    agrees = found.agrees[box][mask]
    known = np.isfinite(agrees)
    if known.mean() > 0.5 and float(agrees[known].mean()) > SAME:
        side = "brighter" if float(found.beyond[box][mask].mean()) > 0 else "darker"
        reason = f"{side} than the levels beside it allow"
        return replace(region, kind=Kind.BRIGHTNESS, trust=region.trust * SELDOM, reason=reason)
    return replace(region, reason="shows something that the other levels do not")
