import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iea40k.errors import ArrayError, BadInputError
from iea40k.experts import chosen, combine, spread_of
from iea40k.residuals import luma

RNG = np.random.default_rng(0)
FIVE = [RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8) for _ in range(5)]
NAMES = ("A", "B", "C", "D", "E")


def test_a_chosen_expert_is_taken_as_is() -> None:
    reference, uncertainty, recipe = combine(FIVE, NAMES, "D")
    np.testing.assert_array_equal(reference, FIVE[3])
    assert uncertainty is None
    assert recipe == {"method": "D", "experts": ["D"]}


def test_the_median_withstands_one_wild_expert() -> None:
    calm = [np.full((4, 4, 3), 100 + i, np.uint8) for i in range(4)]
    wild = np.full((4, 4, 3), 255, np.uint8)
    reference, _, _ = combine([*calm, wild], NAMES, "median")
    assert np.all(reference == 102)


@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_median_and_spread_are_those_of_numpy(count: int, seed: int) -> None:
    stack = np.random.default_rng(seed).integers(0, 256, (count, 3, 4, 3), dtype=np.uint8)
    names = tuple("ABCDEF"[:count])
    reference, uncertainty, recipe = combine(list(stack), names, "median-spread")
    np.testing.assert_array_equal(reference, np.rint(np.median(stack, axis=0)))
    lumas = np.stack([luma(picture) for picture in stack])
    expected = np.abs(lumas - np.median(lumas, axis=0)).mean(axis=0)
    assert uncertainty is not None
    np.testing.assert_allclose(uncertainty, expected, atol=1e-6)
    assert recipe["mean_spread"] == pytest.approx(expected.mean(), abs=1e-5)


def test_experts_who_agree_have_no_spread_and_the_plain_median_stores_none() -> None:
    _, uncertainty, _ = combine([FIVE[0]] * 3, NAMES[:3], "median-spread")
    assert uncertainty is not None
    assert not uncertainty.any()
    assert combine(FIVE, NAMES, "median")[1] is None
    assert combine(FIVE[:1], ("C",), "median-spread")[1] is None


def test_the_known_spread_of_black_and_white() -> None:
    black, white = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)
    np.testing.assert_allclose(spread_of(np.stack([black, white])), 0.5)


def test_which_retouches_a_method_needs() -> None:
    assert chosen("median", NAMES) == (0, 1, 2, 3, 4)
    assert chosen("C", ("A", "C")) == (1,)
    assert chosen("C", ("",)) == (0,)
    with pytest.raises(BadInputError, match="expert C"):
        chosen("C", ("A", "B"))
    with pytest.raises(BadInputError, match="no retouch"):
        chosen("median", ())


def test_retouches_of_other_sizes_are_refused() -> None:
    with pytest.raises(ArrayError, match="differ in size"):
        combine([FIVE[0], FIVE[1][:4]], ("A", "B"), "median")
