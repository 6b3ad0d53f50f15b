import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from iea40k.errors import ArrayError, CorruptDataError
from iea40k.store.ledger import PackedPatch, Patch
from iea40k.store.ledger.patch import inflate, pack_codes, unpack_codes

CODES = st.integers(-32640, 32640)
SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)


@given(hnp.arrays(np.int16, st.integers(1, 300), elements=CODES))
def test_packed_codes_come_back_exactly(codes: np.ndarray) -> None:
    assert np.array_equal(unpack_codes(pack_codes(codes), codes.size), codes)


@given(st.data(), SHAPES)
@settings(max_examples=60)
def test_a_patch_turns_the_one_into_the_other(data: st.DataObject, shape: tuple[int, int]) -> None:
    before = data.draw(hnp.arrays(np.int16, shape, elements=CODES))
    after = data.draw(hnp.arrays(np.int16, shape, elements=CODES))
    patch = Patch.between(before, after)
    if patch is None:
        assert np.array_equal(before, after)
        return
    packed = PackedPatch.of(patch)
    painted = before.copy()
    packed.paint(painted)
    assert np.array_equal(painted, after)
    back = packed.unpack()
    assert np.array_equal(back.old, patch.old)
    assert np.array_equal(back.mask, patch.mask)
    touched = np.zeros(shape, np.bool_)
    packed.touch(touched)
    assert np.array_equal(touched, before != after)


def test_touched_pixels_that_keep_their_code_are_kept() -> None:
    codes = np.zeros((4, 4), np.int16)
    touched = np.eye(4, dtype=np.bool_)
    patch = Patch.between(codes, codes, touched)
    assert patch is not None
    assert patch.pixels == 4
    with pytest.raises(ArrayError, match="outside the touched"):
        Patch.between(codes, codes + np.int16(1), touched)


@pytest.mark.parametrize("code", [32641, -32641, -32768])
def test_codes_out_of_range_or_without_data_are_refused(code: int) -> None:
    mask = np.ones((1, 2), np.bool_)
    good = np.zeros(2, np.int16)
    bad = np.array([0, code], np.int16)
    for old, new in ((good, bad), (bad, good)):
        with pytest.raises(ArrayError):
            Patch(0, 0, mask, old, new)


@pytest.mark.parametrize(("top", "left"), [(-1, 0), (0, -1), (3, 0), (0, 7)])
def test_a_box_outside_the_image_is_refused(top: int, left: int) -> None:
    patch = Patch(top, left, np.ones((2, 2), np.bool_), np.zeros(4, np.int16), np.ones(4, np.int16))
    with pytest.raises(ArrayError, match="outside its image"):
        PackedPatch.of(patch).paint(np.zeros((4, 8), np.int16))


def test_a_bomb_takes_no_more_memory_than_it_may() -> None:
    with pytest.raises(CorruptDataError):
        inflate(zlib.compress(bytes(50_000_000)), 100)


@pytest.mark.parametrize(
    "spoil", [lambda b: b[:-1], lambda b: b + b"x", lambda b: b[:0], lambda b: b[:5] + b"\0" + b[6:]]
)
def test_damaged_bytes_are_refused(spoil) -> None:  # type: ignore[no-untyped-def]
    packed = pack_codes(np.arange(100, dtype=np.int16) ** 2)
    with pytest.raises(CorruptDataError):
        unpack_codes(spoil(packed), 100)
