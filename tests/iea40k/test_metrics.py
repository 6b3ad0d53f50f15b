"""Metrics against planted errors, definitions, and scikit-image."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from iea40k import metrics
from iea40k.errors import ArrayError


def maps(seed=0, size=(40, 50), noise=0.1):
    rng = np.random.default_rng(seed)
    label = rng.uniform(-0.8, 0.8, size).astype(np.float32)
    return (label + rng.normal(0, noise, size)).astype(np.float32), label


def test_a_constant_error_is_its_mae_and_its_psnr():
    _, label = maps()
    prediction = label + np.float32(0.03)
    assert metrics.mae(prediction, label) == pytest.approx(0.03, abs=1e-6)
    assert metrics.psnr(prediction, label, data_range=1) == pytest.approx(-20 * math.log10(0.03), abs=1e-3)
    doubled = metrics.psnr(prediction, label, data_range=2)
    assert doubled - metrics.psnr(prediction, label, data_range=1) == pytest.approx(6.0206, abs=1e-3)


def test_pixels_without_data_count_nowhere():
    prediction, label = maps()
    clean = metrics.map_metrics(prediction, label)
    worse = prediction.copy()
    worse[:, 25:] = 0.99
    holed = label.copy()
    holed[:, 25:] = np.nan
    found = metrics.map_metrics(worse, holed)
    assert found["mae"] == pytest.approx(np.abs(prediction - label)[:, :25].mean(), rel=1e-5)
    assert found["pixels"] == 40 * 25
    # Windows that touch the hole are left out, so what remains is the similarity of the left part alone.
    assert found["ssim_range2"] == pytest.approx(
        metrics.ssim(prediction[:, :25], label[:, :25], data_range=2), abs=1e-6
    )
    assert clean["mae"] != found["mae"]


def test_without_any_data_there_is_no_number():
    nothing = np.full((20, 20), np.nan, np.float32)
    found = metrics.map_metrics(nothing, nothing)
    assert found.pop("pixels") == 0
    assert all(math.isnan(value) for value in found.values())
    assert math.isnan(metrics.holistic_score(nothing))


@pytest.mark.parametrize("data_range", [1, 2])
def test_ssim_equals_scikit_image(data_range):
    prediction, label = maps()
    expected = structural_similarity(
        prediction.astype(np.float64),
        label.astype(np.float64),
        data_range=data_range,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert metrics.ssim(prediction, label, data_range=data_range) == pytest.approx(expected, abs=1e-6)


def test_bands_hold_every_pixel_once_and_their_own_error():
    _, label = maps()
    prediction = label + np.where(np.abs(label) >= 0.4, np.float32(0.2), np.float32(0))
    bands = metrics.banded_mae(prediction, label)
    assert sum(count for _, count in bands.values()) == label.size
    assert bands["0.4-1"][0] == pytest.approx(0.2, abs=1e-6)
    assert bands["0.1-0.2"][0] == 0
    edge = np.ones((12, 12), np.float32)
    assert metrics.banded_mae(edge, edge)["0.4-1"] == (0, 144)


def test_sign_counts_only_labels_that_have_one():
    label = np.array([[0.5, -0.5, 0.01, -0.3]], np.float32)
    prediction = np.array([[0.1, 0.1, -0.9, -0.1]], np.float32)
    assert metrics.sign_accuracy(prediction, label) == pytest.approx(2 / 3)


def test_holistic_score_of_the_paper():
    assert metrics.holistic_score(np.zeros((4, 4), np.float32)) == 10
    assert metrics.holistic_score(np.full((4, 4), -0.25, np.float32)) == pytest.approx(7.5)


@given(st.lists(st.floats(-5, 5, allow_subnormal=False), min_size=3, max_size=30, unique=True))
def test_rank_correlation_ignores_monotone_changes(values):
    x = np.array(values)
    assert metrics.srcc(x, np.argsort(np.argsort(x)).astype(float)) == pytest.approx(1)
    assert metrics.srcc(x, -np.argsort(np.argsort(x)).astype(float)) == pytest.approx(-1)


def test_linear_correlation_and_accuracy():
    x = np.arange(10.0)
    assert metrics.lcc(3 * x + 1, x) == pytest.approx(1)
    assert metrics.lcc(x, -x) == pytest.approx(-1)
    assert math.isnan(metrics.lcc(np.ones(5), np.arange(5)))
    assert metrics.accuracy([1, 6, 9, 4], [2, 7, 4, 9]) == 0.5


def test_an_image_without_a_score_counts_nowhere():
    scores, truth = [9.0, np.nan, 2.0, 1.0], [8.0, 1.0, np.nan, 2.0]
    assert metrics.accuracy(scores, truth) == 1  # a NaN is not "bad"
    assert metrics.lcc(scores, truth) == pytest.approx(1)
    assert metrics.srcc(scores, truth) == pytest.approx(1)
    assert np.isnan(metrics.accuracy([np.nan], [1.0]))
    with pytest.raises(ArrayError):
        metrics.lcc([1, 2], [1, 2, 3])


def picture(shift=0, gain=1.0):
    image = np.full((64, 64, 3), 40, np.uint8)
    image[16:48, 16 + shift : 48 + shift] = 200
    return np.rint(image * gain).astype(np.uint8)


@pytest.mark.parametrize("measure", [metrics.sobel_iou, metrics.canny_iou])
def test_edges_agree_with_themselves_and_not_when_moved(measure):
    assert measure(picture(), picture()) == 1
    assert measure(picture(8), picture()) < 0.5
    flat = np.full((64, 64, 3), 90, np.uint8)
    assert measure(flat, flat) == 1
    assert measure(picture(), flat) == 0


def test_histogram_difference_sees_brightness_and_not_place():
    assert metrics.histogram_difference(picture(8), picture()) == 0
    assert metrics.histogram_difference(picture(gain=0.5), picture()) == 1
    half = picture()
    half[16:48, 16:32] = 40  # half of the square's pixels go dark: 512 of 4096
    assert metrics.histogram_difference(half, picture()) == pytest.approx(512 / 4096)


def test_mean_and_sample_deviation_over_splits():
    out = metrics.mean_and_sd([{"mae": 0.1}, {"mae": 0.2}, {"mae": 0.3}])
    assert out["mae"] == (pytest.approx(0.2), pytest.approx(0.1))
