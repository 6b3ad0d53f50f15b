"""Fusion: what it must keep, what it must not let in, and the authors' own result."""

import cv2
import numpy as np
import pytest

from iea40k.errors import ArrayError
from iea40k.fusion import MertensSettings, mertens
from tests.planted import exposed


def test_frames_that_are_equal_fuse_to_themselves() -> None:
    frame = exposed("coffee")
    reference, recipe = mertens([frame, frame, frame])
    assert np.abs(reference.astype(int) - frame).max() <= 1
    assert (recipe["black"], recipe["white"]) == (0.0, 1.0)


def test_the_fusion_shows_what_each_frame_shows_best() -> None:
    frames = [exposed("coffee", ev) for ev in (-3, 0, 3)]
    reference, _ = mertens(frames)
    clipped = [np.mean((f <= 2) | (f >= 253)) for f in (*frames, reference)]
    assert clipped[-1] < 0.5 * min(clipped[0], clipped[2])
    assert 80 < reference.mean() < 160


def test_what_stands_in_invalid_pixels_changes_nothing() -> None:
    frames = np.stack([exposed("chelsea", ev) for ev in (-2, 0, 2)])
    validity = np.ones(frames.shape[:3], bool)
    validity[0, :, :40] = False
    validity[2, 100:, 200:] = False
    spoiled = frames.copy()
    spoiled[~validity] = np.random.default_rng(0).integers(0, 256, (int((~validity).sum()), 3))
    assert (mertens(frames, validity)[0] == mertens(spoiled, validity)[0]).all()


def test_an_invalid_border_leaves_no_seam() -> None:
    frames = np.stack([exposed("coffee", ev) for ev in (0, 1)])
    validity = np.ones(frames.shape[:3], bool)
    validity[1, :, :100] = False
    whole, masked = mertens(frames)[0].astype(float), mertens(frames, validity)[0].astype(float)
    # Far from the border nothing changes; across it the change comes without a step.
    assert np.abs(whole - masked)[:, 350:].mean() < 4
    step = np.abs(np.diff((masked - whole).mean(axis=(0, 2))))
    assert step[95:105].max() < 4


def test_pixels_that_no_frame_covers_are_zero_and_only_they() -> None:
    frames = np.stack([exposed("chelsea", ev) for ev in (0, 1)])
    validity = np.ones(frames.shape[:3], bool)
    validity[:, :10] = False
    reference, _ = mertens(frames, validity)
    assert (reference[:10] == 0).all()
    assert (reference[10:].max(axis=(1, 2)) > 0).all()


def test_shadows_beside_a_bright_sky_are_compressed_and_not_clipped() -> None:
    frames = [exposed("rocket", ev) for ev in (-2, 0, 2)]
    _, compressed = mertens(frames)
    _, clipped = mertens(frames, settings=MertensSettings(clip=1.0))
    assert compressed["clipped_share"] <= 0.021
    assert compressed["clipped_share"] <= clipped["clipped_share"]


@pytest.mark.parametrize(
    ("frames", "validity"),
    [
        ([], None),
        ([np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)], None),
        ([np.zeros((8, 8, 3), np.uint8)], [np.ones((8, 9), bool)]),
        ([np.zeros((8, 8, 3), np.uint8)], []),
        ([np.zeros((8, 8, 3), np.float32)], None),
    ],
)
def test_bad_arrays_are_refused(frames, validity) -> None:
    with pytest.raises(ArrayError):
        mertens(frames, validity)


def test_a_tiny_frame_can_be_fused() -> None:
    frames = [np.full((2, 3, 3), v, np.uint8) for v in (60, 120)]
    assert mertens(frames)[0].shape == (2, 3, 3)


@pytest.mark.real_data
def test_it_agrees_with_the_authors_result_up_to_their_stretch_of_the_whites(real_data) -> None:
    folder = real_data / "brackets/ipol_grandcanal_3"
    frames = [
        np.ascontiguousarray(cv2.imread(str(folder / f"grandcanal_{n}.jpg"))[:, :, ::-1])
        for n in ("under", "mean", "over")
    ]
    theirs = cv2.imread(str(folder / "reference_ef_expected.png"))[:, :, ::-1].astype(float).ravel()
    ours = mertens(frames)[0].astype(float).ravel()
    opencv = cv2.createMergeMertens().process([f[:, :, ::-1] for f in frames])[:, :, ::-1]
    opencv = np.clip(opencv * 255, 0, 255).ravel()

    assert _distance(ours, theirs) < 5
    assert _distance(opencv, theirs) > 2 * _distance(ours, theirs)


def _distance(picture: np.ndarray, truth: np.ndarray) -> float:
    """Root mean square difference in codes after the best linear stretch."""
    return float(truth.std() * np.sqrt(1 - np.corrcoef(picture, truth)[0, 1] ** 2))
