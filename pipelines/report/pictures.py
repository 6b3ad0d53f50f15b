"""Small pictures of a scene, packed for the page: one WebP with reference and exposures, and the residuals' values.

A scene becomes text: base64 of the WebP, a blank, base64 of the values. The WebP shows the reference and below it
every exposure. The values are one signed byte a cell of a coarser grid, residual x 127, -128 where there is no valid
data, as differences to the left neighbour (modulo 256), deflated without a header; exposure after exposure.
"""

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE, EncodedRGB, ResidualCodes
from iea40k.errors import IEAError
from pipelines.report.sources import Pixels

WIDTHS = (384, 320, 256, 192, 144, 112, 84, 64, 48, 40, 32)
"""Widths of the small pictures in pixels, the widest first; which one is taken follows from how many there are."""

BUDGET = 24_000_000
"""How many characters all pictures of a page may take."""

_SMALL = 84
"""Up to this width pictures are kept at the lower quality, and their values in the coarser grid."""

_QUALITY = {False: 60, True: 40}
_COARSER = {False: 2, True: 3}


@dataclass(frozen=True)
class Packed:
    """A scene's pictures as text, and the sizes (width, height) of a picture and of a grid of values."""

    text: str
    picture: tuple[int, int]
    grid: tuple[int, int]


def pack(pixels: Pixels, width: int) -> Packed:
    """Return a scene's pictures, `width` pixels wide or as wide as they are."""
    height, across = pixels.reference.shape[:2]
    width = min(width, across)
    size = (width, max(1, round(height * width / across)))
    small = width <= _SMALL
    coarse = (max(1, size[0] // _COARSER[small]), max(1, size[1] // _COARSER[small]))
    strip = np.concatenate([_small(pixels.reference, size), *(_small(e, size) for e in pixels.exposures)])
    written, data = cv2.imencode(
        ".webp", cv2.cvtColor(strip, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, _QUALITY[small]]
    )
    if not written:
        raise IEAError("a small picture could not be encoded")
    values = np.stack([_values(codes, coarse) for codes in pixels.codes])
    deflated = zlib.compressobj(9, zlib.DEFLATED, -15)
    steps = np.diff(values.view(np.uint8).ravel(), prepend=np.uint8(0))
    packed = deflated.compress(steps.tobytes()) + deflated.flush()
    return Packed(f"{_text(data.tobytes())} {_text(packed)}", size, coarse)


def width_for(sample: Sequence[Pixels], scenes: int, budget: int = BUDGET) -> int:
    """Return the width at which the pictures of so many scenes like those of a sample take at most `budget`."""
    for width in WIDTHS:
        if sum(len(pack(pixels, width).text) for pixels in sample) / len(sample) * scenes <= budget:
            return width
    return WIDTHS[-1]


def _small(picture: EncodedRGB, size: tuple[int, int]) -> EncodedRGB:
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _values(codes: ResidualCodes, size: tuple[int, int]) -> NDArray[np.int8]:
    """Return means of the valid residuals in the cells of a grid (h, w)."""
    valid = (codes != INVALID_CODE).astype(np.float32)
    residual = np.where(codes == INVALID_CODE, 0, codes).astype(np.float32) / RESIDUAL_SCALE
    weight = cv2.resize(valid, size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(residual, size, interpolation=cv2.INTER_AREA)
    mean = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
    return np.where(weight > 0.5, np.rint(mean * 127), -128).astype(np.int8)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
