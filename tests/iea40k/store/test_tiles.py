"""Frames are cut into tiles of about 128 pixels, and a window finds each of its pixels in one of them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from iea40k.store.tiles import covering, spans, tile_shape


@given(st.integers(1, 2000), st.integers(1, 2000))
def test_tiles_cover_a_frame_with_little_over_its_edge(height: int, width: int) -> None:
    tile = tile_shape((height, width))
    whole = covering((height, width), tile)
    for side, step, covered in zip((height, width), tile, whole, strict=True):
        assert min(side, 96) <= step < 192
        assert covered % step == 0
        assert side <= covered < side + covered // step


def test_common_frames_are_cut_evenly() -> None:
    assert tile_shape((512, 768)) == (128, 128)
    assert tile_shape((512, 682)) == (128, 137)
    assert tile_shape((40, 64)) == (40, 64)


@given(st.integers(1, 50), st.data())
def test_spans_take_each_place_of_a_window_once(tile: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, 300))
    last = data.draw(st.integers(first + 1, 301))
    axis = np.arange(-(-last // tile) * tile).reshape(-1, tile)
    window = np.full(last - first, -1)
    for number, of_tile, here in spans(first, last, tile):
        assert (window[here] == -1).all()
        window[here] = axis[number, of_tile]
    assert window.tolist() == list(range(first, last))
