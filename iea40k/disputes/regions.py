"""Where a label is disputed: connected parts that deviate from the law, or else from what is usual, with outlines."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.disputes.scenes import SmallScene
from iea40k.disputes.signals import Evidence

MOST = 8
"""Regions told of an image."""

_OF_REGIONS = ("region", "missed", "apart")
_LEAST_AREA = 12  # pixels of a region, at the small size
_WEAKEST = 0.05  # strength of a region that hardly deviates, from 0 to 1

Outline = tuple[tuple[int, int], ...]
"""Corners (row, column) of a polygon, in pixels of the full frame."""


@dataclass(frozen=True)
class Region:
    """`box` (top, left, height, width) and `area` in pixels of the full frame; `error`: of the label in it, in luma."""

    box: tuple[int, int, int, int]
    area: int
    score: float
    outline: Outline = ()
    error: float = 0.0


def regions_of(scene: SmallScene, found: Evidence, kind: str, score: float) -> tuple[Region, ...]:
    """Return the regions of a disputed label, the surest first, at most `MOST`; one at least where anything deviates.

    Of a kind that is wrong with all of a map it is one: all that deviates. Where nothing deviates as far as a region of
    its kind does, it is the part that comes nearest, with the weakest score: a person must see where to look.
    """
    law = cv2.GaussianBlur(found.law, (0, 0), 1.0)
    if kind == "missed":
        where = found.off_curve > 0.12
    elif (law > 0.015).mean() > 0.001:
        where = law > max(0.01, 0.15 * float(law.max()))
    else:
        where = found.away > max(3.0, 0.5 * float(found.away.max()))
    scale = scene.shape[0] / found.law.shape[0], scene.shape[1] / found.law.shape[1]
    strength = np.maximum(law / 0.05, found.away / 6)
    error = np.maximum(law, np.where(where, 0.02, 0))
    if kind not in _OF_REGIONS:
        return _whole(where, scale, score, error)
    closed = cv2.morphologyEx(where.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    out = []
    for part in range(1, count):
        left, top, width, height, area = (int(v) for v in stats[part][:5])
        if area < _LEAST_AREA:
            continue
        # A part of a tenth of the largest is an echo of it.
        share = area / float(stats[1:, cv2.CC_STAT_AREA].max())
        mask = labels == part
        strong = float(np.clip(strength[mask].mean(), _WEAKEST, 1)) * min(1.0, share)
        box = _scaled((top, left, height, width), scale)
        out.append(
            Region(
                box,
                round(area * scale[0] * scale[1]),
                round(score * strong, 6),
                _outline(mask, scale, box),
                round(float(error[mask].mean()), 6),
            )
        )
    if not out:
        nearest = _most(found.off_curve) if kind == "missed" else _most(law)
        return _whole(
            nearest | (_most(found.away) & ~nearest.any()), scale, round(score * _WEAKEST, 6), error
        )
    return tuple(sorted(out, key=lambda r: (-r.score, r.box))[:MOST])


def _most(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the largest connected part of what reaches half of the most that deviates; none where nothing does."""
    where = values > max(0.02, 0.5 * float(values.max()))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(where.astype(np.uint8), connectivity=8)
    if count < 2:
        return where
    found: NDArray[np.bool_] = labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return found


def _whole(
    where: NDArray[np.bool_], scale: tuple[float, float], score: float, error: NDArray[np.float32]
) -> tuple[Region, ...]:
    """Return one region around all that deviates: what is wrong with the map is wrong with all of it."""
    if not where.any():
        return ()
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    top, left = int(rows[0]), int(columns[0])
    box = _scaled((top, left, int(rows[-1]) - top + 1, int(columns[-1]) - left + 1), scale)
    corners = _corners(box)
    area = round(float(where.sum()) * scale[0] * scale[1])
    return (Region(box, area, score, corners, round(float(error[where].mean()), 6)),)


def _scaled(box: tuple[int, int, int, int], scale: tuple[float, float]) -> tuple[int, int, int, int]:
    top, left, height, width = box
    return (
        round(top * scale[0]), round(left * scale[1]),
        max(1, round(height * scale[0])), max(1, round(width * scale[1])),
    )  # fmt: skip


def _corners(box: tuple[int, int, int, int]) -> Outline:
    bottom, right = box[0] + box[2] - 1, box[1] + box[3] - 1
    return ((box[0], box[1]), (box[0], right), (bottom, right), (bottom, box[1]))


def _outline(mask: NDArray[np.bool_], scale: tuple[float, float], box: tuple[int, int, int, int]) -> Outline:
    """Return the outer border of a connected part, through the middles of its outermost pixels, half a pixel wider.

    Of a part that is one pixel high or wide it is its `box`: a line encloses nothing.
    """
    height, width = mask.shape
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    longest = max(contours, key=cv2.contourArea)
    corners = cv2.approxPolyDP(longest, 0.7, closed=True)[:, 0]
    if len(corners) < 3:
        return _corners(box)
    most = round(height * scale[0]) - 1, round(width * scale[1]) - 1
    return tuple(
        (min(round((y + 0.5) * scale[0]), most[0]), min(round((x + 0.5) * scale[1]), most[1]))
        for x, y in corners
    )
