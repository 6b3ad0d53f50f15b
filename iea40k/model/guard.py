"""Whether a picture is still the photograph that it was made of: what a re-exposure must keep.

A network's mean |residual| alone ranks pictures, and a grey card has none. A re-exposure is another exposure of the
same photograph: edges keep their direction, details their place and their relative strength, and nothing of it becomes
white, black, flat or a mesh. All of this is blind to tone curves, global or local, so that no style is preferred.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, check_encoded
from iea40k.metrics import lcc
from iea40k.residuals import luma

SIDE = 256
"""Shorter side, in pixels, at which structure is compared; a mesh is looked for at the pictures' own size."""

LEAST_GRADIENT = 0.8
LEAST_CONTRAST = 0.4
MOST_CLIPPED = 0.15
MOST_FLAT = 0.10
MOST_MESH = 1.5
"""Bounds of `Kept`, set on finished photographs and renderings of them; see `docs/training.md`."""

LEAST_TEXTURE = 0.02
"""Share of pixels with detail below which an input has nothing that could be kept."""

_SIGMA = 2.5  # of the windows, in pixels
_DETAIL = 0.01  # standard deviation of luma in a window, from which there is detail
_FLAT = 0.15  # of its detail, under which a window has become flat
_STEP = 1 / 255

Map = NDArray[np.float32]


@dataclass(frozen=True)
class Kept:
    """What an output keeps of its input. NaN where the input has too little detail to tell.

    - `gradient`: mean cosine between both gradients of luma, weighted by their sizes: 1 for any tone curve, 0 for
      another photograph
    - `contrast`: correlation of the logarithms of local contrast
    - `clipped`: share of pixels that are black or white in the output and not in the input
    - `flat`: share of the input's pixels with detail around which the output has none
    - `mesh`: energy of alternate pixels in the share of all gradients, as a multiple of the input's
    - `reasons`: what is not kept, in words; empty = kept
    """

    gradient: float
    contrast: float
    clipped: float
    flat: float
    mesh: float
    reasons: tuple[str, ...]


def kept(source: EncodedRGB, output: EncodedRGB) -> Kept:
    """Compare an output (h, w, 3) uint8 with the input (H, W, 3) uint8 that it was made of.

    The sizes may differ where the shapes agree to 2 %; another shape is another picture.
    """
    check_encoded(source, least=1)
    check_encoded(output, least=1)
    ratio = (source.shape[0] * output.shape[1]) / (source.shape[1] * output.shape[0])
    if abs(np.log(ratio)) > 0.02:
        nan = float("nan")
        return Kept(nan, nan, nan, nan, nan, ("another shape than the input's",))
    one, two = _small(source), _small(output, _size(source))
    spread, other = _deviation(one), _deviation(two)
    inside = (_mean(one) > 0.02) & (_mean(one) < 0.98)
    detail = inside & (spread > _DETAIL)
    clipped = float((_ends(two) & ~_ends(one)).mean())
    told = detail.mean() >= LEAST_TEXTURE
    nan = float("nan")
    gradient = _cosine(one, two, detail) if told else nan
    contrast = _correlation(np.log(spread[detail] + _STEP), np.log(other[detail] + _STEP)) if told else nan
    flat = float((other[detail] < np.maximum(_FLAT * spread[detail], _STEP / 2)).mean()) if told else nan
    mesh = _mesh(luma(output)) / max(_mesh(luma(source)), 0.05)
    return Kept(gradient, contrast, clipped, flat, mesh, _reasons(gradient, contrast, clipped, flat, mesh))


def _reasons(gradient: float, contrast: float, clipped: float, flat: float, mesh: float) -> tuple[str, ...]:
    found = (
        (gradient < LEAST_GRADIENT, f"edges of another picture (agreement {gradient:.2f})"),
        (contrast < LEAST_CONTRAST, f"local contrast of another picture (correlation {contrast:.2f})"),
        (clipped > MOST_CLIPPED, f"{clipped:.0%} of the pixels became black or white"),
        (flat > MOST_FLAT, f"{flat:.0%} of the detail became flat"),
        (mesh > MOST_MESH, f"a mesh of two pixels ({mesh:.1f} times the input's)"),
    )
    return tuple(words for wrong, words in found if wrong)


def _size(image: EncodedRGB) -> tuple[int, int]:
    share = min(1.0, SIDE / min(image.shape[:2]))
    return max(1, round(image.shape[1] * share)), max(1, round(image.shape[0] * share))


def _small(image: EncodedRGB, size: tuple[int, int] | None = None) -> Map:
    size = size or _size(image)
    found: Map = luma(image)
    if found.shape != size[::-1]:
        found = cv2.resize(found, size, interpolation=cv2.INTER_AREA)
    return found


def _mean(values: Map) -> Map:
    found: Map = cv2.GaussianBlur(values, (0, 0), _SIGMA)
    return found


def _deviation(values: Map) -> Map:
    found: Map = np.sqrt(np.maximum(_mean(values * values) - np.square(_mean(values)), 0))
    return found


def _ends(values: Map) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (values < 0.004) | (values > 0.996)
    return found


def _gradients(values: Map) -> tuple[Map, Map]:
    blurred = cv2.GaussianBlur(values, (0, 0), 1.0)
    across, down = (cv2.Sobel(blurred, cv2.CV_32F, *axes, ksize=3) for axes in ((1, 0), (0, 1)))
    return across, down


def _cosine(one: Map, two: Map, where: NDArray[np.bool_]) -> float:
    (ax, ay), (bx, by) = _gradients(one), _gradients(two)
    product = (ax * bx + ay * by)[where].sum(dtype=np.float64)
    sizes = (np.hypot(ax, ay) * np.hypot(bx, by))[where].sum(dtype=np.float64)
    return float(product / sizes) if sizes > 0 else 0.0


def _correlation(one: Map, two: Map) -> float:
    found = lcc(one, two)
    return 0.0 if np.isnan(found) else found


def _mesh(grey: Map) -> float:
    """Return the energy of alternate pixels over that of all neighbours' differences; 0 for a smooth picture."""
    if min(grey.shape) < 3:
        return 0.0
    across, down = np.diff(grey, axis=1), np.diff(grey, axis=0)
    twice = np.abs(np.diff(across, axis=0)).mean(dtype=np.float64)
    once = np.abs(across).mean(dtype=np.float64) + np.abs(down).mean(dtype=np.float64)
    return float(twice / (once + _STEP / 4))
