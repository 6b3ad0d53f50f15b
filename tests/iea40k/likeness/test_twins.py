"""Near-twins are found whatever was done to them, and photographs of other things are none."""

import io

import numpy as np
import pytest
from PIL import Image

from iea40k.likeness import Sketch, find_twins, groups_of, sketch_of, twins
from tests.planted import exposed

NAMES = ("astronaut", "coffee", "chelsea", "rocket", "motorcycle")


def compressed(picture: np.ndarray, quality: int = 40) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def resized(picture: np.ndarray, factor: float) -> np.ndarray:
    height, width = picture.shape[:2]
    return np.asarray(Image.fromarray(picture).resize((round(width * factor), round(height * factor))))


def warmer(picture: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(picture * [1.08, 1.0, 0.9], 0, 255)).astype(np.uint8)


EDITS = {
    "resized": lambda name: resized(exposed(name), 0.5),
    "recompressed": lambda name: compressed(exposed(name)),
    "cropped": lambda name: exposed(name)[6:, 10:],
    "cropped more": lambda name: exposed(name)[30:-10, 40:-10],
    "brighter": lambda name: exposed(name, 1.0),
    "darker": lambda name: exposed(name, -1.0),
    "warmer": lambda name: warmer(exposed(name)),
    "shifted": lambda name: exposed(name, homography=np.array([[1, 0, 3.5], [0, 1, -2.5], [0, 0, 1]])),
    "mirrored": lambda name: exposed(name)[:, ::-1],
    "all at once": lambda name: compressed(resized(warmer(exposed(name, 0.7)[5:, 8:]), 0.7), 50),
}


@pytest.mark.parametrize("edit", sorted(EDITS))
def test_an_edited_copy_is_a_twin_of_its_own_photograph_alone(edit: str) -> None:
    sketches = {name: sketch_of(exposed(name)) for name in NAMES}
    sketches |= {f"{name} {edit}": sketch_of(EDITS[edit](name)) for name in NAMES}
    found = find_twins(sketches)
    assert [(twin.first, twin.second) for twin in found] == [(n, f"{n} {edit}") for n in sorted(NAMES)]
    assert all(twin.mirrored == (edit == "mirrored") and 0.4 <= twin.likeness <= 1 for twin in found)


def test_pictures_without_structure_are_twins_only_where_their_pixels_are_the_same() -> None:
    grey, other = np.full((60, 80, 3), 90, np.uint8), np.full((60, 80, 3), 91, np.uint8)
    sketches = {"a": sketch_of(grey), "b": sketch_of(other), "c": sketch_of(grey.copy())}
    assert [(twin.first, twin.second) for twin in find_twins(sketches)] == [("a", "c")]


def test_noise_is_like_nothing() -> None:
    rng = np.random.default_rng(0)
    sketches = {str(i): sketch_of(rng.integers(0, 256, (96, 96, 3)).astype(np.uint8)) for i in range(12)}
    assert find_twins(sketches) == []


@pytest.mark.parametrize("count", [0, 1])
def test_one_picture_or_none_has_no_twin(count: int) -> None:
    assert find_twins({str(i): sketch_of(exposed("coffee")) for i in range(count)}) == []


def test_groups_are_what_pairs_connect() -> None:
    pairs = [("b", "c"), ("e", "d"), ("c", "a")]
    assert groups_of("abcdef", pairs) == {"a": "a", "b": "a", "c": "a", "d": "d", "e": "d", "f": "f"}


def test_of_many_alike_as_many_pairs_are_found_as_connect_them() -> None:
    sketches = {str(i): sketch_of(exposed("coffee", ev)) for i, ev in enumerate((-1, -0.5, 0, 0.5, 1))}
    found = find_twins(sketches)
    assert len(found) == 4
    assert len(set(groups_of(sketches, ((t.first, t.second) for t in found)).values())) == 1


def test_a_pair_is_looked_at_once_however_often_its_pictures_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:60, 0:80]
    fade = (y / 60 + x / 80)[..., None] * 90
    pictures = [np.rint(fade + rng.integers(0, 12, (60, 80, 3))).astype(np.uint8) for _ in range(4)]
    looked = []

    def counted(one: Sketch, other: Sketch, flipped: bool) -> bool:
        looked.append((one.digest, other.digest, flipped))
        return proved(one, other, flipped)

    proved = twins._proved
    monkeypatch.setattr(twins, "_proved", counted)
    found = find_twins({f"{n} copy {k}": sketch_of(p) for n, p in enumerate(pictures) for k in range(5)})
    assert len(found) == 4 * 4, "copies, and no fade with another"
    assert len({frozenset(pair[:2]) for pair in looked}) == 6, "faint fades resemble each other"
    assert len(looked) == len(set(looked))
