"""Colour spaces: from encoded pixels to linear light with sRGB's primaries, by profile or by name.

The way is split at its only bend: `ColourSpace.light` takes pixels to light in the space's own primaries (a curve a
channel), and `ColourSpace.matrix` takes that to sRGB's. What averages light in between, a resize, stays exact.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import LinearRGB
from iea40k.colour.icc import Curve, parse_profile
from iea40k.colour.transfer import encode_srgb, look_up, srgb_inverse
from iea40k.errors import ArrayError, BadInputError

_D50 = np.array([0.9642, 1.0, 0.8249])  # as ISO 15076-1 has it, for every profile
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_BAND = 1 << 15  # pixels converted at a time: what fits the processor's cache
_WHITE_D65, _WHITE_D50 = (0.3127, 0.3290), (0.3457, 0.3585)


@dataclass(frozen=True)
class ColourSpace:
    """How encoded pixels of one kind become linear light with sRGB's primaries.

    `curves` take encoded values in [0, 1] to light, one a channel; `matrix` (3x3) takes that light to
    sRGB's primaries. `icc` is set where only a colour engine can evaluate the profile; the
    matrix is the identity then. `name` goes into recipes. Grey pictures have one curve.
    """

    name: str
    curves: tuple[Curve, ...]
    matrix: NDArray[np.float64]
    icc: bytes | None = None

    def light(self, pixels: NDArray[Any]) -> LinearRGB:
        """Return float32 light (H, W, 3) of uint8, uint16 or float32 pixels (H, W, 3) or, grey, (H, W).

        Integers span their full range, floats [0, 1]. The light has this space's own primaries: apply `matrix`.
        Raises `ArrayError` for another dtype or shape, and for NaN or floats outside [0, 1].
        """
        channels = 1 if pixels.ndim == 2 else pixels.shape[2]
        if pixels.ndim not in (2, 3) or channels not in (1, 3):
            raise ArrayError("wrong shape", expected="(height, width, 3), or grey", got=str(pixels.shape))
        if pixels.dtype == np.float32:
            _check_floats(pixels)
        elif pixels.dtype not in (np.uint8, np.uint16):
            raise ArrayError("wrong dtype", expected="uint8, uint16 or float32", got=str(pixels.dtype))
        if self.icc is not None:
            return _engine_light(pixels, self.icc)
        if pixels.dtype == np.float32:
            planes = [self.curves[c % len(self.curves)](pixels[..., c]) for c in range(channels)]
            light = np.stack(planes, axis=-1).astype(np.float32)
        elif channels == 1:
            light = look_up(np.ascontiguousarray(pixels.reshape(pixels.shape[:2])), self._grey_table(pixels))
        else:
            light = look_up(pixels, self._table(pixels.dtype.itemsize))
        return light if channels == 3 else np.repeat(light.reshape(*pixels.shape[:2], 1), 3, axis=2)

    def to_srgb(self, light: LinearRGB) -> LinearRGB:
        """Return light (H, W, 3) of this space's primaries with sRGB's; unclipped, so it may leave [0, 1]."""
        if np.array_equal(self.matrix, np.eye(3)):
            return light
        converted: LinearRGB = cv2.transform(light, self.matrix.astype(np.float32))
        return converted

    def _grey_table(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        table = self._table(pixels.dtype.itemsize)
        return np.ascontiguousarray(table[:, 0, 0]) if table.ndim == 3 else table

    def _table(self, itemsize: int) -> NDArray[np.float32]:
        return self._tables[itemsize - 1]

    @cached_property
    def _tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self._make_table(256), self._make_table(65536)

    def _make_table(self, codes: int) -> NDArray[np.float32]:
        encoded = np.arange(codes) / (codes - 1)
        with np.errstate(all="ignore"):  # what a broken profile does here is refused by `_checked`
            columns = [curve(encoded).astype(np.float32) for curve in self.curves]
        if all(np.array_equal(column, columns[0]) for column in columns):
            return columns[0]
        return np.ascontiguousarray(np.stack(columns, axis=-1).reshape(codes, 1, 3))


def profile_space(icc: bytes | None) -> ColourSpace:
    """Return the space of an embedded profile, sRGB for None. Raises `BadInputError` for broken or CMYK ones."""
    return _profile_space(icc) if icc is not None else named_space("srgb")


def named_space(name: str) -> ColourSpace:
    """Return a space by name, one of `SPACES`. Raises `BadInputError` for another name."""
    if name not in SPACES:
        raise BadInputError("no such colour space", expected=" | ".join(SPACES), got=repr(name))
    return _named_space(name)


def to_linear_srgb(pixels: NDArray[Any], icc: bytes | None = None) -> LinearRGB:
    """Return linear light (H, W, 3) float32, sRGB primaries, of encoded uint8, uint16 or float32 pixels.

    By the embedded profile `icc` (relative colorimetric), as sRGB for None. Unclipped: colours beyond sRGB's gamut
    give values below 0 or above 1, and `clipped_share` tells how many. Raises `ArrayError` and `BadInputError`.
    """
    space = profile_space(icc)
    return space.to_srgb(space.light(pixels))


def convert_to_srgb(pixels: NDArray[Any], icc: bytes | None = None) -> tuple[NDArray[np.uint8], float]:
    """Return the sRGB picture (H, W, 3) uint8 of encoded pixels, and the share of values that were clipped.

    Clipping comes last, after the change of primaries; nothing is 8 bits wide before.
    """
    space = profile_space(icc)
    picture = np.empty((*pixels.shape[:2], 3), np.uint8)
    clipped = 0
    rows = max(1, _BAND // max(1, pixels.shape[1]))
    for start in range(0, pixels.shape[0], rows):
        light = space.to_srgb(space.light(pixels[start : start + rows]))
        clipped += int(np.count_nonzero(light < 0) + np.count_nonzero(light > 1))
        picture[start : start + rows] = encode_srgb(light)
    return picture, clipped / max(picture.size, 1)


def _gamma(exponent: float) -> Curve:
    return lambda x: np.power(x, exponent)


SPACES = {
    "srgb": (((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), _WHITE_D65, srgb_inverse),
    "linear-srgb": (((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), _WHITE_D65, _gamma(1.0)),
    "display-p3": (((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), _WHITE_D65, srgb_inverse),
    "adobe-rgb": (((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), _WHITE_D65, _gamma(563 / 256)),
    # The exponent that Adobe's profile states; ISO 22028-2's straight piece near black is not part of it.
    "prophoto": (((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), _WHITE_D50, _gamma(461 / 256)),
}
"""Named colour spaces: xy of the primaries and of white, and the curve from encoded value to light."""


@cache
def _named_space(name: str) -> ColourSpace:
    primaries, white, curve = SPACES[name]
    matrix = np.eye(3) if name in ("srgb", "linear-srgb") else _matrix_to_srgb(_colourants(primaries, white))
    return ColourSpace(name, (curve,), matrix)


@cache
def _profile_space(icc: bytes) -> ColourSpace:
    profile = parse_profile(icc)
    if profile.curves is None:
        return ColourSpace(profile.name, (), np.eye(3), icc)
    matrix = np.eye(3) if profile.colourants is None else _matrix_to_srgb(profile.colourants)
    return _checked(ColourSpace(profile.name, profile.curves, matrix))


def _checked(space: ColourSpace) -> ColourSpace:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    light = space.to_srgb(space.light(ramp))
    white = light[0, -1]
    if not np.isfinite(light).all() or white.min() < 0.5 or white.max() > 2:
        raise _broken(f"white is {white.tolist()}")
    return space


def _broken(got: str) -> BadInputError:
    return BadInputError(
        "the embedded colour profile is broken",
        expected="curves and colours that make white of white",
        got=got,
        remedy="write the profile anew with the program that made the file, or convert the file to sRGB",
    )


def _matrix_to_srgb(colourants: NDArray[np.float64]) -> NDArray[np.float64]:
    primaries, white, _ = SPACES["srgb"]
    return np.asarray(np.linalg.inv(_colourants(primaries, white)) @ colourants, np.float64)


def _colourants(primaries: Any, white: tuple[float, float]) -> NDArray[np.float64]:
    # XYZ of the primaries that add up to white, adapted to D50 (Bradford), which is how profiles state them.
    unscaled = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    white_xyz = np.array([white[0] / white[1], 1.0, (1 - white[0] - white[1]) / white[1]])
    colourants = unscaled * np.linalg.solve(unscaled, white_xyz)
    cones = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white_xyz))
    adapted: NDArray[np.float64] = np.linalg.inv(_BRADFORD) @ cones @ _BRADFORD @ colourants
    return adapted


def _engine_light(pixels: NDArray[Any], icc: bytes) -> LinearRGB:
    import imagecodecs

    # Floats and NOOPTIMIZE: the engine's default shortcuts are wrong by up to 0.1 in the darks.
    values = pixels.astype(np.float64)
    if pixels.dtype != np.float32:
        values /= np.iinfo(pixels.dtype).max
    try:
        light = imagecodecs.cms_transform(
            values,
            icc,
            _linear_profile(),
            outdtype=np.float64,
            colorspace="rgb" if pixels.ndim == 3 and pixels.shape[2] == 3 else "gray",
            outcolorspace="rgb",
            intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
            flags=imagecodecs.CMS.FLAGS.NOOPTIMIZE,
        )
    except imagecodecs.CmsError as error:
        raise _broken(str(error)) from error
    linear: LinearRGB = light.astype(np.float32)
    return linear


@cache
def _linear_profile() -> bytes:
    import imagecodecs

    primaries, white, _ = SPACES["linear-srgb"]
    chromaticities = [value for x, y in primaries for value in (x, y, 1.0)]
    profile: bytes = imagecodecs.cms_profile(
        "rgb", whitepoint=(*white, 1.0), primaries=chromaticities, gamma=1.0
    )
    return profile


def _check_floats(pixels: NDArray[np.float32]) -> None:
    # The comparisons are false for NaN.
    if pixels.size and not (float(pixels.min()) >= 0 and float(pixels.max()) <= 1):
        raise ArrayError(
            "float pixels are not an encoded picture",
            expected="finite values in [0, 1]",
            got="NaN or values outside",
            remedy="save the picture with 8 or 16 bits a channel",
        )
