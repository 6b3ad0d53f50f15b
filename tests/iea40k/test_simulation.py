import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iea40k.scene import level_name
from iea40k.simulation import ALPHA, BETA, GAMMA, BadExposure, degrade, draw


@given(st.integers(0, 2**31), st.text("abc019-_ ()", min_size=1, max_size=20))
@settings(max_examples=25, deadline=None)
def test_draws_lie_in_the_published_ranges_darkest_first_and_repeat(seed: int, scene_id: str) -> None:
    draws = draw(9, seed, scene_id)
    for bad in draws:
        for value, (low, high) in ((bad.alpha, ALPHA), (bad.beta, BETA), (bad.gamma, GAMMA)):
            assert low - 1e-6 <= value <= high + 1e-6
    assert [bad.ev for bad in draws] == sorted(bad.ev for bad in draws)
    assert len({level_name(bad.ev) for bad in draws}) == 9
    assert draws == draw(9, seed, scene_id)


def test_seed_and_scene_both_matter() -> None:
    assert draw(3, 0, "a") != draw(3, 1, "a")
    assert draw(3, 0, "a") != draw(3, 0, "b")


def test_the_whole_of_each_range_is_used() -> None:
    many = draw(300, 7, "scene")
    for name, (low, high) in (("alpha", ALPHA), ("beta", BETA), ("gamma", GAMMA)):
        values = [getattr(bad, name) for bad in many]
        assert min(values) < low + 0.05 * (high - low)
        assert max(values) > high - 0.05 * (high - low)


def test_the_formula_on_known_values() -> None:
    reference = np.full((2, 2, 3), 128, np.uint8)
    picture, clipped = BadExposure(0.95, 0.6, 1.3).apply(reference)
    assert picture[0, 0, 0] == round(255 * 0.6 * (0.95 * 128 / 255) ** 1.3)
    assert clipped == 0


def test_clipping_is_last_and_its_share_is_told() -> None:
    reference = np.zeros((10, 10, 3), np.uint8)
    reference[:3] = 200
    picture, clipped = BadExposure(1.0, 2.0, 1.0).apply(reference)
    assert clipped == pytest.approx(0.3)
    assert picture[0, 0, 0] == 255
    assert picture[5, 5, 0] == 0


def test_no_change_is_no_stops() -> None:
    same = BadExposure(1.0, 1.0, 1.0)
    assert same.ev == 0
    reference = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    np.testing.assert_array_equal(same.apply(reference)[0], reference)
    assert BadExposure(1.0, 0.5, 1.0).ev < 0 < BadExposure(1.0, 1.5, 1.0).ev


def test_records_hold_what_made_each_exposure() -> None:
    reference = np.full((3, 3, 3), 90, np.uint8)
    draws = draw(4, 0, "s")
    exposures, records = degrade(reference, draws)
    for bad, record, picture in zip(draws, records, exposures, strict=True):
        again = BadExposure(record["alpha"], record["beta"], record["gamma"])
        np.testing.assert_array_equal(picture, again.apply(reference)[0])
        assert again == bad
