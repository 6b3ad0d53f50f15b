"""References judged: what is wrong with one lowers its number and is said, the worst first."""

import numpy as np
import pytest

from iea40k.fusion import fuse, judge
from iea40k.fusion.judging import BOTH, BRIGHT_END, DARK_END, GOOD
from tests.iea40k.fusion.test_fusing import bracket
from tests.planted import encoded, exposed, photograph


def judged(evs, light=None, given=None):
    frames = [exposed("coffee", ev) for ev in evs] if light is None else bracket(light, evs)
    fusion = fuse(frames, evs=evs)
    return judge(fusion.reference, fusion.covered, fusion=fusion, frames=len(evs), given=given or len(evs))


def test_a_whole_bracket_of_a_photograph_has_no_fault() -> None:
    found = judged((-3.0, -1.5, 0.0, 1.5, 3.0))
    assert (found.words, found.quality, found.ends) == (GOOD, 1.0, BOTH)


def test_two_dark_frames_left_of_five_are_no_ideal() -> None:
    """What was seen once: rejections left two dark frames, and their fusion counted as ideal."""
    found = judged((-5.0, -4.0), given=5)
    assert found.quality < 0.2
    assert "3 of 5 frames left out" in found.words
    assert "2 frames only" in found.words
    assert found.ends == DARK_END
    assert found.numbers["too_dark"] > 0.05


def test_a_window_that_every_frame_blows_is_said() -> None:
    light = photograph("coffee").copy()
    light[:80] = 30.0
    found = judged((-1.0, 0.0, 1.0), light)
    assert found.ends == BRIGHT_END
    assert "brighter than any frame shows" in found.words.split(";")[0]


@pytest.mark.parametrize(("ev", "word"), [(-3.5, "dark"), (2.5, "bright")])
def test_a_retouch_of_the_wrong_exposure_is_said(ev: float, word: str) -> None:
    retouch = encoded(photograph("coffee") * 2.0**ev)
    found = judge(retouch)
    assert found.quality < judge(exposed("coffee")).quality
    assert f"the subject is {word}" in found.words


def test_frames_that_disagree_are_said() -> None:
    frames = [exposed("coffee", ev) for ev in (-2, 0, 2)]
    fusion = fuse(frames, evs=(-4, 0, 4))
    assert "disagree" in judge(fusion.reference, fusion=fusion).words


def test_a_reference_without_data_is_the_worst() -> None:
    assert judge(np.zeros((20, 30, 3), np.uint8), np.zeros((20, 30), bool)).quality == 0


def test_what_is_kept_dark_though_a_frame_shows_it_is_said() -> None:
    light = photograph("coffee") * 0.5
    light[:, : light.shape[1] // 2] *= 2.0**-8
    evs = (-2.0, 0.0, 2.0, 4.0, 6.0, 8.0)
    frames = np.stack(bracket(light, evs))
    fusion = fuse(frames, evs=evs)
    dark = np.where(np.arange(light.shape[1])[None, :, None] < light.shape[1] // 2, 10, fusion.reference)
    found = judge(dark.astype(np.uint8), fusion=fusion, captures=frames, evs=evs)
    assert "nearly black, though a frame shows it well" in found.words.split(";")[0]
    assert found.numbers["kept_dark"] > 0.25
    assert found.quality < 0.8
    unseen = judge(dark.astype(np.uint8), fusion=fusion, captures=frames[:3], evs=evs[:3])
    assert unseen.numbers["kept_dark"] < 0.05, "no frame shows it: nothing was left there"


def test_an_exposure_beyond_all_frames_is_said() -> None:
    found = {}
    for brightest in (0.0, -3.0):
        evs = tuple(brightest - step for step in (2.0, 1.0, 0.0))
        frames = np.stack([exposed("coffee", ev) for ev in evs])
        fusion = fuse(frames, evs=evs)
        found[brightest] = judge(fusion.reference, fusion=fusion, captures=frames, evs=evs)
    assert "brighter than any frame was" in found[-3.0].words
    assert "than any frame was" not in found[0.0].words
    assert found[-3.0].numbers["beyond_frames"] > 2


def test_double_contours_are_said() -> None:
    sound, double = (judge(exposed("coffee"), doubled=share) for share in (0.05, 0.2))
    assert "double contours: 20%" in double.words
    assert "double" not in sound.words
    assert double.quality < 0.6 * sound.quality
