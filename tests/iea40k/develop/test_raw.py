"""RAW files whose every value is known: planted light must come back."""

from pathlib import Path

import numpy as np
import pytest

from iea40k.develop import LinearImage, expose, load_linear
from pipelines.dng import Camera, write_dng

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
