import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from iea40k.arrays import INVALID_CODE
from iea40k.outliers import Outlier, outlier_flags, review_priority
from iea40k.residuals import residual_codes

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    return np.ascontiguousarray(data.coffee()[40:340, 100:500])


def dimmed(picture: np.ndarray, stops: float) -> np.ndarray:
    linear = np.where(
        picture / 255 <= 0.04045, picture / 255 / 12.92, ((picture / 255 + 0.055) / 1.055) ** 2.4
    )
    linear = np.clip(linear * 2.0**stops, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 255).astype(np.uint8)


def flags_of(reference, exposure, *, captured=True):
    codes = residual_codes(reference, exposure[None])[0]
    return outlier_flags(reference, exposure, codes, captured=captured), codes


def has(flags, bit):
    return (flags & bit) != 0


def test_a_lamp_that_is_blown_in_both_is_flagged_although_its_residual_is_zero(photograph):
    reference = dimmed(photograph, -0.5)  # the cup's porcelain is below white now
    exposure = dimmed(reference, -1)
    lamp = np.zeros(reference.shape[:2], bool)
    cv2.circle(canvas := lamp.astype(np.uint8), (200, 60), 12, 1, -1)
    lamp = canvas.astype(bool)
    reference, exposure = reference.copy(), exposure.copy()
    reference[lamp] = exposure[lamp] = (255, 255, 230)
    flags, codes = flags_of(reference, exposure)
    assert not codes[lamp].any()
    np.testing.assert_array_equal(has(flags, Outlier.CLIPPED_BOTH), lamp)


def test_blown_only_in_the_exposure_is_not_clipped_in_both(photograph):
    flags, _ = flags_of(dimmed(photograph, -0.5), dimmed(photograph, 3))
    assert has(flags, Outlier.CLIPPED_HIGH).mean() > 0.2
    assert not has(flags, Outlier.CLIPPED_BOTH).any()


def test_one_saturated_channel_is_a_colour_not_a_blown_pixel():
    red = np.full((20, 20, 3), (255, 10, 10), np.uint8)
    flags, _ = flags_of(red, red)
    assert not flags.any()


def test_crushed_shadows_are_flagged():
    reference = np.full((20, 20, 3), 90, np.uint8)
    exposure = reference.copy()
    exposure[5:9, 5:9] = 1
    flags, _ = flags_of(reference, exposure)
    np.testing.assert_array_equal(has(flags, Outlier.CLIPPED_LOW), (exposure == 1).all(axis=2))


def test_planted_speckles_are_found_and_little_else(photograph):
    exposure = dimmed(photograph, -1)
    rng = np.random.default_rng(3)
    spots = [(int(y), int(x)) for y, x in rng.integers(10, 290, (40, 2))]
    for y, x in spots:
        exposure[y : y + 2, x : x + 2] = 255 - exposure[y : y + 2, x : x + 2]
    found = has(flags_of(photograph, exposure)[0], Outlier.ISOLATED)
    strong = [(y, x) for y, x in spots if abs(int(exposure[y, x].mean()) - 127) > 60]
    hits = sum(found[y : y + 2, x : x + 2].any() for y, x in strong)
    assert len(strong) > 20
    assert hits >= 0.9 * len(strong)
    planted = np.zeros_like(found)
    for y, x in spots:
        planted[y - 2 : y + 4, x - 2 : x + 4] = True
    assert (found & ~planted).mean() < 0.003


def test_displaced_edges_are_flagged_and_exposure_alone_is_not(photograph):
    exposure = dimmed(photograph, -2)
    still = has(flags_of(photograph, exposure)[0], Outlier.MISALIGNED)
    moved = has(flags_of(photograph, np.roll(exposure, 3, axis=1))[0], Outlier.MISALIGNED)
    assert still.mean() < 0.001
    assert moved.mean() > 0.2


def test_simulated_exposures_are_never_called_misaligned(photograph):
    flags, _ = flags_of(photograph, np.roll(photograph, 5, axis=0), captured=False)
    assert not has(flags, Outlier.MISALIGNED).any()


def test_pixels_without_data_carry_no_flags_and_cause_none(photograph):
    exposure = dimmed(photograph, -1)
    codes = residual_codes(photograph, exposure[None])[0]
    whole = outlier_flags(photograph, exposure, codes)
    codes[:, :37] = INVALID_CODE
    holed = outlier_flags(photograph, exposure, codes)
    assert not holed[:, :37].any()
    assert (has(holed, Outlier.ISOLATED) <= has(whole, Outlier.ISOLATED)).all()


def test_the_review_priority_orders_images_and_stays_within_bounds(photograph):
    good = review_priority(*flags_of(photograph, dimmed(photograph, -1)))
    bad = review_priority(*flags_of(photograph, np.roll(dimmed(photograph, -1), 4, axis=1)))
    assert 0 <= good < 0.2 < bad <= 1
    empty = np.full((4, 4), INVALID_CODE, np.int16)
    assert review_priority(np.zeros((4, 4), np.uint8), empty) == 1.0


def test_every_flag_is_one_row_that_the_pages_repeat():
    assert [int(bit) for bit in Outlier] == [1 << n for n in range(len(Outlier))]
    assert len({bit.colour for bit in Outlier}) == len(Outlier)
    assert all(bit.weight > 0 and bit.words for bit in Outlier)
    page = (DOCS / "curator.md").read_text(encoding="utf-8")
    rows = [f"| {int(bit)} | {bit.title} | {bit.words} |" for bit in Outlier]
    assert "| bit | flag | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n\n" in page
    words = [
        line
        for line in (DOCS / "formats.md").read_text(encoding="utf-8").splitlines()
        if "Outlier bits" in line
    ]
    assert [int(n) for n in re.findall(r"\d+", words[0])] == [int(bit) for bit in Outlier]
