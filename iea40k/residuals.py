"""Residuals: the exact Rec. 601 luma difference of encoded pictures, as int16 codes.

`residual = luma(reference) - luma(exposure)`, positive where the exposure is underexposed. With 8-bit channels
the luma is a multiple of 1/255000, and one code is 1/32640, so a code is the nearest integer to
`(299 dR + 587 dG + 114 dB) * 16/125` with the channel differences dR, dG, dB.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import (
    INVALID_CODE,
    EncodedRGB,
    Luma,
    Validity,
    check_encoded,
    check_same_size,
)
from iea40k.errors import ArrayError

_WEIGHTS = np.array([[299, 587, 114]], np.float32)
_CODES = 16 / 125  # codes a unit of weighted sum: 32640 / 255000
_ROWS = 64  # rows a block: the float copy of a block stays in the second-level cache


def luma(pixels: EncodedRGB) -> Luma:
    """Return the Rec. 601 luma of an encoded picture: (H, W) float32 in [0, 1].

    >>> luma(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)).round(3)
    array([[0.299, 0.587, 0.114]], dtype=float32)
    """
    return _weighted(check_encoded(pixels, least=1)) / np.float32(255_000)


def residual_codes(
    reference: EncodedRGB, exposures: NDArray[np.uint8], validity: Validity | None = None
) -> NDArray[np.int16]:
    """Return the residual codes (E, H, W) int16 of exposures (E, H, W, 3) uint8 against their reference.

    Where `validity` (E, H, W) or (H, W) is False the code is `INVALID_CODE`. The codes are the exactly rounded
    luma difference: `residual_codes(ref, ref[None])` is 0 everywhere. Raises `ArrayError` for other shapes.

    >>> grey = np.full((1, 2, 3), 100, np.uint8)
    >>> residual_codes(grey, np.stack([grey, grey - 51, grey + 51]))[:, 0]  # 51/255 of a code of 32640
    array([[    0,     0],
           [ 6528,  6528],
           [-6528, -6528]], dtype=int16)
    """
    check_encoded(reference, "reference", least=1)
    if exposures.ndim != 4:
        raise ArrayError("exposures: wrong shape", expected="(E, H, W, 3)", got=str(exposures.shape))
    codes = np.empty(exposures.shape[:3], np.int16)
    target = _weighted(reference)
    pixels = np.empty((_ROWS, *reference.shape[1:]), np.float32)
    weighted = np.empty((_ROWS, reference.shape[1]), np.float32)
    for exposure, out in zip(exposures, codes, strict=True):
        check_encoded(exposure, "exposure", least=1)
        check_same_size(reference, exposure, ("reference", "exposure"))
        for top in range(0, len(exposure), _ROWS):
            block = exposure[top : top + _ROWS]
            _weighted(block, pixels[: len(block)], weighted[: len(block)])
            _difference(target[top : top + _ROWS], weighted[: len(block)], out[top : top + _ROWS])
    if validity is not None:
        if validity.dtype != np.bool_ or validity.shape not in (codes.shape, codes.shape[1:]):
            raise ArrayError(
                "validity: wrong shape or dtype",
                expected=f"bool {codes.shape} or {codes.shape[1:]}",
                got=f"{validity.dtype} {validity.shape}",
            )
        codes[~np.broadcast_to(validity, codes.shape)] = INVALID_CODE
    return codes


def _weighted(
    pixels: EncodedRGB, copy: NDArray[np.float32] | None = None, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return 299 R + 587 G + 114 B, exact: every partial sum is an integer below 2^24."""
    copy = np.empty(pixels.shape, np.float32) if copy is None else copy
    out = np.empty(pixels.shape[:2], np.float32) if out is None else out
    np.copyto(copy, pixels)
    # cv2.transform squeezes a one-column picture; two dimensions are asked for explicitly.
    result: NDArray[np.float32] = cv2.transform(copy, _WEIGHTS, dst=out).reshape(pixels.shape[:2])
    return result


def _difference(target: NDArray[np.float32], weighted: NDArray[np.float32], out: NDArray[np.int16]) -> None:
    # Exactly rounded although in float32: the true value is a multiple of 16/125, so it stays 0.004 away from
    # every rounding tie, while the products, their difference and the factor err by less than 0.0039 together.
    result = cv2.addWeighted(target, _CODES, weighted, -_CODES, 0, dst=out, dtype=cv2.CV_16S)
    if result.base is not out and result is not out:
        np.copyto(out, result.reshape(out.shape))
