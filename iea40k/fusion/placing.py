"""Where the light of a scene falls on the zones of its reference: one exposure, and compression only where it must be.

1. **Base.** Large areas of one brightness, parted at strong edges (guided filter: He, Sun, Tang, PAMI 2013). All that
   follows moves whole areas; what lies within one keeps its contrast.
2. **Range.** The darkest and the brightest hundredth of the meaningful area are brought to `LOW` and `HIGH`
zones around
   zone V where they lie beyond; between knees nothing is compressed, and a scene that fits is exposed and no more.
3. **Anchor.** The exposure `k`, in stops: the one at which the picture's mean brightness (of the meaningful
area) and its
   white point lie nearest to where experts put them, and near to the photograph as it was shot, where that is known.

The meaningful area has texture: an empty night sky or a blown window counts little, so that it neither
brightens the picture nor is pulled to grey.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LUMA_WEIGHTS
from iea40k.colour import srgb_stops
from iea40k.fusion.curve import Curve, Floats

MIDDLE = float(np.log2(0.18))
"""Zone V in stops over display white."""

LOW, HIGH = -4.2, 1.9
"""Stops from zone V to which the ends of the meaningful range are compressed: black with a trace of texture, and
white with texture (display white is at +2.47)."""

EMPTY = 0.15
"""What a pixel of an area without any texture counts, one of a textured area being 1."""

FULL_TEXTURE = 0.3
"""Texture, root mean square in stops, from which an area counts fully."""

ENDS = (0.01, 0.99)
_RADIUS, _EDGE = 1 / 6, 0.35  # of the shorter side; stops squared
_THUMB = 96
_REACH, _COARSE, _FINE = 8.0, 0.1, 0.02
_LEAST_KNEE = 0.6
_LUMA = np.array(LUMA_WEIGHTS, np.float32)


@dataclass(frozen=True)
class Habits:
    """Where experts put the 98th percentile (stops over zone V) and the mean luma of the meaningful area, and the
    standard deviations of both between scenes."""

    white: float
    white_spread: float
    mean: float
    mean_spread: float


EXPERTS = Habits(white=1.5, white_spread=0.5, mean=0.42, mean_spread=0.11)
"""Twelve retouches of FiveK's expert C; 244 finished photographs vary alike."""


@dataclass(frozen=True)
class AsShot:
    """What is known of the exposure that was meant: `stops` over EV 0 that an expert adds on average, and
    their standard deviation."""

    stops: float
    spread: float


METERED = AsShot(0.0, 0.5)
"""EV 0 was metered, and rendered by a camera or a converter with a tone curve."""

UNTONED = AsShot(0.8, 0.7)
"""EV 0 was metered and rendered without a tone curve: FiveK's experts add 0.8 stops (twelve photographs)."""

MIDDLE_OF_BRACKET = AsShot(0.0, 3.0)
"""EV 0 is the middle of a bracket, and nobody says that it was metered: it decides between equals, and no more."""


@dataclass(frozen=True)
class Placing:
    """Where a scene's light falls.

    `exposure` is k in stops over EV 0; `ends` are the darkest and brightest hundredth of the meaningful area
    in stops from zone V after k and before compression; `mean_luma` in [0, 1] and `white_zone` (stops from
    zone V) are what was reached; `cost` how far that is from experts' habits, in squared standard deviations.
    """

    exposure: float
    ends: tuple[float, float]
    mean_luma: float
    white_zone: float
    cost: float


@dataclass(frozen=True)
class Areas:
    """`base` (H, W): brightness of whole areas in stops from zone V at EV 0; `meaning` (H, W): weight in [0, 1]."""

    base: NDArray[np.float32]
    meaning: NDArray[np.float32]


def areas(brightness: NDArray[np.float32], covered: NDArray[np.bool_]) -> Areas:
    """Return the areas of a scene of `brightness` (H, W) in stops over display white."""
    side = min(brightness.shape)
    zones = brightness - np.float32(MIDDLE)
    base = _guided(zones, max(2, int(side * _RADIUS)))
    detail = zones - cv2.GaussianBlur(zones, (0, 0), max(side / 128, 0.5))
    texture = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), max(side / 32, 1.0)))
    meaning = EMPTY + (1 - EMPTY) * np.minimum(texture / FULL_TEXTURE, 1)
    return Areas(base, np.where(covered, meaning, 0).astype(np.float32))


def anchor(
    stops: NDArray[np.float32], found: Areas, curve: Curve, as_shot: AsShot | None, habits: Habits = EXPERTS
) -> Placing:
    """Return the exposure of light (H, W, 3) in stops that fits best, in steps of 0.02 stops."""
    light = _thumbnail(stops).reshape(-1, 3)
    base, meaning = _thumbnail(found.base).ravel(), _thumbnail(found.meaning).ravel()
    if not meaning.sum() > 0:
        return Placing(0.0, (0.0, 0.0), 0.0, 0.0, 0.0)
    ends = weighted_quantiles(base, meaning, ENDS)

    def at(k: float) -> Placing:
        moved = (ends[0] + k, ends[1] + k)
        picture = curve.render(light + (compressed(base + np.float32(k), moved) - base)[:, None])
        luma = picture @ _LUMA / np.float32(255)
        # sRGB's curve whatever the camera's: it is the picture that is looked at.
        white = weighted_quantiles(_ZONES[np.rint(luma * 255).astype(np.intp)], meaning, (0.98,))[0]
        mean = float((luma * meaning).sum() / meaning.sum())
        cost = ((white - habits.white) / habits.white_spread) ** 2 + (
            (mean - habits.mean) / habits.mean_spread
        ) ** 2
        if as_shot is not None:
            cost += ((k - as_shot.stops) / as_shot.spread) ** 2
        return Placing(round(k, 2), moved, mean, white, float(cost))

    coarse = min((at(float(k)) for k in np.arange(-_REACH, _REACH + _COARSE / 2, _COARSE)), key=_by_cost)
    near = np.arange(-5, 6) * _FINE + coarse.exposure
    return min((at(float(k)) for k in near), key=_by_cost)


def adjustment(found: Areas, placing: Placing) -> NDArray[np.float32]:
    """Return the stops to add to each pixel's light: the exposure, and the compression of its area."""
    moved: NDArray[np.float32] = (
        compressed(found.base + np.float32(placing.exposure), placing.ends) - found.base
    )
    return moved


def compressed(zones: NDArray[np.float32], ends: tuple[float, float]) -> NDArray[np.float32]:
    """Return zones (stops from zone V) with `ends` brought to `LOW` and `HIGH` where they lie beyond."""
    bright = _half(np.maximum(zones, 0), ends[1], HIGH)
    dark = _half(np.maximum(-zones, 0), -ends[0], -LOW)
    return (bright - dark).astype(np.float32)


def weighted_quantiles(values: Floats, weights: Floats, shares: tuple[float, ...]) -> tuple[float, ...]:
    """Return the values below which these shares of the weight lie."""
    order = np.argsort(values, kind="stable")
    heaped = np.cumsum(weights[order], dtype=np.float64)
    places = [min(int(np.searchsorted(heaped, share * heaped[-1])), len(values) - 1) for share in shares]
    return tuple(float(values[order][place]) for place in places)


def _half(distance: NDArray[np.float32], end: float, room: float) -> NDArray[np.float32]:
    """Return distances from zone V, with slope 1 up to a knee, that reach `room` at `end`; more room needs no knee."""
    if end <= room:
        return distance
    knee = room - min(max(end - room, _LEAST_KNEE), room)
    ratio = (end - knee) / (room - knee)
    beyond = np.maximum(distance - np.float32(knee), 0)
    bent = knee + beyond / (1 + beyond * np.float32((ratio - 1) / (end - knee)))
    return np.where(distance > knee, bent, distance).astype(np.float32)


def _guided(zones: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        size = (2 * radius + 1, 2 * radius + 1)
        result: NDArray[np.float32] = cv2.blur(values, size, borderType=cv2.BORDER_REFLECT)
        return result.reshape(values.shape)

    middle = mean(zones)
    variance: NDArray[np.float32] = np.maximum(mean(zones * zones) - middle * middle, 0)
    slope = variance / (variance + np.float32(_EDGE))
    return mean(slope) * zones + mean((middle * (1 - slope)).astype(np.float32))


def _thumbnail(values: NDArray[np.float32]) -> NDArray[np.float32]:
    scale = min(1.0, _THUMB / min(values.shape[:2]))
    size = (max(1, round(values.shape[1] * scale)), max(1, round(values.shape[0] * scale)))
    small: NDArray[np.float32] = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    return small


def _by_cost(placing: Placing) -> tuple[float, float]:
    return placing.cost, abs(placing.exposure)


_ZONES = (srgb_stops() - MIDDLE).astype(np.float32)
"""Stops from zone V of each luma code, by sRGB's curve."""
