"""The conventions of every array in the project: shape, dtype, range, unit, sign.

| name | shape | dtype | range | meaning |
|---|---|---|---|---|
| `EncodedRGB` | (H, W, 3) | uint8 | 0 ... 255 | sRGB-encoded picture |
| `LinearRGB` | (H, W, 3) | float32 | [0, inf) | light, sRGB primaries; 1.0 = display white at EV 0 |
| `Luma` | (H, W) | float32 | [0, 1] | Rec. 601 weights on the encoded picture |
| `Residual` | (H, W) | float32 | [-1, 1] or NaN | luma(reference) - luma(exposure); + = underexposed |
| `ResidualCodes` | (H, W) | int16 | -32640 ... 32640 or -32768 | residual x 32640; -32768 = no valid data |
| `Validity` | (H, W) | bool | | True where a pixel has data |
| `OutlierFlags` | (H, W) | uint8 | bit flags | see `iea40k.outliers` |

32640 = 255 x 128, so that the published labels (multiples of 1/255) are stored exactly and 128 brush steps lie
between two of them. The invalid code is never read as 0, since 0 means perfect. Encodings change only through
a function named here or in `iea40k.colour`; nothing is clipped or rescaled on the way in.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.errors import ArrayError

EncodedRGB = NDArray[np.uint8]
LinearRGB = NDArray[np.float32]
Luma = NDArray[np.float32]
Residual = NDArray[np.float32]
ResidualCodes = NDArray[np.int16]
Validity = NDArray[np.bool_]
OutlierFlags = NDArray[np.uint8]

LUMA_WEIGHTS = (0.299, 0.587, 0.114)
"""Rec. 601 weights of encoded R, G, B."""

RESIDUAL_SCALE = 32640
"""Codes a unit of residual: 255 x 128."""

INVALID_CODE = -32768
"""The residual code of a pixel without valid data."""

CODES_PER_255TH = 128


def residual_from_codes(codes: ResidualCodes) -> Residual:
    """Return float32 residuals in [-1, 1], NaN where the code is `INVALID_CODE`.

    Raises `ArrayError` for another dtype, or codes outside the range.

    >>> residual_from_codes(np.array([[0, 16320, -32640, -32768]], np.int16))
    array([[ 0. ,  0.5, -1. ,  nan]], dtype=float32)
    """
    check_codes(codes)
    residual = codes.astype(np.float32) / np.float32(RESIDUAL_SCALE)
    residual[codes == INVALID_CODE] = np.nan
    return residual


def codes_from_residual(residual: NDArray[np.floating[Any]]) -> ResidualCodes:
    """Return int16 codes of residuals in [-1, 1], `INVALID_CODE` where NaN; rounds half to even.

    Raises `ArrayError` for values outside [-1, 1] or infinite: they are never clipped.

    >>> codes_from_residual(np.array([[0.0, 0.5, -1.0, np.nan]]))
    array([[     0,  16320, -32640, -32768]], dtype=int16)
    """
    values = np.asarray(residual)
    if not np.issubdtype(values.dtype, np.floating):
        raise ArrayError("a residual is floating point", expected="float32 or float64", got=str(values.dtype))
    invalid = np.isnan(values)
    beyond = np.abs(values, where=~invalid, out=np.zeros_like(values)) > 1
    if beyond.any():
        worst = values[beyond][np.argmax(np.abs(values[beyond]))]
        raise ArrayError(
            f"{int(beyond.sum())} residuals lie outside their range",
            expected="[-1, 1], or NaN where there is no data",
            got=f"{worst:g}",
            remedy="divide labels in units of 1/255 by 255 before storing them",
        )
    codes: ResidualCodes = np.rint(np.where(invalid, 0, values).astype(np.float64) * RESIDUAL_SCALE).astype(
        np.int16
    )
    codes[invalid] = INVALID_CODE
    return codes


def check_codes(codes: NDArray[Any], name: str = "residual") -> ResidualCodes:
    """Return `codes` if every one is in [-32640, 32640] or the invalid code, else raise `ArrayError`."""
    if codes.dtype != np.int16:
        raise ArrayError(f"{name}: wrong dtype", expected="int16", got=str(codes.dtype))
    if codes.size:
        bad = ((codes < -RESIDUAL_SCALE) & (codes != INVALID_CODE)) | (codes > RESIDUAL_SCALE)
        if bad.any():
            raise ArrayError(
                f"{name}: {int(bad.sum())} codes mean nothing",
                expected=f"-{RESIDUAL_SCALE} ... {RESIDUAL_SCALE}, or {INVALID_CODE} for no data",
                got=str(int(codes[bad][0])),
            )
    return codes


def validity_from_codes(codes: ResidualCodes) -> Validity:
    """Return True where a code carries data."""
    return np.not_equal(codes, INVALID_CODE)


def check_encoded(pixels: NDArray[Any], name: str = "image", *, least: int = 2) -> EncodedRGB:
    """Return `pixels` if they are (H, W, 3) uint8 with both sides >= `least`, else raise `ArrayError`."""
    _check_picture(pixels, name, np.dtype(np.uint8), least)
    return pixels


def check_linear(pixels: NDArray[Any], name: str = "image", *, least: int = 2) -> LinearRGB:
    """Return `pixels` if they are finite, non-negative (H, W, 3) float32, else raise `ArrayError`."""
    _check_picture(pixels, name, np.dtype(np.float32), least)
    # One pass each, and no temporary mask of the picture's size: NaN and inf both survive a sum.
    lowest = float(pixels.min())
    if not np.isfinite(lowest) or not np.isfinite(float(pixels.max())):
        raise ArrayError(f"{name}: linear light is not finite", expected="finite values", got="NaN or inf")
    if lowest < 0:
        raise ArrayError(f"{name}: linear light is negative", expected=">= 0", got=f"{lowest:g}")
    return pixels


def check_same_size(first: NDArray[Any], second: NDArray[Any], names: tuple[str, str]) -> None:
    """Raise `ArrayError` unless both arrays have the same height and width."""
    if first.shape[:2] != second.shape[:2]:
        raise ArrayError(
            f"{names[0]} and {names[1]} differ in size",
            expected=f"{first.shape[1]}x{first.shape[0]} (width x height, of {names[0]})",
            got=f"{second.shape[1]}x{second.shape[0]}",
        )


def _check_picture(pixels: NDArray[Any], name: str, dtype: np.dtype[Any], least: int) -> None:
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ArrayError(f"{name}: wrong shape", expected="(height, width, 3)", got=str(pixels.shape))
    if pixels.dtype != dtype:
        raise ArrayError(f"{name}: wrong dtype", expected=str(dtype), got=str(pixels.dtype))
    if min(pixels.shape[:2]) < least:
        raise ArrayError(
            f"{name}: too small",
            expected=f"at least {least} pixels a side",
            got=f"{pixels.shape[1]}x{pixels.shape[0]}",
        )


def bounding_box(mask: NDArray[Any]) -> tuple[slice, slice] | None:
    """Return the rows and columns of the smallest box around the pixels of `mask` (H, W) that are not 0, None where
    there is none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
