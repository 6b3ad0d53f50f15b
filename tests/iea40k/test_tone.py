from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from iea40k.colour import decode_srgb, encode_srgb, srgb_curve
from iea40k.develop import LinearImage, expose
from iea40k.errors import ArrayError
from iea40k.residuals import luma
from iea40k.tone import MIDDLE_GREY, contrast_curve, expose_with_contrast, fit_tone


@pytest.fixture
def light() -> NDArray[np.float32]:
    rng = np.random.default_rng(1)
    stops = np.add.outer(np.linspace(-7, -0.5, 120), np.sin(np.linspace(0, 6, 160)) * 0.4)
    tint = 1 + 0.1 * np.sin(np.arange(3) + stops[..., None])
    return (2.0 ** stops[..., None] * tint * rng.uniform(0.98, 1.02, (120, 160, 1))).astype(np.float32)


def test_the_curve_holds_black_middle_grey_and_white() -> None:
    for contrast in (0.5, 1.0, 1.7):
        held = contrast_curve(np.array([0, MIDDLE_GREY, 1]), contrast)
        np.testing.assert_allclose(held, [0, MIDDLE_GREY, 1], atol=1e-12)
    steeper = contrast_curve(np.array([0.2, 0.8]), 1.5)
    assert steeper[0] < 0.2
    assert steeper[1] > 0.8
    assert np.all(np.diff(contrast_curve(np.linspace(0, 1, 999), 2.4)) > 0)


@pytest.mark.parametrize(("stops", "contrast"), [(1.0, 1.0), (-0.7, 1.4), (2.3, 0.8), (0.0, 1.0)])
def test_a_planted_tone_is_found(light: NDArray[np.float32], stops: float, contrast: float) -> None:
    retouch = expose_with_contrast(light, [stops], contrast)[0]
    tone = fit_tone(light, retouch)
    assert tone.stops == pytest.approx(stops, abs=0.02)
    assert tone.contrast == pytest.approx(contrast, abs=0.02)
    assert tone.left < 0.002


def test_local_edits_move_the_tone_little(light: NDArray[np.float32]) -> None:
    retouch = expose_with_contrast(light, [1.0], 1.2)[0]
    retouch[:40, :60] = 250  # an eighth of the picture is somebody's own sky
    tone = fit_tone(light, retouch)
    assert tone.stops == pytest.approx(1.0, abs=0.15)
    assert tone.contrast == pytest.approx(1.2, abs=0.15)


def test_the_match_takes_contrast_out_of_the_residual_and_leaves_exposure_in(
    light: NDArray[np.float32],
) -> None:
    retouch = expose_with_contrast(light, [1.0], 1.5)[0]
    tone = fit_tone(light, retouch)
    plain = luma(retouch) - luma(expose(LinearImage(light, {}), [1.0])[0])
    matched = luma(retouch) - luma(expose_with_contrast(light, [1.0], tone.contrast)[0])
    assert np.abs(plain).mean() > 0.05
    assert np.abs(matched).mean() < 0.005
    as_shot = luma(retouch) - luma(expose_with_contrast(light, [0.0], tone.contrast)[0])
    assert (as_shot > 0).mean() > 0.95  # a stop too dark is underexposed nearly everywhere


def test_without_contrast_these_are_the_exposures_of_development(light: NDArray[np.float32]) -> None:
    evs = [-4.0, -0.5, 0.0, 3.0]
    np.testing.assert_array_equal(expose_with_contrast(light, evs, 1.0), expose(LinearImage(light, {}), evs))


def test_each_stop_doubles_the_unclipped_light_within_a_percent(light: NDArray[np.float32]) -> None:
    ladder = expose_with_contrast(light, [-4.0, -3.0, -2.0, -1.0, 0.0], 1.0)
    for dark, bright in pairwise(ladder):
        unclipped = (bright.max(axis=2) < 255) & (dark.min(axis=2) > 20)
        ratio = decode_srgb(bright)[unclipped].sum() / decode_srgb(dark)[unclipped].sum()
        assert ratio == pytest.approx(2, rel=0.01)


def test_headroom_reaches_white_and_stays_there() -> None:
    light = np.full((4, 4, 3), 3.0, np.float32)
    assert expose_with_contrast(light, [0.0], 1.6).min() == 255
    assert expose_with_contrast(light, [-2.0], 1.0)[0, 0, 0, 0] == encode_srgb(light / 4)[0, 0, 0]


def test_sizes_must_agree(light: NDArray[np.float32]) -> None:
    with pytest.raises(ArrayError, match="differ in size"):
        fit_tone(light, encode_srgb(light)[:-1])


def test_middle_grey_is_zone_five() -> None:
    assert pytest.approx(float(srgb_curve(np.array(0.18)))) == MIDDLE_GREY
    assert round(MIDDLE_GREY * 255) == 118
