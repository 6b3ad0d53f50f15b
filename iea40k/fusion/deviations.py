"""How far a reference could have come out otherwise: standard deviations of its luma, per pixel.

**Experts** differ in exposure, in contrast around zone V, and in how hard they bring a large range into the
picture. The reference is rendered again with each of these a step to either side; how far the renderings lie
from it is what another expert might have made of the same light. The steps are one standard deviation each of
what FiveK's experts do.

**Frames** do not tell the light exactly: their EVs are wrong in proportion (a wrong response scales all steps
alike) and each by itself, they disagree where something moved, and where none of them shows it the light is
anything beyond the bound.
"""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LUMA_WEIGHTS, EncodedRGB
from iea40k.fusion.curve import Curve, brightness
from iea40k.fusion.fusing import Fusion
from iea40k.fusion.placing import MIDDLE, adjustment
from iea40k.uncertainty import NORMAL

EXPOSURE = 0.6
"""Stops to either side: how far FiveK's experts vary around their mean exposure."""

CONTRAST = 1.25
"""Factor on zones to either side: how far their contrasts vary."""

ENDS = 0.5
"""Stops to either side by which the ends of the range may be compressed otherwise."""

EACH_EV = 0.05
"""Stops by which a frame's own EV is wrong: nominal exposure times and apertures are rounded to that."""

_UNIFORM = 12**-0.5
_STEP = 0.25
_LUMA = np.array([LUMA_WEIGHTS], np.float32)

Map = NDArray[np.float32]


def admissible_sd(fusion: Fusion) -> Map:
    """Return the standard deviation of what experts would make of a fusion's light: (H, W) in [0, 1]."""
    low, high = fusion.placing.ends
    ends = [
        adjustment(fusion.found, replace(fusion.placing, ends=(low - step, high + step)))
        for step in (-ENDS, ENDS)
    ]
    sides = [*_taste(fusion.light.stops, fusion.moved, fusion.curve), _side(fusion, ends[0], ends[1])]
    return np.where(fusion.covered, _root_of_squares(sides), 0).astype(np.float32)


def rendering_sd(picture: EncodedRGB) -> Map:
    """Return the same for a finished picture (H, W, 3), a retouch by one expert, say."""
    curve = Curve()
    still = np.zeros(picture.shape[:2], np.float32)
    return _root_of_squares(_taste(curve.light(picture), still, curve))


def ev_sd(fusion: Fusion, relative_error: float) -> Map:
    """Return what wrong EVs do to a fusion, their steps being wrong by `relative_error` as a share.

    A pixel that was told by frames of another EV than the meaningful area's comes out that much brighter or darker.
    """
    weight = fusion.found.meaning
    middle = float((fusion.light.mean_ev * weight).sum() / max(float(weight.sum()), 1e-9))
    stops = np.hypot(np.abs(fusion.light.mean_ev - np.float32(middle)) * np.float32(relative_error), EACH_EV)
    sd: Map = _per_stop(fusion) * stops.astype(np.float32)
    return sd


def disagreement_sd(fusion: Fusion) -> Map:
    """Return what the frames' disagreement on the light does to a fusion."""
    stops = cv2.blur(fusion.light.disagreement, (3, 3)) * np.float32(NORMAL)
    sd: Map = _per_stop(fusion) * stops
    return sd


def unshown_sd(fusion: Fusion) -> Map:
    """Return the standard deviation where no frame shows the light: anything up to white, or down to black."""
    luma = _luma(fusion.light.stops, fusion.moved, fusion.curve)
    room = np.where(fusion.light.too_bright, 1 - luma, np.where(fusion.light.too_dark, luma, 0))
    return np.where(fusion.covered, room * np.float32(_UNIFORM), 0).astype(np.float32)


def _taste(stops: Map, moved: Map, curve: Curve) -> list[Map]:
    zones = brightness(stops) + moved - np.float32(MIDDLE)
    middle = _luma(stops, moved, curve)
    sides = []
    for one, other in (
        (moved - np.float32(EXPOSURE), moved + np.float32(EXPOSURE)),
        (moved + zones * np.float32(CONTRAST - 1), moved + zones * np.float32(1 / CONTRAST - 1)),
    ):
        sides.append(_apart(_luma(stops, one, curve), _luma(stops, other, curve), middle))
    return sides


def _side(fusion: Fusion, one: Map, other: Map) -> Map:
    stops, curve = fusion.light.stops, fusion.curve
    return _apart(_luma(stops, one, curve), _luma(stops, other, curve), _luma(stops, fusion.moved, curve))


def _apart(one: Map, other: Map, middle: Map) -> Map:
    """Return the mean distance of two renderings, either side of one choice, from what was chosen."""
    apart: Map = (np.abs(one - middle) + np.abs(other - middle)) / 2
    return apart


def _root_of_squares(sides: list[Map]) -> Map:
    root: Map = np.sqrt(np.sum(np.square(sides), axis=0, dtype=np.float32))
    return root


def _per_stop(fusion: Fusion) -> Map:
    """Return by how much a pixel's luma changes a stop of its light."""
    lumas = [
        _luma(fusion.light.stops, fusion.moved + np.float32(step), fusion.curve) for step in (-_STEP, _STEP)
    ]
    per_stop: Map = np.abs(lumas[1] - lumas[0]) / np.float32(2 * _STEP)
    return np.where(fusion.covered, per_stop, 0).astype(np.float32)


def _luma(stops: Map, moved: Map, curve: Curve) -> Map:
    picture = curve.render(stops + moved[..., None])
    luma: Map = cv2.transform(picture, _LUMA).reshape(moved.shape) / np.float32(255)
    return luma
