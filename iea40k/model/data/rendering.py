"""Captures that a finished photograph could have come from: randomly exposed, lit, coloured and recorded.

The photograph is the reference. Light is made of it, and everything that its finishing may have done is taken back by
chance: contrast and a curve's shoulder, local dodging, saturation, white balance. Then a camera of chance records the
light: exposure, flare, noise, its own curve, 8 bits, JPEG. A share of the pictures is exposed plainly instead, by the
ladder that releases are made with. The label belongs to what is shown: luma(reference) - luma(capture).
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB
from iea40k.colour import srgb_curve, srgb_inverse
from iea40k.tone import contrast_curve

_STEPS = 4096
"""Entries of the tables over the square root of light, a unit."""

Floats = NDArray[np.float32]
Kind = Literal["plain", "dull", "captured"]

_WHOLE = np.arange(-4, 5)
_WHOLE_SHARES = np.array([3, 1, 3, 1, 5, 1, 3, 1, 3]) / 21


@dataclass(frozen=True)
class Rendering:
    """How pictures are rendered; everything is drawn for each picture.

    - `stops`: exposures are uniform between -stops and +stops, except those of dull pictures
    - `plain`: share of pictures that are exposed by the plain ladder
    - `whole`: share of those that are exposed by whole stops from -4 to +4, as the ladder of a release is
    - `dull`: share that is rendered as a converter does before anybody has touched it: flat, a little dark, pale
    - `captured_stops`: by how much real captures are made brighter or darker, at most
    """

    stops: float = 5.0
    plain: float = 0.25
    whole: float = 0.0
    dull: float = 0.3
    captured_stops: float = 0.7


def draw_kind(random: Generator, how: Rendering) -> Kind:
    """Return how the next picture is rendered."""
    kind = random.uniform()
    if kind < how.plain:
        return "plain"
    return "dull" if kind < how.plain + how.dull else "captured"


def render(reference: EncodedRGB, random: Generator, how: Rendering, kind: Kind | None = None) -> EncodedRGB:
    """Return a capture (H, W, 3) uint8 of a finished picture (H, W, 3) uint8, both sRGB-encoded.

    `kind` is drawn where it is not given.
    """
    kind = kind or draw_kind(random, how)
    if kind == "plain":
        return _exposed(_light(reference), _plain_stops(random, how), 1.0)
    if kind == "dull":
        return _dull(reference, random)
    light = _unfinished(reference, random)
    light = _relit(light, random) if random.uniform() < 0.5 else light
    gains = np.exp2(_stops(random, how) + random.normal(0, 0.15, 3)).astype(np.float32)
    light = light * gains + np.float32(0.004 * random.uniform() ** 3)
    return _recorded(light, random)


def vary_captured(capture: EncodedRGB, random: Generator, how: Rendering) -> EncodedRGB:
    """Return a real capture (H, W, 3) uint8 as it would be a little brighter or darker, of another camera or colour.

    Nothing is invented: where it has clipped it stays clipped.
    """
    if random.uniform() < 0.3:
        return capture
    gains = np.exp2(random.uniform(-how.captured_stops, how.captured_stops) + random.normal(0, 0.1, 3))
    return _recorded(_light(capture) * gains.astype(np.float32), random)


def _plain_stops(random: Generator, how: Rendering) -> float:
    """Return stops of the plain ladder; of whole ones the even are drawn more often, and zero most often."""
    if how.whole == 0 or random.uniform() >= how.whole:
        return _stops(random, how)
    return float(random.choice(_WHOLE, p=_WHOLE_SHARES))


def _stops(random: Generator, how: Rendering) -> float:
    """Return stops: uniform mostly, and near zero in a third of the pictures, where most photographs are."""
    if random.uniform() < 1 / 3:
        return float(np.clip(random.normal(0, 0.8), -how.stops, how.stops))
    return float(random.uniform(-how.stops, how.stops))


def _dull(reference: EncodedRGB, random: Generator) -> EncodedRGB:
    """Return the picture as a converter with all its sliders at zero shows it."""
    light = _unfinished(reference, random, flat=True)
    light = _local(light, random.uniform(-0.1, 0.5))
    gains = np.exp2(random.normal(-0.8, 0.8) + random.normal(0, 0.12, 3))
    return _exposed(light * gains.astype(np.float32), 0.0, 1.0)


def _unfinished(reference: EncodedRGB, random: Generator, flat: bool = False) -> Floats:
    """Return light whose contrast, highlights and saturation a finishing may have made into the reference's."""
    contrast = float(np.exp2(random.uniform(-0.8, 0.05) if flat else random.uniform(-0.7, 0.4)))
    shoulder = 0.95 * random.uniform() ** 1.5 if random.uniform() < 0.6 else 0.0
    codes = np.arange(256) / 255
    light = srgb_inverse(contrast_curve(codes, contrast))
    light = light * (1 - shoulder * 0.5) / (1 - shoulder * light)
    table = light.astype(np.float32)
    picture: Floats = np.take(table, reference)
    share = np.float32(random.uniform(0.5, 1.1) if flat else random.uniform(0.4, 1.3))
    grey = picture.mean(2, keepdims=True)
    coloured: Floats = np.maximum(grey + share * (picture - grey), 0)
    return coloured


def _relit(light: Floats, random: Generator) -> Floats:
    """Return light under uneven lighting: more contrast between large areas, and a slope or a spot of light."""
    light = _local(light, random.uniform(-0.2, 0.9))
    height, width = light.shape[:2]
    row, column = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
    angle = random.uniform(0, 2 * np.pi)
    if random.uniform() < 0.5:
        field = random.uniform(0, 1.2) * (np.cos(angle) * row + np.sin(angle) * column)
    else:
        distance = (row - random.uniform(-1, 1)) ** 2 + (column - random.uniform(-1, 1)) ** 2
        field = random.uniform(-1.5, 1.5) * np.exp(-distance / random.uniform(0.1, 1.0))
    relit: Floats = light * np.exp2(field - field.mean())[..., None].astype(np.float32)
    return relit


def _local(light: Floats, strength: float) -> Floats:
    """Return light whose large areas differ by (1 + strength) times the stops that they differed by."""
    stops = np.log2(light.mean(2) + np.float32(1e-3))
    base = cv2.GaussianBlur(stops, (0, 0), max(stops.shape) / 12)
    local: Floats = light * np.exp2(np.float32(strength) * (base - base.mean()))[..., None]
    return local


def _recorded(light: Floats, random: Generator) -> EncodedRGB:
    """Return what a camera records of light: noise, its curve, 8 bits, perhaps a JPEG."""
    if random.uniform() < 0.4:
        shot, read = 0.03 * random.uniform() ** 2, 0.004 * random.uniform() ** 2
        sigma = np.sqrt(shot**2 * np.maximum(light, 0) + read**2)
        light = (light + sigma * random.standard_normal(light.shape, np.float32)).astype(np.float32)
    contrast = float(np.exp2(random.normal(0, 0.2)))
    picture = _exposed(light, 0.0, contrast)
    if random.uniform() < 0.4:
        quality = int(random.integers(35, 98))
        _, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        picture = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return picture


def _exposed(light: Floats, stops: float, contrast: float) -> EncodedRGB:
    """Return `S_c(encode(light * 2**stops))` rounded to 8 bits."""
    table = np.rint(contrast_curve(_encoded(), contrast) * 255).astype(np.uint8)
    place = cv2.sqrt(np.clip(light * np.float32(2.0**stops), 0, 1)) * np.float32(_STEPS)
    codes: EncodedRGB = np.take(table, (place + np.float32(0.5)).astype(np.int32))
    return codes


@cache
def _encoded() -> NDArray[np.float64]:
    return srgb_curve((np.arange(_STEPS + 1) / _STEPS) ** 2)


@cache
def _decoding() -> Floats:
    return srgb_inverse(np.arange(256) / 255).astype(np.float32)


def _light(picture: EncodedRGB) -> Floats:
    light: Floats = np.take(_decoding(), picture)
    return light
