"""Witnesses of a bracket's exposures: who is believed, and what is said."""

import pytest

from iea40k.brackets.crosscheck import cross_examine

TRUE = (-2.0, -1.0, 0.0, 1.0, 2.0)


def test_witnesses_that_agree_say_nothing() -> None:
    found = cross_examine(TRUE, TRUE, [1.1 * ev for ev in TRUE], 2)
    assert (found.chosen, found.conflict, found.evs) == ("exif", "", TRUE)


def test_a_wrong_response_is_no_contradiction() -> None:
    """Gamma for a camera's curve overstates all steps by a half: one factor, and no step stands out."""
    assert cross_examine(TRUE, [None] * 5, [1.5 * ev for ev in TRUE], 2).conflict == ""


def test_bias_and_pixels_outvote_times_that_jump() -> None:
    """Seen: EXIF's steps 0.58, 1.42, 1.00, 0.58 where bias and pixels say 0.9, 1.2, 0.9, 1.0."""
    exif = (0.0, 0.58, 2.0, 3.0, 3.58)
    other = (0.0, 0.9, 2.1, 3.0, 4.0)
    found = cross_examine(exif, other, [0.95 * ev for ev in other], 2)
    assert found.chosen == "bias"
    assert found.evs == pytest.approx([ev - 2.1 for ev in other])
    assert "bias used" in found.conflict


def test_times_that_stand_still_lose_to_the_pixels() -> None:
    found = cross_examine((0.0, 0.0, 3.0), [0.0, 0.0, 0.0], (0.0, 1.5, 3.0), 0)
    assert found.chosen == "pixels"
    assert found.evs == (0.0, 1.5, 3.0)


def test_a_bias_that_is_wrong_is_said_and_not_used() -> None:
    found = cross_examine(TRUE, (-2.0, -0.5, 0.0, 1.0, 2.0), TRUE, 2)
    assert found.chosen == "exif"
    assert "the pixels agree with EXIF" in found.conflict
    assert not found.doubtful


def test_without_pixels_a_difference_is_said() -> None:
    found = cross_examine(TRUE, (-2.0, -0.5, 0.0, 1.0, 2.0), None, 2)
    assert found.evs == TRUE
    assert "the pixels cannot tell" in found.conflict
    assert found.doubtful
    assert not cross_examine(TRUE, TRUE, None, 2).doubtful


def test_a_small_difference_is_kept_and_said() -> None:
    found = cross_examine((0.0, 1.0, 2.0), [0.0] * 3, (0.0, 0.65, 2.0), 0)
    assert found.chosen == "exif"
    assert "EXIF kept" in found.conflict
    assert found.doubtful
