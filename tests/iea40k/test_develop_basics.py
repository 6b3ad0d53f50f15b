from pathlib import Path

import numpy as np
import pytest

from iea40k.color import decode_srgb, encode_srgb
from iea40k.color.transfer import srgb_curve
from iea40k.develop import expose, load_linear
from iea40k.errors import UnreadableImageError
from pipelines.dng import Camera, write_dng


def test_the_curve_and_its_inverse():
    codes = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(encode_srgb(decode_srgb(codes)), codes)
    light = np.random.default_rng(0).random((200, 200, 3)).astype(np.float32) ** 3
    exact = np.rint(srgb_curve(light) * 255)
    wrong = encode_srgb(light) != exact
    assert wrong.mean() < 0.01
    assert (np.abs(encode_srgb(light).astype(int) - exact) <= 1).all()


@pytest.mark.parametrize("orientation", [1, 2, 3, 6, 8])
def test_a_dng_comes_back_upright_with_the_light_that_was_written(tmp_path, orientation):
    light = np.full((128, 192, 3), 0.1, np.float32)
    light[:64, :96] = (0.5, 0.4, 0.3)  # one corner, as the sensor lies
    write_dng(tmp_path / "a.dng", light, Camera(baseline_exposure=0.5, orientation=orientation))
    linear = load_linear(tmp_path / "a.dng", short_side=64)
    upright = {1: (0, 0), 2: (0, 1), 3: (1, 1), 6: (0, 1), 8: (1, 0)}[orientation]
    height, width = linear.pixels.shape[:2]
    assert (width > height) == (orientation < 5)
    quarter = linear.pixels[upright[0] * height // 2 :, upright[1] * width // 2 :][
        : height // 2, : width // 2
    ][6:-6, 6:-6]
    np.testing.assert_allclose(quarter.mean((0, 1)), (0.5, 0.4, 0.3), rtol=0.02)
    assert linear.recipe["baseline_exposure"] == 0.5


def test_unclipped_light_doubles_per_stop(tmp_path):
    write_dng(tmp_path / "a.dng", np.full((128, 128, 3), 0.2, np.float32))
    linear = load_linear(tmp_path / "a.dng", short_side=64)
    light = [decode_srgb(e).mean() for e in expose(linear, (-2, -1, 0, 1, 2))]
    np.testing.assert_allclose(np.diff(np.log2(light[:-1])), 1, atol=0.03)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.dng", b""),
        ("a.jpg", b"hello"),
        ("a.dng", b"\x89PNG\r\n\x1a\n" + b"0" * 99),
        ("a.raw", b"\x01" * 5000),
    ],
)
def test_what_is_no_photograph_is_refused_by_name(tmp_path: Path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableImageError, match=name):
        load_linear(tmp_path / name)
