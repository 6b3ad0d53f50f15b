"""Any picture file, to light or to an sRGB picture."""

from pathlib import Path
from typing import Any

import numpy as np

from iea40k.arrays import EncodedRGB
from iea40k.color import clipped_share, encode_srgb
from iea40k.develop.geometry import fit, orient, scale_light
from iea40k.develop.linear import LinearImage, ReadOptions
from iea40k.develop.probe import probe
from iea40k.develop.raw import develop_raw
from iea40k.develop.rendered import read_rendered
from iea40k.errors import BadInputError, UnreadableImageError
from iea40k.recipe import versions

_DEFAULT = ReadOptions()


def load_linear(path: Path, *, short_side: int | None = 512, options: ReadOptions = _DEFAULT) -> LinearImage:
    """Return the linear light of a RAW, JPEG, PNG or TIFF file, its shorter side at most `short_side`.

    Camera white balance, EXIF orientation and embedded profiles are honoured; scaling is by area in linear light.
    Light of colours beyond sRGB's gamut is clipped at 0 and the share recorded in the recipe; light above 1 stays.
    Raises `UnreadableImageError` for whatever cannot be read in full and without a guess.
    """
    fit(2, 2, short_side)  # an impossible size is the caller's fault, not the file's
    try:
        return _load(path, short_side, options)
    except UnreadableImageError as error:
        raise error.located(path) from error.__cause__
    except BadInputError as error:  # a broken profile, NaN: here it is the file's fault
        raise UnreadableImageError(
            error.what, where=path, expected=error.expected, got=error.got, remedy=error.remedy
        ) from error


def load_encoded(
    path: Path, *, short_side: int | None = 512, options: ReadOptions = _DEFAULT
) -> tuple[EncodedRGB, dict[str, Any]]:
    """Return the sRGB picture (H, W, 3) uint8 of a file, and its recipe; otherwise as `load_linear`.

    The light is clipped to [0, 1] last; the recipe's `clipped` holds the shares of values below and above.
    """
    linear = load_linear(path, short_side=short_side, options=options)
    recipe = dict(linear.recipe)
    recipe["clipped"] = {**recipe["clipped"], "above white": recipe.pop("above_white")}
    return encode_srgb(linear.pixels), recipe


def _load(path: Path, short_side: int | None, options: ReadOptions) -> LinearImage:
    kind = probe(path)
    if kind == "headerless" and not options.accept_headerless:
        raise UnreadableImageError(
            "the RAW file names no camera",
            where=path,
            expected="a file that says which camera made it",
            got="bare sensor data; LibRaw would guess a camera from the file's length",
            remedy="convert it to DNG, or accept the guess (accept_headerless) after looking at the picture",
        )
    if kind == "headerless":
        guessed = develop_raw(path, short_side, options)
        return LinearImage(guessed.pixels, {**guessed.recipe, "camera": "guessed from the file's length"})
    if kind == "raw":
        return develop_raw(path, short_side, options)
    return _light_of_rendered(path, kind, short_side, options)


def _light_of_rendered(path: Path, kind: str, short_side: int | None, options: ReadOptions) -> LinearImage:
    picture = read_rendered(path, kind, options)
    size = fit(picture.pixels.shape[0], picture.pixels.shape[1], short_side)
    light = picture.space.to_srgb(scale_light(picture.pixels, size, picture.space.light))
    share = clipped_share(light)
    recipe = {
        "reader": kind,
        "versions": versions("numpy", "opencv-python-headless", "pillow", "tifffile", "imagecodecs"),
        "depth": picture.pixels.dtype.itemsize * 8,
        "size": list(picture.pixels.shape[1::-1]),
        "colour_space": {"name": picture.space.name, "from": picture.space_from},
        "orientation": picture.orientation,
        "short_side": short_side,
        "scaling": "area, linear light",
        "clipped": {"below 0 (beyond sRGB's gamut)": share["below"]},
        "above_white": share["above"],
        **picture.notes,
    }
    return LinearImage(orient(np.maximum(light, 0), picture.orientation), recipe)
