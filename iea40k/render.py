"""Pictures of residuals: a heat map with a fixed scale -1 ... +1 whose zero is white, and its legend.

The scale is never stretched to an image's own range: a picture that is underexposed everywhere shows no red.
Two palettes: `blue-white-red` (blue = underexposed, red = overexposed) and `colour-blind-safe`, from dark blue
to orange, whose ends differ in lightness too. Pixels without data are a grey checker, in neither palette.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import (
    INVALID_CODE,
    RESIDUAL_SCALE,
    EncodedRGB,
    Residual,
    ResidualCodes,
    check_codes,
    codes_from_residual,
)
from iea40k.errors import BadInputError

Palette = Literal["blue-white-red", "colour-blind-safe"]
PALETTES: tuple[str, ...] = get_args(Palette)

# Colours at residual -1, -0.5, 0, +0.5, +1.
_STOPS: dict[str, list[tuple[int, int, int]]] = {
    "blue-white-red": [(128, 0, 20), (226, 74, 60), (255, 255, 255), (66, 122, 222), (5, 28, 122)],
    "colour-blind-safe": [(196, 92, 0), (247, 176, 66), (255, 255, 255), (92, 132, 180), (0, 26, 84)],
}
_CHECKER = np.array([[120, 160], [160, 120]], np.uint8)
_CELL = 4
_BAND = 1 << 20  # pixels coloured at a time


def palette_table(palette: Palette = "blue-white-red") -> NDArray[np.uint8]:
    """Return the 511 colours (511, 3) of residual k/255 for k = -255 ... 255; row 255 is white."""
    if palette not in _STOPS:
        raise BadInputError("no such palette", expected=" or ".join(PALETTES), got=str(palette))
    position = np.linspace(-1, 1, 511)
    knots = np.array(_STOPS[palette], np.float64)
    channels = [np.interp(position, [-1, -0.5, 0, 0.5, 1], knots[:, c]) for c in range(3)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


def heatmap(residual: Residual | ResidualCodes, palette: Palette = "blue-white-red") -> EncodedRGB:
    """Return the heat map (H, W, 3) uint8 of residual codes (int16) or residuals (floating, NaN = no data).

    >>> heatmap(np.array([[1.0, 0.0, -1.0]], np.float32))[0].tolist()  # under, right, over
    [[5, 28, 122], [255, 255, 255], [128, 0, 20]]
    """
    table = palette_table(palette)
    picture: EncodedRGB = np.empty((*residual.shape, 3), np.uint8)
    # By bands, whole checkers high: the steps between take ten times the memory of a residual.
    rows = max(1, _BAND // max(1, residual.shape[1]) // (2 * _CELL)) * 2 * _CELL
    for start in range(0, residual.shape[0], rows):
        picture[start : start + rows] = _band(residual[start : start + rows], table)
    return picture


def _band(residual: Residual | ResidualCodes, table: NDArray[np.uint8]) -> EncodedRGB:
    codes = residual if residual.dtype == np.int16 else codes_from_residual(residual)  # type: ignore[arg-type]
    check_codes(codes)
    invalid = codes == INVALID_CODE
    steps = np.rint(np.where(invalid, 0, codes) * (255 / RESIDUAL_SCALE)).astype(np.intp) + 255
    picture: EncodedRGB = table[steps]
    if invalid.any():
        picture[invalid] = _checker(codes.shape)[invalid][:, None]
    return picture


def legend(width: int, height: int, palette: Palette = "blue-white-red") -> EncodedRGB:
    """Return a colour bar (height, width, 3) uint8 running from -1 (over) on the left to +1 (under)."""
    steps = np.rint(np.linspace(0, 510, width)).astype(np.intp)
    return np.ascontiguousarray(np.broadcast_to(palette_table(palette)[steps], (height, width, 3)))


def _checker(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    rows, columns = (np.arange(n) // _CELL % 2 for n in shape)
    return _CHECKER[rows[:, None], columns[None, :]]
