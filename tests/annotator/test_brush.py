import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.residual.brushes import BRUSHES, Brush
from annotator.residual.strokes import Stroke
from annotator.shared.dabs import coverage, footprint
from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE
from iea40k.errors import BadInputError

SHAPE = (40, 50)
WHOLE = (slice(0, SHAPE[0]), slice(0, SHAPE[1]))


def codes(seed: int = 0) -> np.ndarray:
    made = np.random.default_rng(seed).integers(-20000, 20001, SHAPE).astype(np.int16)
    made[:, -5:] = INVALID_CODE
    return made


def painted(
    brush: Brush, points: list[tuple[float, float]], start: np.ndarray, base: np.ndarray | None = None
):
    after = start.copy()
    stroke = Stroke(after, start if base is None else base, brush)
    for point in points:
        stroke.move(point)
    return after, stroke.finish(), stroke


def test_a_hard_brush_takes_exactly_the_pixels_within_its_radius():
    weights = coverage(WHOLE, (20, 20), (20, 20), Brush(radius=5))
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    assert np.array_equal(weights == 1, np.hypot(y - 20, x - 20) <= 5)
    assert set(np.unique(weights)) == {0, 1}


def test_a_drag_covers_the_way_between_two_mouse_events():
    weights = coverage(WHOLE, (5, 5), (30, 40), Brush(radius=3))
    for t in np.linspace(0, 1, 60):
        assert weights[round(5 + 25 * t), round(5 + 35 * t)] == 1
    assert weights[30, 5] == 0


def test_a_feathered_brush_falls_from_its_strength_to_nothing():
    weights = coverage(WHOLE, (20, 20), (20, 20), Brush(radius=10, feather=0.5, strength=0.8))
    profile = weights[20, 20:31]
    assert profile[0] == pytest.approx(0.8)
    assert profile[5] == pytest.approx(0.8)
    assert (np.diff(profile[5:]) < 0).all()
    assert profile[10] == 0


def test_set_writes_exactly_the_code_of_its_value():
    after, patch, _ = painted(Brush("set", 100 / 255, 4), [(20, 20)], codes())
    assert patch is not None
    assert set(patch.new) == {100 * 128}
    assert after[20, 20] == 12800


def test_add_adds_and_keeps_the_texture():
    before = codes()
    after, _, _ = painted(Brush("add", 0.1, 4), [(20, 20)], before)
    changed = after != before
    assert changed.sum() == 49
    assert set((after.astype(int) - before)[changed]) == {3264}


def test_scale_to_zero_and_back_to_the_base():
    before, base = codes(1), codes(2)
    after, _, _ = painted(Brush("scale", 0.0, 4), [(20, 20)], before)
    assert after[20, 20] == 0
    half, _, _ = painted(Brush("scale", 0.5, 4), [(20, 20)], before)
    assert half[20, 20] == round(before[20, 20] / 2)
    erased, _, _ = painted(Brush("erase", radius=4), [(20, 20)], before, base)
    assert np.array_equal(erased[18:23, 18:23], base[18:23, 18:23])


def test_smooth_lessens_the_variance_and_leaves_a_flat_field_alone():
    before = codes()
    after, _, _ = painted(Brush("smooth", radius=10), [(20, 20)], before)
    assert after[15:26, 15:26].std() < 0.5 * before[15:26, 15:26].std()
    flat = np.full(SHAPE, 777, np.int16)
    flat[:, -5:] = INVALID_CODE
    again, patch, _ = painted(Brush("smooth", radius=10), [(20, 44)], flat)
    assert np.array_equal(again, flat)
    assert patch is not None


def test_going_over_a_pixel_twice_in_one_stroke_counts_once():
    before = codes()
    there = [(20, 20), (20, 32)]
    once, _, _ = painted(Brush("add", 0.1, 6, 0.5), there, before)
    twice, _, _ = painted(Brush("add", 0.1, 6, 0.5), [*there, (20, 20), (20, 32)], before)
    assert np.abs(once.astype(int) - twice).max() <= 1
    again, _, _ = painted(Brush("add", 0.1, 6, 0.5), there, once)
    assert np.abs(again.astype(int) - once).max() == 3264


def test_what_would_leave_the_scale_stops_there_and_is_counted():
    before = np.full(SHAPE, 30000, np.int16)
    after, _, stroke = painted(Brush("add", 0.5, 2), [(20, 20)], before)
    assert after.max() == RESIDUAL_SCALE
    assert stroke.stopped == 13


def test_a_stroke_outside_the_image_or_on_no_data_touches_nothing():
    before = codes()
    for point in ((-50, 20), (20, 49)):
        after, patch, _ = painted(Brush(radius=2), [point], before)
        assert patch is None
        assert np.array_equal(after, before)
    assert footprint((-10, 0), (-10, 0), 5, SHAPE) is None


def test_a_limit_keeps_the_brush_out():
    before = codes()
    limit = np.zeros(SHAPE, np.bool_)
    limit[:20] = True
    after = before.copy()
    stroke = Stroke(after, before, Brush(radius=8), limit=limit)
    stroke.move((20, 20))
    assert np.array_equal(after[20:], before[20:])
    assert not np.array_equal(after[:20], before[:20])


def test_cancel_puts_everything_back():
    before = codes()
    after = before.copy()
    stroke = Stroke(after, before, Brush("add", 0.2, 7, 1.0))
    for point in ((10, 10), (20, 30), (12, 14)):
        stroke.move(point)
    assert stroke.cancel() is not None
    assert np.array_equal(after, before)
    assert stroke.finish() is None


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(list(BRUSHES)),
    st.floats(0, 1),
    st.floats(0.5, 20),
    st.floats(0, 1),
    st.floats(0.05, 1),
    st.lists(st.tuples(st.floats(-10, 50), st.floats(-10, 60)), min_size=1, max_size=6),
)
def test_the_patch_says_what_happened(mode, value, radius, feather, strength, points):
    before, base = codes(5), codes(6)
    after, patch, _ = painted(Brush(mode, value, radius, feather, strength), points, before, base)
    again = before.copy()
    if patch is not None:
        box = np.s_[
            patch.top : patch.top + patch.mask.shape[0], patch.left : patch.left + patch.mask.shape[1]
        ]
        assert np.array_equal(again[box][patch.mask], patch.old)
        again[box][patch.mask] = patch.new
    assert np.array_equal(again, after)
    assert np.array_equal(after == INVALID_CODE, before == INVALID_CODE)


@pytest.mark.parametrize(
    "wrong", [{"value": 1.1}, {"radius": 0}, {"feather": 2}, {"strength": 0}, {"mode": "blur"}]
)
def test_a_brush_that_means_nothing_is_refused(wrong):
    with pytest.raises(BadInputError):
        Brush(**wrong)
