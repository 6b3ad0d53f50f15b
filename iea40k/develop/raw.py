"""RAW files to linear light, without anything that depends on the picture's own brightness.

LibRaw decodes, subtracts black, balances white and joins each 2x2 block of the mosaic to a pixel, in camera
colours. Then the colour planes are brought into register, scaled by area, and turned to sRGB's primaries.
1.0 is where the first balanced channel saturates, and the others are cut there too, so that blown areas stay neutral.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.color import clipped_share
from iea40k.develop.camera import CameraFacts, camera_facts
from iea40k.develop.geometry import fit, orient, scale_light
from iea40k.develop.linear import LinearImage, ReadOptions, check_pixels
from iea40k.develop.tiff_tags import first_tags, refuse_truncated
from iea40k.errors import UnreadableImageError
from iea40k.recipe import versions

if TYPE_CHECKING:
    import rawpy

_WHITE = 65535


def develop_raw(path: Path, short_side: int | None, options: ReadOptions) -> LinearImage:
    """Return the light of a RAW file, framed and turned as the camera says, scaled to `short_side`.

    1.0 is the sensor's saturation times `2**BaselineExposure` (DNG; 0 elsewhere). Raises `UnreadableImageError`.
    """
    import rawpy

    refuse_truncated(path)
    tags = first_tags(path)
    try:
        with rawpy.imread(str(path)) as raw:
            check_pixels(path, raw.sizes.raw_height, raw.sizes.raw_width, options)
            return _develop(raw, camera_facts(raw, tags), short_side, options)
    except rawpy.LibRawError as error:
        raise _unreadable(path, error) from error


def _develop(
    raw: "rawpy.RawPy", facts: CameraFacts, short_side: int | None, options: ReadOptions
) -> LinearImage:
    levels = {"black": list(raw.black_level_per_channel), "white": int(raw.white_level)}
    enough = short_side is not None and min(facts.frame[2:]) // 2 >= short_side
    halved = enough and facts.offsets is not None and not options.full_demosaic
    camera = _demosaic(raw, facts, halved)
    saturated = float(np.count_nonzero(camera == _WHITE)) / camera.size
    blocks = ((facts.visible[0] + 1) // 2, (facts.visible[1] + 1) // 2)
    picture = _register(camera, facts) if halved and camera.shape[:2] == blocks else _cut(camera, facts)
    size = fit(picture.shape[0], picture.shape[1], short_side)
    light = scale_light(picture, size, lambda rows: rows.astype(np.float32))
    light = cv2.transform(light, (facts.matrix * (2.0**facts.baseline / _WHITE)).astype(np.float32))
    share = clipped_share(light)
    recipe = {
        "reader": "raw",
        "versions": {**versions("rawpy", "opencv-python-headless", "numpy"), "libraw": _libraw_version()},
        "white_balance": {"gains": list(facts.balance), "from": facts.balance_from},
        "colour_matrix": facts.matrix_from,
        "levels": levels,
        "baseline_exposure": facts.baseline,
        "demosaic": "2x2 blocks, planes registered" if halved else "AHD",
        "frame": {"top_left_height_width": list(facts.frame), "from": facts.frame_from},
        "orientation": facts.orientation,
        "short_side": short_side,
        "scaling": "area, linear light",
        "clipped": {"below 0 (beyond sRGB's gamut)": share["below"], "sensor saturated": saturated},
        "above_white": share["above"],
    }
    return LinearImage(orient(np.maximum(light, 0), facts.orientation), recipe)


def _demosaic(raw: "rawpy.RawPy", facts: CameraFacts, halved: bool) -> NDArray[np.uint16]:
    """Return balanced camera colours (h, w, 3), linear, 65535 = saturation, not turned."""
    import rawpy

    camera: NDArray[Any] = raw.postprocess(
        half_size=halved,
        demosaic_algorithm=rawpy.DemosaicAlgorithm.AHD,
        highlight_mode=rawpy.HighlightMode.Clip,
        user_wb=list(facts.balance),
        user_flip=0,
        output_color=rawpy.ColorSpace.raw if raw.num_colors == 3 else rawpy.ColorSpace.sRGB,
        output_bps=16,
        gamma=(1, 1),
        no_auto_bright=True,
        adjust_maximum_thr=0,
    )
    return camera if camera.shape[2] == 3 else np.repeat(camera[..., :1], 3, axis=2)


def _cut(camera: NDArray[Any], facts: CameraFacts) -> NDArray[Any]:
    if camera.shape[:2] != facts.visible:  # turned by 45 degrees or stretched: LibRaw's frame is the picture
        return camera
    top, left, height, width = facts.frame
    return camera[top : top + height, left : left + width]


def _register(camera: NDArray[np.uint16], facts: CameraFacts) -> NDArray[np.float32]:
    """Return half-size colours within the frame, every plane as if sampled in the centre of its blocks.

    Red and blue lie a quarter of a block from it: left there, they would fringe every edge.
    """
    assert facts.offsets is not None
    top, left, height, width = facts.frame
    planes = []
    for channel, (down, right) in enumerate(facts.offsets):
        start = np.array([[1, 0, left / 2 - right], [0, 1, top / 2 - down]], np.float64)
        plane = camera[..., channel].astype(np.float32)
        moved = cv2.warpAffine(
            plane,
            start,
            (width // 2, height // 2),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        planes.append(moved)
    registered: NDArray[np.float32] = cv2.merge(planes)
    return registered


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
