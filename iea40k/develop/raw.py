"""RAW files to linear light by LibRaw: opened once, nothing that depends on the picture's content.

1.0 is the level at which the sensor clips, times `2**BaselineExposure` where a DNG states it. Highlights are clipped
at the level of the channel that clips first, so that blown areas stay neutral; they are not invented anew.
"""

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rawpy
import tifffile
from numpy.typing import NDArray

from iea40k.develop.image import LinearImage, check_size, oriented, shrink_to
from iea40k.errors import UnreadableImageError

_FLIP_TO_ORIENTATION = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}
"""LibRaw's flip bits (1 mirror left-right, 2 mirror up-down, 4 transpose first) as EXIF orientation."""

_HEADS = (
    b"II", b"MM", b"FUJIFILM", b"\0MRM", b"FOVb", b"IIII", b"IIRO", b"IIRS", b"ARRI", b"NOKIARAW", b"BM", b"RED1",
)  # fmt: skip


def load_raw(path: Path, short_side: int | None, max_pixels: int) -> LinearImage:
    """Return a RAW photograph in linear light. Raises `UnreadableImageError`."""
    _refuse_headerless(path)
    stops = _baseline_exposure(path)
    try:
        with rawpy.imread(str(path)) as raw:
            # Everything is read before postprocess: after a half-size one, sizes and pattern say something else.
            sizes = raw.sizes
            check_size(sizes.raw_width, sizes.raw_height, path, max_pixels)
            pattern = None if raw.raw_pattern is None else np.array(raw.raw_pattern)
            orientation = _FLIP_TO_ORIENTATION[sizes.flip]
            balance, balance_from = _white_balance(raw)
            half = _half_is_enough(raw, pattern, short_side)
            codes = raw.postprocess(
                user_wb=balance,
                half_size=half,
                no_auto_bright=True,
                adjust_maximum_thr=0.0,
                output_bps=16,
                gamma=(1, 1),
                output_color=rawpy.ColorSpace.sRGB,
                highlight_mode=rawpy.HighlightMode.Clip,
                demosaic_algorithm=rawpy.DemosaicAlgorithm.AHD,
                user_flip=0,
            )
    except UnreadableImageError:
        raise
    except rawpy.LibRawError as error:
        raise _undecodable(path, error) from error
    check_size(codes.shape[1], codes.shape[0], path, max_pixels)
    light = codes.astype(np.float32)
    light *= np.float32(2.0**stops / 65535)
    if half and pattern is not None:
        light = _centred(light, pattern)
    recipe = {
        "kind": "RAW",
        "white_balance": [round(v, 6) for v in balance],
        "white_balance_from": balance_from,
        "baseline_exposure": stops,
        "demosaic": "half size" if half else "AHD",
        "highlights": "clip",
        "orientation": orientation,
        "short_side": short_side,
        "libraw": ".".join(map(str, rawpy.libraw_version)),
    }
    return LinearImage(oriented(shrink_to(light, short_side), orientation), recipe)


def _half_is_enough(raw: Any, pattern: NDArray[Any] | None, short_side: int | None) -> bool:
    if short_side is None or pattern is None or pattern.shape != (2, 2):
        return False
    return bool(min(raw.sizes.width, raw.sizes.height) // 2 >= short_side)


def _centred(light: NDArray[np.float32], pattern: NDArray[Any]) -> NDArray[np.float32]:
    """Undo the phase shift of a half-size picture: red and blue were sampled off the block's centre.

    A block's pixel stands for its centre, while its red sample lies at one corner: a quarter of a (half-size) pixel
    away along each axis. Green has two samples, opposite each other, and needs nothing.
    """
    planes = list(cv2.split(light))
    for channel in (0, 2):
        (row,), (column,) = np.nonzero(pattern == channel)
        down, right = (0.25 if row == 0 else -0.25), (0.25 if column == 0 else -0.25)
        matrix = np.array([[1, 0, right], [0, 1, down]], np.float64)
        planes[channel] = cv2.warpAffine(
            planes[channel],
            matrix,
            (light.shape[1], light.shape[0]),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    merged: NDArray[np.float32] = cv2.merge(planes)
    return merged


def _white_balance(raw: Any) -> tuple[list[float], str]:
    for gains, source in ((raw.camera_whitebalance, "camera"), (raw.daylight_whitebalance, "daylight")):
        red, green, blue, green2 = (float(g) for g in gains)
        if all(math.isfinite(g) and g > 0 for g in (red, green, blue)):
            note = source if source == "camera" else "daylight: the camera's own is invalid"
            return [red, green, blue, green2 if green2 > 0 else green], note
    return [1.0, 1.0, 1.0, 1.0], "none: neither the camera's nor a daylight balance is valid"


def _baseline_exposure(path: Path) -> float:
    try:
        with tifffile.TiffFile(path) as tiff:
            value = tiff.pages.first.tags.valueof(50730)
    except (tifffile.TiffFileError, ValueError, IndexError, KeyError, OverflowError):
        return 0.0
    if value is None or value[1] == 0:
        return 0.0
    stops = float(value[0] / value[1])
    if abs(stops) > 10:
        raise UnreadableImageError(
            "BaselineExposure is absurd", where=path, expected="-10 to +10 stops", got=f"{stops:g}"
        )
    return stops


def _refuse_headerless(path: Path) -> None:
    with path.open("rb") as stream:
        head = stream.read(32)
    if not head.startswith(_HEADS) and head[4:8] != b"ftyp":
        raise UnreadableImageError(
            "an unknown make: the file has no header that names its camera",
            where=path,
            expected="a RAW file with metadata (DNG, CR2, CR3, NEF, ARW, CRW, RAF ...)",
            got=f"first bytes {head[:8].hex(' ')}; LibRaw would guess a camera from the file's size",
            remedy="convert it to DNG with the tool of its camera",
        )


def _undecodable(path: Path, error: Exception) -> UnreadableImageError:
    text = str(
        error.args[0].decode(errors="replace") if error.args and isinstance(error.args[0], bytes) else error
    )
    remedy = "copy the file again; if it opens elsewhere, convert it to DNG"
    if path.suffix.lower() == ".gpr":
        remedy = "LibRaw cannot decode GoPro's VC-5: convert it to DNG with GoPro's gpr_tools"
    return UnreadableImageError(
        "LibRaw cannot decode this file", where=path, expected="a whole RAW file", got=text, remedy=remedy
    )
