"""What a propagation shows before it is done, without any window."""

from dataclasses import replace

import numpy as np
import pytest

from annotator.residual.preview import re_exposed
from annotator.residual.propagate import propagate
from annotator.residual.propagation import Level, PropagationPlan, outlined, surroundings
from iea40k.arrays import INVALID_CODE
from iea40k.render import heatmap

SHAPE = (120, 160)


@pytest.fixture
def plan() -> PropagationPlan:
    """A square painted from 1,000 to 5,000; `bright` is near the end of the scale, `dark` lacks data in a corner."""
    rng = np.random.default_rng(2)
    touched = np.zeros(SHAPE, np.bool_)
    touched[40:60, 70:100] = True
    box = surroundings(touched)
    base = np.full(SHAPE, 1000, np.int16)
    corrected = np.where(touched, 5000, base).astype(np.int16)
    exposure = rng.integers(0, 200, (*SHAPE, 3)).astype(np.uint8)
    dark = np.full(SHAPE, -2000, np.int16)
    dark[40:45, 70:80] = INVALID_CODE
    bright = np.full(SHAPE, 30000, np.int16)
    levels = (
        Level("N1", -1.0, exposure[box], dark[box]),
        Level("P1", 1.0, exposure[box], bright[box]),
    )
    return PropagationPlan("P0", box, base[box], corrected[box], touched[box], levels)


def test_the_counts_are_those_of_the_propagation(plan: PropagationPlan):
    dark, bright = plan.panels()
    assert (dark.changed, dark.stopped) == (20 * 30 - 5 * 10, 0)
    assert (bright.changed, bright.stopped) == (600, 600)
    assert "600 stop at the end of the scale" in bright.text
    assert "stop" not in dark.text
    assert plan.total() == "1,150 pixels on N1, P1 would change."


def test_what_is_recorded_lies_where_it_was_painted_in_the_whole_image(plan: PropagationPlan):
    whole = np.full(SHAPE, -2000, np.int16)
    whole[40:45, 70:80] = INVALID_CODE
    patch = plan.decided()[0].patch
    assert patch is not None
    after = whole.copy()
    rows, columns = patch.mask.shape
    after[patch.top : patch.top + rows, patch.left : patch.left + columns][patch.mask] = patch.new
    base = np.full(SHAPE, 1000, np.int16)
    touched = np.zeros(SHAPE, np.bool_)
    touched[40:60, 70:100] = True
    wanted = propagate(base, np.where(touched, 5000, base).astype(np.int16), touched, {"N1": whole})[0].patch
    assert wanted is not None
    assert (patch.top, patch.left) == (wanted.top, wanted.left)
    assert np.array_equal(patch.new, wanted.new)
    assert (after[45:60, 80:100] == 2000).all()
    assert (after[40:45, 70:80] == INVALID_CODE).all()


def test_the_picture_follows_the_choice(plan: PropagationPlan):
    change = plan.panels()[0]
    value = replace(plan, how="same value").panels()[0]
    assert np.array_equal(change.before, value.before)
    assert not np.array_equal(change.after, value.after)
    inside = (50 - plan.box[0].start, 95 - plan.box[1].start)
    zoom = change.after.shape[0] // (plan.box[0].stop - plan.box[0].start)
    spot = (inside[0] * zoom, inside[1] * zoom)
    for panel, code in ((change, 2000), (value, 5000)):
        assert np.array_equal(panel.after[spot], heatmap(np.array([[code]], np.int16))[0, 0])


def test_the_fixed_scale_and_the_palette_in_hand(plan: PropagationPlan):
    safe = replace(plan, palette="colour-blind-safe").panels()[0]
    ordinary = plan.panels()[0]
    assert np.array_equal(
        safe.before[0, 0], heatmap(np.array([[-2000]], np.int16), "colour-blind-safe")[0, 0]
    )
    assert np.array_equal(ordinary.before[0, 0], heatmap(np.array([[-2000]], np.int16))[0, 0])


def test_photographs_are_re_exposed_before_and_after(plan: PropagationPlan):
    level = plan.levels[1]
    panel = replace(plan, shown="photograph").panels()[1]
    zoom = panel.before.shape[0] // level.codes.shape[0]
    wanted = re_exposed(level.exposure, level.codes)
    assert np.array_equal(panel.before[::zoom, ::zoom][:5, :5], wanted[:5, :5])
    assert not np.array_equal(panel.before, panel.after)


def test_a_level_left_out_or_blocked_is_not_recorded(plan: PropagationPlan):
    assert [c.level for c in plan.toggled("N1").decided()] == ["P1"]
    assert [c.level for c in plan.toggled("N1").toggled("N1").decided()] == ["N1", "P1"]
    blocked = replace(plan, levels=(replace(plan.levels[0], blocked="it is submitted"), plan.levels[1]))
    assert [c.level for c in blocked.decided()] == ["P1"]
    assert [c.level for c in blocked.toggled("N1").decided()] == ["P1"]
    panel = blocked.panels()[0]
    assert panel.text == "left out: it is submitted"
    assert not panel.taken
    assert blocked.total() == "600 pixels on P1 would change."


def test_the_outline_rings_the_pixels_that_change_and_hides_none_of_them():
    picture = np.full((20, 20, 3), 90, np.uint8)
    mask = np.zeros((20, 20), np.bool_)
    mask[8:12, 8:12] = True
    ringed = outlined(picture, mask)
    assert (ringed[mask] == 90).all()
    assert (ringed[7, 7:13] == 0).all()
    assert (ringed[6, 6:14] == 255).all()
    assert (ringed[4] == 90).all()


def test_a_small_stroke_on_a_big_picture_is_cut_out_and_still_outlined():
    shape = (4000, 6000)
    touched = np.zeros(shape, np.bool_)
    touched[10:12, 20:22] = True
    touched[3900, 5900] = True
    box = surroundings(touched)
    base = np.zeros(shape, np.int16)
    corrected = np.where(touched, 900, 0).astype(np.int16)
    level = Level("P1", 1.0, np.full((*shape, 3), 90, np.uint8)[box], base[box])
    panel = PropagationPlan("P0", box, base[box], corrected[box], touched[box], (level,)).panels()[0]
    assert max(panel.after.shape) <= 168
    assert panel.changed == 5
    assert (panel.after[:8, :8] == 0).any()
