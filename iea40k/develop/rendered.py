"""Rendered files to encoded pixels: JPEG, PNG, TIFF, HEIC and AVIF, with the profile and orientation they carry.

Pixels keep the depth they have in the file. What cannot be taken over without a guess is refused.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin, PngImagePlugin

from iea40k.colour import ColourSpace, named_space, profile_space
from iea40k.develop.cmyk import from_cmyk
from iea40k.develop.heif import Heif
from iea40k.develop.linear import ReadOptions, check_pixels
from iea40k.develop.tiff_tags import refuse_truncated
from iea40k.errors import IEAError, UnreadableImageError
from iea40k.exif import noted_damage

_ORIENTATION, _EXIF, _INTEROP = 0x0112, 0x8769, 0xA005


@dataclass(frozen=True)
class Picture:
    """An encoded picture as its file holds it.

    `pixels` (H, W, 3), or (H, W) grey, uint8, uint16 or float32, not yet turned; `space` and `space_from` say which
    colours and who says so; `orientation` is EXIF's; `notes` are for the recipe.
    """

    pixels: NDArray[Any]
    space: ColourSpace
    space_from: str
    orientation: int
    notes: dict[str, Any]


def read_rendered(path: Path, kind: str, options: ReadOptions) -> Picture:
    """Return the picture of a JPEG, PNG, TIFF, HEIC or AVIF file. Raises `UnreadableImageError`."""
    try:
        with noted_damage() as damage:
            if kind in ("heic", "avif"):
                return _read_heif(path, kind, options)
            picture = {"jpeg": _read_jpeg, "png": _read_png, "tiff": _read_tiff}[kind](path, options)
        if damage:
            picture.notes["exif_damaged"] = damage[0]
        return picture
    except IEAError as error:
        raise error.located(path)  # noqa: B904 - the same error, with its place
    except MemoryError:
        raise
    except Exception as error:  # the decoders raise dozens of unrelated types for damaged files
        raise UnreadableImageError(
            f"the {kind.upper()} file cannot be decoded",
            where=path,
            expected="a whole file",
            got=str(error) or type(error).__name__,
            remedy="copy or download it again",
        ) from error


def _read_jpeg(path: Path, options: ReadOptions) -> Picture:
    with path.open("rb") as stream:
        image = JpegImagePlugin.JpegImageFile(stream)
        check_pixels(path, image.height, image.width, options)
        if image.mode not in ("RGB", "L", "CMYK"):
            raise _not_rgb(image.mode)
        orientation, stated, notes = _exif(image)
        icc = image.info.get("icc_profile")
        if image.mode == "CMYK":
            picture = _of_inks(np.asarray(image), icc, options, orientation, notes)
            _refuse_unended(path)
            return picture
        space, said = _space(icc, options, stated)
        pixels = np.asarray(image)
    _refuse_unended(path)
    return Picture(pixels, space, said, orientation, notes)


def _read_png(path: Path, options: ReadOptions) -> Picture:
    with path.open("rb") as stream:
        image: Image.Image = PngImagePlugin.PngImageFile(stream)
        check_pixels(path, image.height, image.width, options)
        if getattr(image, "is_animated", False):
            raise _several(f"{getattr(image, 'n_frames', 2)} frames")
        stream.seek(24)
        deep = stream.read(1)[0] == 16
        orientation, _, notes = _exif(image)
        space, said = _space(image.info.get("icc_profile"), options, _png_space(image.info))
        if deep:
            image.close()
            pixels = imagecodecs.png_decode(path.read_bytes())
        else:
            transparent = "transparency" in image.info
            if transparent or image.mode not in ("L", "LA", "RGB", "RGBA"):
                image = image.convert("RGBA" if transparent else "L" if image.mode == "1" else "RGB")
            pixels = np.asarray(image)
    _refuse_damaged(path)
    return Picture(_without_alpha(pixels, notes), space, said, orientation, notes)


def _read_tiff(path: Path, options: ReadOptions) -> Picture:
    refuse_truncated(path)
    with tifffile.TiffFile(path) as tiff:
        page, number, parent = _main_page(tiff)
        check_pixels(path, page.imagelength, page.imagewidth, options)
        if page.samplesperpixel > 5 or page.imagedepth != 1:
            raise _not_rgb(f"{page.samplesperpixel} samples a pixel, {page.imagedepth} deep")
        photometric = tifffile.PHOTOMETRIC(page.photometric).name
        inks = photometric == "SEPARATED" and page.samplesperpixel == 4
        if photometric not in ("RGB", "MINISBLACK", "YCBCR") and not inks:
            raise _not_rgb(photometric)
        if page.dtype not in (np.uint8, np.uint16, np.float32) or page.bitspersample not in (8, 16, 32):
            raise UnreadableImageError(
                "TIFF of a depth that is not read",
                expected="8 or 16 bits, or 32-bit floats",
                got=f"{page.bitspersample} bits ({page.dtype})",
            )
        orientation, notes = _orientation(_tag(page, parent, 274))
        if number:
            notes["page"] = number
        icc = _tag(page, parent, 34675)
        space, said = (None, "") if inks else _space(icc, options, None)
        pixels = page.asarray()
    if pixels.ndim == 3 and pixels.shape[0] == page.samplesperpixel and page.planarconfig == 2:
        pixels = np.moveaxis(pixels, 0, -1)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if space is None:
        return _of_inks(pixels, icc, options, orientation, notes)
    return Picture(_without_alpha(pixels, notes), space, said, orientation, notes)


def _read_heif(path: Path, kind: str, options: ReadOptions) -> Picture:
    file = Heif(path, kind, options)
    space, said = _space(file.icc, options, file.stated)
    notes = dict(file.notes)
    return Picture(_without_alpha(file.pixels(), notes), space, said, file.orientation, notes)


def _of_inks(
    pixels: NDArray[Any], icc: Any, options: ReadOptions, orientation: int, notes: dict[str, Any]
) -> Picture:
    rgb, space, said, inks = from_cmyk(pixels, bytes(icc) if icc else None, options)
    return Picture(rgb, space, said, orientation, {**notes, **inks})


def _main_page(tiff: tifffile.TiffFile) -> tuple[tifffile.TiffPage, int, tifffile.TiffPage]:
    """Return the picture itself, its number, and its top directory: thumbnails and masks come first or last."""
    found = []
    for top in tiff.pages:
        if isinstance(top, tifffile.TiffPage):
            found += [
                (page, top) for page in (top, *(top.pages or ())) if isinstance(page, tifffile.TiffPage)
            ]
    full = [(n, page, top) for n, (page, top) in enumerate(found) if not int(page.subfiletype) & 5]
    if not full:
        raise UnreadableImageError("the TIFF holds thumbnails and masks only")
    largest = max(page.imagelength * page.imagewidth for _, page, _ in full)
    best = [entry for entry in full if entry[1].imagelength * entry[1].imagewidth == largest]
    if len(best) > 1:
        raise _several(f"{len(best)} pages of {best[0][1].imagewidth}x{best[0][1].imagelength}")
    number, page, top = best[0]
    return page, number, top


def _tag(page: tifffile.TiffPage, parent: tifffile.TiffPage, code: int) -> Any:
    tag = page.tags.get(code) or (parent.tags.get(code) if parent is not page else None)
    return tag.value if tag is not None else None


def _space(icc: bytes | None, options: ReadOptions, stated: str | None) -> tuple[ColourSpace, str]:
    if icc:
        return profile_space(bytes(icc)), "profile"
    if stated is not None and not stated.startswith("?"):
        return named_space(stated), "file"
    if options.assume_profile is not None:
        return named_space(options.assume_profile), "assumed by choice"
    if stated is None:
        raise UnreadableImageError(
            "the TIFF names no colour space",
            expected="an embedded profile",
            got="none",
            remedy="say which it has, e.g. assume_profile: prophoto for FiveK retouches stripped of their profile",
        )
    if stated == "?":
        return named_space("srgb"), "default"
    raise UnreadableImageError(
        "the file states colours that no profile describes",
        expected="sRGB or an embedded profile",
        got=stated[1:],
        remedy="say which colour space it has (assume_profile), or embed a profile",
    )


def _exif(image: Image.Image) -> tuple[int, str, dict[str, Any]]:
    """Return orientation, stated space ("adobe-rgb" by the DCF option file mark, "?" for none), and notes."""
    try:
        exif = image.getexif()
        orientation, notes = _orientation(exif.get(_ORIENTATION))
        interop = exif.get_ifd(_INTEROP) or exif.get_ifd(_EXIF).get(_INTEROP, {})
        adobe = isinstance(interop, dict) and interop.get(1) == "R03"
        return orientation, "adobe-rgb" if adobe else "?", notes
    except Exception as error:  # Pillow raises what its parser stumbles over; the picture itself may be whole
        return 1, "?", {"exif_ignored": f"damaged: {error}"}


def _refuse_unended(path: Path) -> None:
    # An interrupted download may leave a file of full length whose rest is zeros: libjpeg paints that part grey.
    data = path.read_bytes()
    if data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
        raise UnreadableImageError(
            "the JPEG has no end",
            expected="an end marker after the picture",
            got="none",
            remedy="copy or download it again",
        )


def _refuse_damaged(path: Path) -> None:
    # Pillow stops at the last row, before the checksum that would tell that a part of the rows is not the picture's.
    data, at, name = path.read_bytes(), 8, b""
    while name != b"IEND" and at + 12 <= len(data):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 8 + length
        critical = not name[0] & 0x20
        if critical and zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            break
        at = end + 4
    else:
        if name == b"IEND":
            return
    raise UnreadableImageError(
        "the PNG is damaged or cut",
        where=path,
        expected="chunks that agree with their checksums, up to the end mark",
        got=f"a chunk {name!r} that does not" if name != b"IEND" else "none",
        remedy="copy or download it again",
    )


def _png_space(info: dict[Any, Any]) -> str:
    if "srgb" in info or "gamma" not in info:
        return "?"
    gamma = float(info["gamma"])
    return "?" if abs(gamma - 0.45455) < 0.005 else f"?gamma {gamma:g}"


def _orientation(value: Any) -> tuple[int, dict[str, Any]]:
    if value is None or value in range(1, 9):
        return int(value or 1), {}
    return 1, {"orientation_ignored": f"{value!r} means nothing"}


def _without_alpha(pixels: NDArray[Any], notes: dict[str, Any]) -> NDArray[Any]:
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels in (2, 4):
        alpha = pixels[..., -1]
        opaque = 1.0 if alpha.dtype == np.float32 else np.iinfo(alpha.dtype).max
        if not (alpha == opaque).all():
            raise UnreadableImageError(
                "the picture is partly transparent: what shows through is not known",
                expected="an opaque picture",
                got=f"{np.mean(alpha != opaque):.1%} of its pixels let something through",
                remedy="flatten it onto its background",
            )
        notes["alpha"] = "opaque, dropped"
        pixels = pixels[..., :-1]
    elif channels not in (1, 3):
        raise _not_rgb(f"{channels} channels")
    grey = pixels.ndim == 3 and pixels.shape[2] == 1
    return np.ascontiguousarray(pixels[..., 0] if grey else pixels)


def _not_rgb(got: str) -> UnreadableImageError:
    return UnreadableImageError(
        "the picture is neither RGB nor grey",
        expected="RGB or grey",
        got=got,
        remedy="convert it to RGB, with its profile, in the program that made it",
    )


def _several(got: str) -> UnreadableImageError:
    return UnreadableImageError(
        "the file holds several pictures",
        expected="one",
        got=got,
        remedy="save the one that is meant by itself",
    )
