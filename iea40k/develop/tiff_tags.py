"""The tags of a TIFF or of a RAW file that is a TIFF inside, read without touching pixels."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tifffile

from iea40k.errors import UnreadableImageError

# tifffile reports oddities of makers' tags here; what matters to us becomes an error of our own.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)

DNG_VERSION, BLACK_REPEAT, BASELINE_EXPOSURE = 50706, 50713, 50730


def first_tags(path: Path) -> dict[int, Any]:
    """Return the tags of a TIFF's first directory by number; {} where it cannot be read as one."""
    try:
        with tifffile.TiffFile(path) as tiff:
            first = tiff.pages.first
            return {tag.code: tag.value for tag in first.tags} if isinstance(first, tifffile.TiffPage) else {}
    except Exception:  # tifffile raises whatever its parser stumbles over; such a file has no tags for us
        return {}


def refuse_truncated(path: Path) -> None:
    """Raise `UnreadableImageError` if the main picture of a TIFF lies partly beyond the end of the file.

    LibRaw and most decoders fill what is missing with black. Files whose directory cannot be read are left to the
    decoder.
    """
    size = path.stat().st_size
    try:
        with tifffile.TiffFile(path) as tiff:
            ends = [_end(page) for page in _all_pages(tiff) if not int(page.subfiletype) & 1]
    except Exception:  # as above: the decoder says what is wrong
        return
    end = max(ends, default=0)
    if end > size:
        raise UnreadableImageError(
            "the file is truncated",
            where=path,
            expected=f"picture data up to byte {end}",
            got=f"{size} bytes",
            remedy="copy or download it again",
        )


def _all_pages(tiff: tifffile.TiffFile) -> Iterator[tifffile.TiffPage]:
    for page in tiff.pages:
        if isinstance(page, tifffile.TiffPage):
            yield page
            yield from (sub for sub in page.pages or () if isinstance(sub, tifffile.TiffPage))


def _end(page: tifffile.TiffPage) -> int:
    return max((at + n for at, n in zip(page.dataoffsets, page.databytecounts, strict=False)), default=0)
