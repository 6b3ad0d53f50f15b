"""What a RAW file says of its camera: white balance, colours, mosaic, framing, exposure bias.

All of it is read from the file's description, none from its pixels, so that two frames of a series get the same. And
before development: LibRaw's output alters what `sizes` and `raw_pattern` answer afterwards.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iea40k.develop.tiff_tags import BASELINE_EXPOSURE, BLACK_REPEAT, DNG_VERSION
from iea40k.errors import UnreadableImageError

if TYPE_CHECKING:
    import rawpy

_XYZ_OF_SRGB = np.array([
    [0.412453, 0.357580, 0.180423],
    [0.212671, 0.715160, 0.072169],
    [0.019334, 0.119193, 0.950227],
])  # fmt: skip

# LibRaw's flip bits (1: columns, 2: rows, 4: transpose afterwards) as EXIF orientations.
_FLIPS = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}


@dataclass(frozen=True)
class CameraFacts:
    """What development needs to know, and who says so (`*_from`).

    - `balance`: gains of R, G, B, second G; `matrix` (3x3): balanced camera colours to sRGB's primaries
    - `visible`: (height, width) of what LibRaw develops; `frame`: (top, left, height, width) of the picture in it
    - `mosaic`: colour (0 R, 1 G, 2 B, 3 second G) of each place in a 2x2 block of the visible area, row by
      row; None if the sensor has no such mosaic
    - `black`: code of no light for R, G, B, second G; `white`: code of saturation
    - `orientation`: EXIF's, 1 ... 8; `baseline`: stops to be added (DNG BaselineExposure)
    """

    balance: tuple[float, ...]
    balance_from: str
    matrix: NDArray[np.float64]
    matrix_from: str
    visible: tuple[int, int]
    frame: tuple[int, int, int, int]
    frame_from: str
    mosaic: tuple[int, int, int, int] | None
    black: tuple[float, ...]
    white: float
    orientation: int
    baseline: float


def camera_facts(raw: "rawpy.RawPy", tags: Mapping[int, Any]) -> CameraFacts:
    """Return the facts of an opened file that has not been developed yet. Raises `UnreadableImageError`."""
    sizes = raw.sizes
    frame, frame_from = _frame(sizes)
    return CameraFacts(
        *_white_balance(raw.camera_whitebalance, raw.daylight_whitebalance),
        *_colour_matrix(raw),
        (sizes.height, sizes.width),
        frame,
        frame_from,
        _mosaic(raw, tags),
        tuple(float(level) for level in raw.black_level_per_channel),
        float(raw.white_level),
        _FLIPS[sizes.flip],
        _baseline_exposure(tags),
    )


def _white_balance(camera: Any, daylight: Any) -> tuple[tuple[float, ...], str]:
    # Asked to use an invalid camera balance, LibRaw computes one from the picture: two frames would differ in colour.
    given = ", ".join(f"{gain:g}" for gain in camera[:3])
    invalid = f"since the camera's is invalid ({given})"
    for gains, source in ((camera, "camera"), (daylight, f"daylight, {invalid}")):
        if all(np.isfinite(gains)) and min(gains[:3]) > 0:
            return tuple(float(gain) for gain in gains), source
    return (1.0, 1.0, 1.0, 1.0), f"none, {invalid}"


def _colour_matrix(raw: "rawpy.RawPy") -> tuple[NDArray[np.float64], str]:
    if raw.num_colors != 3:
        return np.eye(3), "LibRaw"
    embedded = np.asarray(raw.color_matrix, np.float64)[:3, :3]
    if embedded[0, 0] > 0.125:  # LibRaw's own test of whether there is one
        return embedded, "file"
    camera_of_xyz = np.asarray(raw.rgb_xyz_matrix, np.float64)[:3]
    if not camera_of_xyz.any():
        return np.eye(3), "none: camera colours are taken as sRGB"
    camera_of_srgb = camera_of_xyz @ _XYZ_OF_SRGB
    # Rows that add up to 1 keep white white.
    return np.linalg.inv(camera_of_srgb / camera_of_srgb.sum(axis=1, keepdims=True)), "LibRaw's table"


def _frame(sizes: Any) -> tuple[tuple[int, int, int, int], str]:
    """Return the maker's framing within the visible area: beyond it lie pixels that no converter shows."""
    top, left = sizes.crop_top_margin - sizes.top_margin, sizes.crop_left_margin - sizes.left_margin
    height, width = sizes.crop_height, sizes.crop_width
    inside = top >= 0 and left >= 0 and top + height <= sizes.height and left + width <= sizes.width
    if min(height, width) < 2 or not inside or sizes.pixel_aspect != 1.0:
        return (0, 0, sizes.height, sizes.width), "visible area"
    return (top, left, height, width), "camera's crop"


def _mosaic(raw: "rawpy.RawPy", tags: Mapping[int, Any]) -> tuple[int, int, int, int] | None:
    """Return which of LibRaw's colours (3 = second green) lies where in a block; None if it is no plain Bayer."""
    sizes = raw.sizes
    visible = raw.raw_image_visible if raw.raw_type.name == "Flat" else None
    if raw.num_colors != 3 or sizes.pixel_aspect != 1.0 or visible is None or visible.dtype != np.uint16:
        return None
    if visible.shape != (sizes.height, sizes.width) or raw.color_desc != b"RGBG":
        return None
    if raw.white_level <= max(raw.black_level_per_channel):
        return None
    if any(side > 2 for side in np.ravel(tags.get(BLACK_REPEAT, 1))):  # black levels that rawpy does not tell
        return None
    middle = (sizes.height // 4 * 2, sizes.width // 4 * 2)
    places = [_block(raw, top, left) for top, left in ((0, 0), (2, 4), middle)]
    # X-Trans has another period, and Fuji's turned sensors none along rows.
    if len(set(places)) > 1 or sorted(places[0]) != [0, 1, 2, 3] or places[0][0] % 2 == places[0][1] % 2:
        return None
    return places[0]


def _block(raw: "rawpy.RawPy", top: int, left: int) -> tuple[int, int, int, int]:
    top, left = raw.sizes.top_margin + top, raw.sizes.left_margin + left
    a, b, c, d = (int(raw.raw_color(top + row, left + column)) for row in (0, 1) for column in (0, 1))
    return a, b, c, d


def _baseline_exposure(tags: Mapping[int, Any]) -> float:
    value = tags.get(BASELINE_EXPOSURE) if DNG_VERSION in tags else None
    if value is None:
        return 0.0
    try:
        numerator, denominator = value
        stops = float(numerator / denominator)
    except (TypeError, ValueError, ArithmeticError):  # of another type or count, or divided by zero
        stops = math.nan
    if not abs(stops) <= 8:
        raise UnreadableImageError(
            "the DNG's BaselineExposure is impossible", expected="-8 ... 8 stops", got=f"{value!r}"[:80]
        )
    return stops
