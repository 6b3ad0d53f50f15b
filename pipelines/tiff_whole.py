"""Whether a TIFF or DNG is whole, judged by its structure alone: cheap enough for 30,000 files.

A TIFF names the offset and length of every piece of its pixels, so a file that was cut off during a copy shows without
decoding it. The main picture is the largest one: page 0 of many DNGs, and of some TIFFs, is a thumbnail.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tifffile

from iea40k.errors import UnreadableImageError


@dataclass(frozen=True)
class MainPicture:
    """The largest picture of a TIFF: its pixels' width and height, and whether page 0 is a smaller one."""

    width: int
    height: int
    page_zero_is_thumbnail: bool


def check_whole(file: Path) -> MainPicture:
    """Return the main picture of a whole TIFF or DNG.

    Raises `UnreadableImageError` where the file is empty, is no TIFF, has no pixels, or ends before its pixels do.
    """
    size = file.stat().st_size
    try:
        with tifffile.TiffFile(file) as tiff:
            pages = list(_pages(tiff.pages))
            shapes = [(int(page.imagewidth), int(page.imagelength)) for page in pages]
            end = max((_end(page) for page in pages), default=0)
    except Exception as error:  # tifffile raises many unrelated types for damaged structures
        raise _unreadable(file, f"{size} bytes: {error}") from error
    if not shapes or max(w * h for w, h in shapes) == 0 or end == 0:
        raise _unreadable(file, f"{size} bytes without pixels")
    if end > size:
        raise _unreadable(file, f"{size} bytes, where its pixels end at {end}: the file is cut off")
    width, height = max(shapes, key=lambda shape: shape[0] * shape[1])
    return MainPicture(width, height, shapes[0] != (width, height))


def _pages(pages: Any) -> Iterator[Any]:
    for page in pages:
        yield page
        if page.pages is not None:  # SubIFDs: where a DNG keeps its RAW picture
            yield from _pages(page.pages)


def _end(page: Any) -> int:
    return max((o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False) if n), default=0)


def _unreadable(file: Path, got: str) -> UnreadableImageError:
    return UnreadableImageError(
        "the file is not a whole TIFF or DNG",
        where=file,
        expected="a file whose pixels are all there",
        got=got,
        remedy="fetch it again: `iea40k fetch fivek --ids ID`",
    )
