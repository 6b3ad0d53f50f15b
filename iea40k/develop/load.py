"""Any picture file, to light or to an sRGB picture."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from iea40k.arrays import EncodedRGB
from iea40k.colour import clipped_share, encode_srgb
from iea40k.develop.geometry import fit, orient, scale_light
from iea40k.develop.linear import LinearImage, ReadOptions
from iea40k.develop.probe import probe
from iea40k.develop.raw import develop_raw
from iea40k.develop.rendered import Picture, read_rendered
from iea40k.errors import BadInputError, UnreadableImageError
from iea40k.files import AnyPath
from iea40k.isolation import guarded
from iea40k.recipe import versions

_DEFAULT = ReadOptions()
_RENDERED = ("jpeg", "png", "tiff", "heic", "avif")
_PARTS = ("numpy", "opencv-python-headless", "pillow", "tifffile", "imagecodecs")
_BAND = 1 << 20
"""Pixels held as light at a time where a picture keeps its size."""


def load_linear(
    path: AnyPath, *, short_side: int | None = 512, options: ReadOptions = _DEFAULT
) -> LinearImage:
    """Return the linear light of a RAW, JPEG, PNG, TIFF, HEIC or AVIF file, its shorter side at most `short_side`.

    Camera white balance, EXIF orientation and embedded profiles are honoured; scaling is by area in linear light.
    Light of colours beyond sRGB's gamut is clipped at 0 and the share recorded in the recipe; light above 1 stays.
    Raises `UnreadableImageError` for whatever cannot be read in full and without a guess.
    """
    path = Path(path)
    with _faults_of(path, short_side):
        return _load(path, probe(path), short_side, options)


def load_encoded(
    path: AnyPath, *, short_side: int | None = 512, options: ReadOptions = _DEFAULT
) -> tuple[EncodedRGB, dict[str, Any]]:
    """Return the sRGB picture (H, W, 3) uint8 of a file, and its recipe; otherwise as `load_linear`.

    The light is clipped to [0, 1] last; the recipe's `clipped` holds the shares of values below and above. A rendered
    picture that keeps its size is never held as light as a whole.
    """
    path = Path(path)
    with _faults_of(path, short_side):
        kind = probe(path)
        if kind in _RENDERED:
            picture = read_rendered(path, kind, options)
            height, width = picture.pixels.shape[:2]
            if fit(height, width, short_side) == (height, width):
                encoded, share = _encode_by_bands(picture)
                recipe = _recipe_of_rendered(picture, kind, short_side, share)
                return orient(encoded, picture.orientation), _told_as_clipped(recipe)
            linear = _light_of_rendered(picture, kind, short_side)
        else:
            linear = _load(path, kind, short_side, options)
        return encode_srgb(linear.pixels), _told_as_clipped(linear.recipe)


def load_guarded(
    path: AnyPath, *, short_side: int | None = 512, options: ReadOptions = _DEFAULT
) -> tuple[EncodedRGB, dict[str, Any]]:
    """Return what `load_encoded` returns, from a helper process: for whatever reads photographs outside of builds.

    A file that its decoder dies of, or hangs on, is a `LimitError` here; see `iea40k.isolation`.
    """
    answer: tuple[EncodedRGB, dict[str, Any]] = guarded(_load_encoded, Path(path), short_side, options)
    return answer


def _load_encoded(
    path: Path, short_side: int | None, options: ReadOptions
) -> tuple[EncodedRGB, dict[str, Any]]:
    return load_encoded(path, short_side=short_side, options=options)


@contextmanager
def _faults_of(path: Path, short_side: int | None) -> Iterator[None]:
    fit(2, 2, short_side)  # an impossible size is the caller's fault, not the file's
    try:
        yield
    except UnreadableImageError as error:
        raise error.located(path) from error.__cause__
    except BadInputError as error:  # a broken profile, NaN: here it is the file's fault
        raise UnreadableImageError(
            error.what, where=path, expected=error.expected, got=error.got, remedy=error.remedy
        ) from error


def _load(path: Path, kind: str, short_side: int | None, options: ReadOptions) -> LinearImage:
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
    return _light_of_rendered(read_rendered(path, kind, options), kind, short_side)


def _light_of_rendered(picture: Picture, kind: str, short_side: int | None) -> LinearImage:
    size = fit(picture.pixels.shape[0], picture.pixels.shape[1], short_side)
    light = picture.space.to_srgb(scale_light(picture.pixels, size, picture.space.light))
    recipe = _recipe_of_rendered(picture, kind, short_side, clipped_share(light))
    return LinearImage(orient(np.maximum(light, 0), picture.orientation), recipe)


def _encode_by_bands(picture: Picture) -> tuple[EncodedRGB, dict[str, float]]:
    """Return the sRGB picture, not yet turned, and its clipped shares, with the light of some rows at a time."""
    height, width = picture.pixels.shape[:2]
    encoded, below, above = np.empty((height, width, 3), np.uint8), 0, 0
    rows = max(1, _BAND // width)
    for start in range(0, height, rows):
        band = slice(start, start + rows)
        light = picture.space.to_srgb(picture.space.light(picture.pixels[band]))
        below += int(np.count_nonzero(light < 0))
        above += int(np.count_nonzero(light > 1))
        encoded[band] = encode_srgb(light)
    return encoded, {"below": below / encoded.size, "above": above / encoded.size}


def _recipe_of_rendered(
    picture: Picture, kind: str, short_side: int | None, share: Mapping[str, float]
) -> dict[str, Any]:
    return {
        "reader": kind,
        "versions": versions(*_PARTS, *(["pi-heif"] if kind == "heic" else [])),
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


def _told_as_clipped(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipe of light as that of a picture, in which light above white is clipped."""
    told = dict(recipe)
    told["clipped"] = {**told["clipped"], "above white": told.pop("above_white")}
    return told
