"""RAW files whose every value is known: planted light must come back."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from iea40k.develop import LinearImage, ReadOptions, expose, load_linear
from iea40k.errors import BadInputError
from pipelines.dng import Camera, write_dng
from tests.iea40k.develop.sensor import write_sensor

QUIET = {"electrons": 1e9, "read_noise": 0.0}


def patches(height: int = 200, width: int = 300) -> np.ndarray:
    """Four patches of known light, each other in every colour."""
    light = np.empty((height, width, 3), np.float32)
    light[: height // 2, : width // 2] = 0.40, 0.05, 0.10
    light[: height // 2, width // 2 :] = 0.02, 0.30, 0.60
    light[height // 2 :, : width // 2] = 0.18, 0.18, 0.18
    light[height // 2 :, width // 2 :] = 0.65, 0.70, 0.01
    return light


def centres(pixels: np.ndarray) -> np.ndarray:
    h, w = pixels.shape[:2]
    return np.array([[pixels[h // 4, w // 4], pixels[h // 4, 3 * w // 4]],
                     [pixels[3 * h // 4, w // 4], pixels[3 * h // 4, 3 * w // 4]]])  # fmt: skip


@pytest.mark.parametrize("short_side", [None, 150, 64])
@pytest.mark.parametrize("stops", [0.0, 1.0, -0.5])
def test_planted_light_comes_back(tmp_path: Path, short_side: int | None, stops: float) -> None:
    write_dng(tmp_path / "a.dng", patches(), Camera(baseline_exposure=stops, **QUIET))
    linear = load_linear(tmp_path / "a.dng", short_side=short_side)
    np.testing.assert_allclose(centres(linear.pixels), centres(patches()), rtol=2e-3, atol=3e-4)
    assert linear.recipe["baseline_exposure"] == stops


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_applied_once(tmp_path: Path, orientation: int) -> None:
    write_dng(tmp_path / "a.dng", patches(), Camera(orientation=orientation, **QUIET))
    seen = centres(load_linear(tmp_path / "a.dng", short_side=64).pixels)
    expected = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: np.swapaxes(a, 0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: np.rot90(np.swapaxes(a, 0, 1), 2),
        8: np.rot90,
    }[orientation](centres(patches()))
    np.testing.assert_allclose(seen, expected, rtol=3e-3, atol=3e-4)


def test_light_doubles_with_each_stop(tmp_path: Path) -> None:
    write_dng(tmp_path / "a.dng", patches() * 0.1, Camera(**QUIET))
    pictures = expose(load_linear(tmp_path / "a.dng", short_side=64), [0, 1, 2, 3])
    grey = pictures[:, -16, 16, 1] / 255
    light = np.where(grey <= 0.04045, grey / 12.92, ((grey + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(light[1:] / light[:-1], 2, rtol=0.06)  # eight bits are coarse in the darks
    exact = expose(LinearImage(np.full((2, 2, 3), 0.1, np.float32), {}), [0, 1, 2, 3])
    assert exact[:, 0, 0, 0].tolist() == [89, 124, 170, 231]


def dot(height: int, width: int, row: float, column: float) -> np.ndarray:
    """A soft white dot at (row, column), in pixels from the corner of the corner pixel."""
    y, x = np.mgrid[:height, :width] + 0.5
    bell = np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * 12.0**2))
    return np.repeat(0.8 * bell[..., None], 3, axis=2).astype(np.float32)


def centroid(plane: np.ndarray) -> tuple[float, float]:
    y, x = np.mgrid[: plane.shape[0], : plane.shape[1]] + 0.5
    weight = plane.astype(np.float64)
    return float((y * weight).sum() / weight.sum()), float((x * weight).sum() / weight.sum())


@pytest.mark.parametrize("pattern", ["RGGB", "GRBG", "GBRG", "BGGR"])
@pytest.mark.parametrize("full", [False, True])
def test_the_colours_of_a_dot_lie_on_each_other(tmp_path: Path, pattern: str, full: bool) -> None:
    # Joined 2x2 blocks put red and blue half a photosite off: 0.125 px each way at this scale.
    write_sensor(tmp_path / "a.dng", dot(256, 320, 121.3, 170.6), pattern=pattern)
    linear = load_linear(tmp_path / "a.dng", short_side=64, options=ReadOptions(full_demosaic=full))
    for channel in range(3):
        row, column = centroid(linear.pixels[..., channel])
        assert (row, column) == pytest.approx((121.3 / 4, 170.6 / 4), abs=0.01)


@pytest.mark.parametrize("active", [None, (1, 3, 253, 315), (2, 4, 250, 318)])
@pytest.mark.parametrize("crop", [None, (8, 6, 200, 280), (10, 12, 230, 290)])
@pytest.mark.parametrize("full", [False, True])
def test_the_makers_frame_is_cut_out_exactly(
    tmp_path: Path, active: tuple[int, ...] | None, crop: tuple[int, ...] | None, full: bool
) -> None:
    write_sensor(tmp_path / "a.dng", dot(256, 320, 121.3, 170.6), active=active, crop=crop)  # type: ignore[arg-type]
    linear = load_linear(tmp_path / "a.dng", short_side=50, options=ReadOptions(full_demosaic=full))
    top, left, height, width = linear.recipe["frame"]["top_left_height_width"]
    assert linear.recipe["frame"]["from"] == ("camera's crop" if crop else "visible area")
    if crop:
        assert (height, width) == pytest.approx(crop[2:], abs=1)
    # LibRaw moves odd margins to the next even photosite.
    top += 2 * ((active[0] + 1) // 2) if active else 0
    left += 2 * ((active[1] + 1) // 2) if active else 0
    if not full:
        height, width = height // 2 * 2, width // 2 * 2
    scale = linear.pixels.shape[0] / height, linear.pixels.shape[1] / width
    wanted = (121.3 - top) * scale[0], (170.6 - left) * scale[1]
    for channel in range(3):
        assert centroid(linear.pixels[..., channel]) == pytest.approx(wanted, abs=0.05)


@pytest.mark.parametrize("pattern", ["RGGB", "GRBG", "GBRG", "BGGR"])
def test_detail_as_fine_as_the_mosaic_keeps_its_colour(tmp_path: Path, pattern: str) -> None:
    # Neutral lines of one pixel: red's photosites see only the bright or only the dark ones.
    lines = np.full((256, 320, 3), 0.1, np.float32)
    lines[:, ::2] = 0.7
    write_sensor(tmp_path / "a.dng", lines, pattern=pattern)
    middle = load_linear(tmp_path / "a.dng", short_side=64).pixels[8:-8, 8:-8]
    np.testing.assert_allclose(middle, 0.4, atol=0.02)


def test_each_place_of_a_block_has_its_own_black(tmp_path: Path) -> None:
    write_sensor(tmp_path / "a.dng", patches(), blacks=(200, 512, 700, 64))
    linear = load_linear(tmp_path / "a.dng", short_side=64)
    np.testing.assert_allclose(centres(linear.pixels), centres(patches()), rtol=2e-3, atol=3e-4)
    assert sorted(linear.recipe["levels"]["black"]) == [64, 200, 512, 700]


def test_noise_below_black_is_not_cut_off(tmp_path: Path) -> None:
    light = np.full((256, 320, 3), 0.0005, np.float32)  # 4 to 8 codes over black, and as much noise
    write_dng(tmp_path / "a.dng", light, Camera(electrons=1e9, read_noise=8.0))
    linear = load_linear(tmp_path / "a.dng", short_side=32)
    np.testing.assert_allclose(linear.pixels.mean((0, 1)), 0.0005, rtol=0.04)


def test_blown_highlights_are_neutral_and_told(tmp_path: Path) -> None:
    light = np.full((128, 128, 3), 0.2, np.float32)
    light[:64] = 9.0
    write_sensor(tmp_path / "a.dng", light)
    linear = load_linear(tmp_path / "a.dng", short_side=32)
    np.testing.assert_allclose(linear.pixels[4, 4], 1.0, atol=1e-3)
    assert linear.recipe["clipped"]["sensor saturated"] == pytest.approx(0.5, abs=0.02)
    assert expose(linear, [-1.0])[0, 4, 4].tolist() == [188, 188, 188]


def test_baseline_exposure_becomes_headroom(tmp_path: Path) -> None:
    light = np.full((128, 128, 3), 1.8, np.float32)
    write_dng(tmp_path / "a.dng", light, Camera(baseline_exposure=1.0, **QUIET))
    linear = load_linear(tmp_path / "a.dng", short_side=32)
    np.testing.assert_allclose(linear.pixels[8, 8], 1.8, rtol=1e-3)
    assert linear.recipe["above_white"] == 1.0
    assert (expose(linear, [0.0, -1.0])[:, 8, 8, 0] < 255).tolist() == [False, True]


def test_the_picture_does_not_choose_its_own_brightness(tmp_path: Path) -> None:
    for name, gain in (("dark", 0.01), ("bright", 0.9)):
        light = np.full((128, 128, 3), 0.05, np.float32)
        light[:, 64:] = gain
        write_dng(tmp_path / f"{name}.dng", light, Camera(**QUIET))
    dark, bright = (load_linear(tmp_path / f"{n}.dng", short_side=32).pixels for n in ("dark", "bright"))
    np.testing.assert_allclose(dark[:, :12].mean((0, 1)), bright[:, :12].mean((0, 1)), rtol=1e-3)


def test_an_invalid_white_balance_falls_back_by_name_and_not_to_the_picture(tmp_path: Path) -> None:
    # LibRaw's answer to a missing balance is one computed from the picture: these two would then agree in hue.
    for name, colour in (("warm", (0.6, 0.3, 0.1)), ("cold", (0.1, 0.3, 0.6))):
        light = np.full((128, 128, 3), colour, np.float32)
        write_sensor(tmp_path / f"{name}.dng", light, neutral=None)
    warm, cold = (load_linear(tmp_path / f"{n}.dng", short_side=32) for n in ("warm", "cold"))
    assert warm.recipe["white_balance"] == cold.recipe["white_balance"]
    np.testing.assert_allclose(warm.pixels[8, 8], cold.pixels[8, 8][::-1], rtol=0.05)
    assert warm.pixels[8, 8, 0] / warm.pixels[8, 8, 2] > 4


@pytest.mark.parametrize("short_side", [0, 1, -512])
def test_an_impossible_size_is_refused(tmp_path: Path, short_side: int) -> None:
    with pytest.raises(BadInputError, match="impossible size"):
        load_linear(tmp_path / "a.dng", short_side=short_side)


def test_exposures_beyond_sense_are_refused() -> None:
    linear = LinearImage(np.ones((2, 2, 3), np.float32), {})
    for ev in (np.nan, np.inf, 17.0):
        with pytest.raises(BadInputError, match="not an exposure"):
            expose(linear, [0.0, ev])


@pytest.mark.parametrize("threads", ["1", "3"])
def test_the_same_file_gives_the_same_bytes_on_any_number_of_threads(tmp_path: Path, threads: str) -> None:
    noise = np.random.default_rng(0).random((400, 600, 3), dtype=np.float32)
    write_dng(tmp_path / "a.dng", noise, Camera())
    program = (
        "import hashlib, sys; from pathlib import Path; from iea40k.develop import *; import cv2\n"
        "cv2.setNumThreads(int(sys.argv[2]))\n"
        "for side in (None, 128):\n"
        "    linear = load_linear(Path(sys.argv[1]), short_side=side)\n"
        "    print(hashlib.sha256(expose(linear, (-4, 0, 4)).tobytes()).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a.dng"), threads],
        env={**os.environ, "OMP_NUM_THREADS": threads},
        capture_output=True,
        text=True,
        check=True,
    )
    here = [
        hashlib.sha256(
            expose(load_linear(tmp_path / "a.dng", short_side=s), (-4, 0, 4)).tobytes()
        ).hexdigest()
        for s in (None, 128)
    ]
    assert done.stdout.split() == here
