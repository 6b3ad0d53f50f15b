import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iea40k.errors import ArrayError, BadInputError
from iea40k.zones import (
    SHIFT_UNITS,
    apply_shift,
    block_zone,
    changes_of,
    feather,
    superpixels,
    turned_white,
    zone_change,
    zone_map,
    zone_name,
)


def flat(value: int, height: int = 40, width: int = 60) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def encode(light: float) -> int:
    return round(255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055))


def test_eighteen_percent_grey_is_zone_five_and_a_stop_is_a_zone() -> None:
    for zone in range(2, 8):
        grey = flat(encode(0.18 * 2.0 ** (zone - 5)))
        assert zone_map(grey)[0, 0] == pytest.approx(zone, abs=0.03)
    assert zone_map(flat(255)).max() == pytest.approx(7.474, abs=0.001)
    assert zone_map(flat(0)).min() == 0
    assert [zone_name(z) for z in (0, 4.6, 10, 7.47)] == ["0", "V", "X", "VII"]


@given(value=st.integers(40, 120), zone=st.floats(3, 6.5))
@settings(max_examples=30)
def test_a_block_set_to_a_zone_is_in_that_zone(value: int, zone: float) -> None:
    picture = flat(value, 20, 20)
    block = np.zeros((20, 20), np.bool_)
    block[5:15, 5:15] = True
    change = zone_change(picture, block, zone, radius=0)
    after = apply_shift(picture, change.weights.astype(np.int32) * (change.new_zone - change.old_zone))
    assert block_zone(after, block) == pytest.approx(zone, abs=0.06)
    assert np.array_equal(after[~block], picture[~block])


def test_a_shift_of_a_stop_doubles_the_light_of_every_channel() -> None:
    picture = np.array([[[20, 60, 100], [200, 10, 5]]] * 2, np.uint8)
    after = apply_shift(picture, np.full((2, 2), SHIFT_UNITS, np.int32))
    linear = np.where(picture <= 10.3, picture / 255 / 12.92, ((picture / 255 + 0.055) / 1.055) ** 2.4)
    expected = np.vectorize(encode)(np.minimum(linear * 2, 1))
    assert np.array_equal(after, expected)


def test_no_shift_keeps_every_byte() -> None:
    picture = np.arange(256 * 3, dtype=np.uint32).astype(np.uint8).reshape(16, 16, 3)
    assert np.array_equal(apply_shift(picture, np.zeros((16, 16), np.int32)), picture)


def test_what_turns_white_is_told() -> None:
    picture = flat(200)
    after = apply_shift(picture, np.full((40, 60), 5 * SHIFT_UNITS, np.int32))
    assert (after == 255).all()
    assert turned_white(picture, after) == 1
    assert turned_white(picture, picture) == 0


@given(seed=st.integers(0, 1000), radius=st.floats(0.5, 8))
@settings(max_examples=25)
def test_two_neighbours_with_one_shift_show_no_seam(seed: int, radius: float) -> None:
    rng = np.random.default_rng(seed)
    block = np.zeros((30, 30), np.bool_)
    block[:, : int(rng.integers(8, 22))] = True
    total = feather(block, radius).astype(int) + feather(~block, radius)
    assert np.abs(total - 255).max() <= 1


def test_a_feather_is_soft_across_the_edge_and_whole_inside() -> None:
    block = np.zeros((40, 40), np.bool_)
    block[10:30, 10:30] = True
    weights = feather(block, 4)
    assert weights[20, 20] == 255
    assert weights[0, 0] == 0
    across = weights[20, 4:17].astype(int)
    assert (np.diff(across) >= 0).all()
    assert 0 < across[5] < 128 < across[6] < 255
    assert set(np.unique(feather(block, 0))) == {0, 255}
    assert (feather(np.ones((3, 3), np.bool_), 4) == 255).all()


def test_where_three_blocks_meet_their_weights_make_a_whole() -> None:
    y, x = np.mgrid[0:40, 0:40]
    labels = np.where(x < 20, 0, np.where(y < 22, 1, 2))
    total = sum(feather(labels == n, 5).astype(int) for n in range(3))
    assert np.abs(total - 255).max() <= 1


def test_the_border_of_valid_data_is_no_edge() -> None:
    within = np.zeros((30, 40), np.bool_)
    within[:, 12:] = True
    block = within.copy()
    block[:, 28:] = False
    weights = feather(block, 4, within)
    assert (weights[:, :12] == 0).all()
    assert (weights[:, 12:23] == 255).all()
    assert 0 < weights[15, 29] < 128


def test_a_block_set_to_its_own_zone_again_does_not_move() -> None:
    rng = np.random.default_rng(2)
    picture = rng.integers(30, 120, (40, 40, 3)).astype(np.uint8)
    block = np.zeros((40, 40), np.bool_)
    block[8:32, 8:32] = True
    change = zone_change(picture, block, 6, radius=4)
    after = apply_shift(picture, change.weights.astype(np.int32) * (change.new_zone - change.old_zone))
    again = zone_change(after, block, 6, radius=4)
    assert abs(again.stops) <= 0.02
    assert abs(change.stops) > 0.3


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40)
def test_any_shift_is_a_few_changes_that_add_up_to_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shift = rng.integers(-int(rng.integers(1, 1_305_601)), int(rng.integers(1, 1_305_601)), (6, 7)).astype(
        np.int32
    )
    changes = changes_of(shift, 6.5)
    assert len(changes) <= 6
    total = sum(c.weights.astype(np.int64) * (c.new_zone - c.old_zone) for c in changes)
    assert np.array_equal(total, shift)
    assert all(0 <= c.new_zone <= 2560 for c in changes)
    assert changes_of(np.zeros((3, 3), np.int32)) == []


def test_superpixels_follow_a_planted_edge_and_are_whole() -> None:
    from scipy import ndimage

    picture = flat(60, 120, 160)
    picture[:, 83:] = 190
    labels = superpixels(picture, block_side=30)
    assert labels.shape == (120, 160)
    assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))
    crossing = [
        n
        for n in range(labels.max() + 1)
        if len(np.unique(np.nonzero(labels == n)[1] >= 86)) > 1
        and len(np.unique(np.nonzero(labels == n)[1] < 80)) > 1
    ]
    assert crossing == []
    assert all(ndimage.label(labels == n)[1] == 1 for n in range(labels.max() + 1))
    assert np.array_equal(labels, superpixels(picture, block_side=30))


def test_what_is_no_zone_no_block_no_shift_is_refused() -> None:
    picture = flat(90)
    everything = np.ones((40, 60), np.bool_)
    for zone in (-0.1, 10.1, np.nan):
        with pytest.raises(BadInputError):
            zone_change(picture, everything, zone)
    for block in (np.zeros((40, 60), np.bool_), np.ones((4, 6), np.bool_)):
        with pytest.raises(ArrayError):
            block_zone(picture, block)
    for shift in (
        np.zeros((4, 4), np.int32),
        np.zeros((40, 60), np.int64),
        np.full((40, 60), 2**30, np.int32),
    ):
        with pytest.raises(ArrayError):
            apply_shift(picture, shift)
    with pytest.raises(BadInputError):
        superpixels(picture, block_side=1)
