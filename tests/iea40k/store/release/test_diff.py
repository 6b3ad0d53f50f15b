"""A difference of releases names what was planted, and nothing else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iea40k.arrays import INVALID_CODE
from iea40k.scene import BuiltScene
from iea40k.store.layout import Store
from iea40k.store.release import Labels, Provenance, Release, diff_releases, write_release
from iea40k.store.scenes import StoredScene
from tests.builders import built_scene
from tests.iea40k.store.release.conftest import OPTIONS


def release_of(folder: Path, scenes: list[BuiltScene], **options: object) -> Release:
    store = Store.create(folder / "store")
    for scene in scenes:
        store.write_scene(scene)
    return write_release(store, folder / "release", replace(OPTIONS, **options))


@pytest.fixture
def scenes() -> list[BuiltScene]:
    return [built_scene(name, invalid=False) for name in ("a", "b", "c", "d")]


def test_equal_releases_do_not_differ(tmp_path: Path, scenes: list[BuiltScene]) -> None:
    old, new = release_of(tmp_path / "1", scenes), release_of(tmp_path / "2", scenes, version="1.1.0")
    found = diff_releases(old, new)
    assert found.nothing()
    assert (found.old, found.new) == ("exposure dataset 1.0.0", "exposure dataset 1.1.0")


def test_planted_changes_are_recovered(tmp_path: Path, scenes: list[BuiltScene]) -> None:
    old = release_of(tmp_path / "1", scenes)
    a, b, c, _ = scenes
    a.residual[0, :2, :3] += 64  # six pixels by 64 codes
    a.residual[2, 0, 0] = INVALID_CODE
    b.exposures[1, 0, 0] ^= 1
    c.reference[0, 0] ^= 1
    new = release_of(tmp_path / "2", [a, b, c, built_scene("e")])
    found = diff_releases(old, new)
    assert (found.scenes_added, found.scenes_removed) == (["e"], ["d"])
    assert found.scenes_changed == ["a", "b", "c"]
    assert found.references_changed == ["c"]
    assert found.images_added == ["e_N1", "e_P0", "e_P1"]
    assert found.images_removed == ["d_N1", "d_P0", "d_P1"]
    changes = {change.image_id: change for change in found.images_changed}
    assert set(changes) == {"a_N1", "a_P1", "b_P0"}
    assert (changes["a_N1"].pixels, changes["a_N1"].validity_pixels) == (6, 0)
    assert changes["a_N1"].mean_change == pytest.approx(6 * 64 / 32640 / (24 * 32))
    assert (changes["a_P1"].pixels, changes["a_P1"].validity_pixels) == (1, 1)
    assert changes["b_P0"].exposure_changed
    assert changes["b_P0"].pixels == 0
    assert found.pixels_changed == 7
    assert not found.nothing()


def test_a_frame_of_another_size_is_not_compared_by_pixel(tmp_path: Path) -> None:
    old = release_of(tmp_path / "1", [built_scene("a", evs=(0,))])
    new = release_of(tmp_path / "2", [built_scene("a", evs=(0,), height=20)])
    (change,) = diff_releases(old, new).images_changed
    assert change.resized
    assert change.pixels == 0


def test_another_seed_moves_scenes_and_changes_no_pixel(tmp_path: Path) -> None:
    many = [built_scene(f"s{i}", height=4, width=4, evs=(0,)) for i in range(10)]
    found = diff_releases(release_of(tmp_path / "1", many), release_of(tmp_path / "2", many, seed=8))
    assert found.moved_in_splits
    assert not found.images_changed
    assert not found.nothing()


def test_who_corrected_what_in_between(tmp_path: Path, scenes: list[BuiltScene]) -> None:
    def labels(who: dict[str, int]):
        def labels_of(scene: StoredScene) -> Labels:
            entries = tuple(Provenance("P0", name, "map", n, 9, "", "") for name, n in who.items())
            return Labels(np.stack([scene.residual(level) for level in scene.levels]), provenance=entries)

        return labels_of

    store = Store.create(tmp_path / "s")
    store.write_scene(scenes[0])
    old = write_release(store, tmp_path / "1", OPTIONS, labels_of=labels({"ada": 2, "eve": 1}))
    new = write_release(store, tmp_path / "2", OPTIONS, labels_of=labels({"ada": 5, "bob": 4}))
    assert diff_releases(old, new).corrections_by == {"ada": 3, "bob": 4, "eve": -1}
