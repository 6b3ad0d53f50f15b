"""RAW files to linear light, without anything that depends on the picture's own brightness.

LibRaw decodes. A Bayer mosaic at least twice as large as what is wanted then goes straight to the small picture
(`iea40k.develop.mosaic`); any other file is demosaiced by LibRaw (AHD) and scaled by area. Both give balanced camera
colours, which are turned to sRGB's primaries at the end. 1.0 is where the first balanced channel saturates, and the
others are cut there too, so that blown areas stay neutral.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LinearRGB
from iea40k.colour import clipped_share
from iea40k.develop.camera import CameraFacts, camera_facts
from iea40k.develop.geometry import fit, orient, scale_light
from iea40k.develop.linear import LinearImage, ReadOptions, check_pixels
from iea40k.develop.mosaic import REVISION, Mosaic, scale_mosaic
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
    size = fit(facts.frame[2], facts.frame[3], short_side)
    direct = facts.mosaic is not None and 2 * size[0] <= facts.frame[2] and not options.full_demosaic
    if direct:
        camera, saturated = scale_mosaic(_mosaic(raw, facts), size)
    else:
        camera, saturated = _demosaiced(raw, facts, short_side)
    light = cv2.transform(camera, (facts.matrix * 2.0**facts.baseline).astype(np.float32))
    share = clipped_share(light)
    recipe = {
        "reader": "raw",
        "versions": {**versions("rawpy", "opencv-python-headless", "numpy"), "libraw": _libraw_version()},
        "white_balance": {"gains": list(facts.balance), "from": facts.balance_from},
        "colour_matrix": facts.matrix_from,
        "levels": {"black": list(facts.black), "white": facts.white},
        "baseline_exposure": facts.baseline,
        "demosaic": f"mosaic to scale, revision {REVISION}" if direct else "AHD",
        "frame": {"top_left_height_width": list(facts.frame), "from": facts.frame_from},
        "orientation": facts.orientation,
        "short_side": short_side,
        "scaling": "area, linear light",
        "clipped": {"below 0 (beyond sRGB's gamut)": share["below"], "sensor saturated": saturated},
        "above_white": share["above"],
    }
    return LinearImage(orient(np.maximum(light, 0), facts.orientation), recipe)


def _mosaic(raw: "rawpy.RawPy", facts: CameraFacts) -> Mosaic:
    assert facts.mosaic is not None
    top, left, height, width = facts.frame
    # A frame that begins between blocks sees another order of colours.
    order = [facts.mosaic[2 * ((row + top) % 2) + (column + left) % 2] for row in (0, 1) for column in (0, 1)]
    least = min(facts.balance[:3])
    gains = [facts.balance[1 if colour == 3 else colour] / least for colour in order]
    black = [facts.black[colour] for colour in order]
    codes = raw.raw_image_visible[top : top + height // 2 * 2, left : left + width // 2 * 2]
    a, b, c, d = (1 if colour == 3 else colour for colour in order)
    scales = [gain / (facts.white - level) for gain, level in zip(gains, black, strict=True)]
    return Mosaic(codes, (a, b, c, d), tuple(black), tuple(scales))


def _demosaiced(raw: "rawpy.RawPy", facts: CameraFacts, short_side: int | None) -> tuple[LinearRGB, float]:
    codes = _demosaic(raw, facts)
    saturated = float(np.count_nonzero(codes == _WHITE)) / codes.size
    picture = _cut(codes, facts)
    size = fit(picture.shape[0], picture.shape[1], short_side)
    return scale_light(picture, size, _unit_light), saturated


def _unit_light(rows: NDArray[np.uint16]) -> LinearRGB:
    light = rows.astype(np.float32)
    light /= np.float32(_WHITE)
    return light


def _demosaic(raw: "rawpy.RawPy", facts: CameraFacts) -> NDArray[np.uint16]:
    """Return balanced camera colours (h, w, 3), linear, 65535 = saturation, not turned."""
    import rawpy

    camera: NDArray[Any] = raw.postprocess(
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


def _libraw_version() -> str:
    import rawpy

    return ".".join(map(str, rawpy.libraw_version))


def _unreadable(path: Path, error: Exception) -> UnreadableImageError:
    said = error.args[0] if error.args else type(error).__name__
    said = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
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
