"""Negate, clone and gradient as pure strokes: what they make, what they leave alone, and what the ledger takes."""

import numpy as np
import pytest

from annotator.residual.brushes import Brush
from annotator.residual.gradient import GradientStroke
from annotator.residual.regions import same_sign
from annotator.residual.strokes import Stroke
from annotator.residual.tools import ResidualTools
from annotator.shared.ramp import ramp
from iea40k.arrays import INVALID_CODE
from iea40k.errors import BadInputError

SHAPE = (60, 80)


def codes(seed: int = 0) -> np.ndarray:
    made = np.random.default_rng(seed).integers(-32640, 32641, SHAPE).astype(np.int16)
    made[20:24, 30:34] = INVALID_CODE
    return made


def test_negate_turns_the_sign_once_a_stroke_and_twice_is_as_before():
    before = codes()
    after = before.copy()
    for _ in range(2):
        stroke = Stroke(after, before, Brush("negate", 0, 9, 0.0))
        for point in ((22, 20), (22, 40), (22, 20)):
            stroke.move(point)
        patch = stroke.finish()
        assert np.array_equal(patch.new, -patch.old)
    assert np.array_equal(after, before)


def test_a_region_of_one_sign_is_the_wrong_one_and_nothing_beside_it():
    made = np.full(SHAPE, 4000, np.int16)
    wrong = np.zeros(SHAPE, np.bool_)
    wrong[10:30, 12:40] = True
    made[wrong] = -np.random.default_rng(0).integers(1, 9000, int(wrong.sum())).astype(np.int16)
    assert np.array_equal(same_sign(made, (15, 20)), wrong)
    made[15, 20] = 0
    assert not same_sign(made, (15, 20)).any()
    made[15, 20] = INVALID_CODE
    assert not same_sign(made, (15, 20)).any()


def test_clone_takes_what_was_there_before_the_stroke_softly_and_no_invalid_pixel():
    before = codes()
    after = before.copy()
    stroke = Stroke(after, before, Brush("clone", 0, 8, 0.5), source=(0, -6))
    stroke.move((40, 30))
    stroke.move((40, 50))
    patch = stroke.finish()
    assert np.array_equal(after[40, 32:50], before[40, 26:44])  # not what it has just painted
    edge = np.abs(after[46, 32:50].astype(int) - before[46, 32:50])
    full = np.abs(before[46, 26:44].astype(int) - before[46, 32:50])
    assert (edge <= full).all()
    assert 0 < edge.sum() < full.sum()
    assert patch is not None
    holes = Stroke(after := before.copy(), before, Brush("clone", 0, 3, 0.0), source=(0, 10))
    holes.move((22, 21))
    assert np.array_equal(after[20:24, 20:24], before[20:24, 20:24])  # its source has no valid data
    outside = Stroke(after := before.copy(), before, Brush("clone", 0, 3, 0.0), source=(-500, 0))
    assert outside.move((40, 40)) is None
    assert np.array_equal(after, before)


def test_a_gradient_is_full_behind_its_beginning_and_nothing_beyond_its_end():
    before = np.zeros(SHAPE, np.int16)
    before[20:24, 30:34] = INVALID_CODE
    after = before.copy()
    stroke = GradientStroke(after, before, Brush("add", 0.5))
    stroke.move((10, 20))
    stroke.move((55, 70))
    stroke.move((10, 60))
    patch = stroke.finish()
    valid = before != INVALID_CODE
    assert (after[:, :21][valid[:, :21]] == 16320).all()
    assert not after[:, 60:].any()
    row = after[10, 20:61].astype(int)
    assert (np.diff(row) <= 0).all()
    assert abs(row[20] - 8160) <= 2
    assert np.array_equal(after == INVALID_CODE, ~valid)
    again = before.copy()
    box = patch.box
    again[box][patch.mask] = patch.new
    assert np.array_equal(again, after)


def test_a_gradient_stops_at_the_end_of_the_scale_and_is_dropped_whole():
    before = np.full(SHAPE, 30000, np.int16)
    after = before.copy()
    stroke = GradientStroke(after, before, Brush("add", 0.5))
    stroke.move((0, 10))
    stroke.move((0, 70))
    assert after.max() == 32640
    assert stroke.stopped > 0
    stroke.cancel()
    assert np.array_equal(after, before)
    assert stroke.finish() is None
    assert ramp(SHAPE, (5, 5), (5, 6)) is None


def test_a_tool_with_a_way_of_its_own_keeps_the_brush_s():
    tools = ResidualTools(tool="sign", mode="add", amount=0.2)
    assert tools.brush().mode == "negate"
    assert ResidualTools(tool="clone", mode="add").brush().mode == "clone"
    assert ResidualTools(tool="gradient", mode="add").brush().mode == "add"
    with pytest.raises(BadInputError):
        ResidualTools(mode="clone")
    with pytest.raises(BadInputError):
        ResidualTools(contrast=0.0)
