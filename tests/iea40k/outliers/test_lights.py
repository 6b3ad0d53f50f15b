"""Lights before something white, beside a logo, and what is white and no light."""

import numpy as np
import pytest

from benchmarks.planted_outliers.scenes import encoded
from iea40k.outliers.kinds import Kind
from iea40k.outliers.proposals import Proposal, find
from iea40k.outliers.repairs import repair
from iea40k.outliers.seen import seen
from iea40k.residuals import residual_codes

EVS = (-5.0, -3.0, -1.0, 0.0, 1.0, 3.0)
SHAPE = 160, 240


def scene(shine: np.ndarray, wall: float, painted: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return reference and exposures of a wall of so much light, with a light before it and something painted."""
    light = wall * (1 + 0.1 * np.sin(np.arange(SHAPE[1]) / 9)) + shine
    frames = [encoded(np.repeat((light * 2.0**ev)[..., None], 3, 2).astype(np.float32)) for ev in (0, *EVS)]
    if painted is not None:
        for frame in frames:
            frame[painted] = 255
    return frames[0], np.stack(frames[1:])


def lamp(row: float, column: float, radius: float, peak: float) -> np.ndarray:
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    away = np.maximum(np.hypot(y - row, x - column) - radius, 0)
    return peak / (1 + (away / (0.7 * radius)) ** 2) ** 2


def lights(reference: np.ndarray, exposures: np.ndarray, index: int) -> list[Proposal]:
    codes = residual_codes(reference, exposures)[index]
    return [p for p in find(seen(reference, exposures, codes, EVS, index)).proposals if p.kind == Kind.LIGHT]


@pytest.mark.parametrize("wall", [0.2, 0.6])
@pytest.mark.parametrize("index", [3, 4])
def test_a_lamp_is_as_wide_as_its_light_and_not_as_what_the_darkest_level_shows_of_it(wall, index):
    """At the level under work the wall may be blown as well; darker levels say where the lamp ends."""
    shine = lamp(80, 120, 9, 60)
    (found,) = lights(*scene(shine, wall), index)
    truth = shine * 2.0 ** EVS[index] > 0.5
    mask = found.whole(SHAPE)
    assert (mask & truth).sum() > 0.8 * truth.sum()
    assert truth.sum() > 0.5 * mask.sum()


def test_a_lamp_that_the_darkest_level_shows_in_full_is_one_by_how_it_fades():
    shine = lamp(80, 120, 9, 18)
    reference, exposures = scene(shine, 0.2)
    assert exposures[0].max() < 240
    (found,) = lights(reference, exposures, 3)
    truth = shine > 0.5
    assert (found.whole(SHAPE) & truth).sum() > 0.8 * truth.sum()


def test_a_window_as_bright_as_that_lamp_is_none():
    shine = np.zeros(SHAPE)
    shine[60:100, 90:150] = 18
    assert lights(*scene(shine, 0.2), 3) == []


def test_a_logo_stays_together_and_apart_from_a_lamp_beside_it():
    painted = np.zeros(SHAPE, np.bool_)
    for left in (150, 168, 186):
        painted[60:100, left : left + 10] = True
    found = lights(*scene(lamp(80, 95, 9, 60), 0.2, painted), 3)
    masks = [p.whole(SHAPE) for p in found]
    logo = [m for m in masks if (m & painted).sum() > 0.8 * painted.sum()]
    assert len(found) == 2
    assert len(logo) == 1
    assert logo[0].sum() < 1.5 * painted.sum()


def test_what_is_repaired_of_a_lamp_before_something_white_is_nearer_to_what_a_light_is():
    shine = lamp(80, 120, 9, 60)
    reference, exposures = scene(shine, 0.6)
    codes = residual_codes(reference, exposures)[4]
    found = find(seen(reference, exposures, codes, EVS, 4))
    (light,) = (p for p in found.proposals if p.kind == Kind.LIGHT)
    done = repair(found, light)
    core = shine[light.box] > 1
    assert (done.after[core & light.mask] <= round(-0.34 * 32640)).all()


def test_where_every_level_is_wholly_white_nothing_is_said_to_shine():
    reference, exposures = scene(lamp(80, 120, 9, 60), 0.2)
    white = np.full_like(exposures, 255)
    codes = residual_codes(reference, white)[3]
    found = find(seen(reference, white, codes, EVS, 3)).proposals
    assert {p.kind for p in found} == {Kind.CLIPPED}
