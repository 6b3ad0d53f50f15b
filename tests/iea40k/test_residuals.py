import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE, codes_from_residual, residual_from_codes
from iea40k.errors import ArrayError
from iea40k.residuals import luma, residual_codes

WEIGHTS = np.array([299, 587, 114])
pictures = npst.arrays(np.uint8, st.tuples(st.integers(1, 90), st.integers(1, 9), st.just(3)))


def exactly_rounded(reference: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Integer arithmetic: the nearest integer to sum * 16/125; ties cannot occur, since 125 is odd."""
    sums = (reference.astype(np.int64) - exposure.astype(np.int64)) @ WEIGHTS
    return (2 * 16 * sums + 125) // (2 * 125)


def test_differences_are_rounded_exactly_over_the_colour_cube():
    r, g, b = np.meshgrid(np.arange(0, 256, 3), np.arange(256), np.arange(0, 256, 5), indexing="ij")
    cube = np.stack([r, g, b], -1).reshape(-1, 256, 3).astype(np.uint8)
    for shade in (0, 77, 255):
        reference = np.full_like(cube, shade)
        np.testing.assert_array_equal(
            residual_codes(reference, cube[None])[0], exactly_rounded(reference, cube)
        )


def test_random_differences_are_rounded_exactly():
    rng = np.random.default_rng(0)
    reference = rng.integers(0, 256, (300, 500, 3), np.uint8)
    exposures = rng.integers(0, 256, (4, 300, 500, 3), np.uint8)
    np.testing.assert_array_equal(residual_codes(reference, exposures), exactly_rounded(reference, exposures))


@given(pictures)
def test_a_reference_has_no_residual_against_itself(reference):
    assert not residual_codes(reference, reference[None]).any()


@given(pictures, st.integers(0, 2**32 - 1))
def test_codes_are_the_exactly_rounded_difference_at_every_size(reference, seed):
    exposure = np.random.default_rng(seed).integers(0, 256, reference.shape, np.uint8)
    np.testing.assert_array_equal(
        residual_codes(reference, exposure[None])[0], exactly_rounded(reference, exposure)
    )


def test_sign_and_range():
    black, white = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)
    assert (residual_codes(white, black[None]) == RESIDUAL_SCALE).all()  # underexposed: positive
    assert (residual_codes(black, white[None]) == -RESIDUAL_SCALE).all()


def test_grey_steps_are_multiples_of_128_codes():
    exposure = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    codes = residual_codes(np.zeros_like(exposure), exposure[None])[0, 0]
    np.testing.assert_array_equal(codes, -128 * np.arange(256))


def test_pixels_without_data_are_invalid_not_zero():
    reference = np.full((3, 4, 3), 100, np.uint8)
    validity = np.ones((2, 3, 4), bool)
    validity[1, 2, 3] = False
    codes = residual_codes(reference, np.stack([reference, reference]), validity)
    assert codes[1, 2, 3] == INVALID_CODE
    assert (codes == INVALID_CODE).sum() == 1
    assert np.isnan(residual_from_codes(codes[1])[2, 3])


def test_wrong_shapes_are_refused():
    reference = np.zeros((3, 4, 3), np.uint8)
    with pytest.raises(ArrayError, match="differ in size"):
        residual_codes(reference, np.zeros((1, 3, 5, 3), np.uint8))
    with pytest.raises(ArrayError, match="dtype"):
        residual_codes(reference, np.zeros((1, 3, 4, 3), np.float32))
    with pytest.raises(ArrayError, match="validity"):
        residual_codes(reference, reference[None], np.ones((4, 3), bool))


def test_luma_is_rec_601():
    pixels = np.eye(3, dtype=np.uint8)[None] * 255
    np.testing.assert_allclose(luma(pixels)[0], [0.299, 0.587, 0.114], rtol=1e-6)


@given(st.floats(-1, 1) | st.just(float("nan")))
def test_codes_round_trip_within_half_a_code(value):
    back = residual_from_codes(codes_from_residual(np.array([[value]])))[0, 0]
    assert np.isnan(back) if np.isnan(value) else abs(back - value) <= 0.5 / RESIDUAL_SCALE + 1e-7


def test_published_labels_are_stored_exactly():
    labels = np.arange(-255, 256) / 255
    np.testing.assert_array_equal(codes_from_residual(labels[None])[0], 128 * np.arange(-255, 256))


def test_labels_in_the_wrong_unit_are_refused_not_clipped():
    with pytest.raises(ArrayError, match="outside"):
        codes_from_residual(np.array([[-3.0]]))
