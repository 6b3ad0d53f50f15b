"""What a camera wrote about a capture: exposure time, aperture, ISO, bias, time of day; and the EV they make.

Reads the EXIF of JPEG, TIFF, PNG, WebP, HEIC, AVIF and of RAW files built on TIFF (DNG, CR2, NEF, ARW, GPR, ...)
with Pillow, without decoding a pixel, and asks LibRaw about other RAW files (CRW, RAF, ...). A field that is missing,
zero or nonsense in the file is None: never guessed, never zero.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, UnidentifiedImageError

from iea40k.errors import BadInputError, UnreadableImageError
from iea40k.exif import (
    all_tags,
    apex_aperture,
    apex_time,
    bias_of,
    iso_of,
    noted_damage,
    number_of,
    positive,
    text_of,
    time_taken,
)
from iea40k.extras import require
from iea40k.files import AnyPath, refuse_special

BASE_ISO = 100.0

_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"IIRO", b"IIRS", b"IIU\0")
_LEADING = {b"\xff\xd8\xff", b"\x89PN", b"RIF"}
_TIME = re.compile(
    r"^(?:(?P<top>\d+(?:[.,]\d+)?)\s*/\s*(?P<bottom>\d+(?:[.,]\d+)?)|(?P<plain>\d*[.,]?\d+(?:e[+-]?\d+)?)"
    r"|(?P<whole>\d+)[\"″](?P<tenth>\d+))\s*(?:s|sec|secs|seconds?|[\"″]|'')?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Capture:
    """One capture as its file describes it; None where the file does not say.

    `exposure_time` in seconds, `f_number`, `iso`, `exposure_bias` in stops, `focal_length` in mm, `taken_at` in the
    camera's own time; `mode` is "auto", "manual" or "bracket" (EXIF ExposureMode). `size` is (width, height) as
    stored, before orientation; None for RAW.
    """

    path: Path
    exposure_time: float | None = None
    f_number: float | None = None
    iso: float | None = None
    exposure_bias: float | None = None
    focal_length: float | None = None
    taken_at: datetime | None = None
    make: str = ""
    model: str = ""
    mode: str = ""
    size: tuple[int, int] | None = None

    @property
    def ev(self) -> float | None:
        """Stops of light on the sensor times its gain, log2(t / N^2 * ISO / 100): + = brighter picture.

        None unless time, aperture and ISO are all known. (ISO 2720's exposure value is the same with its sign
        turned and without the ISO.) Nominal values are taken as written: "1/30" is 1/30 s, not 1/32 s.
        """
        if self.exposure_time is None or self.f_number is None or self.iso is None:
            return None
        return math.log2(self.exposure_time / self.f_number**2 * self.iso / BASE_ISO)


def read_capture(path: AnyPath) -> Capture:
    """Return what a photograph's metadata say.

    Raises `UnreadableImageError` where the file is missing, empty, or of no kind that can be read.
    """
    path = Path(path)
    try:
        refuse_special(path)
        with path.open("rb") as stream:
            head = stream.read(64)
    except (OSError, ValueError, BadInputError) as error:
        raise UnreadableImageError("the file cannot be opened", where=path, got=str(error)) from error
    if not head:
        raise UnreadableImageError("the file is empty", where=path, expected="a photograph")
    if head[:4] in _TIFF_MAGIC:
        return _from_tiff(path)
    if head[:3] in _LEADING:
        return _from_picture(path)
    if head[4:8] == b"ftyp" and head[8:12] != b"crx ":
        return _from_picture(path) if b"avif" in head else _from_heic(path)
    return _from_libraw(path)


def parse_time(text: str | float) -> float:
    """Return an exposure time in seconds: "1/4000", "2", "0.8 s", "0,8", "2''", '0"8', 0.8.

    Raises `BadInputError` for anything else, and for times that are not positive and finite.
    """
    if isinstance(text, str):
        match = _TIME.match(text.strip())
        seconds = _time_of(match) if match else math.nan
    else:
        seconds = float(text)
    if not (math.isfinite(seconds) and 0 < seconds < 1e6):
        raise BadInputError(
            "not an exposure time", expected="seconds such as 2, 1/4000 or 0.8 s", got=repr(text)
        )
    return seconds


def relative_evs(captures: Sequence[Capture]) -> tuple[float, ...] | None:
    """Return each capture's EV minus the first's, or None where the captures do not say.

    A setting that no capture states (the aperture of a manual lens, an old compact's ISO) is taken as constant; one
    that only some state leaves the EVs unknown.
    """
    total = [0.0] * len(captures)
    for name, stops in (("exposure_time", 1.0), ("f_number", -2.0), ("iso", 1.0)):
        values = [getattr(c, name) for c in captures]
        known = [v for v in values if v is not None]
        if name == "exposure_time" and not known:
            return None
        if known and len(known) < len(values):
            return None
        for index, value in enumerate(known):
            total[index] += stops * math.log2(value)
    return tuple(value - total[0] for value in total) if total else None


def missing_settings(captures: Sequence[Capture]) -> tuple[str, ...]:
    """Return the settings that no capture states, and that `relative_evs` therefore takes as constant."""
    names = ("exposure_time", "f_number", "iso")
    return tuple(n for n in names if all(getattr(c, n) is None for c in captures))


# ---------------------------------------------------------------- files


def _from_tiff(path: Path) -> Capture:
    exif = Image.Exif()
    try:
        with noted_damage() as damage, path.open("rb") as stream:
            magic = stream.read(4)
            stream.seek(0)
            if magic in _TIFF_MAGIC[:2]:
                exif.load_from_fp(stream)
            else:
                # Olympus and Panasonic write a magic of their own before an ordinary TIFF directory.
                exif.load(b"Exif\0\0II*\0" + stream.read()[4:])
            tags = all_tags(exif)
    except Exception as error:  # Pillow raises many unrelated types for directories cut short
        raise UnreadableImageError("the TIFF directory cannot be read", where=path, got=str(error)) from error
    if damage and not tags:
        raise UnreadableImageError("the TIFF directory cannot be read", where=path, got=damage[0])
    return _from_tags(path, tags, None)


def _from_picture(path: Path) -> Capture:
    try:
        with noted_damage(), Image.open(path) as image:
            size = image.size
            exif = image.getexif()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableImageError("the picture cannot be read", where=path, got=str(error)) from error
    return _from_tags(path, _tags_of(exif), size)


def _from_heic(path: Path) -> Capture:
    require("pi_heif", "curator")
    import pi_heif

    try:
        file = pi_heif.open_heif(path)
    except (ValueError, OSError, SyntaxError, RuntimeError) as error:
        raise UnreadableImageError("the picture cannot be read", where=path, got=str(error)) from error
    return _from_tags(path, _tags_of(file.info.get("exif") or b""), file.size)


def _tags_of(exif: Image.Exif | bytes) -> Mapping[int, Any]:
    """Return the tags of a picture; a broken EXIF block leaves a good picture without metadata."""
    try:
        with noted_damage():
            if isinstance(exif, Image.Exif):
                return all_tags(exif)
            block = Image.Exif()
            block.load(exif)
            return all_tags(block)
    except Exception:
        return {}


def _from_libraw(path: Path) -> Capture:
    import rawpy

    try:
        with rawpy.imread(str(path)) as raw:
            other = raw.other
    except (rawpy.LibRawError, OSError) as error:
        raise UnreadableImageError(
            "not a photograph that can be read",
            where=path,
            expected="JPEG, PNG, TIFF, WebP, HEIC, AVIF, or a RAW file that LibRaw knows",
            got=str(error),
        ) from error
    # LibRaw reports 0 where a file does not say, and the start of 1970 for an unknown time.
    stamp = other.timestamp if other.timestamp.year > 1970 else None
    return Capture(
        path,
        exposure_time=positive(other.shutter_speed),
        f_number=positive(other.aperture),
        iso=positive(other.iso_speed),
        focal_length=positive(other.focal_length),
        taken_at=stamp,
    )


def _from_tags(path: Path, tags: Mapping[int, Any], size: tuple[int, int] | None) -> Capture:
    base = ExifTags.Base
    modes = {0: "auto", 1: "manual", 2: "bracket"}
    mode = number_of(tags.get(base.ExposureMode))
    return Capture(
        path,
        exposure_time=positive(tags.get(base.ExposureTime)) or apex_time(tags.get(base.ShutterSpeedValue)),
        f_number=positive(tags.get(base.FNumber)) or apex_aperture(tags.get(base.ApertureValue)),
        iso=iso_of(tags),
        exposure_bias=bias_of(tags.get(base.ExposureBiasValue)),
        focal_length=positive(tags.get(base.FocalLength)),
        taken_at=time_taken(tags),
        make=text_of(tags.get(base.Make)),
        model=text_of(tags.get(base.Model)),
        mode=modes.get(int(mode), "") if mode is not None else "",
        size=size,
    )


def _time_of(match: re.Match[str]) -> float:
    def number(text: str) -> float:
        return float(text.replace(",", "."))

    if match["top"] is not None:
        bottom = number(match["bottom"])
        return number(match["top"]) / bottom if bottom else math.nan
    if match["whole"] is not None:
        return float(f"{match['whole']}.{match['tenth']}")
    return number(match["plain"])
