"""A retouch brought onto the grid of the rendering it belongs to, or refused.

Converters crop a sensor's borders differently: a DNG and its retouch differ by a few pixels, by scale, or by quarter
turns. The quarter turn that agrees best is undone, an affine map is found by maximising the correlation of structure
(ECC, Evangelidis and Psarakis, PAMI 2008; blind to gain and offset, so tone does not count), and a common rectangle is
cropped. What would need more than a few percent of movement is no version of the same picture and is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LUMA_WEIGHTS, LinearRGB
from iea40k.colour import srgb_curve
from iea40k.errors import AlignmentError

SCORE = 0.6
"""Least correlation of structure; the retouches of FiveK reach 0.94 and more, other photographs 0.1."""

MOVEMENT = 0.04
"""Most movement of a corner, and most crop a side, as a share of the shorter side."""

STILL = 0.25
"""Movement in pixels below which nothing is resampled: interpolation would blur more than it mends. Tone alone moves
the estimate by up to 0.14 pixels."""

_SMALL = 96
_TURN_GAIN = 0.15


@dataclass(frozen=True)
class Registration:
    """Where a retouch lies: `matrix` (2, 3) maps pixels of the rendering to pixels of the retouch after `turns`.

    `turns` counts quarter turns counter-clockwise that the retouch needs; `score` is the correlation of structure in
    [-1, 1]; `movement` is the largest movement of a corner in pixels, scale to the rendering's size included.
    """

    turns: int
    matrix: NDArray[np.float64]
    score: float
    movement: float

    def recipe(self) -> dict[str, Any]:
        """Return the registration as it is recorded with the scene."""
        return {
            "turns": self.turns,
            "matrix": [[round(float(v), 5) for v in row] for row in self.matrix],
            "score": round(self.score, 3),
            "movement": round(self.movement, 3),
            "resampled": bool(not self.still),
        }

    @property
    def still(self) -> bool:
        """Whether the retouch fits as it is, without resampling."""
        return self.movement < STILL


@dataclass(frozen=True)
class Crop:
    """The rectangle of the rendering in which every picture has data, in pixels."""

    left: int
    top: int
    width: int
    height: int

    def of(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return that part of a picture (H, W, ...)."""
        cut = pixels[self.top : self.top + self.height, self.left : self.left + self.width]
        return np.ascontiguousarray(cut)


def register(rendering: LinearRGB, retouch: LinearRGB) -> Registration:
    """Return where a retouch (h, w, 3) lies on a rendering (H, W, 3), both linear light.

    Raises `AlignmentError` where their structures do not agree, or agree only after too much movement.
    """
    target = _structure(rendering)
    turns = _quarter_turns(rendering, retouch)
    turned = np.rot90(retouch, turns)
    shapes = (rendering.shape[1] / rendering.shape[0], turned.shape[1] / turned.shape[0])
    if max(shapes) > min(shapes) * (1 + MOVEMENT):
        raise _refused(
            f"one shape of frame, within {MOVEMENT:.0%}", f"{_size(rendering)} against {_size(turned)}"
        )
    source = _structure(turned)
    scale = np.diag([source.shape[1] / target.shape[1], source.shape[0] / target.shape[0], 1.0])[:2]
    # Pixel centres: without the half pixels a change of size would count as a movement.
    scale[:, 2] = (np.array([scale[0, 0], scale[1, 1]]) - 1) / 2
    guess = scale.astype(np.float32)
    try:
        score, found = cv2.findTransformECC(
            target,
            source,
            guess.copy(),
            cv2.MOTION_AFFINE,
            (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-5),
            None,
            5,
        )
    except cv2.error as error:
        raise _refused("no position was found", "the search for agreeing structure failed") from error
    matrix = np.asarray(found, np.float64)
    movement = _movement(matrix, scale, target.shape)
    if turned.shape == rendering.shape and movement < STILL:
        matrix = np.array([[1.0, 0, 0], [0, 1, 0]])
    elif movement < STILL:
        movement = STILL  # another size: it is resampled however well it fits
    limit = MOVEMENT * min(target.shape)
    if score < SCORE or movement > limit:
        raise _refused(
            f"structures agree by {SCORE} or more, within {limit:.1f} pixels of movement",
            f"agreement {score:.2f} at {movement:.1f} pixels; {_size(rendering)} against {_size(retouch)}",
        )
    return Registration(turns, matrix, float(score), movement)


def bring(
    retouch: LinearRGB, registration: Registration, size: tuple[int, int]
) -> tuple[LinearRGB, NDArray[np.bool_]]:
    """Return the retouch on the rendering's grid of `size` (height, width), and where it has data (H, W).

    Resampled in linear light, bicubic, after a slight area reduction where the retouch is the larger one; light that
    the overshoot of the cubic would make negative is 0.
    """
    turned: LinearRGB = np.ascontiguousarray(np.rot90(retouch, registration.turns))
    if registration.still:
        return turned, np.ones(size, np.bool_)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    moved: LinearRGB = cv2.warpAffine(
        turned, registration.matrix, size[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    height, width = turned.shape[:2]
    x, y = np.meshgrid(np.arange(size[1]), np.arange(size[0]))
    (a, b, c), (d, e, f) = registration.matrix
    u, v = a * x + b * y + c, d * x + e * y + f
    inside = (u >= -STILL) & (v >= -STILL) & (u <= width - 1 + STILL) & (v <= height - 1 + STILL)
    return np.maximum(moved, 0), inside


def common_crop(valid: Sequence[NDArray[np.bool_]]) -> Crop:
    """Return the rectangle left when whole border rows and columns without data go, the emptiest first.

    Raises `AlignmentError` where more than a few percent of a side would go.
    """
    everywhere = np.logical_and.reduce(valid)
    top, left, (bottom, right) = 0, 0, everywhere.shape
    while True:
        part = everywhere[top:bottom, left:right]
        if part.size == 0 or part.all():
            break
        sides = [part[0].mean(), part[-1].mean(), part[:, 0].mean(), part[:, -1].mean()]
        worst = int(np.argmin(sides))
        if sides[worst] == 1:
            break  # a hole inside: no border to blame
        top, bottom = top + (worst == 0), bottom - (worst == 1)
        left, right = left + (worst == 2), right - (worst == 3)
    limit = MOVEMENT * min(everywhere.shape)
    height, width = everywhere.shape
    if max(top, left, height - bottom, width - right) > limit or not everywhere[top:bottom, left:right].all():
        raise _refused(
            f"a common part, less than {limit:.1f} pixels a side cropped", f"{right - left}x{bottom - top}"
        )
    return Crop(left, top, right - left, bottom - top)


def reconcile(
    rendering: LinearRGB, retouches: Mapping[str, LinearRGB]
) -> tuple[LinearRGB, dict[str, LinearRGB], dict[str, Any]]:
    """Return the rendering and its retouches on one grid, cropped to where all have data; and the recipe.

    A retouch that does not fit is left out and named under "refused"; raises `AlignmentError` when none fits.
    """
    size = rendering.shape[:2]
    placed: dict[str, tuple[LinearRGB, NDArray[np.bool_]]] = {}
    recipe: dict[str, Any] = {"registration": {}, "refused": {}}
    for name, retouch in retouches.items():
        try:
            where = register(rendering, retouch)
        except AlignmentError as error:
            recipe["refused"][name] = str(error.got)
            continue
        placed[name] = bring(retouch, where, (size[0], size[1]))
        recipe["registration"][name] = where.recipe()
    if not placed:
        raise AlignmentError(
            "no retouch fits the photograph it is said to belong to",
            expected="the same picture, up to quarter turns and a few pixels",
            got="; ".join(f"{name or 'the retouch'}: {why}" for name, why in recipe["refused"].items()),
            remedy="check that the files in this row are of one photograph",
        )
    crop = common_crop([valid for _, valid in placed.values()])
    recipe["crop"] = [crop.left, crop.top, crop.width, crop.height]
    return crop.of(rendering), {name: crop.of(pixels) for name, (pixels, _) in placed.items()}, recipe


def _structure(light: LinearRGB) -> NDArray[np.float32]:
    """Return luma with its local mean and contrast taken out, so that tone curves hardly show."""
    luma = _encoded_luma(light)
    radius = max(min(luma.shape) // 24, 3) * 2 + 1
    mean = cv2.blur(luma, (radius, radius))
    spread = np.sqrt(np.maximum(cv2.blur(luma * luma, (radius, radius)) - mean * mean, 0))
    # Flat parts hold noise alone: they are not amplified to the strength of edges.
    structure: NDArray[np.float32] = ((luma - mean) / (spread + np.float32(0.02))).astype(np.float32)
    return structure


def _encoded_luma(light: LinearRGB) -> NDArray[np.float32]:
    weighted = light @ np.array(LUMA_WEIGHTS, np.float32)
    return srgb_curve(np.minimum(weighted, 1)).astype(np.float32)


def _quarter_turns(rendering: LinearRGB, retouch: LinearRGB) -> int:
    """Return the turns that agree best; none unless another agrees clearly better."""
    small = _thumbnail(rendering)
    scores = [float((small * _thumbnail(np.rot90(retouch, turns))).mean()) for turns in range(4)]
    best = int(np.argmax(scores))
    return best if scores[best] > scores[0] + _TURN_GAIN else 0


def _thumbnail(light: LinearRGB) -> NDArray[np.float32]:
    luma = cv2.resize(
        _encoded_luma(np.ascontiguousarray(light)), (_SMALL, _SMALL), interpolation=cv2.INTER_AREA
    )
    flat: NDArray[np.float32] = (luma - luma.mean()) / (luma.std() + np.float32(1e-6))
    return flat


def _movement(matrix: NDArray[np.float64], scale: NDArray[np.float64], shape: tuple[int, ...]) -> float:
    height, width = shape
    corners = np.array(
        [[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1]], np.float64
    )
    moved = (corners @ (matrix - scale).T) / np.array([scale[0, 0], scale[1, 1]])
    return float(np.hypot(moved[:, 0], moved[:, 1]).max())


def _size(pixels: NDArray[Any]) -> str:
    return f"{pixels.shape[1]}x{pixels.shape[0]}"


def _refused(expected: str, got: str) -> AlignmentError:
    return AlignmentError(
        "the retouch does not fit the photograph",
        expected=expected,
        got=got,
        remedy="check that both files are of one photograph, and that the retouch is not a crop of it",
    )
