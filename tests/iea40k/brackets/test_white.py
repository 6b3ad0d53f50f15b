"""The white level of a camera, from frames whose white is planted."""

import numpy as np
import pytest

from iea40k.brackets.white import white_level
from iea40k.clipping import WHITE, blown


def frame(ev: float, white: int, seed: int = 0) -> np.ndarray:
    light = np.random.default_rng(seed).lognormal(-2, 1.2, (120, 160, 3)).repeat(1, axis=0) * 2.0**ev
    return np.rint(np.minimum(light, 1) ** (1 / 2.2) * white).astype(np.uint8)


@pytest.mark.parametrize("white", [255, 251, 243, 235])
def test_the_planted_white_is_found(white: int) -> None:
    found, frames = white_level([frame(ev, white) for ev in (-2, 0, 2, 4)])
    assert (found, frames >= 2) == (WHITE if white == 255 else white, True)
    brightest = frame(4, white)
    assert blown(brightest, found).mean() > 0.5
    if white < 254:
        assert blown(brightest).mean() == 0, "what a fixed threshold sees"


def test_a_white_wall_that_moves_with_the_exposure_is_no_white_level() -> None:
    walls = []
    for code in (214, 226, 238):
        wall = frame(-3, 255)
        wall[:60] = code
        walls.append(wall)
    assert white_level(walls) == (WHITE, 0)


def test_one_frame_alone_tells_nothing() -> None:
    assert white_level([frame(4, 240)]) == (WHITE, 0)


def test_jpeg_ringing_does_not_hide_it() -> None:
    rng = np.random.default_rng(1)
    frames = []
    for ev in (1, 2, 3):
        picture = frame(ev, 248).astype(int) + rng.integers(-1, 2, (120, 160, 3))
        frames.append(np.clip(picture, 0, 255).astype(np.uint8))
    assert white_level(frames)[0] == pytest.approx(248, abs=1)
