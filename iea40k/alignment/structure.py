"""The structure of a picture: what stays the same when only the exposure changes.

The encoded luma minus its local mean, divided by its local contrast. Where a pixel has no contrast above the noise,
the structure says nothing: it is 0 there and `known` is False. Two frames are first limited to the light that both
can show, so that neither shows an edge that the other cannot have.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LUMA_WEIGHTS, EncodedRGB, Validity

Luma = NDArray[np.float32]

BOX = 9
"""Side of the box that, applied twice, is the local window: a sigma of 3.7 pixels of the level."""

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
    _halves: list["View"] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def of(cls, frame: EncodedRGB, valid: Validity | None = None) -> "View":
        """Return the view of an encoded (H, W, 3) uint8 frame."""
        weights = np.array([LUMA_WEIGHTS], np.float32)
        luma = cv2.transform(np.ascontiguousarray(frame, np.uint8).astype(np.float32), weights)
        return cls(luma, np.ones(luma.shape, np.bool_) if valid is None else valid)

    def halved(self, times: int) -> "View":
        """Return the view as means of 2x2 pixels, so many times over; each is made once."""
        if times == 0:
            return self
        if not self._halves:
            self._halves.append(View(*_halve(self.luma, self.valid)))
        return self._halves[0].halved(times - 1)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.luma.shape[1], self.luma.shape[0]


@dataclass(frozen=True)
class Structure:
    """`signal` (H, W) float32, zero mean, about [-4, 4]; `known` (H, W) bool: where the signal says something."""

    signal: NDArray[np.float32]
    known: Validity

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.signal.shape[1], self.signal.shape[0]


Range = tuple[float, float]
"""The codes between which a view is looked at."""


def common_light(first: View, second: View) -> tuple[Range, Range]:
    """Return the ranges of codes to which each view must be limited, so that both show the same light.

    What is blown in the brighter frame is levelled in the darker one too, at the brightness above which as large a
    share of it lies; likewise for what is black. So the outline of a blown window is an edge of both, and
    the view through it, which only one of them has, is in neither.
    """
    # A ninth of the pixels tells quantiles as well as all of them do.
    values, others = (v.luma[::3, ::3][v.valid[::3, ::3]] for v in (first, second))
    if not values.size or not others.size:
        return (0.0, 255.0), (0.0, 255.0)
    return _common(values, others), _common(others, values)


def _common(values: NDArray[np.float32], others: NDArray[np.float32]) -> Range:
    shares = [float((others <= DARKEST).mean()), 1 - float((others >= BRIGHTEST).mean())]
    bottom, top = np.quantile(values, shares)
    return min(float(bottom), float(top)), max(float(bottom), float(top))


class Pyramid:
    """The structure of a view at full size, half, quarter, ... at most `levels`; each level is made when asked for.

    `light` limits the codes that are looked at (see `common_light`).
    """

    def __init__(self, view: View, light: Range = (0.0, 255.0), levels: int = 4) -> None:
        self._view, self._light = view, light
        self._made: dict[int, Structure] = {}
        shorter = min(view.size)
        while levels > 1 and shorter >> (levels - 1) < SMALLEST_SIDE:
            levels -= 1
        self._levels = levels

    def __len__(self) -> int:
        return self._levels

    def __getitem__(self, level: int) -> Structure:
        if level not in self._made:
            view = self._view.halved(level)
            self._made[level] = structure(np.clip(view.luma, *self._light), view.valid)
        return self._made[level]


def structure(luma: Luma, valid: Validity) -> Structure:
    """Return the structure of a luma picture (H, W) in codes 0 ... 255, given where it has data."""
    weight: Luma = valid.astype(np.float32)
    share = weight if valid.all() else _blur(weight)
    safe = np.maximum(share, np.float32(1e-3))
    centred = np.asarray((luma - _blur(luma * weight) / safe) * weight, np.float32)
    # A running sum may come out a little below 0.
    contrast = np.sqrt(np.maximum(_blur(centred * centred), 0) / safe)
    floor = np.float32(max(CONTRAST_FLOOR, 1.5 * noise(luma, valid)))
    known = valid & (share > 0.3) & (contrast > floor)
    # The contrast is at least the floor wherever it is known.
    signal = cv2.divide(centred, np.maximum(contrast, floor)) * known
    return Structure(np.clip(signal, -4, 4), known)


def noise(luma: Luma, valid: Validity) -> float:
    """Return the standard deviation of pixel noise in codes, from the median absolute second difference.

    The kernel (1, -2, 1; -2, 4, -2; 1, -2, 1) is blind to edges along the axes (Immerkaer 1996).
    """
    kernel = np.outer((1, -2, 1), (1, -2, 1)).astype(np.float32)
    # Every third row and column are enough for a median.
    response = np.abs(cv2.filter2D(luma, cv2.CV_32F, kernel)[::3, ::3][valid[::3, ::3]])
    return float(np.median(response)) * 1.4826 / 6 if response.size else 0.0


def _blur(picture: Luma) -> Luma:
    """Return local means under the local window: two boxes cost a tenth of a Gaussian."""
    for _ in range(2):
        picture = cv2.blur(picture, (BOX, BOX), borderType=cv2.BORDER_REFLECT)
    return picture


def _halve(luma: Luma, valid: Validity) -> tuple[Luma, Validity]:
    height, width = luma.shape[0] // 2, luma.shape[1] // 2
    even = np.s_[: 2 * height, : 2 * width]
    smaller = cv2.resize(luma[even], (width, height), interpolation=cv2.INTER_AREA)
    share = cv2.resize(valid[even].astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return smaller, share > 0.99
