import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from iea40k.arrays import INVALID_CODE
from iea40k.outliers import Outlier, look, outlier_flags, review_priority
from iea40k.residuals import residual_codes
from tests.iea40k.outliers.conftest import with_fault

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


def flags_of(reference, exposure):
    codes = residual_codes(reference, exposure[None])[0]
    return outlier_flags(reference, exposure, codes), codes


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


FLAG = {"speckle": Outlier.ISOLATED, "displaced": Outlier.MISALIGNED, "moved": Outlier.MISALIGNED,
        "sign": Outlier.UNEXPLAINED, "level": Outlier.UNEXPLAINED, "gain": Outlier.UNEXPLAINED}  # fmt: skip


@pytest.mark.parametrize("kind", FLAG)
def test_what_is_proposed_is_flagged_in_its_pixels_and_raises_the_priority(kind):
    made = with_fault(kind)
    scene = made.scene
    looked = look(scene.reference, scene.exposures, made.codes, scene.evs)
    bit = FLAG[kind]
    planted = made.faults[0].region & made.wrong()
    found = has(looked.flags[made.index], bit)
    assert (found & planted).sum() > 0.3 * planted.sum()
    assert looked.counts([str(i) for i in range(len(scene.evs))])[str(made.index)][kind] == 1
    assert np.median(looked.priorities) < looked.priorities[made.index] < 1


def test_simulated_exposures_show_what_their_reference_shows():
    made = with_fault("displaced")
    scene = made.scene
    looked = look(scene.reference, scene.exposures, made.codes, scene.evs, captured=False)
    assert not has(looked.flags, Outlier.MISALIGNED).any()


def test_pixels_without_data_carry_no_flags():
    made = with_fault("sign")
    codes = made.codes.copy()
    codes[:, :, :160] = INVALID_CODE
    looked = look(made.scene.reference, made.scene.exposures, codes, made.scene.evs)
    assert not looked.flags[:, :, :160].any()


def test_without_valid_data_a_person_should_look_first():
    empty = np.full((4, 4), INVALID_CODE, np.int16)
    assert review_priority((), empty) == 1.0
    assert review_priority((), np.zeros((4, 4), np.int16)) == 0.0


def test_every_flag_is_one_row_that_the_pages_repeat():
    assert [int(bit) for bit in Outlier] == [1 << n for n in range(len(Outlier))]
    assert len({bit.colour for bit in Outlier}) == len(Outlier)
    assert all(bit.words for bit in Outlier)
    page = (DOCS / "curator.md").read_text(encoding="utf-8")
    rows = [f"| {int(bit)} | {bit.title} | {bit.words} |" for bit in Outlier]
    assert "| bit | flag | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n\n" in page
    words = [
        line
        for line in (DOCS / "formats.md").read_text(encoding="utf-8").splitlines()
        if "Outlier bits" in line
    ]
    assert [int(n) for n in re.findall(r"\d+", words[0])] == [int(bit) for bit in Outlier]
