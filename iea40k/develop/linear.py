"""What a file becomes: linear light with a recipe; and the options of reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LinearRGB, check_linear
from iea40k.colour import encode_ladder, named_space
from iea40k.errors import BadInputError, UnreadableImageError


@dataclass(frozen=True)
class ReadOptions:
    """What the user decides about reading files.

    - `max_pixels`: larger pictures are refused before their memory is taken
    - `assume_profile`: colour space of pictures that name none, one of `iea40k.colour.SPACES`. None: JPEG and PNG are
      taken as sRGB, as their standards have it; TIFF is refused
    - `accept_headerless`: develop RAW files that name no camera, by LibRaw's guess from their length
    - `cmyk`: what tells the colours of pictures made for print: "profile", the one they carry; or the path of an ICC
      profile for those that carry none. None: such pictures are refused
    - `full_demosaic`: interpolate the whole mosaic (AHD) also where the quick way would do; 3 to 5 times slower

    Raises `BadInputError` for an unknown space or an impossible limit.
    """

    max_pixels: int = 200_000_000
    assume_profile: str | None = None
    accept_headerless: bool = False
    cmyk: str | None = None
    full_demosaic: bool = False

    def __post_init__(self) -> None:
        if self.max_pixels < 4:
            raise BadInputError("max_pixels is too small", expected="at least 4", got=str(self.max_pixels))
        if self.assume_profile is not None:
            named_space(self.assume_profile)


@dataclass(frozen=True)
class LinearImage:
    """Light of one picture: `pixels` (H, W, 3) float32 >= 0, sRGB primaries, 1.0 = display white at EV 0.

    Values above 1 are headroom: darker exposures bring them back. `recipe` is JSON-able and says how it was made.
    Raises `ArrayError` for another shape, dtype, NaN or negative light.
    """

    pixels: LinearRGB
    recipe: Mapping[str, Any]

    def __post_init__(self) -> None:
        check_linear(self.pixels)


def expose(linear: LinearImage, evs: Sequence[float]) -> NDArray[np.uint8]:
    """Return sRGB pictures (E, H, W, 3) uint8 of the light at each of `evs` stops; + = brighter.

    Gain of `2**ev` in linear light, then clipping, the sRGB curve and rounding, all in one exact step at the end.
    Raises `BadInputError` for stops that are not finite or beyond +-16.
    """
    bad = [ev for ev in evs if not -16 <= ev <= 16]
    if bad:
        raise BadInputError("not an exposure", expected="stops between -16 and 16", got=str(bad))
    return encode_ladder(linear.pixels, [2.0**ev for ev in evs])


def check_pixels(path: Path, height: int, width: int, options: ReadOptions) -> None:
    """Raise `UnreadableImageError` for pictures of more pixels than the options allow, or of fewer than 2x2."""
    if height * width > options.max_pixels:
        raise UnreadableImageError(
            "the picture is too large; it was not decoded",
            where=path,
            expected=f"at most {options.max_pixels / 1e6:g} megapixels",
            got=f"{width}x{height} = {height * width / 1e6:.3g} megapixels",
            remedy="if the file is what it should be, raise the limit (max_pixels)",
        )
    if min(height, width) < 2:
        raise UnreadableImageError(
            "the picture is too small", where=path, expected="at least 2x2 pixels", got=f"{width}x{height}"
        )
