"""The exchangeable parts of alignment, each against planted truth."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea40k.alignment.fit import fit
from iea40k.alignment.flow import nudge
from iea40k.alignment.geometry import Bounds, corners, halved, implausible, move, overlap, rounded, shifted
from iea40k.alignment.structure import Pyramid, Structure, View, noise
from iea40k.alignment.tiles import Tiles, common_shift, measure
from iea40k.alignment.warp import warp, warp_mask
from tests.planted import exposed, hand_shake

SIZE = (640, 480)
coordinate = st.floats(-500, 500)


@given(st.integers(0, 1000), st.integers(-3, 3), coordinate, coordinate)
def test_a_homography_of_halved_pictures_moves_the_same_points(
    seed: int, level: int, x: float, y: float
) -> None:
    homography = hand_shake(seed, SIZE)
    point = np.array([[x, y]])
    factor = 0.5**level
    small = (point + 0.5) * factor - 0.5  # pixel centres at integers: a 2x2 mean lies between four of them
    there = (move(homography, point) + 0.5) * factor - 0.5
    assert move(halved(homography, level), small) == pytest.approx(there, abs=1e-6)
    assert halved(halved(homography, level), -level) == pytest.approx(homography, abs=1e-9)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_a_homography_in_steps_moves_no_corner_and_forgets_the_last_bits(seed: int, other: int) -> None:
    homography = hand_shake(seed, SIZE)
    homography /= homography[2, 2]
    stepped = rounded(homography, SIZE)
    assert move(stepped, corners(SIZE)) == pytest.approx(move(homography, corners(SIZE)), abs=1 / 256)
    assert np.array_equal(rounded(np.eye(3), SIZE), np.eye(3))
    assert np.array_equal(rounded(stepped, SIZE), stepped)
    noise = np.random.default_rng(other).uniform(-1, 1, (3, 3)) / np.outer((1, 1, 640), (640, 640, 1))
    noise[2, 2] = 0
    assert np.array_equal(rounded(stepped + 1e-5 * noise, SIZE), stepped)


@given(st.floats(-90, 90), st.floats(-90, 90))
def test_overlap_of_a_shift_is_its_rectangle(dx: float, dy: float) -> None:
    expected = (639 - abs(dx)) * (479 - abs(dy)) / (639 * 479)
    assert overlap(shifted(dx, dy), SIZE) == pytest.approx(expected, abs=1e-4)


@given(st.integers(0, 500))
def test_what_a_hand_does_is_plausible(seed: int) -> None:
    assert implausible(hand_shake(seed, SIZE, shift=40, turn=5, scale=0.05, bend=6), SIZE, Bounds()) is None


@pytest.mark.parametrize(
    ("homography", "why"),
    [
        (np.full((3, 3), np.nan), "not finite"),
        (np.diag([-1.0, 1, 1]) + np.array([[0, 0, 639], [0, 0, 0], [0, 0, 0]]), "mirrors"),
        (np.array([[1, 0, 0], [0, 1, 0], [-0.004, 0, 1.0]]), "folds"),
        (shifted(200, 0), "middle moves"),
        (np.vstack((cv2.getRotationMatrix2D((320, 240), 15, 1), (0, 0, 1))), "turns"),
        (np.vstack((cv2.getRotationMatrix2D((320, 240), 0, 1.2), (0, 0, 1))), "grows"),
        (np.array([[1, 0.15, -36], [0, 1, 0], [0, 0, 1.0]]), "bends"),
    ],
)
def test_what_no_hand_does_has_a_reason(homography: np.ndarray, why: str) -> None:
    assert why in (implausible(homography, SIZE, Bounds()) or "")


def votes_for(homography: np.ndarray, count: int, *, error: float, seed: int, outliers: float = 0.0) -> Tiles:
    """Votes of tiles whose content `homography` would carry back, with errors and liars."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform((24, 24), (616, 456), (count, 2))
    shifts = move(np.linalg.inv(homography), centres) - centres + rng.normal(0, error, (count, 2))
    liars = rng.random(count) < outliers
    shifts[liars] = rng.uniform(-6, 6, (int(liars.sum()), 2))
    sight = np.tile(np.eye(2), (count, 1, 1))
    return Tiles(centres, shifts, np.full(count, 0.9), sight)


@pytest.mark.parametrize("kind", ["none", "shift", "similarity", "homography"])
def test_the_simplest_motion_that_explains_the_votes_wins(kind: str) -> None:
    planted = {
        "none": np.eye(3),
        "shift": shifted(2.5, -1.5),
        "similarity": np.vstack((cv2.getRotationMatrix2D((320, 240), 0.5, 1.004), (0, 0, 1))),
        "homography": hand_shake(1, SIZE, shift=1, turn=0.2, scale=0.002, bend=3),
    }[kind]
    for seed in range(5):
        found = fit(votes_for(planted, 200, error=0.15, seed=seed, outliers=0.2), SIZE)
        assert found.kind == kind
        here = corners(SIZE)
        assert np.linalg.norm(move(found.homography, here) - move(planted, here), axis=1).max() < 0.5


def test_liars_are_given_no_weight() -> None:
    votes = votes_for(shifted(2, 0), 200, error=0.1, seed=3, outliers=0.4)
    found = fit(votes, SIZE)
    off = np.linalg.norm(votes.shifts - (-2, 0), axis=1)
    assert found.weights[off > 2].max() < 1e-6
    assert found.weights[off < 0.3].min() > 0.3


def test_a_few_votes_in_one_place_do_not_bend_the_far_corner() -> None:
    votes = votes_for(shifted(1, 1), 16, error=0.3, seed=4)
    near = Tiles(60 + votes.centres / 20, votes.shifts, votes.peaks, votes.sight)
    found = fit(near, SIZE)
    assert found.kind in ("none", "shift")


def test_edges_vote_only_across_themselves() -> None:
    """Vertical edges see no vertical motion: whatever they say of it must not count."""
    votes = votes_for(shifted(2, 0), 100, error=0.1, seed=5)
    votes.sight[:80] = np.diag([1.0, 0.0])
    votes.shifts[:80, 1] = 5.0
    found = fit(votes, SIZE)
    assert found.kind == "shift"
    assert found.homography[:2, 2] == pytest.approx((2, 0), abs=0.1)
    assert votes.lengths[:80] == pytest.approx(2, abs=0.5)


def test_no_votes_are_no_motion() -> None:
    found = fit(votes_for(shifted(2, 0), 1, error=0, seed=0), SIZE)
    assert found.kind == "none"


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_tiles_find_a_shift_to_a_tenth_of_a_pixel(dx: float, dy: float) -> None:
    rng = np.random.default_rng(0)
    texture = cv2.GaussianBlur(rng.normal(size=(160, 200)).astype(np.float32), (0, 0), 2)
    texture /= texture.std()
    moved = cv2.warpPerspective(texture, shifted(dx, dy), (200, 160), flags=cv2.INTER_CUBIC)
    known = np.ones((160, 200), bool)
    votes = measure(Structure(texture, known), Structure(moved, known), size=48, step=24, radius=7)
    inner = (np.abs(votes.centres - (100, 80)) < (60, 40)).all(axis=1)
    assert np.abs(votes.shifts[inner] - (dx, dy)).max() < 0.15
    together = common_shift(Structure(texture, known), Structure(moved, known), size=48, step=24, radius=7)
    assert together == pytest.approx((dx, dy), abs=0.2)
    assert votes.peaks[inner].min() > 0.8


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_slopes_find_a_small_shift_as_correlation_does(dx: float, dy: float) -> None:
    rng = np.random.default_rng(1)
    texture = cv2.GaussianBlur(rng.normal(size=(160, 200)).astype(np.float32), (0, 0), 2)
    texture /= texture.std()
    moved = cv2.warpPerspective(texture, shifted(dx, dy), (200, 160), flags=cv2.INTER_CUBIC)
    known = np.ones((160, 200), bool)
    votes = nudge(Structure(texture, known), Structure(moved, known), cell=24)
    inner = (np.abs(votes.centres - (100, 80)) < (60, 40)).all(axis=1)
    assert np.abs(votes.shifts[inner] - (dx, dy)).max() < 0.25
    assert np.abs(np.median(votes.shifts[inner], axis=0) - (dx, dy)).max() < 0.15


def test_a_tile_on_an_edge_sees_across_it_only() -> None:
    picture = np.zeros((96, 96), np.float32)
    picture[:, 48:] = 1
    picture = cv2.GaussianBlur(picture, (0, 0), 2)
    known = np.ones((96, 96), bool)
    votes = measure(Structure(picture, known), Structure(picture, known), size=48, step=24, radius=6)
    on_edge = votes.centres[:, 0] == 47.5
    assert on_edge.any()
    assert votes.sight[on_edge][:, 0, 0] == pytest.approx(1, abs=0.01)
    assert votes.sight[on_edge][:, 1, 1] == pytest.approx(0, abs=0.05)


def test_structure_does_not_change_with_exposure_where_both_are_well_exposed() -> None:
    dark, bright = (Pyramid(View.of(exposed("motorcycle", ev)))[0] for ev in (-1.5, 0))
    both = dark.known & bright.known
    agreement = np.corrcoef(dark.signal[both], bright.signal[both])[0, 1]
    assert both.mean() > 0.5
    assert agreement > 0.9


def test_noise_is_measured_and_edges_are_not() -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:200, 0:200]
    clean = (40 * (x > 100) + 30 * (y > 80) + 60).astype(np.float32)
    valid = np.ones(clean.shape, bool)
    noisy = clean + rng.normal(0, 3, clean.shape).astype(np.float32)
    assert noise(noisy, valid) == pytest.approx(3, rel=0.1)
    assert noise(clean, valid) == 0


def test_a_flat_picture_has_no_structure() -> None:
    flat = Pyramid(View.of(np.full((120, 160, 3), 128, np.uint8)))[0]
    assert not flat.known.any()
    assert (flat.signal == 0).all()


def test_an_unmoved_frame_is_not_resampled_and_a_mask_shrinks_by_what_it_touches() -> None:
    frame = exposed("chelsea")
    valid = np.ones(frame.shape[:2], bool)
    same, inside = warp(frame, valid, np.eye(3))
    assert (same == frame).all()
    assert inside.all()
    half = warp_mask(valid, shifted(10.5, 0), frame.shape[1::-1])
    assert not half[:, :11].any()
    assert half[:, 11:].all()
