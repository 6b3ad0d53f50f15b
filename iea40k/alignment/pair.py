"""One frame registered to another: guesses, refinement from coarse to fine, and a verdict."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from iea40k.alignment.fit import AGREES, fit
from iea40k.alignment.geometry import Bounds, Homography, distance, halved, implausible, normal
from iea40k.alignment.proposals import feature_proposal, shift_proposal
from iea40k.alignment.structure import Structure, View, common_light, pyramid
from iea40k.alignment.tiles import Tiles, measure
from iea40k.alignment.warp import warp_mask, warp_signal

Pyramid = tuple[Structure, ...]

FAR = 32
"""Pixels within which a tile that has no match nearby is looked for."""

MOST_TILES = 800
"""Tiles overlap by half, unless there would be more of them than this: time and memory stay bounded."""

HOPELESS = 0.15
"""Share of tiles that must follow a level's motion for the next finer level to be worth its time."""

SURE_SCORE = 0.9
"""A registration that scores more needs no second guess."""


@dataclass(frozen=True)
class Limits:
    """What is asked of an alignment before it is believed."""

    bounds: Bounds = field(default_factory=Bounds)
    score: float = 0.75
    clear: float = 0.4
    least_votes: int = 8
    still: float = 0.35
    """A motion that moves no corner by more than this many pixels is left undone: resampling would cost more."""


@dataclass(frozen=True)
class Registration:
    """How one frame lies on another.

    `homography` maps the moving frame's pixels to the fixed frame's. `score` in [0, 1] is the share of voting
    tiles that agree with it within a pixel; unrelated pictures score about 0.05. `residual` is the median
    distance of the agreeing votes in pixels. `reason` says why it is not to be believed, None where it is.
    """

    homography: Homography
    score: float
    votes: int
    tiles: int
    residual: float
    reason: str | None


def register(fixed: View, moving: View, limits: Limits, start: Homography | None = None) -> Registration:
    """Register `moving` to `fixed`, from `start` if given and else from every guess; return the best verdict."""
    both = _pyramids(fixed, moving)
    best: Registration | None = None
    for guess in _guesses(*both, start):
        if guess is None or (start is None and implausible(guess, fixed.size, limits.bounds)):
            continue
        found = judge(*both, refine(*both, guess), limits)
        if best is None or _rank(found) > _rank(best):
            best = found
        if best.reason is None and best.score > SURE_SCORE:
            break
    assert best is not None  # the identity or `start` is always a guess
    return best


def _pyramids(fixed: View, moving: View) -> tuple[Pyramid, Pyramid]:
    first, second = common_light(fixed, moving)
    return pyramid(first), pyramid(second)


def refine(fixed: Pyramid, moving: Pyramid, guess: Homography) -> Homography:
    """Return the guess refined by tile votes from the coarsest level to full size, or to where it proves hopeless."""
    found = guess
    for level in reversed(range(len(fixed))):
        followers = 1.0
        for _ in range(2 if level else 3):
            votes = vote(fixed[level], moving[level], halved(found, level), radius=6)
            if len(votes) < 2:
                break
            motion = fit(votes, _size(fixed[level]))
            found = normal(halved(motion.homography, -level) @ found)
            followers = float(np.mean(motion.weights > 1e-6))
            if motion.kind == "none":
                break
        if followers < HOPELESS:
            break
    return found


def vote(
    fixed: Structure,
    moving: Structure,
    homography: Homography,
    radius: int,
    only: NDArray[np.float64] | None = None,
) -> Tiles:
    """Return the tiles' votes on what motion is left after `homography`, both at the same level.

    `only`, (N, 2), restricts them to the tiles with these centres.
    """
    size = (fixed.signal.shape[1], fixed.signal.shape[0])
    carried = Structure(warp_signal(moving.signal, homography), warp_mask(moving.known, homography, size))
    tile = 32 if min(size) < 256 else 48
    step = max(tile // 2, round((size[0] * size[1] / MOST_TILES) ** 0.5))
    return measure(fixed, carried, size=tile, step=step, radius=radius, only=only)


def judge(fixed: Pyramid, moving: Pyramid, homography: Homography, limits: Limits) -> Registration:
    """Return the verdict on a homography: its score by the tiles, and the reason against it if there is one."""
    size = (fixed[0].signal.shape[1], fixed[0].signal.shape[0])
    unmoved: Homography = np.eye(3)
    if distance(homography, unmoved, size) <= limits.still:
        homography = unmoved
    reason = implausible(homography, size, limits.bounds)
    if reason is not None:
        return Registration(homography, 0.0, 0, 0, float("nan"), reason)
    votes = vote(fixed[0], moving[0], homography, radius=6)
    lengths = votes.lengths
    clear = votes.peaks >= limits.clear
    agreeing = (lengths <= AGREES) & clear
    count = int(clear.sum())
    if agreeing.sum() >= limits.score * count:  # those that strayed could only lower the score
        count += _strayed(fixed[0], moving[0], homography, votes.centres[~clear], limits)
    score = float(agreeing.sum() / count) if count else 0.0
    residual = float(np.median(lengths[agreeing])) if agreeing.any() else float("nan")
    if count < limits.least_votes:
        reason = f"only {count} tiles match clearly, of {limits.least_votes} needed"
    elif score < limits.score:
        reason = f"only {score:.0%} of {count} tiles agree within {AGREES:g} px, of {limits.score:.0%} needed"
    return Registration(homography, score, count, len(votes), residual, reason)


def _strayed(
    fixed: Structure, moving: Structure, homography: Homography, centres: NDArray[np.float64], limits: Limits
) -> int:
    """Return how many tiles without a clear match nearby have one further away: parallax, or a thing that moved."""
    if not len(centres):
        return 0
    votes = vote(fixed, moving, homography, radius=FAR, only=centres)
    # The best of 4,225 shifts by chance is higher than the best of 169.
    return int(((votes.peaks >= limits.clear + 0.2) & (votes.lengths > AGREES)).sum())


def _guesses(fixed: Pyramid, moving: Pyramid, start: Homography | None) -> Iterator[Homography | None]:
    if start is not None:
        yield start
        return
    yield np.eye(3)
    for level in range(min(1, len(fixed) - 1), -1, -1):
        yield feature_proposal(fixed, moving, level)
    yield shift_proposal(fixed, moving)


def _size(structure: Structure) -> tuple[int, int]:
    return structure.signal.shape[1], structure.signal.shape[0]


def _rank(found: Registration) -> tuple[bool, float]:
    return found.reason is None, found.score
