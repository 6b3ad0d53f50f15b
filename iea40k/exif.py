"""EXIF tags as numbers, times and texts; what is missing, zero or nonsense is None."""

import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from PIL import ExifTags, Image


def all_tags(exif: Image.Exif) -> dict[int, Any]:
    """Return the tags of a file, those of its EXIF directory included, by number."""
    return {**dict(exif), **dict(exif.get_ifd(ExifTags.IFD.Exif))}


@contextmanager
def noted_damage() -> Iterator[list[str]]:
    """Yield the list of what Pillow warns of while tags are read, so that nothing of it goes to the terminal.

    A tag that is damaged is missing, as any other.
    """
    said: list[str] = []
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            yield said
        finally:
            said += [str(one.message).strip() for one in heard if issubclass(one.category, UserWarning)]


def number_of(value: Any) -> float | None:
    """Return a tag's number, None where it is missing, infinite, not a number or divided by zero."""
    if isinstance(value, tuple | list):
        if len(value) == 2 and all(isinstance(v, int) for v in value) and value[1]:
            value = Fraction(value[0], value[1])
        else:
            value = value[0] if value else None
    if value is None or isinstance(value, bytes | bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def positive(value: Any) -> float | None:
    """Return a positive number below a million, None for anything else."""
    number = number_of(value)
    # 2^32 / 1 and the like are how cameras write "unknown" or "infinite".
    return number if number is not None and 0 < number < 1e6 else None


def bias_of(value: Any) -> float | None:
    """Return an exposure bias in stops, None for nonsense."""
    number = number_of(value)
    return number if number is not None and abs(number) <= 20 else None


def apex_time(value: Any) -> float | None:
    """Return the seconds of an APEX shutter speed, None for nonsense."""
    number = number_of(value)
    return 2.0**-number if number is not None and abs(number) < 20 else None


def apex_aperture(value: Any) -> float | None:
    """Return the f-number of an APEX aperture, None for nonsense."""
    number = number_of(value)
    return 2.0 ** (number / 2) if number is not None and 0 < number < 20 else None


def iso_of(tags: Mapping[int, Any]) -> float | None:
    """Return the ISO speed, None where no tag says it."""
    base = ExifTags.Base
    # ISOSpeedRatings has 16 bits: 65535 says "look at the wider tags" (Exif 2.3, 4.6.5).
    names = (
        base.ISOSpeedRatings,
        base.RecommendedExposureIndex,
        base.ISOSpeed,
        base.StandardOutputSensitivity,
    )
    found = (positive(tags.get(name)) for name in names)
    return next((value for value in found if value is not None and value != 65535), None)


def time_taken(tags: Mapping[int, Any]) -> datetime | None:
    """Return when it was taken in the camera's own time, None where no tag says it."""
    base = ExifTags.Base
    pairs = (
        (base.DateTimeOriginal, base.SubsecTimeOriginal),
        (base.DateTimeDigitized, base.SubsecTimeDigitized),
        (base.DateTime, base.SubsecTime),
    )
    for name, part in pairs:
        text = text_of(tags.get(name))
        for form in ("%Y:%m:%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"):
            try:
                stamp = datetime.strptime(text[:19], form)
            except ValueError:
                continue
            digits = text_of(tags.get(part))
            return stamp + timedelta(seconds=float(f"0.{digits}")) if digits.isdecimal() else stamp
    return None


def text_of(value: Any) -> str:
    """Return a tag as text, "" where it is missing."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return str(value).split("\0")[0].strip() if value is not None else ""
