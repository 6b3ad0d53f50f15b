import numpy as np

from annotator.residual.preview import re_exposed
from annotator.shared.light import zone_name
from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE
from iea40k.residuals import luma, residual_codes


def greys(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (60, 70, 1)).astype(np.uint8).repeat(3, 2)


def test_a_zero_residual_shows_the_exposure_itself():
    picture = np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8)
    assert np.array_equal(re_exposed(picture, np.zeros((30, 40), np.int16)), picture)


def test_the_true_residual_of_a_grey_exposure_shows_the_reference():
    reference, exposure = greys(1), greys(2)
    shown = re_exposed(exposure, residual_codes(reference, exposure[None])[0])
    assert np.abs(shown.astype(int) - reference).max() <= 1


def test_the_luma_moves_by_the_residual_and_the_hue_stays():
    exposure = np.random.default_rng(3).integers(40, 120, (50, 50, 3)).astype(np.uint8)
    shown = re_exposed(exposure, np.full((50, 50), round(0.15 * RESIDUAL_SCALE), np.int16))
    assert np.abs((luma(shown) - luma(exposure)) - 0.15).max() < 0.03
    assert np.array_equal(shown.argmax(axis=2)[:, 0], exposure.argmax(axis=2)[:, 0])


def test_no_data_is_shown_as_it_is():
    exposure = greys(4)
    assert np.array_equal(re_exposed(exposure, np.full(exposure.shape[:2], INVALID_CODE, np.int16)), exposure)


def test_zones():
    assert zone_name(0.18) == "V"
    assert zone_name(0.36) == "VI"
    assert zone_name(0.18 * 2 ** (1 / 3)) == "V⅓"
    assert zone_name(1e-9) == "0"
