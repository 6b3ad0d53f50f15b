"""Stops between aligned frames, estimated from their pixels where nothing else states them.

Two frames tell the ratio of their exposures only up to the exponent of the response that made their codes
(Grossberg and Nayar, "What can be known about the radiometric response from images?", ECCV 2002). sRGB's own curve,
or a plain gamma, overstates the steps of a camera's JPEGs by a third to a half, since cameras add contrast. So
the response is sought in a family of two numbers around sRGB:

    log2 light(code) = log2 sRGB^-1(code) + toe * TOE(code) + shoulder * SHOULDER(code)

`toe` is 0 for frames that were exposed in linear light and encoded as sRGB, and about 1 for cameras' own JPEGs, whose
measured departure from sRGB is `TOE`. A pair of frames has the same step at every brightness; the member of the family
under which that is most nearly so, weighed with what is usual, gives the steps.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Validity
from iea40k.colour import srgb_stops
from iea40k.errors import BadInputError

Floats = NDArray[np.floating[Any]]

TOE_CODES = (0, 3, 5, 8, 12, 16, 20, 25, 30, 37, 45, 52, 60, 70, 80, 90, 100, 115, 130, 150, 255)
TOE_STOPS = (
    *(
        2.5,
        2.40,
        2.32,
        2.20,
        2.05,
        1.92,
        1.80,
        1.65,
        1.52,
        1.35,
        1.17,
        1.02,
        0.85,
        0.67,
        0.51,
        0.37,
        0.26,
        0.13,
        0.05,
    ),
    *(0.0, 0.0),
)
"""Stops by which dark codes of a camera's JPEG hold more light than sRGB says. The mean of four brackets of three
makes whose exposure times are known; leaving a camera out changes no value by more than 0.05."""

MODES = (0.0, 1.0)
"""The toe of linear light encoded as sRGB, and of cameras' JPEGs."""

TOE_SD, SHOULDER, SHOULDER_SD = 0.2, 0.35, 0.3
WEIGHT = 3.0
"""How many independent observations the frames count as against what is usual."""

LOW, HIGH = 12.0, 235.0
"""Codes between which a value is believed in both frames."""

PEDESTAL, MARGIN = 20.0, 12.0
"""Film base, flare or a lifted black hold the darkest frame's shadows at one code. Up to `PEDESTAL` it is taken for
such, and codes less than `MARGIN` above it are not believed: on a pedestal, ratios of light show too small."""

LEAST_POINTS = 12
"""Fewest codes of the darker frame with a well exposed counterpart in the brighter."""

RELATIVE_ERROR = 0.06
"""Typical error of an estimated step, as a share of it; see docs/brackets.md."""

SURE_MARGIN, UNSURE_ERROR = 1.0, 0.35
"""Below this margin the other kind of response is nearly as likely, and the steps may be off by a third."""

CLEAR_MARGIN, LINEAR_DEVIATION, LINEAR_SHOULDER, DOUBTFUL_ERROR = 4.0, 0.05, 0.4, 0.20
"""A curve of another family may be mistaken for one of ours. Steps are believed only with this margin and,
where the frames seem linear light encoded as sRGB, with so small a deviation and shoulder: planted filmic cameras
pass for such, and overstate their steps by up to a half."""


@dataclass(frozen=True)
class Response:
    """A member of the family: `toe`, `shoulder`, and the mean absolute `deviation` (stops) that it leaves in the steps.

    `margin` says how much likelier it is than the best member of the other kind, as a natural logarithm.
    """

    toe: float
    shoulder: float
    deviation: float = math.nan
    margin: float = math.nan

    def log_light(self) -> Floats:
        """Return log2 of the light behind each code 0 ... 255, in stops below display white."""
        stops: Floats = _SRGB_STOPS + self.toe * _TOE + self.shoulder * _SHOULDER
        return stops


@dataclass(frozen=True)
class Points:
    """A comparagram's spine: codes of the darker frame, of the brighter, and the weight of each pair."""

    darker: Floats
    brighter: Floats
    weight: Floats


USUAL = Response(1.0, SHOULDER)
"""A camera's usual JPEG."""


def estimate_evs(
    frames: Sequence[EncodedRGB] | NDArray[np.uint8],
    validity: Sequence[Validity] | NDArray[np.bool_],
    camera: Response | None = None,
) -> tuple[tuple[float, ...], dict[str, Any]]:
    """Return each aligned frame's EV minus the darkest frame's, and the recipe.

    Frames (H, W, 3) uint8, sRGB-encoded or a camera's JPEG. `camera` is the response where several brackets of
    the camera told it; else it is sought. Raises `BadInputError` where two frames that follow each
    other in brightness share too few well exposed pixels.
    """
    order = np.argsort([_mean(f, v) for f, v in zip(frames, validity, strict=True)])
    lowest = _lowest(frames[order[0]][validity[order[0]]])
    spines = [spine(frames[a], frames[b], validity[a] & validity[b], lowest) for a, b in pairwise(order)]
    if camera is None:
        response, steps = fit_response(spines)
    else:
        deviation, steps = _steps(camera.log_light(), spines, None)
        response = replace(camera, deviation=deviation)
    evs = np.zeros(len(frames))
    evs[order[1:]] = np.cumsum(steps)
    return tuple(float(ev) for ev in evs), {
        "method": "one step at every brightness, response family around sRGB",
        "response_of": "this bracket" if camera is None else "the camera's brackets",
        **_numbers(response),
        "relative_error": RELATIVE_ERROR if camera is not None else _relative_error(response),
        "kind": "linear light encoded as sRGB" if response.toe < 0.5 else "a camera's own rendering",
        "margin": round(response.margin, 2) if math.isfinite(response.margin) else 0.0,
        "lowest_code": round(lowest, 1),
    }


def fit_known(
    frames: Sequence[EncodedRGB] | NDArray[np.uint8],
    validity: Sequence[Validity] | NDArray[np.bool_],
    evs: Sequence[float],
) -> tuple[Response, dict[str, Any]]:
    """Return the response under which aligned frames lie their known `evs` apart, and the recipe.

    Where no two neighbours share enough well exposed pixels it is that of a camera's usual JPEG.
    """
    found = spines_of(frames, validity, evs)
    if not found:
        return USUAL, {"method": "a camera's usual response: no two frames share enough", **_numbers(USUAL)}
    response, _ = fit_response([points for points, _ in found], [step for _, step in found])
    return response, {"method": "response family around sRGB, known steps", **_numbers(response)}


def spines_of(
    frames: Sequence[EncodedRGB] | NDArray[np.uint8],
    validity: Sequence[Validity] | NDArray[np.bool_],
    evs: Sequence[float] | None,
) -> list[tuple[Points, float | None]]:
    """Return the spine of each two neighbours in brightness that share enough, and their step where `evs` are known."""
    lights = [_mean(f, v) for f, v in zip(frames, validity, strict=True)] if evs is None else list(evs)
    order = [int(i) for i in np.argsort(lights, kind="stable")]
    found: list[tuple[Points, float | None]] = []
    for a, b in pairwise(order):
        try:
            points = spine(frames[a], frames[b], validity[a] & validity[b])
        except BadInputError:
            continue
        found.append((points, None if evs is None else float(evs[b] - evs[a])))
    return found


def spine(darker: EncodedRGB, brighter: EncodedRGB, valid: Validity, lowest: float = 12.0) -> Points:
    """Return the medians of both frames' joint histogram, along either axis, all channels together.

    Codes below `lowest` or above `HIGH` are not believed. Raises `BadInputError` where too few codes are well
    exposed in both.
    """
    found: list[tuple[Floats, Floats, Floats]] = []
    for channel in range(3):
        pairs = darker[..., channel][valid].astype(np.int64) * 256 + brighter[..., channel][valid]
        counts = np.bincount(pairs, minlength=65536).reshape(256, 256)
        codes, middles, weight = _medians(counts)
        found.append((codes, middles, weight))
        codes, middles, weight = _medians(counts.T)
        found.append((middles, codes, weight))
    x, y, weight = (np.concatenate(part) for part in zip(*found, strict=True))
    good = (x >= lowest) & (x <= HIGH) & (y >= lowest) & (y <= HIGH)
    if np.unique(np.rint(x[good])).size < LEAST_POINTS:
        raise BadInputError(
            "the stops between two frames cannot be estimated",
            expected=f"{LEAST_POINTS} brightnesses that are well exposed in both",
            got=str(np.unique(np.rint(x[good])).size),
            remedy="give the EVs in a table (column 'evs' of the manifest)",
        )
    return Points(x[good], y[good], np.sqrt(np.minimum(weight[good], 2000)))


def fit_response(
    spines: Sequence[Points], known: Sequence[float | None] | None = None
) -> tuple[Response, tuple[float, ...]]:
    """Return the response under which each pair's step is most nearly one number, and the steps in stops.

    With `known` steps, the response under which they are most nearly those; None of them is not known.
    """
    best: dict[float, tuple[float, Response, tuple[float, ...]]] = {}
    for toe in np.arange(-0.3, 1.6, 0.1):
        for shoulder in np.arange(-0.1, 1.0, 0.15):
            response = Response(round(float(toe), 2), round(float(shoulder), 2))
            deviation, steps = _steps(response.log_light(), spines, known)
            mode = min(MODES, key=lambda m: abs(m - toe))
            surprise = ((toe - mode) / TOE_SD) ** 2 + ((shoulder - SHOULDER) / SHOULDER_SD) ** 2
            cost = WEIGHT * math.log(max(deviation, 1e-3)) + surprise / 2
            if mode not in best or cost < best[mode][0]:
                best[mode] = cost, replace(response, deviation=deviation), steps
    first, second = sorted(best.values(), key=lambda found: found[0])
    return replace(first[1], margin=second[0] - first[0]), first[2]


def _mean(frame: EncodedRGB, valid: Validity) -> float:
    return float(frame[valid].mean()) if valid.any() else 0.0


def _relative_error(found: Response) -> float:
    linear = found.toe < 0.5
    fits = not linear or (found.deviation < LINEAR_DEVIATION and found.shoulder <= LINEAR_SHOULDER)
    if found.margin >= CLEAR_MARGIN and fits:
        return RELATIVE_ERROR
    return DOUBTFUL_ERROR if found.margin >= SURE_MARGIN and fits else UNSURE_ERROR


def _numbers(response: Response) -> dict[str, float]:
    return {
        "toe": round(response.toe, 3),
        "shoulder": round(response.shoulder, 3),
        "spread_stops": round(response.deviation, 3) if math.isfinite(response.deviation) else 0.0,
    }


def _lowest(darkest: NDArray[np.uint8]) -> float:
    """Return the lowest code that is believed, given the darkest frame's valid pixels (N, 3)."""
    floor = float(np.quantile(darkest.max(axis=1), 0.02)) if len(darkest) else 0.0
    return max(LOW, floor + MARGIN) if floor <= PEDESTAL else LOW


def _steps(
    log_light: Floats, spines: Sequence[Points], known: Sequence[float | None] | None
) -> tuple[float, tuple[float, ...]]:
    """Return the mean absolute deviation from the pairs' median steps, or the known ones, and those."""
    codes = np.arange(256)
    slope = np.abs(np.gradient(log_light))
    steps, deviation, total = [], 0.0, 0.0
    for index, points in enumerate(spines):
        light = [np.interp(c, codes, log_light) for c in (points.darker, points.brighter)]
        # One code's error is many hundredths of a stop in the shadows and few in the lights.
        blur = np.hypot(np.interp(points.darker, codes, slope), np.interp(points.brighter, codes, slope))
        weight = points.weight / np.hypot(blur, 0.05)
        apart = light[1] - light[0]
        given = None if known is None else known[index]
        step = _weighted_median(apart, weight) if given is None else given
        steps.append(step)
        deviation += float(weight @ np.minimum(np.abs(apart - step), 1))
        total += float(weight.sum())
    return deviation / total, tuple(steps)


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values, kind="stable")
    heaped = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(heaped, heaped[-1] / 2)])


def _medians(counts: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Return each row that holds enough pixels, the median column of it, and its pixels."""
    rows = counts.sum(axis=1)
    kept = np.flatnonzero(rows >= max(8.0, 5e-5 * float(rows.sum())))
    heaped = counts[kept].cumsum(axis=1)
    half = rows[kept, None] / 2
    column = (heaped < half).argmin(axis=1)
    each = np.arange(len(kept))
    below = np.where(column > 0, heaped[each, np.maximum(column - 1, 0)], 0)
    inside = np.maximum(counts[kept, column], 1)
    # Pixels of one code are spread evenly over it, so that medians do not stick to whole codes.
    middle = column - 0.5 + (half[:, 0] - below) / inside
    return kept.astype(np.float64), middle, rows[kept].astype(np.float64)


_SRGB_STOPS = srgb_stops()
_TOE: Floats = np.interp(np.arange(256), TOE_CODES, TOE_STOPS)
_SHOULDER: Floats = np.maximum((np.arange(256) - 150) / 100, 0) ** 2
