"""Uncertainty: its codes, how parts add up, what displacement does."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea40k.errors import ArrayError
from iea40k.uncertainty import UNKNOWN, codes_of, combined, displaced, sd_of


@given(st.floats(0.0007, 1.0))
def test_a_code_is_within_two_percent(sd: float) -> None:
    assert sd_of(codes_of(np.array([sd])))[0] == pytest.approx(sd, rel=0.0151)


def test_unknown_is_neither_zero_nor_certain() -> None:
    codes = codes_of(np.array([0.0, np.nan, 1.0, 3.0]))
    assert codes.tolist() == [0, UNKNOWN, 252, 252]
    assert np.isnan(sd_of(codes)[1])
    assert sd_of(codes)[0] > 0


def test_every_code_comes_back() -> None:
    codes = np.arange(253, dtype=np.uint8)
    assert (codes_of(sd_of(codes)) == codes).all()


def test_parts_add_in_squares_and_unknown_where_there_is_no_label() -> None:
    valid = np.ones((2, 4, 5), bool)
    valid[1, 0] = False
    each = np.stack([np.full((4, 5), 0.03), np.full((4, 5), 0.04)])
    found = combined({"registration": each, "fusion": np.full((4, 5), 0.04)}, valid)
    assert found.parts == {"registration": (0.03, 0.04), "fusion": (0.04, 0.04)}
    sd = sd_of(found.codes)
    assert sd[0] == pytest.approx(0.05, rel=0.02)
    assert sd[1, 1:] == pytest.approx(0.04 * 2**0.5, rel=0.02)
    assert np.isnan(sd[1, 0]).all()


@pytest.mark.parametrize("parts", [{}, {"luck": np.zeros((4, 5))}])
def test_parts_have_known_names(parts) -> None:
    with pytest.raises(ArrayError):
        combined(parts, np.ones((1, 4, 5), bool))


def test_negative_deviations_are_refused() -> None:
    with pytest.raises(ArrayError):
        codes_of(np.array([-0.1]))


def test_displacement_is_told_by_the_gradient() -> None:
    """Against pictures that were really moved: 90 % of the changes lie within 1.645 standard deviations, or nearly."""
    rng = np.random.default_rng(3)
    luma = cv2.GaussianBlur(rng.random((200, 300)).astype(np.float32), (0, 0), 2.5)
    sd = displaced(luma, 0.4)
    inside = []
    for _ in range(400):
        dx, dy = rng.normal(0, 0.4, 2)
        moved = cv2.warpAffine(
            luma,
            np.array([[1, 0, dx], [0, 1, dy]]),
            (300, 200),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT,
        )
        inside.append((np.abs(moved - luma) <= 1.645 * sd)[10:-10, 10:-10].mean())
    assert 0.86 < np.mean(inside) < 0.94
    assert (displaced(np.full((20, 20), 0.5, np.float32), 1.0) < 1e-3).all()
