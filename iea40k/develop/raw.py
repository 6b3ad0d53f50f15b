"""RAW files to linear light, without anything that depends on the picture's own brightness.

LibRaw decodes, subtracts black, balances white and joins each 2x2 block of the mosaic to a pixel, in camera
colours. Then the colour planes are brought into register, scaled by area, and turned to sRGB's primaries.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.color import clipped_share
from iea40k.develop.geometry import fit, orient, scale_light
from iea40k.develop.linear import LinearImage, ReadOptions
from iea40k.develop.tiff_tags import BASELINE_EXPOSURE, DNG_VERSION, first_tags, refuse_truncated
from iea40k.errors import BadInputError, UnreadableImageError
from iea40k.recipe import versions

if TYPE_CHECKING:
    import rawpy

_XYZ_OF_SRGB = np.array([
    [0.412453, 0.357580, 0.180423],
    [0.212671, 0.715160, 0.072169],
    [0.019334, 0.119193, 0.950227],
])  # fmt: skip

# LibRaw's flip bits (1: columns, 2: rows, 4: transpose afterwards) as EXIF orientations.
_FLIPS = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}


def develop_raw(path: Path, short_side: int | None, options: ReadOptions) -> LinearImage:
    """Return the light of a RAW file, scaled to `short_side` and turned as the camera says.

    1.0 is the sensor's saturation times `2**BaselineExposure` (DNG; 0 elsewhere). Raises `UnreadableImageError`.
    """
    import rawpy

    refuse_truncated(path)
    tags = first_tags(path)
    try:
        with rawpy.imread(str(path)) as raw:
            return _develop(raw, path, tags, short_side, options)
    except rawpy.LibRawError as error:
        raise _unreadable(path, error) from error


def _develop(
    raw: "rawpy.RawPy", path: Path, tags: Mapping[int, Any], short_side: int | None, options: ReadOptions
) -> LinearImage:
    # Everything is read before postprocess(), which alters what `sizes` and `raw_pattern` answer.
    sizes = raw.sizes
    check_pixels(path, sizes.raw_height, sizes.raw_width, options)
    balance, balance_from = _white_balance(raw)
    matrix, matrix_from = _colour_matrix(raw)
    offsets = _plane_offsets(raw)
    halved = offsets is not None and min(sizes.height, sizes.width) // 2 >= (short_side or 1 << 30)
    stops = _baseline_exposure(tags)
    gain = np.float32(2.0**stops / 65535)

    camera = _demosaic(raw, balance, halved)
    size = fit(camera.shape[0], camera.shape[1], short_side)
    registered = _register_planes(camera, offsets) if halved and offsets is not None else camera
    light = scale_light(registered, size, lambda rows: rows.astype(np.float32))
    light = cv2.transform(light, (matrix * gain).astype(np.float32))
    share = clipped_share(light)
    light = orient(np.maximum(light, 0), _FLIPS[sizes.flip])
    recipe = {
        "reader": "raw",
        "versions": {**versions("rawpy", "opencv-python-headless", "numpy"), "libraw": _libraw_version()},
        "white_balance": {"gains": balance, "from": balance_from},
        "colour_matrix": matrix_from,
        "black": raw.black_level_per_channel,
        "white": raw.white_level,
        "baseline_exposure": stops,
        "demosaic": "2x2 blocks, planes registered" if halved else "LibRaw AHD",
        "sensor_size": [sizes.width, sizes.height],
        "orientation": _FLIPS[sizes.flip],
        "short_side": short_side,
        "scaling": "area, linear light",
        "clipped": {"below 0 (beyond sRGB's gamut)": share["below"]},
        "above_white": share["above"],
    }
    return LinearImage(light, recipe)


def check_pixels(path: Path, height: int, width: int, options: ReadOptions) -> None:
    """Raise `UnreadableImageError` for pictures of more pixels than the options allow, or of fewer than 2x2."""
    if height * width > options.max_pixels:
        raise UnreadableImageError(
            "the picture is too large",
            where=path,
            expected=f"at most {options.max_pixels / 1e6:g} megapixels",
            got=f"{width}x{height} = {height * width / 1e6:.0f} megapixels",
            remedy="if the file is what it should be, raise the limit (max_pixels)",
        )
    if min(height, width) < 2:
        raise UnreadableImageError(
            "the picture is too small", where=path, expected="at least 2x2 pixels", got=f"{width}x{height}"
        )


def _demosaic(raw: "rawpy.RawPy", balance: list[float], halved: bool) -> NDArray[np.uint16]:
    import rawpy

    plain = raw.num_colors == 3
    camera: NDArray[Any] = raw.postprocess(
        half_size=halved,
        user_wb=balance,
        user_flip=0,
        output_color=rawpy.ColorSpace.raw if plain else rawpy.ColorSpace.sRGB,
        output_bps=16,
        gamma=(1, 1),
        no_auto_bright=True,
        adjust_maximum_thr=0,
    )
    return camera if camera.shape[2] == 3 else np.repeat(camera[..., :1], 3, axis=2)


def _white_balance(raw: "rawpy.RawPy") -> tuple[list[float], str]:
    # Asked to use an invalid camera balance, LibRaw computes one from the picture: two frames would differ in colour.
    camera = list(raw.camera_whitebalance)
    if all(np.isfinite(camera)) and min(camera[:3]) > 0:
        return camera, "camera"
    daylight = list(raw.daylight_whitebalance)
    given = ", ".join(f"{gain:g}" for gain in camera[:3])
    if all(np.isfinite(daylight)) and min(daylight[:3]) > 0:
        return daylight, f"daylight, since the camera's is invalid ({given})"
    return [1.0, 1.0, 1.0, 1.0], f"none, since the camera's is invalid ({given})"


def _colour_matrix(raw: "rawpy.RawPy") -> tuple[NDArray[np.float64], str]:
    if raw.num_colors != 3:
        return np.eye(3), "LibRaw"
    embedded = np.asarray(raw.color_matrix, np.float64)[:3, :3]
    if embedded[0, 0] > 0.125:
        return embedded, "file"
    camera_of_xyz = np.asarray(raw.rgb_xyz_matrix, np.float64)[:3]
    if not camera_of_xyz.any():
        return np.eye(3), "none: camera colours are taken as sRGB"
    camera_of_srgb = camera_of_xyz @ _XYZ_OF_SRGB
    # Rows that add up to 1 keep white white.
    return np.linalg.inv(camera_of_srgb / camera_of_srgb.sum(axis=1, keepdims=True)), "LibRaw's table"


def _plane_offsets(raw: "rawpy.RawPy") -> tuple[tuple[float, float], ...] | None:
    """Return where each colour is sampled in a 2x2 block, in block widths from its centre; None if not Bayer."""
    pattern = raw.raw_pattern
    if pattern is None or pattern.shape != (2, 2) or raw.num_colors != 3 or raw.sizes.pixel_aspect != 1.0:
        return None
    sizes, names = raw.sizes, raw.color_desc.decode("ascii")
    found: dict[str, list[tuple[float, float]]] = {}
    for row in (0, 1):
        for column in (0, 1):
            name = names[raw.raw_color(sizes.top_margin + row, sizes.left_margin + column)]
            found.setdefault(name, []).append(((row - 0.5) / 2, (column - 0.5) / 2))
    if set(found) != set("RGB"):
        return None
    means = [np.mean(found[name], axis=0) for name in "RGB"]
    return tuple((float(mean[0]), float(mean[1])) for mean in means)


def _register_planes(
    camera: NDArray[np.uint16], offsets: tuple[tuple[float, float], ...]
) -> NDArray[np.float32]:
    # In a block, red and blue lie a quarter of a block from the centre: unmoved, they would fringe every edge.
    planes = []
    for channel, (down, right) in enumerate(offsets):
        shift = np.array([[1, 0, right], [0, 1, down]], np.float32)
        plane = camera[..., channel].astype(np.float32)
        if down or right:
            plane = cv2.warpAffine(
                plane,
                shift,
                (plane.shape[1], plane.shape[0]),
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
        planes.append(plane)
    registered: NDArray[np.float32] = cv2.merge(planes)
    return registered


def _baseline_exposure(tags: Mapping[int, Any]) -> float:
    value = tags.get(BASELINE_EXPOSURE) if DNG_VERSION in tags else None
    if value is None:
        return 0.0
    numerator, denominator = value
    if denominator == 0 or abs(numerator / denominator) > 8:
        raise BadInputError(
            "the DNG's BaselineExposure is impossible",
            expected="-8 ... 8 stops",
            got=f"{numerator}/{denominator}",
        )
    return float(numerator / denominator)


def _libraw_version() -> str:
    import rawpy

    return ".".join(map(str, rawpy.libraw_version))


def _unreadable(path: Path, error: Exception) -> UnreadableImageError:
    said = error.args[0].decode("utf-8", "replace") if error.args else type(error).__name__
    if path.suffix.lower() == ".gpr":
        return UnreadableImageError(
            "LibRaw cannot decode GoPro's compressed GPR",
            where=path,
            got=said,
            remedy="convert it to DNG (gpr_tools -i FILE.GPR -o FILE.DNG, or Adobe's DNG Converter)",
        )
    return UnreadableImageError(
        "LibRaw cannot read the file",
        where=path,
        expected="a whole RAW file of a camera that LibRaw knows",
        got=said,
        remedy="copy it again if it is damaged; convert it to DNG if the camera is newer than LibRaw",
    )
