"""One door for every file: look at what it is, not at its name, and take the RAW or the rendered way."""

from pathlib import Path
from typing import Any

from iea40k.arrays import EncodedRGB
from iea40k.color import encode_srgb
from iea40k.develop.image import MAX_PIXELS, LinearImage
from iea40k.develop.raw import load_raw
from iea40k.develop.rendered import load_rendered
from iea40k.develop.sniff import is_raw
from iea40k.errors import UnreadableImageError


def load_linear(path: Path, *, short_side: int | None = 512, max_pixels: int = MAX_PIXELS) -> LinearImage:
    """Return a photograph in linear light, upright, scaled down to `short_side` (None: full size).

    Raises `UnreadableImageError` for what is missing, empty, truncated, mislabelled, too large or not a photograph.
    """
    if not path.is_file():
        raise UnreadableImageError("there is no such file", where=path)
    if path.stat().st_size == 0:
        raise UnreadableImageError("the file is empty", where=path, remedy="copy or fetch it again")
    try:
        loader = load_raw if is_raw(path) else load_rendered
        return loader(path, short_side, max_pixels)
    except UnreadableImageError as error:
        raise error.located(path) from error.__cause__


def load_encoded(
    path: Path, *, short_side: int | None = 512, max_pixels: int = MAX_PIXELS
) -> tuple[EncodedRGB, dict[str, Any]]:
    """Return a photograph as sRGB-encoded (H, W, 3) uint8, upright, scaled in linear light; and its recipe.

    Raises as `load_linear` does.
    """
    linear = load_linear(path, short_side=short_side, max_pixels=max_pixels)
    return encode_srgb(linear.pixels), dict(linear.recipe)
