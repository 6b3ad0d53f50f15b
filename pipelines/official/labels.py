"""Published residuals: `.npy` files of numbers in units of 1/255, to codes of 1/32640 and back without loss."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import CODES_PER_255TH, INVALID_CODE, ResidualCodes
from iea40k.errors import ArrayError, UnreadableImageError
from iea40k.npy import read_npy

DEFAULT_DTYPE = "<f4"


@dataclass(frozen=True)
class Label:
    """A published residual: its codes (H, W) int16, the number type it was stored in ("<f4", "|i1", ...), and by how
    much its values had to be rounded, at most, in units of 1/255 (0 where they are multiples of 1/128 of that)."""

    codes: ResidualCodes
    dtype: str
    rounding: float


def read_label(file: Path) -> Label:
    """Read a published residual. Files with pickled objects are refused unread.

    Raises `UnreadableImageError` for what is no whole array of numbers, `ArrayError` for values that cannot be
    residuals in units of 1/255.
    """
    values = _read(file)
    if values.ndim != 2:
        raise ArrayError(
            "a residual has two dimensions", where=file, expected="(H, W)", got=str(values.shape)
        )
    scaled = values.astype(np.float64) * CODES_PER_255TH
    invalid = np.isnan(scaled)
    scaled[invalid] = 0
    largest = float(np.abs(scaled).max(initial=0)) / CODES_PER_255TH
    if largest > 255:
        raise ArrayError(
            "residuals lie outside their range", where=file, expected="-255 ... 255", got=f"{largest:g}"
        )
    codes = np.rint(scaled)
    rounding = float(np.abs(codes - scaled).max(initial=0)) / CODES_PER_255TH
    if rounding > 0 and largest <= 1:
        raise ArrayError(
            "residuals are in units of 1, not of 1/255",
            where=file,
            expected="values up to 255",
            got=f"fractions up to {largest:g}",
            remedy="multiply the labels by 255 first",
        )
    coded: ResidualCodes = codes.astype(np.int16)
    coded[invalid] = INVALID_CODE
    return Label(coded, values.dtype.newbyteorder("<").str, rounding)


def label_values(codes: ResidualCodes, dtype: str = DEFAULT_DTYPE) -> tuple[NDArray[Any], bool]:
    """Return codes as residuals in units of 1/255 in the wanted number type, and whether that type could hold them.

    Where it cannot (fractions or missing data in whole numbers), they are float32, which holds every code exactly.
    """
    values = codes.astype(np.float64) / CODES_PER_255TH
    values[codes == INVALID_CODE] = np.nan
    kind = np.dtype(dtype)
    if kind.kind in "iu":
        fits = not np.isnan(values).any() and (values == np.rint(values)).all()
        bounds = np.iinfo(kind)
        fits = bool(fits and values.min(initial=0) >= bounds.min and values.max(initial=0) <= bounds.max)
    else:
        fits = bool(np.array_equal(values.astype(kind).astype(np.float64), values, equal_nan=True))
    return values.astype(kind if fits else DEFAULT_DTYPE), fits


def _read(file: Path) -> NDArray[Any]:
    try:
        values = read_npy(file)
    except ValueError as error:
        raise UnreadableImageError(
            "the label cannot be read",
            where=file,
            expected="a whole .npy file of numbers",
            got=str(error),
            remedy="a file with pickled objects can run code when it is read: it is refused unread",
        ) from error
    if values.dtype.kind not in "fiu":
        raise UnreadableImageError(
            "the label holds no numbers", where=file, expected="float or int", got=str(values.dtype)
        )
    return values
