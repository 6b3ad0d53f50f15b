"""Pictures in inks: refused unless chosen, and then what their profile says, against planted truth."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from iea40k.develop import ReadOptions, load_encoded, load_linear
from iea40k.errors import ConfigError, UnreadableImageError
from pipelines.config import BuildConfig, read_config
from tests.iea40k.colour import profiles as p

LAB = np.array([
    (100.0 - 25 * m - 12 * y - 45 * c + 8 * (c * m + m * y), 60 * m - 35 * c, 80 * y - 40 * c)
    if not k else (0.0, 0.0, 0.0)
    for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)
])  # fmt: skip
PRESS = p.ink_profile(LAB)
CHOSEN = ReadOptions(cmyk="profile")


def inks() -> np.ndarray:
    """Paper, half black, full black, and cyan: four flat parts (24, 40, 4), 0 = no ink."""
    picture = np.zeros((24, 40, 4), np.uint8)
    picture[:12, 20:, 3] = 128
    picture[12:, :20, 3] = 255
    picture[12:, 20:, 0] = 255
    return picture


def light_of(lab: np.ndarray) -> np.ndarray:
    """CIE L*a*b* to linear sRGB, by the formula of CIE 15 and the matrix of the profile's own primaries."""
    fy = (lab[0] + 16) / 116
    f = np.array([fy + lab[1] / 500, fy, fy - lab[2] / 200])
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * p.D50
    return np.linalg.inv(p.SRGB) @ xyz


def write(path: Path, icc: bytes | None = PRESS, dtype: type = np.uint8) -> Path:
    if path.suffix == ".jpg":
        Image.fromarray(inks(), "CMYK").save(path, quality=100, subsampling=0, icc_profile=icc)
    else:
        codes = inks().astype(dtype) * (257 if dtype is np.uint16 else 1)
        tifffile.imwrite(path, codes, photometric="separated", iccprofile=icc)
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_inks_are_refused_without_a_choice_and_the_choice_is_named(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(UnreadableImageError, match="CMYK with a profile") as caught:
        load_linear(write(tmp_path / f"a{suffix}"))
    assert "cmyk: profile" in str(caught.value)


@pytest.mark.parametrize(("suffix", "dtype"), [(".jpg", np.uint8), (".tif", np.uint8), (".tif", np.uint16)])
def test_the_profile_says_what_the_inks_look_like(tmp_path: Path, suffix: str, dtype: type) -> None:
    linear = load_linear(write(tmp_path / f"a{suffix}", dtype=dtype), options=CHOSEN)
    assert linear.pixels.shape == (24, 40, 3)
    grey = light_of(np.array([100 * 127 / 255, 0, 0]))
    cyan = light_of(np.array([55.0, -35, -40]))
    assert cyan[0] < 0 < cyan[2]
    for (y, x), expected in (
        ((4, 4), np.ones(3)),
        ((4, 34), grey),
        ((20, 4), np.zeros(3)),
        ((20, 34), np.maximum(cyan, 0)),
    ):
        np.testing.assert_allclose(linear.pixels[y, x], expected, atol=0.02 if suffix == ".jpg" else 0.005)
    # The red of the cyan quarter, and at most the rounding of black.
    assert 1 / 12 - 0.01 <= linear.recipe["clipped"]["below 0 (beyond sRGB's gamut)"] <= 2 / 12 + 0.01
    assert linear.recipe["inks"]["intent"].startswith("relative colorimetric")
    assert linear.recipe["colour_space"]["from"] == "profile"


def test_a_chosen_profile_stands_in_where_the_file_has_none(tmp_path: Path) -> None:
    bare = write(tmp_path / "a.tif", icc=None)
    with pytest.raises(UnreadableImageError, match="CMYK without a profile") as caught:
        load_linear(bare)
    assert "cmyk: FILE.icc" in str(caught.value)
    with pytest.raises(UnreadableImageError, match="carries no profile"):
        load_linear(bare, options=CHOSEN)
    (tmp_path / "press.icc").write_bytes(PRESS)
    chosen = ReadOptions(cmyk=str(tmp_path / "press.icc"))
    picture, recipe = load_encoded(bare, options=chosen)
    np.testing.assert_array_equal(picture, load_encoded(write(tmp_path / "b.tif"), options=CHOSEN)[0])
    assert recipe["colour_space"]["from"] == "assumed by choice"
    (tmp_path / "rgb.icc").write_bytes(p.matrix_profile("x", p.SRGB, p.gamma_curve(2.2)))
    with pytest.raises(UnreadableImageError, match="not one of inks"):
        load_linear(bare, options=ReadOptions(cmyk=str(tmp_path / "rgb.icc")))
    with pytest.raises(UnreadableImageError, match="cannot be read"):
        load_linear(bare, options=ReadOptions(cmyk=str(tmp_path / "none.icc")))
    (tmp_path / "cut.icc").write_bytes(PRESS[:200])
    with pytest.raises(UnreadableImageError, match="cannot be evaluated"):
        load_linear(bare, options=ReadOptions(cmyk=str(tmp_path / "cut.icc")))


def test_a_build_takes_the_choice_from_its_configuration(tmp_path: Path) -> None:
    file = tmp_path / "build.yaml"
    file.write_text("cmyk: press.icc\n")
    with pytest.raises(ConfigError, match="CMYK profile is not there"):
        read_config(file)
    (tmp_path / "press.icc").write_bytes(PRESS)
    first = read_config(file)
    assert load_encoded(write(tmp_path / "a.tif", icc=None), options=ReadOptions(cmyk=first.cmyk))[0].any()
    recorded = first.recorded()["cmyk"]
    (tmp_path / "press.icc").write_bytes(PRESS + b"\0")
    assert read_config(file).recorded()["cmyk"] != recorded  # another profile under the same name builds anew
    file.write_text("cmyk: profile\n")
    assert read_config(file).recorded()["cmyk"] == "profile"
    assert "cmyk" not in BuildConfig().recorded()
