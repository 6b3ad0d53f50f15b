"""JPEG, PNG and TIFF: depth, profile, orientation, transparency and pages, against planted truth."""

import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from iea40k.colour import decode_srgb, srgb_inverse
from iea40k.develop import ReadOptions, load_encoded, load_linear
from iea40k.errors import BadInputError, UnreadableImageError
from tests.iea40k.colour import profiles as p

SRGB = ReadOptions(assume_profile="srgb")


def quadrants(height: int = 48, width: int = 80, dtype: type = np.uint8) -> np.ndarray:
    """Four flat colours, so that neither a JPEG nor a turn can hide what is where."""
    picture = np.empty((height, width, 3), dtype)
    unit = np.iinfo(dtype).max // 255
    picture[: height // 2, : width // 2] = 200 * unit, 60 * unit, 60 * unit
    picture[: height // 2, width // 2 :] = 60 * unit, 200 * unit, 60 * unit
    picture[height // 2 :, : width // 2] = 60 * unit, 60 * unit, 200 * unit
    picture[height // 2 :, width // 2 :] = 120 * unit, 120 * unit, 120 * unit
    return picture


UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: np.swapaxes(a, 0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(np.swapaxes(a, 0, 1), 2),
    8: np.rot90,
}


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"a{suffix}"
    picture = quadrants()
    if suffix == ".tif":
        tifffile.imwrite(path, picture, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    else:
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(picture).save(path, exif=exif, quality=100)
    seen, recipe = load_encoded(path, options=SRGB)
    expected = UPRIGHT[orientation](picture)
    assert seen.shape == expected.shape
    assert np.abs(seen.astype(int) - expected).mean() < 4
    assert recipe["orientation"] == orientation


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_means_nothing_is_ignored_and_told(tmp_path: Path, orientation: int) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", quadrants(), photometric="rgb", extratags=[(274, 3, 1, orientation, True)]
    )
    picture, recipe = load_encoded(tmp_path / "a.tif", options=SRGB)
    np.testing.assert_array_equal(picture, quadrants())
    assert str(orientation) in recipe["orientation_ignored"]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_eight_bit_srgb_comes_back_unchanged(tmp_path: Path, suffix: str) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    imagecodecs.imwrite(tmp_path / f"a{suffix}", picture)
    np.testing.assert_array_equal(load_encoded(tmp_path / f"a{suffix}", options=SRGB)[0], picture)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("grey", [False, True])
def test_sixteen_bits_are_kept(tmp_path: Path, suffix: str, grey: bool) -> None:
    # 256 steps within two 8-bit codes: an 8-bit step anywhere would leave two values.
    ramp = np.linspace(20000, 20514, 256, dtype=np.uint16).reshape(16, 16)
    codes = ramp if grey else np.repeat(ramp[..., None], 3, axis=2)
    if suffix == ".png":
        (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(codes))
    else:
        tifffile.imwrite(tmp_path / "a.tif", codes, photometric="minisblack" if grey else "rgb")
    linear = load_linear(tmp_path / f"a{suffix}", options=SRGB)
    np.testing.assert_allclose(
        linear.pixels, srgb_inverse(ramp / 65535)[..., None].repeat(3, axis=2), rtol=1e-6
    )
    assert np.unique(linear.pixels).size == 256
    assert linear.recipe["depth"] == 16


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_an_embedded_profile_is_honoured(tmp_path: Path, suffix: str) -> None:
    icc = p.matrix_profile("wide", p.ADOBE_RGB, p.gamma_curve(2.2))
    path = tmp_path / f"a{suffix}"
    if suffix == ".tif":
        tifffile.imwrite(path, quadrants(), photometric="rgb", iccprofile=icc)
    else:
        Image.fromarray(quadrants()).save(path, icc_profile=icc, quality=100, subsampling=0)
    linear = load_linear(path)
    red = linear.pixels[10, 10]
    # The same light by hand: Adobe RGB's primaries to XYZ (D50) to sRGB's.
    light = np.array(p.ADOBE_RGB) @ (np.array([200, 60, 60]) / 255) ** 2.2
    np.testing.assert_allclose(red, np.maximum(np.linalg.inv(p.SRGB) @ light, 0), atol=0.01)
    assert red[0] > 0.75 > decode_srgb(np.array([[200]], np.uint8))[0, 0]
    assert linear.recipe["colour_space"] == {"name": "wide", "from": "profile"}


def test_colours_beyond_srgb_are_clipped_last_and_told(tmp_path: Path) -> None:
    icc = p.matrix_profile("ProPhoto", p.PROPHOTO, p.gamma_curve(1.8))
    picture = np.zeros((10, 10, 3), np.uint16)
    picture[:5, :, 1] = 65535  # a green that no sRGB screen shows: red and blue negative, green over 1
    picture[5:] = 20000
    tifffile.imwrite(tmp_path / "a.tif", picture, photometric="rgb", iccprofile=icc)
    linear = load_linear(tmp_path / "a.tif")
    assert linear.pixels[0, 0, 1] > 1.1
    assert linear.recipe["clipped"]["below 0 (beyond sRGB's gamut)"] == pytest.approx(1 / 3)
    assert linear.recipe["above_white"] == pytest.approx(1 / 6)
    recipe = load_encoded(tmp_path / "a.tif")[1]
    assert recipe["clipped"]["above white"] == pytest.approx(1 / 6)


def test_a_tiff_without_profile_needs_a_choice(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", quadrants(dtype=np.uint16), photometric="rgb")
    with pytest.raises(UnreadableImageError, match="assume_profile"):
        load_linear(tmp_path / "a.tif")
    chosen = load_linear(tmp_path / "a.tif", options=ReadOptions(assume_profile="prophoto"))
    assert chosen.recipe["colour_space"] == {"name": "prophoto", "from": "assumed by choice"}
    as_srgb = load_linear(tmp_path / "a.tif", options=SRGB)
    assert np.abs(chosen.pixels - as_srgb.pixels).max() > 0.1


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(BadInputError, match="prophoto"):
        ReadOptions(assume_profile="ProPhoto")


def test_the_profile_wins_over_the_choice(tmp_path: Path) -> None:
    icc = p.matrix_profile("mine", p.SRGB, p.srgb_parametric())
    tifffile.imwrite(tmp_path / "a.tif", quadrants(), photometric="rgb", iccprofile=icc)
    linear = load_linear(tmp_path / "a.tif", options=ReadOptions(assume_profile="prophoto"))
    assert linear.recipe["colour_space"]["name"] == "mine"


def test_a_jpeg_marked_as_adobe_rgb_without_profile_is_read_as_such(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 65535
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    Image.fromarray(quadrants()).save(tmp_path / "a.jpg", exif=exif, quality=100)
    linear = load_linear(tmp_path / "a.jpg")
    assert linear.recipe["colour_space"] == {"name": "adobe-rgb", "from": "file"}


def test_a_png_that_states_an_odd_gamma_needs_a_choice(tmp_path: Path) -> None:
    Image.fromarray(quadrants()).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    chunk = b"gAMA" + (100000).to_bytes(4, "big")  # linear light
    gamma = (4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(data[:33] + gamma + data[33:])
    with pytest.raises(UnreadableImageError, match="gamma 1"):
        load_linear(tmp_path / "a.png")
    linear = load_linear(tmp_path / "a.png", options=ReadOptions(assume_profile="linear-srgb"))
    np.testing.assert_allclose(linear.pixels[0, 0], np.array([200, 60, 60]) / 255, atol=1e-6)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_opaque_alpha_is_dropped_and_told_and_transparency_refused(
    tmp_path: Path, suffix: str, dtype: type
) -> None:
    path, top = tmp_path / f"a{suffix}", np.iinfo(dtype).max
    alpha = np.full((48, 80, 1), top, dtype)

    def write() -> None:
        picture = np.concatenate([quadrants(dtype=dtype), alpha], axis=2)
        if suffix == ".png":
            path.write_bytes(imagecodecs.png_encode(picture))
        else:
            tifffile.imwrite(path, picture, photometric="rgb", extrasamples=["unassalpha"])

    write()
    picture, recipe = load_encoded(path, options=SRGB)
    np.testing.assert_array_equal(picture, quadrants())
    assert recipe["alpha"] == "opaque, dropped"
    alpha[3, 4] = top - 1
    write()
    with pytest.raises(UnreadableImageError, match="transparent"):
        load_encoded(path, options=SRGB)


def test_a_palette_with_a_transparent_colour_is_refused_if_that_colour_is_used(tmp_path: Path) -> None:
    palette = Image.fromarray(quadrants()).quantize(8)
    palette.save(tmp_path / "plain.png")
    assert np.abs(load_encoded(tmp_path / "plain.png")[0].astype(int) - quadrants()).max() < 6
    palette.save(tmp_path / "holes.png", transparency=palette.getpixel((0, 0)))
    with pytest.raises(UnreadableImageError, match="transparent"):
        load_encoded(tmp_path / "holes.png")


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_printing_colours_are_refused(tmp_path: Path, suffix: str) -> None:
    Image.new("CMYK", (40, 30), (10, 20, 30, 40)).save(tmp_path / f"a{suffix}")
    with pytest.raises(UnreadableImageError, match="in inks"):
        load_linear(tmp_path / f"a{suffix}", options=SRGB)


@pytest.mark.parametrize("depth", ["1", "L"])
def test_grey_pictures_become_neutral(tmp_path: Path, depth: str) -> None:
    Image.fromarray(quadrants()).convert(depth).save(tmp_path / "a.png")
    picture, _ = load_encoded(tmp_path / "a.png")
    np.testing.assert_array_equal(picture[..., 0], picture[..., 2])
    np.testing.assert_array_equal(picture[..., 0], np.asarray(Image.open(tmp_path / "a.png").convert("L")))


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("as_sub", [True, False])
def test_the_picture_is_found_behind_a_thumbnail(tmp_path: Path, marked: bool, as_sub: bool) -> None:
    icc = p.matrix_profile("mine", p.SRGB, p.srgb_parametric())
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        thumbnail = np.zeros((12, 20, 3), np.uint8)
        tiff.write(
            thumbnail,
            photometric="rgb",
            subfiletype=1 if marked else 0,
            subifds=1 if as_sub else None,
            iccprofile=icc,
        )
        tiff.write(quadrants(dtype=np.uint16), photometric="rgb", iccprofile=None if as_sub else icc)
    picture, recipe = load_encoded(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture, quadrants())
    assert recipe["page"] == 1
    assert recipe["colour_space"]["name"] == "mine"


def test_two_pictures_in_one_file_are_refused(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(quadrants(), photometric="rgb")
        tiff.write(quadrants()[::-1], photometric="rgb")
    with pytest.raises(UnreadableImageError, match="several pictures"):
        load_linear(tmp_path / "a.tif", options=SRGB)


@pytest.mark.parametrize("dtype", [np.uint32, np.int16, np.float64])
def test_other_depths_are_refused(tmp_path: Path, dtype: type) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.ones((9, 9, 3), dtype), photometric="rgb")
    with pytest.raises(UnreadableImageError, match="depth"):
        load_linear(tmp_path / "a.tif", options=SRGB)


@pytest.mark.parametrize(
    "how",
    [
        {"compression": "zlib", "predictor": True},
        {"compression": "lzw"},
        {"planarconfig": "separate"},
        {"tile": (16, 16)},
        {"byteorder": ">"},
        {"bigtiff": True},
    ],
)
def test_tiffs_of_every_build_are_read(tmp_path: Path, how: dict) -> None:
    picture = quadrants(dtype=np.uint16)
    stored = np.moveaxis(picture, -1, 0) if "planarconfig" in how else picture
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", **how)
    np.testing.assert_array_equal(load_encoded(tmp_path / "a.tif", options=SRGB)[0], quadrants())


def test_scaling_averages_light_and_not_codes(tmp_path: Path) -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "a.png")
    picture, _ = load_encoded(tmp_path / "a.png", short_side=32)
    assert np.unique(picture).tolist() == [188]  # half the light, not half the code
