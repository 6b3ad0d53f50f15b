import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from iea40k.colour import decode_srgb
from iea40k.errors import AlignmentError
from iea40k.registration import bring, common_crop, reconcile, register
from iea40k.tone import expose_with_contrast
from tests.pipelines.fivek_tree import light_field


@pytest.fixture(scope="module")
def wide() -> NDArray[np.float32]:
    """A field of light with a margin, from which rendering and retouch are cut."""
    return light_field(300, 420, seed=3)


def toned(light: NDArray[np.float32], stops: float = 0.8, contrast: float = 1.3) -> NDArray[np.float32]:
    return decode_srgb(expose_with_contrast(np.ascontiguousarray(light), [stops], contrast)[0])


def test_equal_pictures_are_not_resampled(wide: NDArray[np.float32]) -> None:
    found = register(wide, toned(wide))
    assert found.still
    assert found.score > 0.9
    moved, valid = bring(toned(wide), found, wide.shape[:2])
    np.testing.assert_array_equal(moved, toned(wide))
    assert valid.all()


@pytest.mark.parametrize(("left", "top", "right", "bottom"), [(1, 0, 0, 0), (2, 1, 0, 0), (3, 2, 2, 5)])
def test_a_planted_crop_is_found_to_a_tenth_of_a_pixel(
    wide: NDArray[np.float32], left: int, top: int, right: int, bottom: int
) -> None:
    height, width = wide.shape[:2]
    retouch = toned(wide[top : height - bottom, left : width - right])
    found = register(wide, retouch)
    # A pixel (x, y) of the rendering is pixel (x - left, y - top) of the retouch.
    np.testing.assert_allclose(found.matrix[:, 2], [-left, -top], atol=0.12)
    np.testing.assert_allclose(found.matrix[:, :2], np.eye(2), atol=0.001)
    rendering, placed, recipe = reconcile(wide, {"C": retouch})
    assert rendering.shape == placed["C"].shape
    assert recipe["crop"] == [left, top, width - left - right, height - top - bottom]
    inner = np.s_[4:-4, 4:-4]
    assert np.abs(placed["C"] - toned(rendering))[inner].mean() < 0.01


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_are_undone(wide: NDArray[np.float32], turns: int) -> None:
    retouch = np.ascontiguousarray(np.rot90(toned(wide), -turns))
    _, placed, recipe = reconcile(wide, {"C": retouch})
    assert recipe["registration"]["C"]["turns"] == turns
    np.testing.assert_array_equal(placed["C"], toned(wide))


def test_another_scale_is_brought_to_size(wide: NDArray[np.float32]) -> None:
    retouch = cv2.resize(toned(wide), (428, 306), interpolation=cv2.INTER_CUBIC).clip(0)
    rendering, placed, _ = reconcile(wide, {"C": retouch})
    assert rendering.shape[0] >= 298
    assert np.abs(placed["C"] - toned(rendering))[4:-4, 4:-4].mean() < 0.01


def test_another_photograph_is_refused(wide: NDArray[np.float32]) -> None:
    other = light_field(300, 420, seed=99)
    with pytest.raises(AlignmentError, match="agree"):
        register(wide, other)
    with pytest.raises(AlignmentError, match="no retouch fits"):
        reconcile(wide, {"C": other})


def test_a_hard_crop_is_refused_not_stretched(wide: NDArray[np.float32]) -> None:
    with pytest.raises(AlignmentError):
        register(wide, toned(wide[40:260, 60:380]))


def test_another_shape_of_frame_is_refused_however_well_it_would_stretch(wide: NDArray[np.float32]) -> None:
    stretched = cv2.resize(toned(wide), (420, 320), interpolation=cv2.INTER_AREA)
    with pytest.raises(AlignmentError, match="shape of frame"):
        register(wide, stretched)


def test_a_flat_picture_has_no_position(wide: NDArray[np.float32]) -> None:
    with pytest.raises(AlignmentError):
        register(np.full_like(wide, 0.2), np.full_like(wide, 0.2))


def test_a_bad_retouch_costs_itself_and_is_named(wide: NDArray[np.float32]) -> None:
    retouches = {"A": toned(wide), "B": light_field(300, 420, seed=99), "C": toned(wide[2:, :])}
    _, placed, recipe = reconcile(wide, retouches)
    assert list(placed) == ["A", "C"]
    assert list(recipe["refused"]) == ["B"]
    assert {p.shape for p in placed.values()} == {(298, 420, 3)}


def test_the_common_crop_is_whole_and_as_large_as_it_can_be() -> None:
    valid = np.ones((100, 120), np.bool_)
    valid[:2] = valid[:, -3:] = False
    valid[50, 0] = False
    crop = common_crop([valid, np.ones_like(valid)])
    assert (crop.left, crop.top, crop.width, crop.height) == (1, 2, 116, 98)
    valid[40:60, 40:60] = False
    with pytest.raises(AlignmentError):
        common_crop([valid])
