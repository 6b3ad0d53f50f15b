"""A whole bracket brought into register with one of its frames."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.alignment.borders import inside_borders
from iea40k.alignment.geometry import Homography, halved, implausible, rounded
from iea40k.alignment.ghosts import moved
from iea40k.alignment.pair import Limits, Registration, register
from iea40k.alignment.structure import View
from iea40k.alignment.warp import warp
from iea40k.arrays import EncodedRGB, check_encoded
from iea40k.errors import AlignmentError

MIDDLE = 110.0
"""The mean code of a frame that clips little at either end."""

WORKING_SIDE = 1024
"""Frames with more pixels on the shorter side are registered at half size, a quarter, ... and warped at their own."""

ANCHORS = 3
"""How many frames are tried as the anchor before a bracket is given up."""


@dataclass(frozen=True)
class Rejection:
    """A frame that was left out: its name, its best score in [0, 1], and why."""

    name: str
    score: float
    reason: str


@dataclass(frozen=True)
class Alignment:
    """The frames of a bracket in the geometry of frame `names[anchor]`.

    - `frames` (E, H, W, 3) uint8, the accepted ones in the given order; `kept` their indices among the given
    - `validity` (E, H, W) bool: False outside the warped frame, in painted borders, and where something moved by itself
    - `moved` (E, H, W) bool: where a frame shows something else than the anchor (see `ghosts`)
    - `homographies` (E, 3, 3) float64: a frame's own pixel coordinates (x, y, 1) -> the anchor's
    - `scores` (E,): share of tiles that agree within a pixel; 1 for the anchor itself
    - `rejected`: the others, with score and reason
    """

    frames: NDArray[np.uint8]
    validity: NDArray[np.bool_]
    moved: NDArray[np.bool_]
    homographies: NDArray[np.float64]
    scores: tuple[float, ...]
    kept: tuple[int, ...]
    rejected: tuple[Rejection, ...]
    anchor: int
    recipe: dict[str, Any]


def align(
    frames: Sequence[EncodedRGB],
    names: Sequence[str],
    *,
    anchor: int | None = None,
    insist: bool = False,
    limits: Limits | None = None,
) -> Alignment:
    """Bring sRGB-encoded (H, W, 3) uint8 frames of one scene into register.

    Frames are registered from the anchor outwards in order of brightness, each to the accepted frame that is most
    like it, and then to the anchor itself where the two share enough. `anchor` is the preferred frame; without
    it, or where nothing lies on it and `insist` is false, the frame nearest to a middling brightness that others lie
    on. A frame whose best warp is implausible or scores too low is rejected, never warped.

    Raises `AlignmentError` for fewer than two frames, frames of different sizes (by name), or where fewer than two
    frames lie on each other.
    """
    limits = limits or Limits()
    _check(frames, names)
    borders = [inside_borders(frame) for frame in frames]
    halvings = max(0, math.ceil(math.log2(min(frames[0].shape[:2]) / WORKING_SIDE)))
    views = [View.of(f, v).halved(halvings) for f, v in zip(frames, borders, strict=True)]
    scene = _Scene(views, _by_brightness(frames), limits)
    chosen, placed, failed = scene.place(anchor, insist)
    rejected = tuple(Rejection(names[i], r.score, r.reason or "") for i, r in sorted(failed.items()))
    if len(placed) < 2:
        raise AlignmentError(
            "no two frames of the bracket lie on each other",
            expected=f"a score of {limits.score:.2f} or more, and a plausible warp",
            got="; ".join(f"{r.name}: {r.score:.2f}, {r.reason}" for r in rejected),
            remedy="leave the scene out, or give only the frames that were taken from one place",
        )
    size = frames[0].shape[1], frames[0].shape[0]
    placed = {
        i: replace(r, homography=rounded(halved(r.homography, -halvings), size)) for i, r in placed.items()
    }
    kept = tuple(sorted(placed))
    pictures, validity = zip(*(warp(frames[i], borders[i], placed[i].homography) for i in kept), strict=True)
    still = kept.index(_stillest(chosen, placed, insist))
    ghosts = np.stack(
        [
            moved(pictures[still], validity[still], picture, valid) if slot != still else np.zeros_like(valid)
            for slot, (picture, valid) in enumerate(zip(pictures, validity, strict=True))
        ]
    )
    return Alignment(
        frames=np.stack(pictures),
        validity=np.stack(validity) & ~ghosts,
        moved=ghosts,
        homographies=np.stack([placed[i].homography for i in kept]),
        scores=tuple(placed[i].score for i in kept),
        kept=kept,
        rejected=rejected,
        anchor=chosen,
        recipe=_recipe(limits, names, chosen, placed, dict(zip(kept, ghosts, strict=True))),
    )


def _stillest(anchor: int, placed: dict[int, Registration], insist: bool) -> int:
    """Return the frame against which it is judged what moved: the anchor.

    A given reference may be edited in places, which looks like movement: there it is the capture that lies on it best.
    """
    captures = [i for i in placed if i != anchor]
    return max(captures, key=lambda i: placed[i].score) if insist and captures else anchor


class _Scene:
    """The views of a bracket, and the pairs registered so far."""

    def __init__(self, views: list[View], order: list[int], limits: Limits) -> None:
        self.views, self.order, self.limits = views, order, limits
        self.pairs: dict[tuple[int, int], Registration] = {}

    def place(
        self, anchor: int | None, insist: bool
    ) -> tuple[int, dict[int, Registration], dict[int, Registration]]:
        """Return the anchor that was taken, the frames placed on it, and the frames that failed."""
        balanced = sorted(self.order, key=lambda i: abs(float(self.views[i].luma.mean()) - MIDDLE))
        anchors = balanced if anchor is None else [anchor, *(i for i in balanced if i != anchor)]
        first = (anchors[0], *self._outwards(anchors[0]))
        if len(first[1]) >= 2 or insist:
            return first
        # Perhaps the anchor itself is the odd one: another is tried where its neighbour lies on it.
        for candidate in anchors[1:ANCHORS]:
            if any(self._pair(candidate, n).reason is None for n in self._beside(candidate, anchors[0])):
                return (candidate, *self._outwards(candidate))
        return first

    def _beside(self, index: int, but: int) -> list[int]:
        """Return the frame that comes nearest in brightness, other than one that is known not to fit."""
        others = [i for i in self.order if i not in (index, but)]
        here = self.order.index(index)
        return sorted(others, key=lambda i: abs(self.order.index(i) - here))[:1]

    def _outwards(self, anchor: int) -> tuple[dict[int, Registration], dict[int, Registration]]:
        placed = {anchor: Registration(np.eye(3), 1.0, 0, 0, 0.0, None)}
        failed: dict[int, Registration] = {}
        here = self.order.index(anchor)
        for side in (self.order[here + 1 :], self.order[:here][::-1]):
            nearest = [anchor]
            for index in side:
                found = self._put(index, anchor, nearest[:2], placed)
                if found.reason is None:
                    placed[index] = found
                    nearest.insert(0, index)
                else:
                    failed[index] = found
        return placed, failed

    def _put(
        self, index: int, anchor: int, neighbours: list[int], placed: dict[int, Registration]
    ) -> Registration:
        """Return the verdict on a frame: on the anchor itself where both share enough, else by way of a neighbour."""
        best: Registration | None = None
        if neighbours[0] != anchor:
            # Two frames of one hand lie near each other, so that the neighbour's place is a good guess.
            best = register(
                self.views[anchor],
                self.views[index],
                self.limits,
                start=placed[neighbours[0]].homography,
            )
        for neighbour in neighbours:
            if best is not None and best.reason is None:
                break
            pair = self._pair(neighbour, index)
            if pair.reason is None:
                return self._carried(index, anchor, placed[neighbour].homography @ pair.homography, pair)
            if best is None or pair.score > best.score:
                best = pair
        assert best is not None  # the anchor is always a neighbour
        return best

    def _carried(self, index: int, anchor: int, homography: Homography, pair: Registration) -> Registration:
        """Return the verdict on a frame placed by way of a neighbour, measured on the anchor where that is possible."""
        fixed, moving = self.views[anchor], self.views[index]
        if np.array_equal(homography, pair.homography):  # the neighbour is the anchor, or lies on it as it is
            return pair
        direct = register(fixed, moving, self.limits, start=homography)
        if direct.reason is None and direct.votes >= 0.5 * pair.votes:
            return direct
        reason = implausible(homography, fixed.size, self.limits.bounds)
        return Registration(homography, pair.score, pair.votes, pair.tiles, pair.residual, reason)

    def _pair(self, fixed: int, moving: int) -> Registration:
        known = self.pairs.get((moving, fixed))
        if known is not None and known.reason is not None:
            return known  # what does not lie on the one, the one does not lie on either
        if (fixed, moving) not in self.pairs:
            self.pairs[fixed, moving] = register(self.views[fixed], self.views[moving], self.limits)
        return self.pairs[fixed, moving]


def _check(frames: Sequence[EncodedRGB], names: Sequence[str]) -> None:
    if len(frames) < 2:
        raise AlignmentError("a bracket has two frames or more", expected="at least 2", got=str(len(frames)))
    for frame, name in zip(frames, names, strict=True):
        check_encoded(frame, name)
    refuse_mixed_sizes([(f.shape[1], f.shape[0]) for f in frames], names)


def refuse_mixed_sizes(sizes: Sequence[tuple[int, int]], names: Sequence[str]) -> None:
    """Raise `AlignmentError` that names every frame whose (width, height) is not the most common one."""
    common = max(sizes, key=list(sizes).count)
    odd = [f"{name} is {w}x{h}" for name, (w, h) in zip(names, sizes, strict=True) if (w, h) != common]
    if odd:
        raise AlignmentError(
            "the frames of a bracket have different sizes",
            expected=f"{common[0]}x{common[1]} (width x height), as most of them",
            got=", ".join(odd),
            remedy="take these frames out of the scene, or export all of them at one size",
        )


def _by_brightness(frames: Sequence[EncodedRGB]) -> list[int]:
    return [int(i) for i in np.argsort([float(f.mean()) for f in frames], kind="stable")]


def _recipe(
    limits: Limits,
    names: Sequence[str],
    anchor: int,
    placed: dict[int, Registration],
    ghosts: dict[int, NDArray[np.bool_]],
) -> dict[str, Any]:
    return {
        "method": "tile votes on exposure-free structure, by slopes",
        "anchor": names[anchor],
        "limits": {
            "score": limits.score,
            "static": limits.static,
            "close": limits.close,
            "clear": limits.clear,
            "still": limits.still,
            "least_votes": limits.least_votes,
            "bounds": vars(limits.bounds),
        },
        "frames": {
            names[i]: {
                "score": round(r.score, 4),
                "votes": r.votes,
                "moved_share": round(float(ghosts[i].mean()), 5),
                "residual_px": round(r.residual, 3) if np.isfinite(r.residual) else None,
                "homography": [[float(v) for v in row] for row in r.homography],
            }
            for i, r in sorted(placed.items())
        },
    }
