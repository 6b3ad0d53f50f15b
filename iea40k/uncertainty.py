"""How sure a label is: a standard deviation of the residual's luma, per pixel, of several parts.

The question that it answers: where would the label of another expert lie, had the frames been perfect? With 90
% chance within `BAND_90` standard deviations of this one. Parts are taken as independent: their squares add.

On disk a code a pixel, uint8: `sd = 2 ** ((code - 252) / 24)`, so that 252 is 1 and a step is 3 %, which is
finer than any of the parts is known; code 0 is 0.0007 and less (a fifth of an 8-bit step), 255 is unknown.
Unknown is never 0: that would be certain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import Luma
from iea40k.errors import ArrayError
from iea40k.scene import NO_UNCERTAINTY, UNCERTAINTY_SCALE

Floats = NDArray[np.floating[Any]]

PARTS: Mapping[str, str] = {
    "ev": "the frames' EVs and their response",
    "registration": "the frames' places",
    "clipping": "light that no frame shows",
    "fusion": "other admissible fusions, and frames that disagree",
    "experts": "other experts' retouches",
    "placement": "the retouch's place on the photograph",
}
"""The parts, in the order in which tables name them, and what each is about."""

BAND_90 = 1.645
"""Standard deviations to either side that hold 90 % of the errors."""

NORMAL = 1.2533
"""Standard deviations a mean absolute deviation, of a normal distribution."""

UNKNOWN = 255
ONE, OCTAVE = 252, 24
_PATCH = 7


@dataclass(frozen=True)
class Uncertainty:
    """The uncertainty of a scene's labels: `codes` (E, H, W) uint8, and each part's root mean square an exposure.

    A part that a scene does not have (a fusion has no placement) is not among `parts`.
    """

    codes: NDArray[np.uint8]
    parts: Mapping[str, tuple[float, ...]]


def codes_of(sd: Floats) -> NDArray[np.uint8]:
    """Return uint8 codes of standard deviations in [0, 1], any shape, `UNKNOWN` where NaN; above 1 counts as 1.

    Raises `ArrayError` for negative ones.
    """
    unknown = np.isnan(sd)
    known = np.where(unknown, 1, sd).astype(np.float32)
    if known.size and float(known.min()) < 0:
        raise ArrayError(
            "a standard deviation is not negative", expected=">= 0", got=f"{float(known.min()):g}"
        )
    codes = np.rint(np.log2(np.maximum(known, np.float32(1e-6))) * OCTAVE + ONE)
    found: NDArray[np.uint8] = np.clip(codes, 0, ONE).astype(np.uint8)
    found[unknown] = UNKNOWN
    return found


def sd_of(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the standard deviations of codes, float32, NaN where unknown. Raises `ArrayError` for another dtype."""
    if codes.dtype != np.uint8:
        raise ArrayError("codes of uncertainty: wrong dtype", expected="uint8", got=str(codes.dtype))
    found: NDArray[np.float32] = _SD[codes]
    return found


def combined(parts: Mapping[str, Floats], valid: NDArray[np.bool_]) -> Uncertainty:
    """Return the uncertainty that parts add up to, unknown where a label is not `valid` (E, H, W).

    Each part is an array of standard deviations (E, H, W) or (H, W). Raises `ArrayError` for a name that is none of
    `PARTS`, or for no part at all.
    """
    unknown = sorted(set(parts) - set(PARTS))
    if unknown or not parts:
        raise ArrayError(
            "parts of an uncertainty", expected=", ".join(PARTS), got=", ".join(unknown) or "none"
        )
    total = np.zeros(valid.shape, np.float32)
    numbers: dict[str, tuple[float, ...]] = {}
    for name in (name for name in PARTS if name in parts):
        squares = np.broadcast_to(np.square(parts[name], dtype=np.float32), valid.shape)
        numbers[name] = tuple(_root_mean(s[v]) for s, v in zip(squares, valid, strict=True))
        total += squares
    return Uncertainty(codes_of(np.where(valid, np.sqrt(total), np.nan)), numbers)


def displaced(luma: Luma, pixels: float) -> NDArray[np.float32]:
    """Return how far luma (H, W) moves where a picture lies `pixels` off, a standard deviation along either axis.

    Gradient times distance, and no more than what the surroundings of 7 x 7 pixels hold.
    """
    dx, dy = (cv2.Scharr(luma, cv2.CV_32F, *axis, scale=1 / 32) for axis in ((1, 0), (0, 1)))
    steep = np.hypot(dx, dy) * np.float32(pixels)
    mean = cv2.blur(luma, (_PATCH, _PATCH))
    most = np.sqrt(2 * np.maximum(cv2.blur(luma * luma, (_PATCH, _PATCH)) - mean * mean, 0))
    found: NDArray[np.float32] = np.minimum(steep, most)
    return found


def sd_of_experts_spread(codes: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return standard deviations of what stores and releases of format 1 hold: the experts' mean absolute deviation.

    uint16, 1/32640 of luma; NaN where unknown.
    """
    spread = codes.astype(np.float32) * np.float32(NORMAL / UNCERTAINTY_SCALE)
    spread[codes == NO_UNCERTAINTY] = np.nan
    return spread


def _root_mean(squares: Floats) -> float:
    return round(float(np.sqrt(squares.mean())), 6) if squares.size else 0.0


_SD = np.append(np.exp2((np.arange(UNKNOWN) - ONE) / OCTAVE), np.nan).astype(np.float32)
