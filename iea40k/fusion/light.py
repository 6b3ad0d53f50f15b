"""The light of a scene, merged from the frames of a bracket.

Each frame tells the light of a pixel as its code's light less its EV. Frames are believed where they are neither
near white nor near black, and count the more the nearer to the middle of their codes they show a pixel. That is wide:
several frames share a place, so that leaves in the wind, noise and rounding average out instead of being those of one.

Where every frame is white the darkest one sets a lower bound; where every frame is black, the brightest an upper one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LUMA_WEIGHTS, EncodedRGB, Validity
from iea40k.fusion.curve import Curve

WHITE_KNEE, WHITE_END = 0.90, 0.98
"""Shares of the white level between which a pixel's brightest channel loses all trust."""

BLACK_END, BLACK_KNEE = 4.0, 24.0
"""Codes between which a pixel's brightest channel gains full trust."""

MIDDLE_CODE, WELL_EXPOSED = 127.5, 76.0
"""The luma, in codes, at which a frame counts most, and how far from it it counts by a factor exp(-1/2) less."""

DIM = 60.0
"""Code of the brightest channel from which a frame counts fully, where others show the pixel brighter: below it a
code is a large step of light, and flare, a film's base or a lifted black say more than the scene."""

LEAST_TRUST = 1e-2
"""Below it no frame shows the pixel: its light is a bound."""

_RANK_STEP, _RANKS = (
    3,
    8,
)  # powers of ten between the least bad frames: the darkest speaks for what is white in all
_ILL_EXPOSED = 1e-4
_LEAST_DIM = 1e-2
_LUMA = np.array([LUMA_WEIGHTS], np.float32)


@dataclass(frozen=True)
class Light:
    """The light of a scene at EV 0, in stops over display white.

    - `stops` (H, W, 3) float32
    - `mean_ev` (H, W) float32: the mean EV of the frames that told it, each weighted as it counted
    - `disagreement` (H, W) float32: how far the frames' lights lie apart, mean absolute deviation in stops; 0 where one
      frame alone tells
    - `too_bright`, `too_dark` (H, W) bool: no frame shows the pixel, `stops` is a lower or an upper bound
    """

    stops: NDArray[np.float32]
    mean_ev: NDArray[np.float32]
    disagreement: NDArray[np.float32]
    too_bright: Validity
    too_dark: Validity


def merge(
    frames: Sequence[EncodedRGB] | NDArray[np.uint8],
    weights: Sequence[NDArray[np.float32]],
    evs: Sequence[float],
    curve: Curve,
    *,
    white: float = 255.0,
) -> Light:
    """Merge aligned (H, W, 3) uint8 frames at `evs` stops; `weights` holds an (H, W) mask a frame, 0 where it
    has no data.

    `white` is the camera's white level in codes. Pixels without any weight have no meaning.
    """
    shape = frames[0].shape
    total, apart_all = np.zeros(shape[:2], np.float32), np.zeros(shape[:2], np.float32)
    stops, mean_ev = np.zeros(shape, np.float32), np.zeros(shape[:2], np.float32)
    below, above = np.zeros(shape[:2], np.float32), np.zeros(shape[:2], np.float32)
    order = [int(i) for i in np.argsort(evs, kind="stable")]
    counted = []
    for rank, index in enumerate(order):
        frame = frames[index]
        high, low = _trust(frame, white)
        np.maximum(below, np.where(weights[index] > 0, high, 0), out=below)
        np.maximum(above, np.where(weights[index] > 0, low, 0), out=above)
        high = np.maximum(high, np.float32(10.0 ** (-_RANK_STEP * min(rank + 1, _RANKS))))
        low = np.maximum(low, np.float32(10.0 ** (-_RANK_STEP * min(len(order) - rank, _RANKS))))
        weight = weights[index] * high * low * _worth(frame)
        counted.append(weight)
        stops += (curve.light(frame) - np.float32(evs[index])) * weight[..., None]
        mean_ev += weight * np.float32(evs[index])
        total += weight
    total = np.maximum(total, np.float32(1e-34))
    stops /= total[..., None]
    for weight, index in zip(counted, order, strict=True):
        apart = np.abs(cv2.transform(curve.light(frames[index]) - np.float32(evs[index]) - stops, _LUMA))
        apart_all += weight * apart.reshape(shape[:2])
    mean_ev /= total
    apart_all /= total
    return Light(stops, mean_ev, apart_all, below < LEAST_TRUST, above < LEAST_TRUST)


def evidence(frame: EncodedRGB, weight: NDArray[np.float32], white: float = 255.0) -> NDArray[np.float32]:
    """Return (H, W) float32: how much a frame counts at each pixel, beside others that show it. `weight`: its mask."""
    high, low = _trust(frame, white)
    counts: NDArray[np.float32] = weight * high * low * _worth(frame)
    return counts


def _trust(frame: EncodedRGB, white: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return how far a frame's pixels are from white and from black, each 0 ... 1."""
    brightest = cv2.max(cv2.max(frame[..., 0], frame[..., 1]), frame[..., 2])
    codes = np.arange(256, dtype=np.float32)
    high = 1 - _smooth(codes, WHITE_KNEE * white, WHITE_END * white)
    low = _smooth(codes, BLACK_END, BLACK_KNEE)
    return high[brightest], low[brightest]


def _worth(frame: EncodedRGB) -> NDArray[np.float32]:
    luma = cv2.transform(frame.astype(np.float32), _LUMA).reshape(frame.shape[:2])
    apart = np.square((luma - np.float32(MIDDLE_CODE)) / np.float32(WELL_EXPOSED))
    brightest = cv2.max(cv2.max(frame[..., 0], frame[..., 1]), frame[..., 2])
    dim = np.maximum(_smooth(np.arange(256, dtype=np.float32), BLACK_END, DIM), np.float32(_LEAST_DIM))
    worth: NDArray[np.float32] = (np.exp(apart * np.float32(-0.5)) + np.float32(_ILL_EXPOSED)) * dim[
        brightest
    ]
    return worth


def _smooth(values: NDArray[np.float32], start: float, end: float) -> NDArray[np.float32]:
    share = np.clip((values - np.float32(start)) / np.float32(end - start), 0, 1)
    smooth: NDArray[np.float32] = share * share * (3 - 2 * share)
    return smooth
