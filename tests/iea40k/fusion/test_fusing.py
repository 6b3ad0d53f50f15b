"""The reference of a bracket: what it shows, where its brightness lies, what does not move it."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea40k.colour import srgb_stops
from iea40k.errors import ArrayError
from iea40k.fusion import METERED, Curve, fuse
from iea40k.fusion.placing import HIGH, LOW, compressed
from iea40k.residuals import luma
from tests.planted import encoded, exposed

EVS = (-3.0, -1.5, 0.0, 1.5, 3.0)


def bracket(light: np.ndarray, evs=EVS) -> np.ndarray:
    return np.stack([encoded(light * 2.0**ev) for ev in evs])


def night() -> np.ndarray:
    """A black sky over lit windows: 60 % of the picture nine stops below its windows."""
    rng = np.random.default_rng(7)
    light = np.full((240, 360, 3), 0.0009, np.float32) * rng.lognormal(0, 0.03, (240, 360, 1)).astype(
        np.float32
    )
    light[150:] = 0.02 * rng.lognormal(0, 0.6, (90, 360, 1)).astype(np.float32)
    for left in range(10, 350, 24):
        light[165:200, left : left + 12] = 0.5 * rng.lognormal(0, 0.4, (35, 12, 1)).astype(np.float32)
    return light


def test_a_scene_that_fits_is_what_the_camera_would_have_recorded() -> None:
    """Nothing is compressed, so the reference is one of the exposures in between: the photograph at k stops."""
    fusion = fuse([exposed("coffee", ev) for ev in EVS], evs=EVS, as_shot=METERED)
    recorded = exposed("coffee", fusion.placing.exposure)
    assert np.abs(luma(fusion.reference) - luma(recorded)).mean() < 0.01


def test_both_ends_of_a_scene_beyond_the_range_are_shown() -> None:
    ramp = np.exp2(np.linspace(-9, 5, 480, dtype=np.float32))[None, :, None]
    texture = np.random.default_rng(0).lognormal(0, 0.3, (320, 480, 1)).astype(np.float32)
    frames = bracket(np.repeat(ramp * texture, 3, axis=2), evs := (-6.0, -3.0, 0.0, 3.0, 6.0))
    fusion = fuse(frames, evs=evs)
    single = [np.mean((f.max(axis=2) >= 250) | (f.max(axis=2) <= 5)) for f in frames]
    assert np.mean((fusion.reference.max(axis=2) >= 250) | (fusion.reference.max(axis=2) <= 5)) < 0.4 * min(
        single
    )
    columns = luma(fusion.reference).mean(axis=0)
    assert (np.diff(cv2.blur(columns[None], (31, 1))[0][16:-16:31]) > 0).all(), "darker light stays darker"


def test_a_night_stays_dark_and_its_windows_are_exposed() -> None:
    frames = bracket(night())
    fusion = fuse(frames, evs=EVS)
    sky, windows = luma(fusion.reference)[:140], luma(fusion.reference)[165:200, 10:22]
    assert np.median(sky) < 0.12
    assert 0.3 < np.median(windows) < 0.95


def test_the_same_light_gives_the_same_brightness_whatever_frames_tell_it() -> None:
    light = np.repeat(np.random.default_rng(1).lognormal(-2, 1.2, (200, 300, 1)), 3, axis=2).astype(
        np.float32
    )
    light = cv2.GaussianBlur(light, (0, 0), 3)
    many = fuse(bracket(light, (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)), evs=(-3, -2, -1, 0, 1, 2, 3))
    few = fuse(bracket(light, (-3.0, 0.0, 3.0)), evs=(-3, 0, 3))
    assert np.abs(luma(many.reference) - luma(few.reference)).mean() < 0.01


def test_pixels_that_no_frame_shows_are_named() -> None:
    light = np.full((120, 180, 3), 0.2, np.float32)
    light[:40], light[80:] = 40.0, 1e-6
    fusion = fuse(bracket(light, (-1.0, 0.0, 1.0)), evs=(-1, 0, 1))
    assert fusion.light.too_bright[:30].all()
    assert not fusion.light.too_bright[45:].any()
    assert fusion.light.too_dark[90:].all()
    assert not fusion.light.too_dark[:75].any()


def test_what_stands_in_invalid_pixels_changes_nothing() -> None:
    frames = np.stack([exposed("chelsea", ev) for ev in (-2, 0, 2)])
    validity = np.ones(frames.shape[:3], bool)
    validity[0, :, :40] = False
    validity[2, 100:, 200:] = False
    validity[:, :10] = False
    spoiled = frames.copy()
    spoiled[~validity] = np.random.default_rng(0).integers(0, 256, (int((~validity).sum()), 3))
    first, second = (fuse(f, validity, evs=(-2, 0, 2)) for f in (frames, spoiled))
    assert (first.reference == second.reference).all()
    assert (first.reference[:10] == 0).all()
    assert not first.covered[:10].any()


def test_a_border_of_data_leaves_no_seam_where_frames_disagree() -> None:
    """EVs that are a quarter of a stop wrong: frames tell different lights, and a border must not show it."""
    frames = np.stack([exposed("coffee", ev) for ev in (0, 1)])
    validity = np.ones(frames.shape[:3], bool)
    validity[1, :, :100] = False
    whole, masked = (fuse(frames, v, evs=(0, 1.25)).reference.astype(float) for v in (None, validity))
    step = np.abs(np.diff((masked - whole).mean(axis=(0, 2))))
    assert step[85:130].max() < 2


@given(st.floats(-12, -0.1), st.floats(0.1, 12))
def test_compression_keeps_order_and_brings_the_ends_where_they_fit(low: float, high: float) -> None:
    zones = np.linspace(-14, 14, 561, dtype=np.float32)
    bent = compressed(zones, (low, high))
    assert (np.diff(bent) > 0).all()
    ends = np.interp([low, high], zones, bent)
    assert ends[0] >= min(LOW, low) - 0.05 or low >= LOW
    assert ends[1] <= max(HIGH, 0) + 0.05 or high <= HIGH
    if low >= LOW and high <= HIGH:
        assert bent == pytest.approx(zones, abs=1e-5)


def test_a_response_is_its_own_inverse() -> None:
    curve = Curve(srgb_stops() * 1.3)
    codes = np.arange(1, 256, dtype=np.uint8)
    assert curve.render(curve.light(codes)) == pytest.approx(codes, abs=0.1)


def test_a_response_that_falls_is_refused() -> None:
    with pytest.raises(ArrayError, match="rises"):
        Curve(-srgb_stops())


@pytest.mark.parametrize(
    ("count", "evs"), [(2, (0.0,)), (2, (0.0, float("nan"))), (0, ())], ids=["one EV", "NaN", "none"]
)
def test_bad_input_is_refused(count: int, evs: tuple[float, ...]) -> None:
    with pytest.raises(ArrayError):
        fuse([np.zeros((8, 8, 3), np.uint8)] * count, evs=evs)


def test_a_tiny_frame_can_be_fused() -> None:
    frames = [np.full((2, 3, 3), v, np.uint8) for v in (60, 120)]
    assert fuse(frames, evs=(0, 1.9)).reference.shape == (2, 3, 3)
