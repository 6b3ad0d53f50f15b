"""Steps that are planted, recovered from pixels alone."""

from itertools import pairwise

import numpy as np
import pytest

from iea40k.brackets.response import Response, estimate_evs, spine
from iea40k.errors import BadInputError
from tests.planted import exposed, photograph

CAMERA = Response(1.0, 0.35).log_light()


def by_a_camera(name: str, ev: float, noise: float = 0.5, seed: int = 0) -> np.ndarray:
    """A photograph as a camera's JPEG has it: light through the inverse of the family's camera member."""
    light = photograph(name) * 2.0**ev
    rng = np.random.default_rng(seed)
    light = light + rng.normal(size=light.shape) * noise * np.sqrt(np.maximum(light, 0) / 2000 + 1e-6)
    stops = np.log2(np.maximum(light, 2.0**-14))
    return np.rint(np.interp(stops, CAMERA, np.arange(256))).astype(np.uint8)


@pytest.mark.parametrize("name", ["coffee", "astronaut", "motorcycle"])
@pytest.mark.parametrize("evs", [(0.0, 1.0, 2.0), (-3.0, -1.0, 0.5), (-2.0, 0.0, 2.0)])
def test_steps_of_frames_exposed_in_linear_light(name: str, evs: tuple[float, ...]) -> None:
    frames = [exposed(name, ev, noise=0.5, seed=i) for i, ev in enumerate(evs)]
    assert_steps(frames, evs, 0.10)


@pytest.mark.parametrize("name", ["coffee", "astronaut", "motorcycle"])
@pytest.mark.parametrize("evs", [(0.0, 1.0, 2.0), (-3.0, -1.0, 0.5), (-2.0, 0.0, 2.0)])
def test_steps_of_frames_that_a_camera_rendered(name: str, evs: tuple[float, ...]) -> None:
    frames = [by_a_camera(name, ev, seed=i) for i, ev in enumerate(evs)]
    assert_steps(frames, evs, 0.12)
    plain = sum(np.median(2.2 * np.log2(b[m] / a[m])) for a, b, m in _well_exposed(frames))
    ours, _ = estimate_evs(frames, np.ones((3, *frames[0].shape[:2]), bool))
    truth = evs[-1] - evs[0]
    assert abs(ours[-1] - truth) < 0.5 * abs(plain - truth)  # what is done better here than by a plain gamma


def assert_steps(frames: list[np.ndarray], evs: tuple[float, ...], tolerance: float) -> None:
    shuffled = [1, 2, 0]
    valid = np.ones((3, *frames[0].shape[:2]), bool)
    found, recipe = estimate_evs([frames[i] for i in shuffled], valid)
    truth = np.array(evs)[shuffled] - evs[0]
    assert found == pytest.approx(truth, rel=tolerance, abs=0.02)
    assert recipe["relative_error"] > 0


def test_pixels_without_data_have_no_say() -> None:
    frames = [exposed("coffee", ev) for ev in (0, 1)]
    frames[1][:120] = 255 - frames[1][:120]
    valid = np.ones((2, *frames[0].shape[:2]), bool)
    valid[1, :120] = False
    found, _ = estimate_evs(frames, valid)
    assert found == pytest.approx((0, 1), rel=0.1)


def test_equal_frames_are_no_step_apart() -> None:
    frame = exposed("coffee", noise=0.5)
    found, _ = estimate_evs([frame, frame], np.ones((2, *frame.shape[:2]), bool))
    assert found == pytest.approx((0, 0), abs=0.01)


def test_frames_without_common_light_are_a_typed_error() -> None:
    black, white = np.zeros((40, 40, 3), np.uint8), np.full((40, 40, 3), 255, np.uint8)
    with pytest.raises(BadInputError, match="cannot be estimated"):
        spine(black, white, np.ones((40, 40), bool))


def test_the_family_is_a_response() -> None:
    for toe in (-0.3, 0.0, 1.0, 1.5):
        assert (np.diff(Response(toe, 0.35).log_light()) > 0).all()


def _well_exposed(frames):
    for a, b in pairwise(frames):
        yield a.astype(float), b.astype(float), (np.minimum(a, b) > 10) & (np.maximum(a, b) < 245)
