import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.residual.target import ResidualDisplay, resolve
from annotator.residual.tools import ResidualTools
from annotator.shared.display import Facts, Held, display_levels, wiped
from iea40k.arrays import INVALID_CODE
from iea40k.errors import BadInputError

AT_WORK = Facts(open=True, paintable=True, home="P0", shown="P0")


def test_at_work_the_exposure_lies_under_the_residual_and_can_be_painted():
    canvas = resolve(ResidualDisplay(), ResidualTools(radius=8), AT_WORK)
    assert (canvas.left, canvas.right, canvas.overlay, canvas.paintable) == ("exposure", None, True, True)
    assert canvas.cursor == 16
    assert not canvas.pan
    assert canvas.notice == ""


def test_another_level_is_looked_at_and_not_painted():
    canvas = resolve(ResidualDisplay(), ResidualTools(), dataclasses.replace(AT_WORK, shown="N1"))
    assert not canvas.paintable
    assert canvas.pan
    assert canvas.cursor is None
    assert "N1" in canvas.notice
    assert "P0" in canvas.notice


def test_blink_swaps_and_peek_hides():
    look = ResidualDisplay(picture="exposure", beside="reference")
    assert (
        resolve(look, ResidualTools(), dataclasses.replace(AT_WORK, held=Held(blink=True))).left
        == "reference"
    )
    peek = resolve(look, ResidualTools(), dataclasses.replace(AT_WORK, held=Held(peek=True)))
    assert not any((peek.overlay, peek.outlines, peek.edited, peek.clipping))
    assert peek.left == "exposure"


def test_photographs_are_judged_without_the_map_over_them():
    assert not resolve(ResidualDisplay(picture="preview"), ResidualTools(), AT_WORK).overlay
    assert resolve(
        ResidualDisplay(picture="preview", overlay_photograph=True), ResidualTools(), AT_WORK
    ).overlay
    both = resolve(ResidualDisplay(compare="side by side"), ResidualTools(), AT_WORK)
    assert (both.overlay, both.right_overlay, both.second_panel) == (True, False, True)


def test_space_moves_the_view_while_it_is_held():
    canvas = resolve(ResidualDisplay(), ResidualTools(), dataclasses.replace(AT_WORK, held=Held(pan=True)))
    assert canvas.pan
    assert canvas.cursor is None


def test_nothing_open_shows_nothing_over_the_picture():
    canvas = resolve(ResidualDisplay(compare="side by side"), ResidualTools(), Facts())
    assert {canvas.overlay, canvas.outlines, canvas.second_panel, canvas.paintable} == {False}


@pytest.mark.parametrize(
    "wrong", [{"picture": "map"}, {"palette": "jet"}, {"split": 1.0}, {"opacity": 0.0}, {"compare": "blend"}]
)
def test_a_look_that_there_is_not(wrong):
    with pytest.raises(BadInputError):
        ResidualDisplay(**wrong)


@pytest.mark.parametrize("wrong", [{"tool": "lasso"}, {"value": 2.0}, {"only_low": 0.9, "only_high": 0.1}])
def test_a_hand_that_cannot_hold(wrong):
    with pytest.raises(BadInputError):
        ResidualTools(**wrong)


def test_the_wipe_takes_each_side_from_its_picture():
    left, right = np.zeros((4, 100, 3), np.uint8), np.full((4, 100, 3), 200, np.uint8)
    both = wiped(left, right, 0.25)
    assert (both[:, :24] == 0).all()
    assert (both[:, 26:] == 200).all()


@given(st.integers(-255, 255))
def test_every_label_of_the_published_data_has_its_own_colour(k):
    assert display_levels(np.array([[k * 128]], np.int16))[0, 0] == k + 256


def test_levels_round_to_the_nearest_and_no_data_is_no_label():
    codes = np.array([[INVALID_CODE, -32640, 32640, 63, 64, 65]], np.int16)
    assert display_levels(codes).tolist() == [[0, 1, 511, 256, 257, 257]]
