"""The tags and the structure of a TIFF, or of a RAW file that is a TIFF inside, read without touching pixels."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tifffile

from iea40k.develop.tiff_structure import check_directories
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
    """Raise `UnreadableImageError` if a picture of a TIFF that is no thumbnail lies partly beyond the end of the file.

    Also where its directories lead in a circle.

    LibRaw and most decoders fill what is missing with black. Files whose directory cannot be read are left to the
    decoder.
    """
    check_directories(path)
    size = path.stat().st_size
    try:
        end = _pixels_end(path, thumbnails=False)
    except Exception:  # as above: the decoder says what is wrong
        return
    if end > size:
        raise UnreadableImageError(
            "the file is truncated",
            where=path,
            expected=f"picture data up to byte {end}",
            got=f"{size} bytes",
            remedy="copy or download it again",
        )


def check_whole(path: Path) -> None:
    """Raise `UnreadableImageError` where a TIFF or DNG is empty, is no TIFF, has no pixels, or ends before they do.

    Judged by its structure alone, thumbnails included: cheap enough for 30,000 files.
    """
    check_directories(path)
    size = path.stat().st_size
    try:
        end = _pixels_end(path, thumbnails=True)
        trouble = "" if end else " without pixels"
    except Exception as error:  # tifffile raises many unrelated types for damaged structures
        end, trouble = 0, f": {error}"
    if end > size:
        trouble = f", where its pixels end at {end}: the file is cut off"
    if trouble:
        raise UnreadableImageError(
            "the file is not a whole TIFF or DNG",
            where=path,
            expected="a file whose pixels are all there",
            got=f"{size} bytes{trouble}",
            remedy="fetch it again: `iea40k fetch fivek --ids ID`",
        )


def _pixels_end(path: Path, *, thumbnails: bool) -> int:
    """Return the byte after the last pixels: a TIFF names the offset and length of every piece of them."""
    with tifffile.TiffFile(path) as tiff:
        pieces = (
            offset + count
            for page in _all_pages(tiff.pages)
            if thumbnails or not int(page.subfiletype) & 1
            for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)
            if count
        )
        return max(pieces, default=0)


def _all_pages(pages: Any) -> Iterator[Any]:
    for page in pages:
        yield page
        if page.pages is not None:  # SubIFDs: where a DNG keeps its RAW picture
            yield from _all_pages(page.pages)
