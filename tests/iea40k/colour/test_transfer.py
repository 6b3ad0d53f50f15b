import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from iea40k.colour import clipped_share, decode_srgb, encode_srgb, srgb_curve
from iea40k.errors import ArrayError


def test_encoding_is_exact_at_every_code_boundary() -> None:
    # The hardest light: on, just below and just above each of the 255 steps, and beyond both ends.
    half = (np.arange(255) + 0.5) / 255
    step = np.where(half <= 0.04045, half / 12.92, ((half + 0.055) / 1.055) ** 2.4).astype(np.float32)
    light = np.concatenate([np.nextafter(step, np.float32(-1)), step, np.nextafter(step, np.float32(2))])
    light = np.concatenate([light, np.float32([-3.0, 0.0, 1.0, 7.5])])
    exact = np.rint(np.clip(srgb_curve(light), 0, 1) * 255)
    np.testing.assert_array_equal(encode_srgb(light), exact)


@given(hnp.arrays(np.float32, (7, 5, 3), elements=st.floats(-0.5, 2, width=32)))
def test_encoding_equals_the_curve_in_double_precision(light: np.ndarray) -> None:
    exact = np.rint(np.clip(srgb_curve(np.clip(light, 0, 1)), 0, 1) * 255)
    np.testing.assert_array_equal(encode_srgb(light), exact)


def test_encoding_a_picture_larger_than_one_chunk() -> None:
    light = np.random.default_rng(0).random((300, 211, 3), dtype=np.float32)
    np.testing.assert_array_equal(encode_srgb(light), np.rint(srgb_curve(light) * 255))


def test_eight_bits_survive_the_way_to_light_and_back() -> None:
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(encode_srgb(decode_srgb(codes)), codes)


def test_sixteen_bits_keep_every_step() -> None:
    light = decode_srgb(np.arange(65536, dtype=np.uint16).reshape(256, 256))
    assert np.all(np.diff(light.ravel()) > 0)
    assert light.max() == 1.0


@pytest.mark.parametrize(
    "bad", [np.zeros((2, 2, 3), np.float64), np.full((2, 2, 3), np.nan, np.float32), np.zeros(3, np.uint8)]
)
def test_encoding_refuses_other_dtypes_and_nan(bad: np.ndarray) -> None:
    with pytest.raises(ArrayError):
        encode_srgb(bad)


def test_decoding_refuses_floats() -> None:
    with pytest.raises(ArrayError, match="uint8 or uint16"):
        decode_srgb(np.zeros((2, 2, 3), np.float32))  # type: ignore[arg-type]


def test_the_clipped_share_counts_both_ends() -> None:
    light = np.float32([-0.1, 0.0, 0.5, 1.0, 1.1, 2.0, 3.0, 0.2])
    assert clipped_share(light) == {"below": 1 / 8, "above": 3 / 8}
