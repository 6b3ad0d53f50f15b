"""Brackets whose motion is planted: `align` must find it, or say why not."""

import cv2
import numpy as np
import pytest

from iea40k.alignment import Limits, align
from iea40k.alignment.borders import inside_borders
from iea40k.alignment.geometry import shifted
from iea40k.alignment.structure import View, common_light
from iea40k.errors import AlignmentError
from tests.planted import exposed, farthest_corner, hand_shake


@pytest.mark.parametrize("ev", [-4.0, -2.0, 2.0, 4.0])
@pytest.mark.parametrize("name", ["coffee", "astronaut"])
def test_a_planted_motion_is_found_across_exposures_and_noise(name: str, ev: float) -> None:
    anchor = exposed(name, noise=1, seed=7)
    size = anchor.shape[1::-1]
    planted = hand_shake(int(ev) + 10, size)
    moved = exposed(name, ev, planted, noise=1, seed=8)

    found = align([anchor, moved], ["anchor", "moved"], anchor=0)

    assert found.kept == (0, 1)
    assert farthest_corner(found.homographies[1], planted, size) < 1.5
    assert found.scores[1] > 0.9


def test_the_warped_frame_lies_on_the_anchor_and_is_invalid_outside() -> None:
    anchor = exposed("coffee")
    size = anchor.shape[1::-1]
    planted = hand_shake(3, size)
    found = align([anchor, exposed("coffee", 0, planted)], ["anchor", "moved"], anchor=0)

    inside = found.validity[1]
    difference = np.abs(found.frames[1].astype(int) - anchor).mean(axis=2)
    assert np.median(difference[inside]) <= 2
    # The planted motion says which pixels have data, to within the error of a pixel at the edge.
    covered = cv2.warpPerspective(np.ones(anchor.shape[:2], np.uint8), planted, size) > 0
    assert np.mean(covered != inside) < 0.02
    assert not inside.all()
    assert (found.frames[1][~inside] == 0).all()


def test_a_still_bracket_keeps_its_bytes() -> None:
    frames = [exposed("chelsea", ev, noise=1, seed=int(ev) + 5) for ev in (-2, 0, 2)]
    found = align(frames, ["dark", "middle", "bright"], anchor=1)
    assert (found.frames == np.stack(frames)).all()
    assert (found.homographies == np.eye(3)).all()
    assert found.validity.all()


def test_a_long_bracket_is_carried_from_neighbour_to_neighbour() -> None:
    evs = [-6.0, -4.0, -2.0, 0.0, 2.0, 4.0]
    size = exposed("motorcycle").shape[1::-1]
    planted = [np.eye(3) if ev == 0 else hand_shake(int(ev) + 20, size, shift=12) for ev in evs]
    frames = [
        exposed("motorcycle", ev, h, noise=0.5, seed=int(ev) + 30) for ev, h in zip(evs, planted, strict=True)
    ]
    found = align(frames, [f"{ev:+g}" for ev in evs], anchor=3)
    assert found.kept == tuple(range(6))
    errors = [farthest_corner(a, b, size) for a, b in zip(found.homographies, planted, strict=True)]
    assert max(errors) < 2.0


def test_another_scene_is_rejected_with_its_score_and_reason() -> None:
    frames = [exposed("coffee"), exposed("coffee", 2), exposed("rocket", 1)[:304, :504]]
    found = align(frames, ["one", "two", "stranger"], anchor=0)
    assert found.kept == (0, 1)
    (rejection,) = found.rejected
    assert rejection.name == "stranger"
    assert rejection.score < 0.3
    assert "tiles" in rejection.reason


@pytest.mark.parametrize(
    ("warp", "why"),
    [
        (cv2.getRotationMatrix2D((252, 152), 25, 1.0), "turns"),
        (cv2.getRotationMatrix2D((252, 152), 0, 1.3), "grows"),
        (np.array([[-1.0, 0, 503], [0, 1, 0]]), "tiles"),
    ],
)
def test_what_no_hand_does_is_never_warped(warp: np.ndarray, why: str) -> None:
    anchor = exposed("coffee")
    wild = cv2.warpAffine(anchor, warp, anchor.shape[1::-1])
    with pytest.raises(AlignmentError) as error:
        align([anchor, wild], ["anchor", "wild"], anchor=0)
    assert "wild" in str(error.value)
    assert why in str(error.value) or "tiles" in str(error.value)


def test_a_black_frame_is_rejected_for_want_of_structure() -> None:
    frames = [exposed("coffee"), exposed("coffee", 1), np.zeros_like(exposed("coffee"))]
    found = align(frames, ["a", "b", "cap left on"], anchor=0)
    assert [r.name for r in found.rejected] == ["cap left on"]


def test_a_moving_object_does_not_spoil_the_motion() -> None:
    anchor = exposed("motorcycle")
    size = anchor.shape[1::-1]
    planted = hand_shake(4, size, shift=8)
    moved = exposed("motorcycle", 1, planted)
    moved[120:300, 200:380] = np.roll(moved[120:300, 200:380], 4, axis=1)
    found = align([anchor, moved], ["anchor", "moved"], anchor=0)
    assert farthest_corner(found.homographies[1], planted, size) < 1.5
    assert found.scores[1] < 0.98


def test_parallax_is_rejected() -> None:
    """Planes that move apart, none of them most of the picture: no homography carries them."""
    anchor = exposed("coffee")
    moved = exposed("coffee", 1, shifted(14, 0))
    moved[100:200] = exposed("coffee", 1)[100:200]
    moved[200:] = exposed("coffee", 1, shifted(-14, 0))[200:]
    with pytest.raises(AlignmentError, match="tiles agree"):
        align([anchor, moved], ["anchor", "moved"], anchor=0)


def test_what_stands_still_places_the_frame_and_what_moved_is_left_out() -> None:
    """A third of the picture slides by six pixels, as clouds do; the hand shook as well."""
    anchor = exposed("motorcycle")
    size = anchor.shape[1::-1]
    planted = hand_shake(5, size, shift=8)
    frame = exposed("motorcycle", 1, planted)
    slid = exposed("motorcycle", 1, shifted(0, 6) @ planted)
    band = slice(0, size[1] * 2 // 5)
    frame[band] = slid[band]
    found = align([anchor, frame], ["anchor", "frame"], anchor=0)
    assert found.kept == (0, 1)
    assert farthest_corner(found.homographies[1], planted, size) < 2
    top, bottom = found.moved[1][20 : band.stop - 30, 60:-60], found.moved[1][band.stop + 30 : -20, 60:-60]
    assert bottom.mean() < 0.01
    assert top.mean() > 0.2
    assert not found.validity[1][found.moved[1]].any()


@pytest.mark.parametrize("seed", [5, 6])
def test_a_motion_is_not_bent_to_carry_what_slid_a_little_too(seed: int) -> None:
    """The upper third slides by four pixels: a homography could leave every tile within a pixel or two."""
    anchor = exposed("motorcycle")
    size = anchor.shape[1::-1]
    planted = hand_shake(seed, size, shift=8)
    frame = exposed("motorcycle", 1, planted)
    band = slice(0, size[1] * 35 // 100)
    frame[band] = exposed("motorcycle", 1, shifted(4, 0) @ planted)[band]
    found = align([anchor, frame], ["anchor", "frame"], anchor=0)
    assert farthest_corner(found.homographies[1], planted, size) < 1


def test_the_same_scene_at_another_exposure_shows_no_movement() -> None:
    frames = [exposed("motorcycle", ev, noise=1, seed=i) for i, ev in enumerate((0, -3, 3))]
    found = align(frames, ["0", "-3", "+3"], anchor=0)
    assert found.moved.mean() < 0.001


def test_mixed_sizes_are_refused_by_name() -> None:
    frames = [exposed("coffee"), exposed("coffee", 1), exposed("coffee", -1)[:-10]]
    with pytest.raises(AlignmentError, match=r"short\.jpg is 504x294"):
        align(frames, ["a.jpg", "b.jpg", "short.jpg"])


def test_one_frame_is_no_bracket() -> None:
    with pytest.raises(AlignmentError, match="two frames or more"):
        align([exposed("coffee")], ["a"])


def test_the_score_that_is_asked_for_can_be_raised() -> None:
    frames = [exposed("coffee"), exposed("coffee", 3, noise=3)]
    with pytest.raises(AlignmentError):
        align(frames, ["a", "b"], limits=Limits(score=1.01, static=1.01))


def test_large_frames_are_registered_small_and_warped_at_their_size() -> None:
    frames = [
        cv2.resize(f, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
        for f in (exposed("coffee"), exposed("coffee", 2))
    ]
    height, width = frames[0].shape[:2]
    assert height > 1024
    planted = shifted(37, -22)
    frames[1] = cv2.warpPerspective(
        frames[1], np.linalg.inv(planted), (width, height), borderMode=cv2.BORDER_REFLECT
    )
    found = align(frames, ["a", "b"], anchor=0)
    assert found.frames.shape == (2, height, width, 3)
    assert farthest_corner(found.homographies[1], planted, (width, height)) < 2


def test_painted_borders_are_invalid_and_dark_ones_are_not() -> None:
    frame = exposed("coffee")
    frame[:, :6] = (0, 0, 255)
    frame[-3:] = (0, 0, 255)
    frame[:5, 6:] = 0
    valid = inside_borders(frame)
    assert not valid[:, :6].any()
    assert not valid[-3:].any()
    assert valid[:290, 20:].all()


def test_common_light_levels_what_only_one_frame_shows() -> None:
    dark, bright = (View.of(exposed("coffee", ev)) for ev in (0, 3))
    (_, top), _ = common_light(dark, bright)
    blown = (bright.luma >= 250).mean()
    assert (dark.luma >= top).mean() == pytest.approx(blown, abs=0.02)
    assert dark.luma.max() > top


@pytest.mark.real_data
def test_a_hand_held_bracket_comes_into_register(real_data) -> None:
    frames = _load(real_data / "brackets/banterle_handheld_3", 512)
    found = align(frames, ["0", "-2", "+2"], anchor=0)
    assert len(found.kept) == 3
    assert min(found.scores[1:]) > 0.9
    travel = [farthest_corner(h, np.eye(3), (512, 768)) for h in found.homographies[1:]]
    assert all(5 < t < 25 for t in travel)


@pytest.mark.real_data
def test_impossible_viewpoints_are_rejected(real_data) -> None:
    frames = _load(real_data / "brackets/darioloi_crusader_7", 512)[:3]
    with pytest.raises(AlignmentError, match="no two frames"):
        align(frames, [str(i) for i in range(3)], anchor=0)


@pytest.mark.real_data
@pytest.mark.parametrize("scene", ["merianos_flowers_3", "merianos_rovinia_3", "merianos_searock_3"])
def test_tripod_brackets_stay_within_a_pixel(real_data, scene: str) -> None:
    frames = _load(real_data / "brackets" / scene, 512)
    found = align(frames, ["a", "b", "c"], anchor=1)
    size = frames[0].shape[1::-1]
    assert max(farthest_corner(h, np.eye(3), size) for h in found.homographies) < 1


@pytest.mark.real_data
def test_sixteen_stops_with_blue_borders(real_data) -> None:
    frames = _load(real_data / "brackets/memorial_16", 512)
    found = align(frames, [str(i) for i in range(16)], anchor=8)
    assert len(found.kept) == 16
    painted = np.stack([(f == (0, 0, 255)).all(axis=2) for f in frames])[8]
    assert painted.sum() > 1000
    assert not found.validity[8][painted].any()


@pytest.mark.real_data
def test_a_slow_drift_at_full_size(real_data) -> None:
    frames = _load(real_data / "brackets/stlouis_arch_4", 1056)
    found = align(frames, ["-4.7", "-1.8", "+1.2", "+4.1"], anchor=2)
    assert len(found.kept) == 4
    drift = farthest_corner(found.homographies[3], np.eye(3), frames[0].shape[1::-1])
    assert 5 < drift < 9  # 13 px of 2816 x 2112, here at half size


def _load(folder, short_side: int) -> list[np.ndarray]:
    frames = []
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png")):
        picture = cv2.imread(str(path))[:, :, ::-1]
        scale = min(1, short_side / min(picture.shape[:2]))
        size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
        frames.append(np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)))
    return frames


def test_frames_without_fine_structure_are_refused_in_words() -> None:
    """At full size no tile has anything to go by: refused, and nobody divides by none of them."""
    field = np.random.default_rng(1).normal(size=(1000, 1300)).astype(np.float32)
    smooth = cv2.GaussianBlur(field, (0, 0), 40)
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    frames = [
        np.repeat((floor + span * smooth[top : top + 880, left : left + 1180])[..., None], 3, axis=2).astype(
            np.uint8
        )
        for floor, span, top, left in ((60, 140, 20, 20), (40, 100, 25, 28))
    ]
    with pytest.raises(AlignmentError, match="no two frames"):
        align(frames, ["a", "b"])
