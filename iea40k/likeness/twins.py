"""Which pictures show the same photograph: likely pairs by their layouts, proved by features that lie alike.

A pair is a twin where its layouts resemble each other and enough of its features follow one similarity (shift, turn,
scale), as it is or in a mirror; or where the pixels are the same. Thresholds: docs/decisions/0123-twins-and-splits.md.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.likeness.sketch import SIDE, Sketch, mirrored

RESEMBLES = 0.4
"""Least correlation of layouts of a likely pair."""

FEATURES_AGREE = 10
"""Least number of features that follow one similarity. Unrelated photographs have 4 at most."""

SHARE_AGREES = 0.25
"""Least share of the matched features that follow it."""

SCALES = (0.6, 1.67)
"""Between which a twin may be scaled, both brought to one size."""

_RATIO = 0.8
_WITHIN = SIDE / 80
"""Pixels within which a feature follows."""

_ROWS = 256
_MIRRORED_BINS = (0, 7, 6, 5, 4, 3, 2, 1)


@dataclass(frozen=True, order=True)
class Twin:
    """Two pictures, by name, that show the same photograph.

    `likeness` in [0, 1]: the correlation of their layouts, 1 where their pixels are the same.
    """

    first: str
    second: str
    likeness: float
    mirrored: bool = False


def find_twins(sketches: Mapping[str, Sketch]) -> list[Twin]:
    """Return pairs that show the same photograph, `first` < `second`, sorted: enough of them to connect every group.

    A pair whose pictures others connect already is not looked at: of n alike, n - 1 pairs are found.
    """
    names = sorted(sketches)
    found: list[Twin] = []
    groups = _Groups(names)
    same: dict[str, str] = {}
    for name in names:
        first = same.setdefault(sketches[name].digest, name)
        if groups.join(first, name):
            found.append(Twin(first, name, 1.0))
    different = sorted(same.values())  # of pictures that are the same, one speaks for all
    refuted: set[tuple[int, int, bool]] = set()
    for i, j, likeness, flipped in _likely([sketches[name] for name in different]):
        one, other = different[i], different[j]
        if (i, j, flipped) in refuted or groups.head(one) == groups.head(other):
            continue
        if not _proved(sketches[one], sketches[other], flipped):
            refuted.add((i, j, flipped))  # a part of either may resemble the other
        else:
            groups.join(one, other)
            found.append(Twin(one, other, round(min(likeness, 1.0), 3), flipped))
    return sorted(found)


def groups_of(names: Collection[str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the group of every name: the least name of all that pairs connect it with."""
    groups = _Groups(names)
    for one, other in pairs:
        groups.join(one, other)
    return {name: groups.head(name) for name in names}


class _Groups:
    """Names that are connected: a union-find, the least name of a group is its head."""

    def __init__(self, names: Iterable[str]) -> None:
        self._above = {name: name for name in names}

    def head(self, name: str) -> str:
        above = self._above
        while above[name] != name:
            above[name] = above[above[name]]
            name = above[name]
        return name

    def join(self, one: str, other: str) -> bool:
        """Connect two names; return whether they were apart."""
        low, high = sorted((self.head(one), self.head(other)))
        self._above[high] = low
        return low != high


def _likely(sketches: Sequence[Sketch]) -> Iterator[tuple[int, int, float, bool]]:
    """Yield the pairs (i < j) whose layouts resemble each other, with how much; in a mirror too."""
    if len(sketches) < 2:
        return
    parts = [sketch.layouts.astype(np.float32) for sketch in sketches]
    whole = np.stack([layouts[0] for layouts in parts])
    for flipped in (False, True):
        probe = mirrored(whole) if flipped else whole
        for start in range(0, len(parts), _ROWS):
            rows = np.stack(parts[start : start + _ROWS])
            # How well each whole picture lies in a part of these; and these, whole, in a part of each.
            best = np.max(rows @ probe.T, axis=1)
            for i, j in np.argwhere(best >= RESEMBLES):
                one, other = int(i) + start, int(j)
                if one != other:
                    yield min(one, other), max(one, other), float(best[i, j]), flipped


def _proved(one: Sketch, other: Sketch, flipped: bool) -> bool:
    points, features = one.points, one.features
    if flipped:
        points = np.column_stack((one.size[0] - 1 - points[:, 0], points[:, 1])).astype(np.float32)
        features = _in_a_mirror(features)
    here, there = _matched(features, other.features)
    if len(here) < FEATURES_AGREE:
        return False
    # OpenCV's own generator is seeded anew at each call, so that this is the same on every run.
    similarity, follows = cv2.estimateAffinePartial2D(
        points[here], other.points[there], method=cv2.RANSAC, ransacReprojThreshold=_WITHIN
    )
    if similarity is None:
        return False
    scale = float(np.hypot(similarity[0, 0], similarity[1, 0]))
    agreeing = int(follows.sum())
    enough = agreeing >= max(FEATURES_AGREE, SHARE_AGREES * len(here))
    return enough and SCALES[0] <= scale <= SCALES[1]


def _matched(
    features: NDArray[np.uint8], others: NDArray[np.uint8]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which features are each other's nearest, and clearly nearer than the next."""
    if min(len(features), len(others)) < 2:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    closeness = _roots(features) @ _roots(others).T
    order = np.argpartition(closeness, -2, axis=1)[:, -2:]
    rows = np.arange(len(features))
    two = np.take_along_axis(closeness, order, axis=1)
    nearest = order[rows, two.argmax(axis=1)]
    clearly = (2 - 2 * two.max(axis=1)) < _RATIO**2 * (2 - 2 * two.min(axis=1))
    both = closeness.argmax(axis=0)[nearest] == rows
    here = np.flatnonzero(clearly & both)
    return here, nearest[here]


def _roots(features: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return RootSIFT: the square roots of features whose sum is one (Arandjelovic and Zisserman 2012)."""
    values = features.astype(np.float32)
    return np.asarray(np.sqrt(values / np.maximum(values.sum(axis=1, keepdims=True), 1)), np.float32)


def _in_a_mirror(features: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the SIFT features that the mirrored picture has: cells across the main direction and angles turn round."""
    cells = features.reshape(len(features), 4, 4, 8)
    return np.ascontiguousarray(cells[:, ::-1, :, list(_MIRRORED_BINS)]).reshape(len(features), 128)
