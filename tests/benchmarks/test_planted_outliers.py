"""The truth set of outliers: what it plants, and that tuning and test share nothing."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from benchmarks.outlier_scores import Tally, interval, score, together
from benchmarks.planted_outliers import real_brackets, scenes, sets
from benchmarks.planted_outliers.faults import KINDS, SCALE, planted
from benchmarks.planted_outliers.masks import blob, dots, letters
from tests.iea40k.outliers.conftest import SEEDS, clean, findings, with_fault

PICTURE_FAULTS = {"logo", "lamp", "displaced", "moved", "speckle"}


def test_every_kind_makes_the_label_wrong_in_its_region_and_nowhere_else(fault):
    made = with_fault(fault)
    assert [f.region.any() for f in made.faults] == [True]
    region = made.faults[0].region
    off = np.abs(made.codes[made.index].astype(int) - made.truth) > 10 / 255 * SCALE
    assert (off & region).sum() >= 12
    # A halo and a warp reach a little beyond.
    rows, columns = np.nonzero(region)
    far = off.copy()
    far[max(rows.min() - 40, 0) : rows.max() + 40, max(columns.min() - 40, 0) : columns.max() + 40] = False
    assert not far.any()


def test_faults_of_the_label_leave_the_pictures_alone(fault):
    made, before = with_fault(fault), clean(SEEDS[fault])
    same = np.array_equal(made.scene.exposures, before.exposures)
    if fault in PICTURE_FAULTS:
        assert not same
    elif not before.jpeg:
        assert same


def test_the_same_seed_plants_the_same():
    scene, other = clean(5), clean(5).reference
    first, second = (planted(scene, 2, list(KINDS), 9, other) for _ in range(2))
    assert np.array_equal(first.codes, second.codes)
    assert np.array_equal(first.truth, second.truth)


def test_a_displaced_region_has_the_residual_of_what_it_shows():
    made = with_fault("displaced")
    region = made.faults[0].region
    assert (made.truth[region] != made.still[region]).any()
    off = np.abs(made.truth.astype(int) - made.still)
    assert off[region].mean() > 20 * off[~region].mean()


def test_tuning_and_test_share_neither_photographs_nor_seeds(monkeypatch, tmp_path):
    (tmp_path / "photographs").mkdir()
    for number in range(7):
        (tmp_path / "photographs" / f"{number}.png").touch()
    monkeypatch.setenv("IEA40K_REAL_DATA", str(tmp_path))
    tuning, test = set(scenes.files("tuning")), set(scenes.files("test"))
    assert not tuning & test
    assert len(tuning | test) == 7
    assert abs(sets.SEEDS["tuning"] - sets.SEEDS["test"]) > 10_000


def test_looks_are_counted(monkeypatch, tmp_path):
    monkeypatch.setattr(sets, "LOOKS", tmp_path / "looks.json")
    assert [sets.looked("first"), sets.looked("second")] == [1, 2]


def test_what_is_displaced_where_the_exposure_is_wholly_white_does_not_count():
    """Nothing that anybody could look at tells of it; the label is wrong there all the same."""
    made = clean(SEEDS["displaced"])
    white = replace(made, exposures=np.full_like(made.exposures, 255))
    faults = planted(white, 2, ["displaced"], SEEDS["displaced"], made.reference)
    (fault,) = faults.faults
    assert (faults.wrong() & fault.region).sum() >= 12
    assert faults.counting() == []
    assert with_fault("displaced").counting()


def test_what_a_bracket_shows_before_anything_is_planted_counts_for_and_against_nobody():
    made, found = with_fault("sign"), findings("sign").proposals
    other = with_fault("gain")
    inside = found[0].whole(made.truth.shape)
    assert not any(true for _, true in score([(other, found)])["sign"].found)
    left_out = score([(other, found)], known={id(other): inside})["sign"]
    assert left_out.left_out >= 1
    assert len(left_out.found) < len(found)
    # What is planted and found counts, wherever it lies.
    assert score([(made, found)], known={id(made): inside})["sign"].recall() == 1


def test_the_interval_draws_scenes_and_holds_the_figure():
    tallies = [Tally([(float(n), n % 3 > 0)], 1) for n in range(12)]
    low, high = interval(tallies)
    assert low < together(tallies).average_precision() < high
    assert interval(tallies) == (low, high)
    assert interval([Tally([(1.0, True)], 1)] * 5) == (1.0, 1.0)
    few, many = (np.subtract(*reversed(interval(tallies * times))) for times in (1, 9))
    assert many < few


def test_faults_are_planted_anew_in_the_same_bracket(monkeypatch, tmp_path):
    folder = tmp_path / "empa" / "only"
    folder.mkdir(parents=True)
    for number, frame in enumerate(clean(1).exposures[1::2]):
        Image.fromarray(cv2.resize(frame, (480, 384))).save(folder / f"{number}.jpg", quality=95)
    monkeypatch.setenv("IEA40K_REAL_DATA", str(tmp_path))
    assert list(real_brackets.captured("test", 1)) == []
    first, second = real_brackets.captured("tuning", 1, 2)
    assert np.array_equal(first.clean.exposures, second.clean.exposures)
    assert not np.array_equal(first.planted.codes, second.planted.codes)
    for made in (first, second):
        away = ~np.any([f.region for f in made.planted.faults], axis=0)
        same = made.codes[away] == made.planted.codes[made.planted.index][away]
        assert 0.7 < same.mean() < 1  # halos and rims reach a little beyond


@pytest.mark.parametrize("seed", range(5))
def test_shapes_are_irregular_and_keep_clear_of_the_rim(seed):
    rng = np.random.default_rng(seed)
    shape = (200, 300)
    for mask in (blob(shape, 900, rng), letters(shape, 30, rng) > 0.5):
        rows, columns = np.nonzero(mask)
        box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        assert mask.sum() < 0.9 * box
        assert min(rows.min(), columns.min()) >= 14
        assert rows.max() < 186
        assert columns.max() < 286
    found = dots(blob(shape, 900, rng), 12, rng)
    assert 1 <= len(np.unique(found)) - 1 <= 12
    assert max(np.bincount(found[found > 0])) <= 4
