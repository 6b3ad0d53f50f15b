"""Double contours are counted where frames lie beside each other and both are mixed, and nowhere else."""

import numpy as np
import pytest

from iea40k.alignment import doubled
from tests.planted import exposed

EVS = (-1.0, 0.0, 1.0)


def share(frames: list[np.ndarray], counts: list[np.ndarray] | None = None) -> float:
    whole = [np.ones(frame.shape[:2], bool) for frame in frames]
    return doubled(frames, whole, counts or [np.ones(frame.shape[:2], np.float32) for frame in frames])


def bracket(slide: int) -> list[np.ndarray]:
    """Noisy frames of which the brighter ones have their lower half `slide` pixels beside its place."""
    frames = []
    for seed, ev in enumerate(EVS):
        frame = exposed("coffee", ev, noise=1.0, seed=seed)
        half = frame.shape[0] // 2
        if ev >= 0 and slide:
            frame[half:, slide:] = frame[half:, :-slide].copy()
        frames.append(frame)
    return frames


def test_noise_and_exposure_make_no_double_contours() -> None:
    assert share(bracket(0)) < 0.05


@pytest.mark.parametrize("slide", [1, 2, 3])
def test_a_half_beside_its_place_is_about_a_quarter(slide: int) -> None:
    """Half of the picture, in one of two pairs."""
    assert 0.1 < share(bracket(slide)) < 0.4


def test_where_one_frame_tells_alone_nothing_is_double() -> None:
    frames = bracket(2)
    counts = [
        np.full(frame.shape[:2], value, np.float32) for frame, value in zip(frames, (0, 1, 1), strict=True)
    ]
    assert share(frames, counts) < 0.05
    assert share(frames, [np.zeros_like(c) for c in counts]) == 0
