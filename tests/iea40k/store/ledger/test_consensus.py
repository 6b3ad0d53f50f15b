import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from iea40k.arrays import INVALID_CODE
from iea40k.errors import ArrayError
from iea40k.scene import NO_UNCERTAINTY
from iea40k.store.ledger.consensus import consensus

CODE = st.one_of(st.integers(-32640, 32640), st.just(INVALID_CODE))


def test_one_stray_expert_moves_nothing() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(-20000, 20000, (8, 9)).astype(np.int16)
    stray = rng.integers(-32640, 32640, (8, 9)).astype(np.int16)
    found = consensus([truth, stray, truth])
    assert np.array_equal(found.codes, truth)
    assert (found.disagreement == 0).all()


def test_the_spread_is_the_median_deviation() -> None:
    maps = [np.full((2, 2), v, np.int16) for v in (100, 110, 130, 170, 1000)]
    found = consensus(maps)
    assert (found.codes == 130).all()
    assert (found.disagreement == 30).all()
    pair = consensus([maps[0], maps[2]])
    assert (pair.codes == 115).all()
    assert (pair.disagreement == 15).all()


def test_one_map_has_no_known_spread() -> None:
    alone = consensus([np.zeros((2, 2), np.int16)])
    assert (alone.disagreement == NO_UNCERTAINTY).all()


@given(
    hnp.arrays(np.int16, st.tuples(st.integers(2, 5), st.just(3), st.just(4)), elements=CODE), st.randoms()
)
def test_against_plain_python_pixel_by_pixel(stack: np.ndarray, random: object) -> None:
    import statistics

    found = consensus(list(stack))
    shuffled = consensus(list(stack[np.random.default_rng(0).permutation(len(stack))]))
    assert np.array_equal(found.codes, shuffled.codes)
    assert np.array_equal(found.disagreement, shuffled.disagreement)
    for y, x in np.ndindex(3, 4):
        values = [int(v) for v in stack[:, y, x] if v != INVALID_CODE]
        if not values:
            assert found.codes[y, x] == INVALID_CODE
        else:
            middle = round(statistics.median(values))
            assert found.codes[y, x] == middle
            if len(values) > 1:
                spread = round(statistics.median(abs(v - middle) for v in values))
                assert found.disagreement[y, x] == spread
        assert (found.disagreement[y, x] == NO_UNCERTAINTY) == (len(values) < 2)


def test_what_makes_no_consensus_is_refused() -> None:
    with pytest.raises(ArrayError):
        consensus([])
    with pytest.raises(ArrayError, match="size"):
        consensus([np.zeros((2, 2), np.int16), np.zeros((2, 3), np.int16)])
    with pytest.raises(ArrayError):
        consensus([np.full((2, 2), 32700, np.int16)])
