"""The global tone that a retouch has over a neutral rendering, parted into exposure and contrast.

A neutral rendering (LibRaw's, or inverted sRGB) has no tone curve, while a retouch left a converter that has one. So
their plain difference shows a wrong exposure where there is only another contrast: shadows seem overexposed, lights
underexposed. The tone of a retouch is modelled as `luma(retouch) = luma(S_c(encode(light * 2**k)))`:

- `k`, in stops, is the expert's opinion on exposure. It stays in the residual: it is what the dataset is about
- `S_c` is a contrast curve on encoded values that holds black, middle grey (zone V, 18 %) and white:
  `odds(S_c(v)) = odds(m) * (odds(v) / odds(m)) ** c` with `m = encode(0.18)`. The simulated exposures get it, so that
  they are what a camera with the retouch's contrast would record; it moves no zone V and clips nothing

The retouch itself is never changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from iea40k.arrays import LUMA_WEIGHTS, EncodedRGB, LinearRGB, check_same_size
from iea40k.colour import encode_srgb, srgb_curve

STOPS = (-6.0, 6.0)
CONTRAST = (0.4, 2.5)
ROOT_STEPS = 65535
"""Steps of the square root of light in the table of a contrast curve: 0.006 of an 8-bit code at the steepest."""

_SAMPLES = 20_000
_SCALE = 0.05  # residuals beyond it (local edits) pull on the fit less than their square
MIDDLE_GREY = float(srgb_curve(np.array(0.18)))


@dataclass(frozen=True)
class Tone:
    """A retouch's tone over the neutral rendering: `stops` of exposure, and `contrast` (1 = that of the rendering).

    `plain` is the mean absolute luma difference at EV 0 without any match, `matched` with the contrast, `left` with
    contrast and exposure: what is local, colour, or of another curve. All in [0, 1].
    """

    stops: float
    contrast: float
    plain: float
    matched: float
    left: float

    def recipe(self) -> dict[str, Any]:
        """Return the match as it is recorded with the scene."""
        return {
            "model": "exposure and zone V contrast",
            "stops": self.stops,
            "contrast": self.contrast,
            "difference_plain": round(self.plain, 5),
            "difference_matched": round(self.matched, 5),
            "difference_left": round(self.left, 5),
            "at_bound": self.stops in STOPS or self.contrast in CONTRAST,
        }


def contrast_curve(encoded: NDArray[np.floating[Any]], contrast: float) -> NDArray[np.float64]:
    """Return `S_c` of encoded values in [0, 1], in float64: 0, middle grey and 1 stay where they are."""
    value = np.asarray(encoded, np.float64)
    if contrast == 1:
        return value
    with np.errstate(divide="ignore"):
        odds = (value / (1 - value)) * ((1 - MIDDLE_GREY) / MIDDLE_GREY)
        powered = odds**contrast * (MIDDLE_GREY / (1 - MIDDLE_GREY))
        return 1 - 1 / (1 + powered)


def fit_tone(light: LinearRGB, retouch: EncodedRGB) -> Tone:
    """Fit the tone of a registered retouch (H, W, 3) uint8 over linear light (H, W, 3) at EV 0.

    Robust least squares (soft L1) of luma on an even grid of pixels; stops and contrast are rounded to 0.01 so that
    machines agree. Raises `ArrayError` where the sizes differ.
    """
    check_same_size(light, retouch, ("the exposure", "the retouch"))
    step = max(1, int(np.sqrt(light.shape[0] * light.shape[1] / _SAMPLES)))
    # Area means rather than every n-th pixel: half a pixel of misregistration must not count as tone.
    size = (max(light.shape[1] // step, 1), max(light.shape[0] // step, 1))
    neutral = cv2.resize(light, size, interpolation=cv2.INTER_AREA).reshape(-1, 3).astype(np.float64)
    target = cv2.resize(retouch.astype(np.float32), size, interpolation=cv2.INTER_AREA).reshape(-1, 3)
    wanted = target.astype(np.float64) @ np.array(LUMA_WEIGHTS) / 255

    def difference(stops: float, contrast: float) -> NDArray[np.float64]:
        encoded = srgb_curve(np.minimum(neutral * 2.0**stops, 1))
        result: NDArray[np.float64] = contrast_curve(encoded, contrast) @ np.array(LUMA_WEIGHTS) - wanted
        return result

    start = min(np.arange(STOPS[0] + 0.5, STOPS[1]), key=lambda k: float(np.abs(difference(k, 1.0)).mean()))
    fit = least_squares(
        lambda x: difference(x[0], x[1]),
        [start, 1.0],
        bounds=([STOPS[0], CONTRAST[0]], [STOPS[1], CONTRAST[1]]),
        loss="soft_l1",
        f_scale=_SCALE,
    )
    stops, contrast = round(float(fit.x[0]), 2) + 0.0, round(float(fit.x[1]), 2)
    plain, matched, left = (
        float(np.abs(difference(*x)).mean()) for x in ((0.0, 1.0), (0.0, contrast), (stops, contrast))
    )
    return Tone(stops, contrast, plain, matched, left)


def expose_with_contrast(light: LinearRGB, evs: Sequence[float], contrast: float) -> NDArray[np.uint8]:
    """Return exposures (E, H, W, 3) uint8 at `evs` stops: `S_c(encode(light * 2**ev))`, rounded once, at the end.

    With contrast 1 these are the exposures of `iea40k.develop.expose`.
    """
    if contrast == 1:
        return np.stack([encode_srgb(light * np.float32(2.0**ev)) for ev in evs])
    table = np.rint(contrast_curve(srgb_curve((np.arange(ROOT_STEPS + 1) / ROOT_STEPS) ** 2), contrast) * 255)
    codes = table.astype(np.uint8)
    roots = cv2.sqrt(light)
    exposures = np.empty((len(evs), *light.shape), np.uint8)
    for ev, out in zip(evs, exposures, strict=True):
        steps = cv2.multiply(roots, ROOT_STEPS * 2.0 ** (ev / 2), dtype=cv2.CV_16U)  # saturates at white
        np.take(codes, steps.reshape(out.shape), out=out)
    return exposures
