"""Colour by profile against exact paths that share no code with ours: formulas, and a colour engine in doubles."""

import imagecodecs
import numpy as np
import pytest

from iea40k.colour import (
    SPACES,
    convert_to_srgb,
    named_space,
    profile_space,
    srgb_curve,
    to_linear_srgb,
)
from iea40k.errors import ArrayError, BadInputError
from tests.iea40k.colour import profiles as p

ROMM = p.matrix_profile("ProPhoto", p.PROPHOTO, p.gamma_curve(1.80078125))
KNOWN = {
    "prophoto": ROMM,
    "adobe-rgb": p.matrix_profile("Adobe RGB", p.ADOBE_RGB, p.gamma_curve(2.19921875)),
    "display-p3": p.matrix_profile("Display P3", p.DISPLAY_P3, p.srgb_parametric()),
    "srgb": p.matrix_profile("sRGB", p.SRGB, p.srgb_parametric()),
}


def pixels(dtype: type = np.uint16) -> np.ndarray:
    rng = np.random.default_rng(1)
    top = np.iinfo(dtype).max
    noise = rng.integers(0, top + 1, (60, 80, 3), dtype=dtype)
    noise[:20] //= 64  # the darks, where shortcuts go wrong
    return noise


def engine(codes: np.ndarray, icc: bytes) -> np.ndarray:
    """Light with sRGB's primaries by LittleCMS in doubles, without its shortcuts."""
    linear = imagecodecs.cms_profile(
        "rgb",
        whitepoint=(0.3127, 0.329, 1),
        primaries=(0.64, 0.33, 1, 0.30, 0.60, 1, 0.15, 0.06, 1),
        gamma=1.0,
    )
    return imagecodecs.cms_transform(
        codes / np.iinfo(codes.dtype).max,
        icc,
        linear,
        colorspace="rgb",
        outcolorspace="rgb",
        outdtype=np.float64,
        intent=1,
        flags=imagecodecs.CMS.FLAGS.NOOPTIMIZE,
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", KNOWN)
def test_profiles_agree_with_a_colour_engine_in_doubles(name: str, dtype: type) -> None:
    codes = pixels(dtype)
    ours, exact = to_linear_srgb(codes, KNOWN[name]), engine(codes, KNOWN[name])
    np.testing.assert_allclose(ours, exact, atol=1e-4)
    error = np.abs(srgb_curve(np.clip(ours, 0, 1)) - srgb_curve(np.clip(exact, 0, 1)))
    assert error.max() <= 0.0024
    assert error.mean() <= 0.0001
    if name != "srgb":
        assert ours.min() < -0.05  # not clipped
        assert ours.max() > 1.05


@pytest.mark.parametrize("name", KNOWN)
def test_a_named_space_is_the_space_of_its_profile(name: str) -> None:
    codes = pixels()
    space = named_space(name)
    np.testing.assert_allclose(
        space.to_srgb(space.light(codes)), to_linear_srgb(codes, KNOWN[name]), atol=4e-4
    )


@pytest.mark.parametrize("name", sorted(SPACES))
def test_grey_stays_grey_and_white_stays_white(name: str) -> None:
    space = named_space(name)
    ramp = np.repeat(np.arange(0, 65536, 257, dtype=np.uint16)[None, :, None], 3, axis=2)
    light = space.to_srgb(space.light(ramp))
    np.testing.assert_allclose(light, light[..., :1].repeat(3, axis=2), atol=2e-4)
    np.testing.assert_allclose(light[0, -1], 1, atol=2e-4)


def test_a_profile_of_tables_is_evaluated_by_the_engine() -> None:
    icc = p.table_profile((1.8, 2.2, 2.6), p.SRGB)
    codes = pixels()
    exact = (codes / 65535) ** [1.8, 2.2, 2.6]
    np.testing.assert_allclose(to_linear_srgb(codes, icc), exact, atol=2e-3)


@pytest.mark.parametrize(
    ("curve", "formula"),
    [
        (p.gamma_curve(1.0), lambda x: x),
        (b"curv\0\0\0\0\0\0\0\0", lambda x: x),
        (p.table_curve([0, 0.1, 0.4, 1]), lambda x: np.interp(x, [0, 1 / 3, 2 / 3, 1], [0, 0.1, 0.4, 1])),
        (p.parametric_curve(0, 2.2), lambda x: x**2.2),
        (p.parametric_curve(1, 2.0, 1.25, -0.25), lambda x: np.maximum(1.25 * x - 0.25, 0) ** 2),
        (p.parametric_curve(2, 2.0, 1.0, -0.2, 0.1), lambda x: np.maximum(x - 0.2, 0) ** 2 + 0.1),
        (p.srgb_parametric(), lambda x: np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)),
        (
            p.parametric_curve(4, 2.0, 0.9, 0.1, 0.5, 0.2, 0.02, 0.01),
            lambda x: np.where(x >= 0.2, (0.9 * x + 0.1) ** 2 + 0.02, 0.5 * x + 0.01),
        ),
    ],
)
def test_every_form_of_curve_is_read(curve: bytes, formula) -> None:
    light = profile_space(p.matrix_profile("curve", p.SRGB, curve)).light(pixels())
    np.testing.assert_allclose(light, formula(pixels() / 65535), atol=5e-5)


def test_a_grey_profile_applies_to_grey_pictures() -> None:
    codes = pixels()[..., 0]
    light = to_linear_srgb(codes, p.grey_profile(p.gamma_curve(2.0)))
    assert light.shape == (60, 80, 3)
    np.testing.assert_allclose(light, ((codes / 65535) ** 2)[..., None].repeat(3, axis=2), atol=1e-5)


def test_curves_may_differ_by_channel_and_floats_are_not_rounded() -> None:
    columns = np.array(p.SRGB).T
    tags = {b"desc": p.text("three")}
    for letter, column, exponent in zip((b"r", b"g", b"b"), columns, (1.5, 2.0, 2.5), strict=True):
        tags[letter + b"XYZ"] = b"XYZ \0\0\0\0" + p.fixed(*column)
        tags[letter + b"TRC"] = p.gamma_curve(exponent)
    icc = p.profile(tags)
    values = np.random.default_rng(0).random((9, 9, 3), dtype=np.float32)
    np.testing.assert_allclose(to_linear_srgb(values, icc), values ** [1.5, 2.0, 2.5], atol=4e-4)
    np.testing.assert_allclose(
        to_linear_srgb(pixels(), icc), (pixels() / 65535) ** [1.5, 2.0, 2.5], atol=4e-4
    )


def test_clipping_comes_last_and_its_share_is_told() -> None:
    codes = pixels()
    picture, share = convert_to_srgb(codes, ROMM)
    exact = engine(codes, ROMM)
    assert share == pytest.approx(np.mean((exact < 0) | (exact > 1)), abs=1e-3)
    assert share > 0.2
    wanted = np.rint(srgb_curve(np.clip(exact, 0, 1)) * 255)
    assert np.abs(picture - wanted).max() <= 1
    assert np.mean(picture != wanted) < 0.01


@pytest.mark.parametrize(
    "damage", [lambda d: d[:100], lambda d: d[:200], lambda _: b"\xff" * 500, lambda _: b""]
)
def test_a_broken_profile_is_refused(damage) -> None:
    with pytest.raises(BadInputError, match="profile is broken"):
        profile_space(damage(ROMM))


def test_a_printing_profile_is_refused() -> None:
    with pytest.raises(BadInputError, match="another kind"):
        profile_space(p.profile({b"desc": p.text("press")}, space=b"CMYK"))


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInputError, match="prophoto"):
        named_space("Prophoto RGB")


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float64),
        np.zeros((4, 4, 3), np.int16),
        np.full((4, 4, 3), np.nan, np.float32),
        np.full((4, 4, 3), 1.5, np.float32),
    ],
)
def test_other_arrays_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(ArrayError):
        to_linear_srgb(bad)
