import numpy as np

from annotator.residual import regions
from annotator.residual.brushes import Brush
from annotator.residual.layers import flag_labels
from annotator.residual.propagate import propagate
from annotator.shared.screen import RIM
from annotator.window.colourmaps import FLAG_COLOURS
from iea40k.arrays import INVALID_CODE
from iea40k.outliers import Outlier
from tests.annotator.conftest import a_photograph, a_practice


def test_similar_region_is_the_planted_plateau_and_stops_at_a_hole():
    codes = np.zeros((40, 60), np.int16)
    codes[10:30, 10:30] = 9000
    codes[10:30, 30] = INVALID_CODE
    codes[10:30, 31:50] = 9000
    found = regions.similar_region(codes, (15, 15), 0.01)
    expected = np.zeros(codes.shape, np.bool_)
    expected[10:30, 10:30] = True
    assert np.array_equal(found, expected)
    assert not regions.similar_region(codes, (15, 30), 0.5).any()


def test_the_tolerance_is_measured_from_the_seed():
    codes = (np.arange(60)[None, :] * 328).repeat(20, 0).astype(np.int16)  # about 0.01 a column
    found = regions.similar_region(codes, (5, 30), 0.0505)
    assert np.array_equal(np.flatnonzero(found[5]), np.arange(25, 36))


def test_a_superpixel_holds_its_seed_and_respects_an_edge():
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[:, 80:] = (200, 180, 40)
    found = regions.superpixel(picture, np.ones((120, 160), np.bool_), (60, 70), 24)
    assert found[60, 70]
    assert 100 < found.sum() < 4000
    assert found[:, 82:].sum() == 0


def test_range_finds_values_and_no_holes():
    codes = np.array([[-32640, 0, 16320, 32640, INVALID_CODE]], np.int16)
    assert regions.value_range(codes, 0, 0.5).tolist() == [[False, True, True, False, False]]


def test_a_lamp_is_flooded_by_a_click_on_it_or_beside_it():
    practice = a_practice()
    logo = dict(practice.faults)["logo"]
    flags = practice.scene.outliers[1]
    rows, columns = np.nonzero(logo)
    middle = (int(rows[len(rows) // 2]), int(columns[len(rows) // 2]))
    assert np.array_equal(regions.light_source(flags, middle), logo)
    beside = (int(rows[0]) - 3, int(columns[0]))
    assert np.array_equal(regions.light_source(flags, beside), logo)
    assert not regions.light_source(flags, (0, 0)).any()


def test_a_region_takes_any_brush():
    codes, base = np.full((20, 20), 3000, np.int16), np.zeros((20, 20), np.int16)
    region = np.ones((20, 20), np.bool_)
    for brush, expected in (
        (Brush("set", 0.5), 16320),
        (Brush("add", 0.1), 6264),
        (Brush("scale", 0.5), 1500),
        (Brush("erase"), 0),
        (Brush("erase", strength=0.5), 1500),
    ):
        patch = regions.region_patch(codes, region, brush, base)
        assert patch is not None
        assert set(patch.new) == {expected}


def test_propagation_carries_the_change_and_the_reference_it_implies():
    """Truth: a reference that was wrong by d in a region; the base residuals of all levels err by d there."""
    rng = np.random.default_rng(1)
    wrong = np.zeros((30, 40), np.bool_)
    wrong[5:15, 8:20] = True
    truth = {level: rng.integers(-15000, 15001, (30, 40)).astype(np.int16) for level in ("N1", "P0", "P1")}
    bases = {level: codes + np.where(wrong, 4000, 0).astype(np.int16) for level, codes in truth.items()}
    bases["P1"][6, 9] = INVALID_CODE
    carried = propagate(bases["P0"], truth["P0"], wrong, {k: bases[k] for k in ("N1", "P1")})
    for item in carried:
        codes = bases[item.level].copy()
        assert item.patch is not None
        assert item.stopped == 0
        p = item.patch
        codes[p.top : p.top + p.mask.shape[0], p.left : p.left + p.mask.shape[1]][p.mask] = p.new
        valid = codes != INVALID_CODE
        assert np.array_equal(codes[valid], truth[item.level][valid])
        assert codes[6, 9] == (INVALID_CODE if item.level == "P1" else truth["N1"][6, 9])


def test_propagation_of_the_value_and_the_end_of_the_scale():
    base, corrected = np.zeros((4, 4), np.int16), np.full((4, 4), 30000, np.int16)
    other = {"P1": np.full((4, 4), 20000, np.int16)}
    touched = np.ones((4, 4), np.bool_)
    same = propagate(base, corrected, touched, other, "same value")[0]
    assert same.patch is not None
    assert set(same.patch.new) == {30000}
    change = propagate(base, corrected, touched, other)[0]
    assert change.stopped == 16
    assert change.patch is not None
    assert set(change.patch.new) == {32640}


def test_the_practice_photograph_is_not_blown_by_itself():
    assert a_photograph().max() < 250


def test_every_flag_has_a_number_of_its_own_that_nothing_else_on_its_layer_has():
    numbers = [int(flag_labels(np.full((1, 1), int(bit), np.uint8))[0, 0]) for bit in Outlier]
    assert numbers == list(FLAG_COLOURS) == list(range(1, len(Outlier) + 1))
    assert RIM not in FLAG_COLOURS
