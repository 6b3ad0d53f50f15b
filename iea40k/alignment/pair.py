"""One frame registered to another: guesses, refinement from coarse to fine, and a verdict."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.alignment.fit import AGREES, fit
from iea40k.alignment.flow import nudge
from iea40k.alignment.geometry import Bounds, Homography, distance, halved, implausible, move, normal
from iea40k.alignment.proposals import feature_proposal, shift_proposal
from iea40k.alignment.structure import Pyramid, Structure, View, common_light
from iea40k.alignment.tiles import Tiles, measure
from iea40k.alignment.warp import warp_mask, warp_signal

WIDE, NEAR, FAR = 12, 6, 32
"""Pixels within which tiles are looked for: at the coarsest level; at full size, where their slopes do not settle it;
and where a tile has no match nearby."""

MOST_TILES = 800
"""Tiles overlap by half, unless there would be more of them than this: time and memory stay bounded."""

MOST_DOUBTFUL, MOST_LOST = 64, 24
"""How many of the tiles that do not agree are looked for, near and far; the others count as these do."""

HOPELESS = 0.2
"""Share of clear tiles that must follow a level's motion for the next finer level to be worth its time."""

FOUND = 0.35
"""Share of agreeing tiles above which a motion is the right one, whether it suffices or not: no other guess is made."""

TIGHT = 1.5
"""Pixels beyond which, in the second look, a tile has a motion of its own."""

CLEARLY = 0.05
"""Share of tiles by which a second look must be better than the first."""

TOGETHER, MANY = 0.35, 0.3
"""Pixels of the half-sized pictures within which tiles follow one motion, and the share of tiles that must, for a
second look to be worth its time. Where a part moved by itself, half of them do; in a parallax, a sixth."""

LOOSE = 0.3
"""Pixels, in the median, from which tiles that agree do so loosely: those of a scene that stands still mostly lie
within less. A motion bent between a scene and its clouds may leave every tile within a pixel, and none where it is."""

SETTLED = 0.1
"""A step of refinement that moves no corner by more than this many pixels is the last."""


@dataclass(frozen=True)
class Limits:
    """What is asked of an alignment before it is believed."""

    bounds: Bounds = field(default_factory=Bounds)
    score: float = 0.85
    static: float = 0.5
    """Least share of tiles that must agree where those that do agree closely: the others show what moved by itself,
    a cloud or a person. A parallax is another thing: it leaves the agreeing tiles scattered too."""
    close: float = 0.4
    """Most pixels, in the median, by which tiles that agree closely may differ."""
    clear: float = 0.4
    least_votes: int = 8
    still: float = 0.35
    """A motion that moves no corner by more than this many pixels is left undone: resampling would cost more."""


@dataclass(frozen=True)
class Registration:
    """How one frame lies on another.

    `homography` maps the moving frame's pixels to the fixed frame's. `score` in [0, 1] is the share of voting
    tiles that agree with it within a pixel; unrelated pictures score about 0.05. `residual` is the median distance of
    the agreeing votes in pixels, `close` the share of tiles that lie within `Limits.close`. `reason` says why it is not
    to be believed, None where it is.
    """

    homography: Homography
    score: float
    votes: int
    tiles: int
    residual: float
    reason: str | None
    close: float = 0.0


@dataclass(frozen=True)
class Left:
    """What is left of N tiles' displacements: `centres` (N, 2), `lengths` (N,) in pixels, correlation `peaks` (N,)."""

    centres: NDArray[np.float64]
    lengths: NDArray[np.float64]
    peaks: NDArray[np.float64]


def register(fixed: View, moving: View, limits: Limits, start: Homography | None = None) -> Registration:
    """Register `moving` to `fixed` and return the best verdict.

    Every guess is followed from coarse to fine until one is judged good enough; `start`, if given, is the only guess.
    """
    light, other_light = common_light(fixed, moving)
    both = Pyramid(fixed, light), Pyramid(moving, other_light)
    best: Registration | None = None
    for guess in _guesses(*both) if start is None else (start,):
        if guess is None or (start is None and implausible(guess, fixed.size, limits.bounds)):
            continue
        found = _followed(*both, guess, limits)
        if best is None or _rank(found) > _rank(best):
            best = found
        if best.reason is None or best.score > FOUND:
            break
    assert best is not None  # the identity or `start` is always a guess
    if best.score > HOPELESS and (best.score < limits.score or best.residual > LOOSE):
        again = _of_the_most(*both, best.homography, limits)
        if again is not None and _is_better(again, best):
            best = again
    return best


def _is_better(again: Registration, first: Registration) -> bool:
    """Return whether a second look is clearly better: more tiles agree, or more of them closely, and it is believed."""
    if again.score > first.score + CLEARLY:
        return True
    return again.reason is None and again.close > first.close + CLEARLY


def _of_the_most(fixed: Pyramid, moving: Pyramid, guess: Homography, limits: Limits) -> Registration | None:
    """Return the verdict on the motion of most tiles, where a guess lies between two: a scene and its clouds, say.

    Least squares settle in the middle of two motions that are not far apart; consensus (RANSAC) takes the larger one.
    """
    level = min(1, len(fixed) - 1)
    there = halved(guess, level)
    cell = _cell(fixed[level])
    votes = search(fixed[level], moving[level], there, WIDE, step=2 * cell)
    clear = votes.peaks >= limits.clear
    if clear.sum() < limits.least_votes:
        return None
    here = votes.centres[clear]
    source = move(np.asarray(np.linalg.inv(there), np.float64), here + votes.shifts[clear])
    start = _followed_by_many(source, here)
    if start is None:
        return None
    start = halved(start, -level)
    return judge(fixed, moving, *_settled(fixed, moving, start, 0, TIGHT), limits)


def _followed_by_many(source: NDArray[np.float64], target: NDArray[np.float64]) -> Homography | None:
    """Return the simplest motion of points (N, 2) that `MANY` follow, None where they follow none.

    What a hand does is near a similarity. A homography would bend to carry clouds that slid a little too.
    """
    for estimate in (cv2.estimateAffinePartial2D, cv2.estimateAffine2D):
        # OpenCV's own generator is seeded anew at each call, so that this is the same on every run.
        found, follow = estimate(source, target, method=cv2.RANSAC, ransacReprojThreshold=TOGETHER)
        if found is not None and follow.mean() >= MANY:
            return normal(np.vstack((found, (0, 0, 1))))
    return None


def _followed(fixed: Pyramid, moving: Pyramid, guess: Homography, limits: Limits) -> Registration:
    """Return the verdict on a guess after refinement; where hardly any tile follows the coarsest motion, on that."""
    coarsest = len(fixed) - 1
    found = guess
    for radius in (WIDE, NEAR):
        votes = search(fixed[coarsest], moving[coarsest], halved(found, coarsest), radius)
        motion = fit(votes, fixed[coarsest].size)
        found = normal(halved(motion.homography, -coarsest) @ found)
        if distance(motion.homography, np.eye(3), fixed[coarsest].size) < AGREES:
            break
    clear = votes.peaks >= limits.clear
    count, following = int(clear.sum()), int(((motion.left <= AGREES) & clear).sum())
    if following < HOPELESS * count or count < 4:
        return _verdict(found, following / max(count, 1), count, len(votes), float("nan"), limits)
    return judge(fixed, moving, *_settled(fixed, moving, found, coarsest - 1), limits)


def _settled(
    fixed: Pyramid, moving: Pyramid, guess: Homography, from_level: int, width: float | None = None
) -> tuple[Homography, Left | None]:
    """Return a guess refined by the tiles' slopes down to full size, and how the tiles lie there, if that is known."""
    found = guess
    for level in range(max(from_level, 0), -1, -1):
        for _ in range(2 if level else 4):
            votes, own = _of_all_levels(fixed, moving, found, level)
            motion = fit(votes, fixed[level].size, width)
            step = distance(motion.homography, np.eye(3), fixed[level].size)
            found = normal(halved(motion.homography, -level) @ found)
            if step <= SETTLED:
                if level == 0:
                    return found, Left(votes.centres[:own], motion.left[:own], votes.peaks[:own])
                break
            if (
                int((motion.left[:own] <= AGREES).sum()) < HOPELESS * own
            ):  # a level may have no tiles of its own
                return found, None
    return found, None


def _of_all_levels(fixed: Pyramid, moving: Pyramid, homography: Homography, level: int) -> tuple[Tiles, int]:
    """Return the tiles' votes at one level and all coarser ones, in that level's pixels, and how many are its own.

    What is out of focus has structure at coarse levels alone; without them the far corners would be guessed.
    """
    votes = [slopes(fixed[at], moving[at], halved(homography, at)) for at in range(level, len(fixed))]
    scaled = [v.doubled(times) for times, v in enumerate(votes)]
    return Tiles.joined(scaled), len(votes[0])


def search(
    fixed: Structure, moving: Structure, homography: Homography, radius: int, step: int | None = None
) -> Tiles:
    """Return the tiles' votes, by correlation within `radius` pixels, on what motion is left after `homography`."""
    cell = _cell(fixed)
    return measure(fixed, _carried(moving, homography), size=2 * cell, step=step or cell, radius=radius)


def slopes(fixed: Structure, moving: Structure, homography: Homography) -> Tiles:
    """Return the tiles' votes, by their slopes, on what little motion is left after `homography`."""
    return nudge(fixed, _carried(moving, homography), _cell(fixed))


def _carried(moving: Structure, homography: Homography) -> Structure:
    return Structure(warp_signal(moving.signal, homography), warp_mask(moving.known, homography, moving.size))


def _cell(structure: Structure) -> int:
    width, height = structure.size
    return max(16 if min(width, height) < 256 else 24, round(math.sqrt(width * height / MOST_TILES)))


def judge(
    fixed: Pyramid, moving: Pyramid, homography: Homography, left: Left | None, limits: Limits
) -> Registration:
    """Return the verdict on a homography: its score by the tiles, and the reason against it if there is one.

    `left` is how the tiles lie at full size after `homography`, where that is known already.
    """
    size = fixed[0].size
    unmoved: Homography = np.eye(3)
    if distance(homography, unmoved, size) <= limits.still and not np.array_equal(homography, unmoved):
        homography, left = unmoved, None
    reason = implausible(homography, size, limits.bounds)
    if reason is not None:
        return Registration(homography, 0.0, 0, 0, float("nan"), reason)
    carried = _carried(moving[0], homography)
    cell = _cell(fixed[0])
    if left is None:
        votes = nudge(fixed[0], carried, cell)
        left = Left(votes.centres, votes.lengths, votes.peaks)
    agreeing = (left.lengths <= AGREES) & (left.peaks >= limits.clear)
    agreed, strayed = _looked_for(fixed[0], carried, left.centres[~agreeing], 2 * cell, limits)
    count = round(agreeing.sum() + agreed + strayed)
    score = float((agreeing.sum() + agreed) / count) if count else 0.0
    residual = float(np.median(left.lengths[agreeing])) if agreeing.any() else float("nan")
    found = _verdict(homography, score, count, len(agreeing), residual, limits)
    close = float((agreeing & (left.lengths <= limits.close)).sum())
    return replace(found, close=close / max(count, 1))


def _verdict(
    homography: Homography, score: float, count: int, tiles: int, residual: float, limits: Limits
) -> Registration:
    reason = None
    if count < limits.least_votes:
        reason = f"only {count} tiles match clearly, of {limits.least_votes} needed"
    elif score < limits.static:
        reason = (
            f"only {score:.0%} of {count} tiles agree within {AGREES:g} px, of {limits.static:.0%} needed"
        )
    elif score < limits.score and residual > limits.close:
        reason = (
            f"only {score:.0%} of {count} tiles agree within {AGREES:g} px, of {limits.score:.0%} needed "
            f"where they differ by {residual:.1f} px"
        )
    return Registration(homography, min(score, 1.0), count, tiles, residual, reason)


def _looked_for(
    fixed: Structure, carried: Structure, centres: NDArray[np.float64], size: int, limits: Limits
) -> tuple[float, float]:
    """Return how many of the tiles at `centres` agree after all, and how many lie elsewhere.

    The latter show a parallax, or a thing that moved. Of many tiles some are looked for, and stand for the rest.
    """
    near, each = _some(centres, MOST_DOUBTFUL)
    if not len(near):
        return 0.0, 0.0
    votes = measure(fixed, carried, size=size, step=size, radius=NEAR, only=near)
    clear = votes.peaks >= limits.clear
    agreed = each * float((clear & (votes.lengths <= AGREES)).sum())
    strayed = each * float((clear & (votes.lengths > AGREES)).sum())
    lost, each_lost = _some(votes.centres[~clear], MOST_LOST)
    if len(lost):
        far = measure(fixed, carried, size=size, step=size, radius=FAR, only=lost)
        # The best of 4,225 shifts by chance is higher than the best of 169.
        found = (far.peaks >= limits.clear + 0.2) & (far.lengths > AGREES)
        strayed += each * each_lost * float(found.sum())
    return agreed, strayed


def _some(centres: NDArray[np.float64], most: int) -> tuple[NDArray[np.float64], float]:
    """Return at most so many of the tiles, evenly spread, and how many of the given each stands for."""
    if len(centres) <= most:
        return centres, 1.0
    chosen = np.linspace(0, len(centres) - 1, most).round().astype(np.int64)
    return centres[chosen], len(centres) / most


def _guesses(fixed: Pyramid, moving: Pyramid) -> Iterator[Homography | None]:
    yield np.eye(3)
    yield shift_proposal(fixed, moving)
    yield feature_proposal(fixed, moving)


def _rank(found: Registration) -> tuple[bool, float]:
    return found.reason is None, found.score
