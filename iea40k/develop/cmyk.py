"""Pictures made for print (CMYK) to RGB, by a profile that somebody chose."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from iea40k.colour import ColourSpace, named_space
from iea40k.develop.linear import ReadOptions
from iea40k.errors import UnreadableImageError

_SPACE = "prophoto"  # wider than any press, so that nothing is cut before the gamut of sRGB is
_BAND = 1 << 20


def from_cmyk(
    pixels: NDArray[Any], icc: bytes | None, options: ReadOptions
) -> tuple[NDArray[np.uint16], ColourSpace, str, dict[str, Any]]:
    """Return CMYK pixels (H, W, 4), uint8 or uint16, 0 = no ink, as RGB, its space, who says so, and notes.

    Relative colorimetric with black point compensation, as screens show such files. Raises `UnreadableImageError`
    where `options.cmyk` was not chosen, where no profile says what the inks look like, and where it is broken.
    """
    if options.cmyk is None:
        raise UnreadableImageError(
            "the picture is in inks (CMYK), not in light",
            expected="RGB or grey",
            got="CMYK with a profile" if icc else "CMYK without a profile",
            remedy="convert it to RGB in the program that made it, or "
            + (
                "let its profile decide (cmyk: profile)"
                if icc
                else "name the profile of the press (cmyk: FILE.icc)"
            ),
        )
    profile, said = (icc, "profile") if icc else _chosen(options.cmyk)
    if profile[16:20] != b"CMYK":
        raise UnreadableImageError(
            "the colour profile is not one of inks",
            expected="a CMYK profile",
            got=profile[16:20].decode("ascii", "replace").strip() or f"{len(profile)} bytes",
            remedy="name the profile of the press that the picture was made for (cmyk: FILE.icc)",
        )
    rgb = np.empty((*pixels.shape[:2], 3), np.uint16)
    rows = max(1, _BAND // max(1, pixels.shape[1]))
    try:
        for start in range(0, pixels.shape[0], rows):
            rgb[start : start + rows] = _converted(pixels[start : start + rows], profile)
    except imagecodecs.CmsError as error:
        raise UnreadableImageError(
            "the CMYK profile cannot be evaluated",
            expected="a profile with a table from inks to colours (A2B)",
            got=str(error),
            remedy="name another profile (cmyk: FILE.icc), or convert the picture to RGB",
        ) from error
    notes = {
        "inks": {
            "profile_sha256": hashlib.sha256(profile).hexdigest(),
            "intent": "relative colorimetric, black point compensation",
        }
    }
    return rgb, named_space(_SPACE), said, notes


def _chosen(cmyk: str) -> tuple[bytes, str]:
    if cmyk == "profile":
        raise UnreadableImageError(
            "the CMYK picture carries no profile: what its inks look like is not known",
            expected="an embedded profile",
            got="none",
            remedy="name the profile of the press it was made for (cmyk: FILE.icc)",
        )
    try:
        return Path(cmyk).read_bytes(), "assumed by choice"
    except OSError as error:
        raise UnreadableImageError(
            "the chosen CMYK profile cannot be read", where=cmyk, got=error.strerror or str(error)
        ) from error


def _converted(pixels: NDArray[Any], profile: bytes) -> NDArray[np.uint16]:
    flags = imagecodecs.CMS.FLAGS.NOOPTIMIZE | imagecodecs.CMS.FLAGS.BLACKPOINTCOMPENSATION
    rgb: NDArray[np.uint16] = imagecodecs.cms_transform(
        np.ascontiguousarray(pixels),
        profile,
        _wide_profile(),
        outdtype=np.uint16,
        colorspace="cmyk",
        outcolorspace="rgb",
        intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
        flags=flags,
    )
    return rgb


@cache
def _wide_profile() -> bytes:
    from iea40k.colour import SPACES

    primaries, white, _ = SPACES[_SPACE]
    chromaticities = [value for x, y in primaries for value in (x, y, 1.0)]
    profile: bytes = imagecodecs.cms_profile(
        "rgb", whitepoint=(*white, 1.0), primaries=chromaticities, gamma=461 / 256
    )
    return profile
