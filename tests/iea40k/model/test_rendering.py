"""Rendered captures: real pictures, seeded, with the label that belongs to what is shown."""

import cv2
import numpy as np
import pytest
import skimage.data
import torch

from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE
from iea40k.model.data import ExposureDataset, Pixels, Sample, ViewConfig
from iea40k.model.data.rendering import Rendering, render, vary_captured
from iea40k.residuals import luma
from iea40k.tone import expose_with_contrast
from tests.iea40k.model.photographs import exposed

HOW = Rendering()


@pytest.fixture(scope="module")
def reference():
    return cv2.resize(skimage.data.coffee(), (160, 128), interpolation=cv2.INTER_AREA)


def many(reference, how, count=60):
    return [render(reference, np.random.default_rng(seed), how) for seed in range(count)]


def test_the_same_draws_give_the_same_picture(reference):
    first, second, other = (render(reference, np.random.default_rng(seed), HOW) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first.astype(int) - other).mean() > 1


def test_plain_pictures_are_those_of_the_ladder(reference):
    how = Rendering(stops=4, plain=1, dull=0)
    for seed in range(8):
        random = np.random.default_rng(seed)
        found = render(reference, np.random.default_rng(seed), how)
        random.uniform()
        near = random.uniform() < 1 / 3
        stops = np.clip(random.normal(0, 0.8), -4, 4) if near else random.uniform(-4, 4)
        light = np.where(
            reference / 255 <= 0.04045, reference / 255 / 12.92, ((reference / 255 + 0.055) / 1.055) ** 2.4
        )
        wanted = expose_with_contrast(light.astype(np.float32), [float(stops)], 1.0)[0]
        assert np.abs(found.astype(int) - wanted).max() <= 1


def test_a_share_of_plain_pictures_is_exposed_by_whole_stops(reference):
    whole = [exposed(reference, ev).astype(int) for ev in range(-4, 5)]

    def on_the_ladder(share):
        found = many(reference, Rendering(plain=1, dull=0, whole=share))
        return np.mean([min(np.abs(picture - each).mean() for each in whole) < 0.1 for picture in found])

    assert on_the_ladder(1.0) == 1
    assert 0.4 < on_the_ladder(0.6) < 0.8
    assert on_the_ladder(0.0) < 0.1


def test_plain_pictures_are_clipped_before_they_are_shrunk():
    """As exposures of a release are: a fine pattern of black and white stays half white at +4 EV."""
    fine = np.zeros((128, 128, 3), np.uint8)
    fine[::2] = 200
    samples = One(fine, np.zeros(fine.shape[:2], np.int16), "rendered")
    how = Rendering(plain=1, whole=1, dull=0)
    dataset = ExposureDataset(samples, ViewConfig("zoom", 32, seed=1, render=how))
    brightest = max(dataset[epoch, 0]["image"].float().mean() for epoch in range(30))
    assert 120 < brightest < 135


def test_dull_pictures_are_flatter_darker_and_paler(reference):
    found = many(reference, Rendering(plain=0, dull=1))
    colour = [np.ptp(picture.astype(float), axis=2).mean() / (picture.mean() + 1) for picture in found]
    assert np.mean([luma(picture).mean() for picture in found]) < luma(reference).mean()
    assert np.mean(colour) < np.ptp(reference.astype(float), axis=2).mean() / (reference.mean() + 1)


def test_the_brightest_code_does_not_tell_the_exposure(reference):
    """Of the plain ladder it does: white at one exposure is one code. Of rendered pictures it may be any."""
    white = reference.copy()
    white[:8] = 255
    assert len({exposed(white, ev).max() for ev in (-3, -2, -1)}) == 3

    def gap(plain):
        """How well the brightest code is told by the mean, which goes with exposure: the spread that is left."""
        how = Rendering(plain=plain, dull=0)
        found = [render(white, np.random.default_rng(seed), how) for seed in range(200)]
        dark = [p for p in found if p.max() < 250]
        mean, brightest = (np.log2([float(f(p)) for p in dark]) for f in (np.mean, np.max))
        return np.std(brightest - np.polyval(np.polyfit(mean, brightest, 3), mean))

    assert gap(0) > 3 * gap(1)


def test_captures_stay_clipped(reference):
    capture = np.maximum(reference, (np.indices(reference.shape[:2])[1] > 120)[..., None] * np.uint8(255))
    for seed in range(20):
        found = vary_captured(capture, np.random.default_rng(seed), HOW)
        clipped = found[:, 130:]
        assert (
            np.ptp(clipped.reshape(-1, 3).mean(0)) < 60
        )  # white balance may move it, nothing may draw in it
        assert clipped.std((0, 1)).max() < 12


class One:
    """A single sample."""

    def __init__(self, image, codes, kind):
        self.samples = (Sample("a", "P0", 0.0, image.shape[:2], {"kind": kind}),)
        self._pixels = Pixels(image, codes, None)

    def read(self, number, rows=slice(None), columns=slice(None)):
        assert number == 0
        return Pixels(self._pixels.image[rows, columns], self._pixels.codes[rows, columns], None)


def test_labels_belong_to_what_is_shown(reference):
    """The luma of image and label together is that of the reference, wherever the view has looked."""
    flat = np.full_like(reference, 180)  # a reference without places: every view of it has the same luma
    samples = One(flat, np.zeros(flat.shape[:2], np.int16), "rendered")
    dataset = ExposureDataset(samples, ViewConfig("zoom", 48, seed=1, render=HOW))
    seen = set()
    for epoch in range(12):
        item = dataset[epoch, 0]
        assert item["image"].shape == (3, 48, 48)
        picture = item["image"].permute(1, 2, 0).numpy()
        wanted = luma(picture) + item["codes"].numpy() / RESIDUAL_SCALE
        np.testing.assert_allclose(wanted, 180 / 255, atol=2e-5)
        seen.add(int(picture.mean()))
        assert torch.equal(item["image"], dataset[epoch, 0]["image"])
    assert len(seen) > 8


def test_a_capture_keeps_its_reference_and_its_pixels_without_data(reference):
    codes = np.full(reference.shape[:2], 3264, np.int16)
    codes[:, :40] = INVALID_CODE
    grey = np.full_like(reference, 100)
    dataset = ExposureDataset(
        One(grey, codes, "bracket"), ViewConfig("zoom", 48, flips=False, seed=1, render=HOW)
    )
    for epoch in range(6):
        item = dataset[epoch, 0]
        valid = item["codes"].numpy() != INVALID_CODE
        assert 0 < valid.mean() < 1 or valid.all()
        total = luma(item["image"].permute(1, 2, 0).numpy()) + item["codes"].numpy() / RESIDUAL_SCALE
        np.testing.assert_allclose(total[valid], 100 / 255 + 0.1, atol=2e-5)
