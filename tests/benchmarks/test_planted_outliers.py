"""The truth set of outliers: what it plants, and that tuning and test share nothing."""

import numpy as np
import pytest

from benchmarks.planted_outliers import scenes, sets
from benchmarks.planted_outliers.faults import KINDS, SCALE, planted
from benchmarks.planted_outliers.masks import blob, dots, letters
from tests.iea40k.outliers.conftest import SEEDS, clean, with_fault

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
