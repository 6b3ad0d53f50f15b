"""The brush that stops at edges: of either picture, also where the hand strays, and within the time of a move."""

import numpy as np
import pytest

from annotator.residual.brushes import Brush
from annotator.residual.strokes import Stroke
from annotator.shared.edges import EdgeGuide

SHAPE = (90, 120)


def roof(noise: int = 3) -> np.ndarray:
    """A dark roof under a light sky that grows lighter to the right; their edge is a slope of two pixels at row 45."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    light = np.clip((45 - y) / 2 + 0.5, 0, 1)
    grey = 60 + light * (90 + 60 * x / SHAPE[1])
    return np.clip(grey[..., None] + rng.integers(-noise, noise + 1, (*SHAPE, 3)), 0, 255).astype(np.uint8)


def flat() -> np.ndarray:
    return np.full((*SHAPE, 3), 128, np.uint8)


def stroked(pictures, points, radius=12.0, contrast=0.1):
    codes = np.zeros(SHAPE, np.int16)
    guide = EdgeGuide(pictures, contrast, radius)
    stroke = Stroke(codes, codes.copy(), Brush("set", 0.5, radius, 0.0), guide=guide)
    for point in points:
        stroke.move(point)
    return codes, stroke.finish()


@pytest.mark.parametrize("at", [0, 1])
def test_it_stops_at_an_edge_of_either_picture(at):
    pictures = [flat(), flat()]
    pictures[at] = roof()
    codes, patch = stroked(pictures, [(38, 20), (38, 100)])
    assert not codes[47:].any()
    sky = codes[28:43, 20:101]
    assert (sky == 16320).mean() > 0.99
    assert patch is not None
    without, _ = stroked([flat(), flat()], [(38, 20), (38, 100)])
    assert (without[47:50, 30:90] == 16320).all()


def test_a_hand_that_strays_over_the_edge_paints_nothing_there():
    codes, _ = stroked([roof(), flat()], [(38, 20), (40, 40), (50, 55), (53, 65), (39, 80), (38, 100)])
    assert not codes[48:].any()
    assert (codes[30:43, 20:48] == 16320).mean() > 0.97


def test_its_colours_follow_a_slope_that_is_no_edge():
    """The sky changes by 60 of 255 along the stroke, more than the contrast: every part of it is painted."""
    codes, _ = stroked([roof(), roof()], [(25, float(c)) for c in range(12, 110, 4)])
    assert (codes[20:30, 14:106] > 15000).mean() > 0.99


def test_what_is_alike_but_apart_is_left_out():
    picture = flat()
    picture[:, 60:63] = 30  # a wire
    codes, _ = stroked([picture, flat()], [(45, 54), (45, 55)])
    assert (codes[40:50, 46:58] == 16320).all()
    assert not codes[:, 60:].any()


def test_a_move_on_24_megapixels_looks_at_its_box_alone():
    """The pictures are never read as a whole: a view that notes what is read of it."""
    seen = []

    class Noting(np.ndarray):
        def __getitem__(self, key):
            found = super().__getitem__(key)
            if isinstance(found, np.ndarray) and found.ndim == 3:
                seen.append(found.shape[:2])
            return found

    large = np.broadcast_to(np.full((1, 1, 3), 128, np.uint8), (4000, 6000, 3)).view(Noting)
    guide = EdgeGuide((large,), 0.1, 20.0)
    share = guide.share((slice(1980, 2021), slice(2980, 3041)), (2000, 3000), (2000, 3020))
    assert share.shape == (41, 61)
    assert share.max() == 1
    assert max(h * w for h, w in seen) <= 43 * 63
