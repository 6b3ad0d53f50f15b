"""The structure of a picture: what stays the same when only the exposure changes.

The encoded luma minus its local mean, divided by its local contrast. Where a pixel has no contrast above the noise,
the structure says nothing: it is 0 there and `known` is False. Two frames are first limited to the light that both
can show, so that neither shows an edge that the other cannot have.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LUMA_WEIGHTS, EncodedRGB, Validity

Luma = NDArray[np.float32]

WINDOW = 4.0
"""Sigma of the local window, in pixels of the level."""

DARKEST, BRIGHTEST = 3.0, 250.0
"""Encoded luma (0 ... 255) beyond which a pixel counts as black, or as blown."""

CONTRAST_FLOOR = 0.8
"""Least local contrast in codes that counts as structure: below it lies the rounding of 8 bits."""

SMALLEST_SIDE = 96
"""A pyramid stops before its shorter side falls below this many pixels."""


@dataclass(frozen=True)
class View:
    """What alignment sees of a frame: its encoded `luma` (H, W) float32 in [0, 255], and where it is `valid`."""

    luma: Luma
    valid: Validity

    @classmethod
    def of(cls, frame: EncodedRGB, valid: Validity | None = None) -> "View":
        """Return the view of an encoded (H, W, 3) uint8 frame."""
        luma = np.ascontiguousarray(frame, np.uint8).astype(np.float32) @ np.array(LUMA_WEIGHTS, np.float32)
        return cls(luma, np.ones(luma.shape, np.bool_) if valid is None else valid)

    def halved(self, times: int) -> "View":
        """Return the view as means of 2x2 pixels, so many times over."""
        view = self
        for _ in range(times):
            view = View(*_halve(view.luma, view.valid))
        return view

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.luma.shape[1], self.luma.shape[0]


@dataclass(frozen=True)
class Structure:
    """`signal` (H, W) float32, zero mean, about [-4, 4]; `known` (H, W) bool: where the signal says something."""

    signal: NDArray[np.float32]
    known: Validity


def common_light(first: View, second: View) -> tuple[View, View]:
    """Return both views limited to the light that both can show.

    What is blown in the brighter frame is levelled in the darker one too, at the brightness above which as large a
    share of it lies; likewise for what is black. So the outline of a blown window is an edge of both, and
    the view through it, which only one of them has, is in neither.
    """
    return _limited(first, second), _limited(second, first)


def _limited(view: View, other: View) -> View:
    values, others = view.luma[view.valid], other.luma[other.valid]
    if not values.size or not others.size:
        return view
    top = float(np.quantile(values, 1 - float((others >= BRIGHTEST).mean())))
    bottom = float(np.quantile(values, float((others <= DARKEST).mean())))
    return View(np.clip(view.luma, min(bottom, top), max(bottom, top)), view.valid)


def pyramid(view: View, levels: int = 4) -> tuple[Structure, ...]:
    """Return the structure of a view at full size, half, quarter, ... (at most `levels`)."""
    luma, valid = view.luma, view.valid
    found = [structure(luma, valid)]
    while len(found) < levels and min(luma.shape) >= 2 * SMALLEST_SIDE:
        luma, valid = _halve(luma, valid)
        found.append(structure(luma, valid))
    return tuple(found)


def structure(luma: Luma, valid: Validity) -> Structure:
    """Return the structure of a luma picture (H, W) in codes 0 ... 255, given where it has data."""
    weight = valid.astype(np.float32)
    share = _blur(weight)
    safe = np.maximum(share, 1e-3)
    mean = _blur(luma * weight) / safe
    centred = (luma - mean) * weight
    contrast = np.sqrt(_blur(centred * centred) / safe)
    floor = max(CONTRAST_FLOOR, 1.5 * noise(luma, valid))
    known = valid & (share > 0.3) & (contrast > floor)
    signal = np.where(known, centred / np.maximum(contrast, floor), 0).astype(np.float32)
    return Structure(np.clip(signal, -4, 4), known)


def noise(luma: Luma, valid: Validity) -> float:
    """Return the standard deviation of pixel noise in codes, from the median absolute second difference.

    The kernel (1, -2, 1; -2, 4, -2; 1, -2, 1) is blind to edges along the axes (Immerkaer 1996).
    """
    kernel = np.outer((1, -2, 1), (1, -2, 1)).astype(np.float32)
    response = np.abs(cv2.filter2D(luma, cv2.CV_32F, kernel))[valid]
    return float(np.median(response)) * 1.4826 / 6 if response.size else 0.0


def _blur(picture: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    blurred: NDArray[np.floating[Any]] = cv2.GaussianBlur(
        picture, (0, 0), WINDOW, borderType=cv2.BORDER_REFLECT
    )
    return blurred


def _halve(luma: Luma, valid: Validity) -> tuple[Luma, Validity]:
    height, width = luma.shape[0] // 2, luma.shape[1] // 2
    even = np.s_[: 2 * height, : 2 * width]
    smaller = cv2.resize(luma[even], (width, height), interpolation=cv2.INTER_AREA)
    share = cv2.resize(valid[even].astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return smaller, share > 0.99
