"""Rendered pictures (JPEG, PNG, TIFF of 8 or 16 bits) to linear light: profile and orientation honoured."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from iea40k.color import clipped_share, to_linear_srgb
from iea40k.develop.image import LinearImage, check_size, oriented, shrink_to
from iea40k.errors import UnreadableImageError

_PNG = b"\x89PNG\r\n\x1a\n"


def load_rendered(path: Path, short_side: int | None, max_pixels: int) -> LinearImage:
    """Return a JPEG, PNG or TIFF picture in linear light. Raises `UnreadableImageError`."""
    with path.open("rb") as stream:
        head = stream.read(8)
    if head.startswith((b"II", b"MM")):
        pixels, icc, orientation, kind = _read_tiff(path, max_pixels)
    else:
        pixels, icc, orientation, kind = _read_picture(path, max_pixels)
    linear = to_linear_srgb(_as_rgb(pixels), icc)
    share = clipped_share(linear)
    light = shrink_to(np.clip(linear, 0, None), short_side)
    recipe = {
        "kind": kind,
        "depth": pixels.dtype.itemsize * 8,
        "profile": _profile_name(icc),
        "clipped_share": share,
        "orientation": orientation,
        "short_side": short_side,
    }
    return LinearImage(oriented(light, orientation), recipe)


def _read_picture(path: Path, max_pixels: int) -> tuple[NDArray[Any], bytes | None, int, str]:
    try:
        # Pillow's own limit would warn before ours speaks; ours is checked before anything is decoded.
        with Image.open(path) as picture:
            check_size(*picture.size, path, max_pixels)
            kind, mode, icc = str(picture.format), picture.mode, picture.info.get("icc_profile")
            orientation = int(picture.getexif().get(274, 1))
            _refuse(path, kind, mode, picture.info)
            if kind == "PNG":
                return _decode_png(path.read_bytes()), icc, orientation, kind
            return np.asarray(picture.convert("RGB")), icc, orientation, kind
    except UnreadableImageError:
        raise
    except (
        OSError,
        ValueError,
        SyntaxError,
        struct.error,
        zlib.error,
        Image.DecompressionBombError,
    ) as error:
        raise UnreadableImageError(
            "the picture cannot be decoded", where=path, expected="a whole JPEG, PNG or TIFF", got=str(error)
        ) from error


def _refuse(path: Path, kind: str, mode: str, info: dict[Any, Any]) -> None:
    if kind not in ("JPEG", "MPO", "PNG"):
        raise UnreadableImageError(
            "no such format here", where=path, expected="JPEG, PNG, TIFF or RAW", got=kind
        )
    if mode in ("CMYK", "YCCK"):
        raise UnreadableImageError(
            "the picture is in printing colours", where=path, expected="RGB or grey", got=mode,
            remedy="convert it to RGB with the profile you mean",
        )  # fmt: skip
    if mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in info:
        raise UnreadableImageError(
            "the picture has transparency", where=path, expected="RGB or grey", got=mode,
            remedy="flatten it onto the background you mean: transparent pixels have no exposure",
        )  # fmt: skip


def _decode_png(data: bytes) -> NDArray[Any]:
    # Pillow would cut 16 bits to 8.
    pixels: NDArray[Any] = imagecodecs.png_decode(data)
    return pixels


def _read_tiff(path: Path, max_pixels: int) -> tuple[NDArray[Any], bytes | None, int, str]:
    try:
        with tifffile.TiffFile(path) as tiff:
            page: Any = max(tiff.pages, key=_area)  # page 0 may be a thumbnail
            check_size(page.imagewidth, page.imagelength, path, max_pixels)
            tags = page.tags
            orientation = int(tags.valueof(274, default=1))
            icc = tags.valueof(34675)
            pixels = page.asarray()
    except UnreadableImageError:
        raise
    except Exception as error:  # tifffile and the codecs behind it raise dozens of unrelated types
        raise UnreadableImageError(
            "the TIFF cannot be decoded",
            where=path,
            expected="a whole TIFF",
            got=f"{type(error).__name__}: {error}",
        ) from error
    if pixels.dtype not in (np.uint8, np.uint16):
        raise UnreadableImageError(
            "the TIFF has no usable samples",
            where=path,
            expected="8 or 16 bits a sample",
            got=str(pixels.dtype),
        )
    return pixels, icc, orientation, "TIFF"


def _area(page: Any) -> int:
    return int(page.imagewidth * page.imagelength)


def _as_rgb(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        return np.ascontiguousarray(pixels)
    raise UnreadableImageError(
        "the picture is neither grey nor RGB",
        expected="(height, width) or (height, width, 3)",
        got=str(pixels.shape),
    )


def _profile_name(icc: bytes | None) -> str:
    if icc is None:
        return "none: taken as sRGB"
    from PIL import ImageCms

    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc))).strip()
    except (OSError, ImageCms.PyCMSError):
        return "unnamed"
