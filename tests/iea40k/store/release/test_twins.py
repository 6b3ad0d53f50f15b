"""Near-twins are never divided by a release; adding and withdrawing scenes moves no other; leaks are told."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iea40k.errors import CorruptDataError
from iea40k.scene import BuiltScene
from iea40k.store.layout import Store
from iea40k.store.release import Outgoing, Release, ReleaseOptions, verify_release, write_release
from iea40k.store.verify import verify_store
from tests.builders import built_scene
from tests.planted import exposed


def scene_of(scene_id: str, picture: np.ndarray, **attributes: str) -> BuiltScene:
    """A scene of one exposure, a photograph."""
    small = np.ascontiguousarray(picture[::2, ::2])
    scene = built_scene(scene_id, height=small.shape[0], width=small.shape[1], evs=(0,), **attributes)
    return BuiltScene(**{**vars(scene), "reference": small, "exposures": small[None]})


def store_of(folder: Path, scenes: list[BuiltScene]) -> Store:
    store = Store.create(folder)
    for scene in scenes:
        store.write_scene(scene)
    return store


def splits_of(release: Release) -> pd.DataFrame:
    return release.splits.set_index("scene_id")


PAIRS = ("astronaut", "coffee", "chelsea", "rocket")


def test_near_twins_share_every_random_split_and_are_named(tmp_path: Path) -> None:
    scenes = [scene_of(name, exposed(name)) for name in PAIRS]
    scenes += [scene_of(f"{name} again", exposed(name, 0.8)[8:, 10:]) for name in PAIRS]
    release = write_release(store_of(tmp_path / "s", scenes), tmp_path / "out", ReleaseOptions("1.0.0"))
    splits = splits_of(release)
    for name in PAIRS:
        assert (splits.loc[name] == splits.loc[f"{name} again"]).all()
    twins = release.scenes.set_index("scene_id")["twins"]
    assert twins["coffee"] == "coffee again"
    assert len(release.head["twins"]) == len(PAIRS)
    assert release.head["leaks"] == []
    assert verify_release(release.path) == []


def test_a_published_scene_never_moves(tmp_path: Path) -> None:
    old = [built_scene(f"s{i:02d}", height=8, width=8, evs=(0,)) for i in range(12)]
    store = store_of(tmp_path / "s", old)
    first = splits_of(write_release(store, tmp_path / "a", ReleaseOptions("1.0.0")))
    for i in range(8):
        store.write_scene(built_scene(f"new {i}", height=8, width=8, evs=(0,)))
    for i in (0, 5, 6):
        store.discard_scene(f"s{i:02d}")
    second = splits_of(write_release(store, tmp_path / "b", ReleaseOptions("1.1.0")))
    both = first.index.intersection(second.index)
    assert len(both) == 9
    assert (first.loc[both] == second.loc[both]).all(axis=None)
    assert set(second["split_0"]) == {"train", "valid", "test"}
    other = splits_of(write_release(store, tmp_path / "c", ReleaseOptions("1.1.0", seed=1)))
    assert (other.loc[both] != second.loc[both]).any(axis=None)


def test_a_new_twin_takes_the_split_of_the_published_one(tmp_path: Path) -> None:
    scenes = [scene_of(name, exposed(name)) for name in PAIRS]
    store = store_of(tmp_path / "s", scenes)
    first = splits_of(write_release(store, tmp_path / "a", ReleaseOptions("1.0.0")))
    for name in PAIRS:  # ids that sort before the old ones
        store.write_scene(scene_of(f"A {name}", exposed(name, -0.7)))
    second = splits_of(write_release(store, tmp_path / "b", ReleaseOptions("1.1.0")))
    for name in PAIRS:
        assert (second.loc[name] == first.loc[name]).all()
        assert (second.loc[f"A {name}"] == first.loc[name]).all()


def test_a_near_twin_of_a_withdrawn_scene_takes_its_split(tmp_path: Path) -> None:
    store = store_of(tmp_path / "s", [scene_of(name, exposed(name)) for name in PAIRS])
    first = splits_of(write_release(store, tmp_path / "a", ReleaseOptions("1.0.0")))
    for name in PAIRS[1:]:
        store.write_scene(scene_of(f"A {name}", exposed(name, -0.7)))
    behind = Outgoing(withdrawn=dict.fromkeys(PAIRS[1:], "withdrawn"))
    second = write_release(store, tmp_path / "b", ReleaseOptions("1.1.0"), outgoing=behind)
    splits = splits_of(second)
    assert sorted(splits.index) == ["A chelsea", "A coffee", "A rocket", "astronaut"]
    for name in PAIRS[1:]:
        assert (splits.loc[f"A {name}"] == first.loc[name]).all()
    assert verify_release(second.path) == []


def test_a_leak_of_a_given_scheme_is_said_and_sound(tmp_path: Path) -> None:
    scenes = [
        scene_of("coffee", exposed("coffee"), split_official="train"),
        scene_of("coffee 2", exposed("coffee", 0.5), split_official="test"),
        scene_of("rocket", exposed("rocket"), split_official="test"),
    ]
    release = write_release(store_of(tmp_path / "s", scenes), tmp_path / "out", ReleaseOptions("1.0.0"))
    assert splits_of(release)["split_official"].to_dict() == {
        "coffee": "train",
        "coffee 2": "test",
        "rocket": "test",
    }
    (leak,) = release.head["leaks"]
    assert leak["splits"] == {"coffee": "train", "coffee 2": "test"}
    assert "coffee 2" in (release.path / "README.md").read_text("utf-8")
    assert verify_release(release.path) == []


def test_a_leak_that_a_release_does_not_say_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = [scene_of(name, exposed(name)) for name in PAIRS] + [scene_of("twin", exposed("coffee", 0.6))]
    store = store_of(tmp_path / "s", scenes)
    # As releases were cut before near-twins were looked for.
    monkeypatch.setattr("iea40k.store.release.division.find_twins", lambda _: [])
    for seed in range(50):
        release = write_release(store, tmp_path / f"out{seed}", ReleaseOptions("1.0.0", seed=seed))
        splits = splits_of(release)
        if (splits.loc["coffee"] != splits.loc["twin"]).any():
            break
    problems = verify_release(release.path)
    assert problems
    assert all(isinstance(problem, CorruptDataError) for problem in problems)
    assert "coffee" in str(problems[0])
    assert "twin" in str(problems[0])


def test_a_damaged_book_of_splits_stops_a_release(tmp_path: Path) -> None:
    store = store_of(tmp_path / "s", [built_scene("a", evs=(0,))])
    write_release(store, tmp_path / "out", ReleaseOptions("1.0.0"))
    (store.path / ".splits.json.lock").touch()  # as a killed writer leaves it
    assert verify_store(store) == []
    write_release(store, tmp_path / "after a kill", ReleaseOptions("1.0.0"))
    book = store.path / "splits.json"
    assert json.loads(book.read_text("utf-8"))["drawn"]["seed 0, 70/10/20"]["split_0"] == {"a": "train"}
    book.write_text("{", encoding="utf-8")
    with pytest.raises(CorruptDataError, match="the book of splits cannot be read"):
        write_release(store, tmp_path / "again", ReleaseOptions("1.0.1"))


def test_the_book_changes_no_byte_of_a_release(tmp_path: Path) -> None:
    store = store_of(tmp_path / "s", [built_scene(f"s{i}", height=8, width=8, evs=(0,)) for i in range(9)])
    first = write_release(store, tmp_path / "a", ReleaseOptions("1.0.0"))
    assert write_release(store, tmp_path / "b", ReleaseOptions("1.0.0")).root == first.root
