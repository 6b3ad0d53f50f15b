"""HEIC and AVIF as phones and programs write them: depth, colours, turns, tiles, damage, and bad boxes."""

import shutil
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from iea40k.capture import read_capture
from iea40k.develop import ReadOptions, load_encoded, load_linear, probe
from iea40k.errors import UnreadableImageError
from tests.iea40k.colour import profiles as p

HEIC = Path(__file__).parent / "heic"


def quadrants(height: int = 96, width: int = 160) -> np.ndarray:
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = 200, 60, 60
    picture[: height // 2, width // 2 :] = 60, 200, 60
    picture[height // 2 :, : width // 2] = 60, 60, 200
    picture[height // 2 :, width // 2 :] = 120, 120, 120
    return picture


def write_avif(path: Path, picture: np.ndarray | None = None, **options: object) -> Path:
    Image.fromarray(quadrants() if picture is None else picture).save(
        path, "AVIF", quality=100, subsampling="4:4:4", **options
    )
    return path


def near(seen: np.ndarray, expected: np.ndarray, most: float = 2.0) -> None:
    assert seen.shape == expected.shape
    assert np.abs(seen.astype(int) - expected).mean() < most


def test_a_heic_is_read_with_its_pixels_and_its_camera() -> None:
    picture, recipe = load_encoded(HEIC / "srgb.heic")
    near(picture, quadrants())
    assert recipe["reader"] == "heic"
    assert recipe["colour_space"] == {"name": "srgb", "from": "file"}
    assert "pi-heif" in recipe["versions"]
    capture = read_capture(HEIC / "srgb.heic")
    assert (capture.exposure_time, capture.f_number, capture.iso) == (0.02, 1.8, 100)
    assert (capture.make, capture.model, capture.size) == ("Maker", "Phone 1", (160, 96))


def test_ten_bits_a_profile_and_a_turn_are_kept() -> None:
    linear = load_linear(HEIC / "deep_turned.heic")
    assert linear.pixels.shape == (160, 96, 3)
    assert (linear.recipe["depth"], linear.recipe["orientation"]) == (16, 1)
    assert linear.recipe["colour_space"] == {"name": "wide", "from": "profile"}
    # Upright, the stored left column is the top row: red above green on the right, blue above the ramp on the left.
    light = np.array(p.ADOBE_RGB) @ (np.array([200, 60, 60]) / 255) ** 2.2
    expected = np.maximum(np.linalg.inv(p.SRGB) @ light, 0)
    np.testing.assert_allclose(linear.pixels[10, 80], expected, atol=0.02)
    ramp = linear.pixels[82:158, 20, 1]
    assert (np.diff(ramp) > 0).sum() > 60  # 76 of 10 bits; 8 bits have 20 steps here


def test_the_tiles_of_a_phone_make_one_picture() -> None:
    picture, recipe = load_encoded(HEIC / "tiled.heic")
    near(picture, np.concatenate([quadrants(), quadrants()[::-1]]))
    assert "pictures" not in recipe


def test_of_several_pictures_the_main_one_is_taken_and_said() -> None:
    picture, recipe = load_encoded(HEIC / "two.heic")
    near(picture, quadrants()[::-1])
    assert recipe["pictures"] == "2, the main one is taken"


def test_transparent_and_hdr_pictures_are_refused() -> None:
    with pytest.raises(UnreadableImageError, match="transparent"):
        load_encoded(HEIC / "transparent.heic")
    with pytest.raises(UnreadableImageError, match="HDR"):
        load_encoded(HEIC / "pq.heic", options=ReadOptions(assume_profile="srgb"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_avif_is_turned_once(tmp_path: Path, orientation: int) -> None:
    from tests.iea40k.develop.test_rendered import UPRIGHT

    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Maker"
    exif.get_ifd(0x8769)[0x829A] = 0.008
    path = write_avif(tmp_path / "a.avif", exif=exif)
    picture, recipe = load_encoded(path)
    near(picture, UPRIGHT[orientation](quadrants()))
    assert recipe["orientation"] == orientation
    assert read_capture(path).exposure_time == 0.008


def test_an_avifs_profile_is_honoured(tmp_path: Path) -> None:
    icc = p.matrix_profile("wide", p.ADOBE_RGB, p.gamma_curve(2.2))
    linear = load_linear(write_avif(tmp_path / "a.avif", icc_profile=icc))
    light = np.array(p.ADOBE_RGB) @ (np.array([200, 60, 60]) / 255) ** 2.2
    np.testing.assert_allclose(linear.pixels[10, 10], np.maximum(np.linalg.inv(p.SRGB) @ light, 0), atol=0.02)
    assert linear.recipe["colour_space"]["from"] == "profile"


@pytest.mark.parametrize("bits", [10, 12])
def test_an_avifs_deep_codes_span_the_whole_range(tmp_path: Path, bits: int) -> None:
    codes = np.linspace(0, 2**bits - 1, 96 * 160).astype(np.uint16).reshape(96, 160)
    data = imagecodecs.avif_encode(
        np.repeat(codes[..., None], 3, axis=2), level=100, bitspersample=bits, pixelformat="444"
    )
    (tmp_path / "a.avif").write_bytes(data)
    linear = load_linear(tmp_path / "a.avif", options=ReadOptions(assume_profile="linear-srgb"))
    np.testing.assert_allclose(linear.pixels[..., 1], codes / (2**bits - 1), atol=0.002)
    assert linear.pixels.max() == 1
    assert np.unique(linear.pixels[..., 1]).size > 900


def test_a_grey_and_an_animated_avif(tmp_path: Path) -> None:
    near(
        load_encoded(write_avif(tmp_path / "grey.avif", quadrants()[..., 0]))[0],
        np.repeat(quadrants()[..., :1], 3, axis=2),
    )
    frames = [Image.fromarray(quadrants()), Image.fromarray(quadrants()[::-1].copy())]
    frames[0].save(tmp_path / "a.avif", save_all=True, append_images=frames[1:])
    with pytest.raises(UnreadableImageError, match="several pictures"):
        load_encoded(tmp_path / "a.avif")


@pytest.mark.parametrize("kind", ["heic", "avif"])
@pytest.mark.parametrize(
    "harm",
    [
        lambda d: d[:-1],
        lambda d: d[: len(d) // 2],
        lambda d: d[:60],
        lambda d: d[:-200] + bytes(200),
        lambda d: d[:40] + bytes(200) + d[240:],
    ],
    ids=["a byte short", "half", "head only", "zeros at the end", "zeros in the boxes"],
)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, kind: str, harm: Callable[[bytes], bytes]) -> None:
    path = tmp_path / f"a.{kind}"
    good = HEIC / "srgb.heic" if kind == "heic" else write_avif(tmp_path / "good.avif")
    path.write_bytes(harm(good.read_bytes()))
    with pytest.raises(UnreadableImageError) as caught:
        load_encoded(path)
    assert str(path) in str(caught.value)


def test_names_must_be_true_and_sizes_within_the_limit(tmp_path: Path) -> None:
    shutil.copy(HEIC / "srgb.heic", tmp_path / "a.jpg")
    with pytest.raises(UnreadableImageError, match="not what its name says"):
        probe(tmp_path / "a.jpg")
    write_avif(tmp_path / "a.heic")
    with pytest.raises(UnreadableImageError, match="AVIF"):
        probe(tmp_path / "a.heic")
    for name in ("a.avif", "srgb.heic"):
        path = write_avif(tmp_path / name) if name == "a.avif" else HEIC / name
        with pytest.raises(UnreadableImageError, match="too large"):
            load_encoded(path, options=ReadOptions(max_pixels=1000))


def test_a_bracket_of_avif_files_is_found_and_built(tmp_path: Path) -> None:
    from iea40k.store.layout import Store
    from pipelines.cli.program import run

    rng = np.random.default_rng(1)
    smooth = (
        np.asarray(
            Image.fromarray(rng.integers(0, 256, (12, 20, 3), dtype=np.uint8)).resize(
                (320, 192), Image.BICUBIC
            )
        )
        / 255
    )
    for stops, exposure in ((-1, 0.01), (0, 0.02), (1, 0.04)):
        exif = Image.Exif()
        exif[0x010F] = "Maker"
        ifd = exif.get_ifd(0x8769)
        ifd[0x829A], ifd[0x829D], ifd[0x8827] = exposure, 8.0, 100
        ifd[0x9003] = f"2024:05:06 07:08:0{stops + 2}"
        light = np.clip(0.4 * smooth**2.2 * 2.0**stops, 0, 1)
        write_avif(
            tmp_path / f"IMG_{stops + 2}.avif", np.rint(255 * light ** (1 / 2.2)).astype(np.uint8), exif=exif
        )
    assert run(["manifest", "brackets", str(tmp_path), "-o", str(tmp_path / "m.csv")]) == 0
    assert run(["build", str(tmp_path / "m.csv"), str(tmp_path / "store")]) == 0
    store = Store.open(tmp_path / "store")
    (scene_id,) = store.scene_ids()
    assert store.read_scene(scene_id).levels == ("N1", "P0", "P1")
