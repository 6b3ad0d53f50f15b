"""A store keeps what it was given, whole, once, and for ever; checks read the disk past the code under test."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import zarr

from iea40k.arrays import INVALID_CODE
from iea40k.errors import (
    AlreadyExistsError,
    BadInputError,
    CorruptDataError,
    StoreError,
    UnreadableImageError,
)
from iea40k.recipe import digest
from iea40k.scene import BuiltScene
from iea40k.store.codecs import create_array
from iea40k.store.digests import array_digest
from iea40k.store.layout import Store, StoreCounts
from iea40k.store.verify import make_list, verify_store
from iea40k.uncertainty import UNKNOWN, sd_of
from tests.builders import built_scene

ARRAYS = ("exposures", "reference", "residual", "outliers", "uncertainty")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


def files(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file below a folder."""
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def assert_same(first: BuiltScene, second: BuiltScene) -> None:
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), strict=True)
    for name in ("scene_id", "evs", "levels", "review_priority", "attributes", "recipe"):
        assert getattr(first, name) == getattr(second, name), name


@pytest.mark.parametrize("uncertainty", [False, True])
def test_a_scene_comes_back_as_it_was_given(store: Store, uncertainty: bool) -> None:
    scene = built_scene(uncertainty=uncertainty, evs=(-1.5, 0, 0.33), note="ä|b")
    assert store.write_scene(scene)
    assert_same(store.read_scene("scene_1"), scene)


def test_plain_zarr_reads_what_is_stored(store: Store) -> None:
    scene = built_scene(uncertainty=True)
    store.write_scene(scene)
    group = zarr.open_group(store.path / "scenes" / "scene_1", mode="r")
    for name in ARRAYS:
        np.testing.assert_array_equal(group[name][...], getattr(scene, name), strict=True)
    assert group["residual"].fill_value == INVALID_CODE
    assert group.attrs["evs"] == [-1.0, 0.0, 1.0]
    assert group.attrs["attributes"]["licence"] == "CC0-1.0"
    first = scene.residual[0]
    by_hand = hashlib.sha256(b"int16 24,32\n" + first.astype("<i2").tobytes()).hexdigest()
    assert group.attrs["digests"]["residual"]["N1"] == by_hand


def test_pixels_are_read_one_by_one(store: Store) -> None:
    scene = built_scene(uncertainty=True)
    store.write_scene(scene)
    stored = store.open_scene("scene_1")
    assert (stored.shape, stored.levels, stored.evs) == ((24, 32), ("N1", "P0", "P1"), (-1.0, 0.0, 1.0))
    np.testing.assert_array_equal(stored.exposure("P1"), scene.exposures[2])
    np.testing.assert_array_equal(stored.residual("N1"), scene.residual[0])
    np.testing.assert_array_equal(stored.outliers("P0"), scene.outliers[1])
    np.testing.assert_array_equal(stored.reference(), scene.reference)
    assert scene.uncertainty is not None
    np.testing.assert_array_equal(stored.uncertainty("P1"), scene.uncertainty[2])
    with pytest.raises(StoreError, match="no such level"):
        stored.exposure("P4")


def test_the_same_scene_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = Store.create(tmp_path / "a"), Store.create(tmp_path / "b")
    one, two = built_scene("x", uncertainty=True, b=1, a=2), built_scene("y", uncertainty=True)
    first.write_scene(one)
    first.write_scene(two)
    second.write_scene(two)
    reordered = dict(reversed(list(one.attributes.items())))
    fortran = {name: np.asfortranarray(getattr(one, name)) for name in ARRAYS}
    again = {**vars(one), **fortran, "attributes": reordered}
    second.write_scene(BuiltScene(**again))
    assert files(first.path) == files(second.path)


def test_a_chunk_of_fill_values_is_written_too(store: Store) -> None:
    scene = built_scene(evs=(0,))
    scene.residual[...] = INVALID_CODE
    store.write_scene(scene)
    assert (store.path / "scenes/scene_1/residual/c/0/0/0").exists()


def test_nothing_is_ever_overwritten(store: Store) -> None:
    scene = built_scene()
    store.write_scene(scene)
    before = files(store.path)
    assert not store.write_scene(scene), "the very same scene is no conflict"
    with pytest.raises(AlreadyExistsError, match="never overwritten"):
        store.write_scene(built_scene(seed=1))
    assert files(store.path) == before


def test_has_scene_tells_recipes_apart(store: Store) -> None:
    scene = built_scene(recipe={"gain": 2.0, "steps": [1, 2]})
    assert not store.has_scene("scene_1")
    store.write_scene(scene)
    assert store.has_scene("scene_1")
    assert store.has_scene("scene_1", digest(scene.recipe))
    assert not store.has_scene("scene_1", digest({"gain": 2.1, "steps": [1, 2]}))


@pytest.mark.parametrize("array", ["exposures/c/0/0/0/0", "residual/c/0/0/0", "reference/c/0/0/0"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_damage_is_an_error_and_never_data(store: Store, array: str, damage: str) -> None:
    store.write_scene(built_scene())
    file = store.path / "scenes" / "scene_1" / array
    data = bytearray(file.read_bytes())
    if damage == "flip":
        data[len(data) // 3] ^= 4
        file.write_bytes(data)
    elif damage == "truncate":
        file.write_bytes(data[: len(data) // 2])
    else:
        file.unlink()
    with pytest.raises(CorruptDataError):
        store.read_scene("scene_1")


def test_exchanged_pixels_are_found_although_every_checksum_holds(store: Store) -> None:
    store.write_scene(built_scene())
    array = zarr.open_array(store.path / "scenes/scene_1/residual", mode="r+")
    array[0, 5, 5] = int(array[0, 5, 5]) + 1
    with pytest.raises(CorruptDataError, match="residual of N1"):
        store.read_scene("scene_1")


def test_ids_and_counts(store: Store) -> None:
    for scene_id in ("b", "a (1)", "C"):
        store.write_scene(built_scene(scene_id))
    (store.path / "scenes" / ".DS_Store").write_text("")
    store.quarantine("d", UnreadableImageError("not a picture"))
    assert store.scene_ids() == ["C", "a (1)", "b"]
    assert store.counts() == StoreCounts(scenes=3, exposures=9, quarantined=1)


def test_quarantine_keeps_the_reason_until_the_scene_is_built(store: Store) -> None:
    error = UnreadableImageError("the file is empty", where="a.dng", remedy="copy it again")
    store.quarantine("scene_1", error, {"a": 1})
    (entry,) = store.quarantined()
    assert (entry.scene_id, entry.error, entry.recipe_digest) == (
        "scene_1",
        "UnreadableImageError",
        digest({"a": 1}),
    )
    assert "copy it again" in entry.message
    store.quarantine("scene_1", ValueError("worse"))
    assert [e.message for e in store.quarantined()] == ["worse"]
    store.write_scene(built_scene())
    assert store.quarantined() == []
    with pytest.raises(BadInputError):
        store.quarantine("../x", error)


def test_a_scene_can_be_discarded_and_built_anew(store: Store) -> None:
    store.write_scene(built_scene())
    store.discard_scene("scene_1")
    assert store.scene_ids() == []
    assert store.write_scene(built_scene(seed=1))
    with pytest.raises(StoreError, match="no such scene"):
        store.discard_scene("other")


def test_opening_refuses_what_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store here"):
        Store.open(tmp_path)
    (tmp_path / "photo.jpg").write_text("")
    with pytest.raises(AlreadyExistsError, match="something else"):
        Store.create(tmp_path)
    (tmp_path / "store.json").write_text("{")
    with pytest.raises(CorruptDataError):
        Store.open(tmp_path)
    (tmp_path / "store.json").write_text('{"format": "other"}')
    with pytest.raises(StoreError, match="not a store"):
        Store.open(tmp_path)


def test_newer_formats_are_refused_with_a_way_out(store: Store) -> None:
    store.write_scene(built_scene())
    head = store.path / "scenes/scene_1/zarr.json"
    head.write_text(head.read_text().replace('"format_version": 2', '"format_version": 3'))
    with pytest.raises(StoreError, match="newer iea40k"):
        store.open_scene("scene_1")
    file = store.path / "store.json"
    file.write_text(json.dumps({"format": "iea40k-store", "version": 99}))
    with pytest.raises(StoreError, match="newer iea40k"):
        Store.open(store.path)


def as_format_1(folder: Path, spread: np.ndarray | None) -> None:
    """Make a scene one of format 1, whose `uncertainty` was the experts' spread, (H, W) uint16."""
    head = folder / "zarr.json"
    content = json.loads(head.read_text())
    content["attributes"]["format_version"] = 1
    if spread is not None:
        group = zarr.open_group(folder)
        create_array(group, "spread", spread.shape, spread.shape, spread.shape)[...] = spread
        (folder / "spread").rename(folder / "uncertainty")
        content["attributes"]["digests"]["uncertainty"] = array_digest(spread)
    head.write_text(json.dumps(content))


def test_scenes_of_the_first_format_stay_readable(store: Store) -> None:
    """What they hold of uncertainty is the experts' spread, a mean absolute deviation, once for all levels."""
    for scene_id in ("with", "without"):
        store.write_scene(built_scene(scene_id))
    spread = np.full((24, 32), 3264, np.uint16)
    spread[0] = 65535
    as_format_1(store.path / "scenes/with", spread)
    as_format_1(store.path / "scenes/without", None)
    assert store.open_scene("without").uncertainty("P0") is None
    for level in ("N1", "P1"):
        codes = store.open_scene("with").uncertainty(level)
        assert codes is not None
        assert (codes[0] == UNKNOWN).all()
        assert sd_of(codes[1:]) == pytest.approx(0.1 * np.sqrt(np.pi / 2), rel=0.015)
    assert store.read_scene("with").uncertainty.shape == (3, 24, 32)
    shutil.rmtree(store.path / "list")  # which there was none of then
    assert [problem.where for problem in verify_store(store)] == [store.path / "list"]
    assert make_list(store) == 2
    assert verify_store(store) == []


def test_opening_an_existing_store_again_keeps_it(store: Store) -> None:
    store.write_scene(built_scene())
    before = files(store.path)
    assert Store.create(store.path).scene_ids() == ["scene_1"]
    assert Store.open(store.path).read_scene("scene_1").levels == ("N1", "P0", "P1")
    assert files(store.path) == before


@pytest.mark.parametrize("same", [True, False])
def test_of_two_writers_of_one_scene_one_wins(store: Store, same: bool) -> None:
    scenes = [built_scene(seed=0), built_scene(seed=0 if same else 1)]
    outcomes: list[object] = []
    gate = threading.Barrier(2)

    def write(scene: BuiltScene) -> None:
        gate.wait()
        try:
            outcomes.append(Store.open(store.path).write_scene(scene))
        except AlreadyExistsError as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=write, args=(scene,)) for scene in scenes]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(map(str, outcomes)) == sorted(map(str, [True, False if same else AlreadyExistsError]))
    found = store.read_scene("scene_1")
    assert any(np.array_equal(found.residual, scene.residual) for scene in scenes)
    assert list((store.path / ".writing").iterdir()) == []


WRITER = """
import sys
from pathlib import Path
from iea40k.store.layout import Store
from tests.builders import built_scene
store = Store.open(Path(sys.argv[1]))
print("ready", flush=True)
for index in range(int(sys.argv[2]), int(sys.argv[3])):
    store.write_scene(built_scene(f"s{index:03}", height=96, width=128))
"""


def start_writer(store: Store, first: int, last: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(store.path), str(first), str(last)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


def test_a_killed_writer_resumes_to_identical_bytes(tmp_path: Path) -> None:
    whole, torn = Store.create(tmp_path / "whole"), Store.create(tmp_path / "torn")
    for index in range(8):
        whole.write_scene(built_scene(f"s{index:03}", height=96, width=128))
    process = start_writer(torn, 0, 8)
    assert process.stdout is not None
    process.stdout.readline()
    while process.poll() is None and not any((torn.path / ".writing").glob("*/scene/zarr.json")):
        time.sleep(0.001)
    process.kill()
    process.communicate()
    for scene_id in torn.scene_ids():
        torn.read_scene(scene_id)  # whatever has its name is whole
    torn.clear_leftovers()
    assert list((torn.path / ".writing").iterdir()) == []
    for index in range(8):
        if not torn.has_scene(f"s{index:03}"):
            torn.write_scene(built_scene(f"s{index:03}", height=96, width=128))
    assert files(torn.path) == files(whole.path)


def test_writers_of_different_scenes_do_not_disturb_each_other(store: Store) -> None:
    writers = [start_writer(store, 0, 5), start_writer(store, 5, 10)]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert len(store.scene_ids()) == 10
    for index in range(10):
        assert_same(store.read_scene(f"s{index:03}"), built_scene(f"s{index:03}", height=96, width=128))


FULL = """
import resource, sys
from pathlib import Path
from iea40k.errors import StoreError
from iea40k.store.layout import Store
from tests.builders import built_scene
store = Store.open(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    store.write_scene(built_scene("big", height=200, width=300))
except StoreError as error:
    sys.exit(f"refused: {error.what}")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a thing of POSIX systems")
def test_a_full_disk_is_one_clear_error_and_leaves_nothing(store: Store) -> None:
    store.write_scene(built_scene())
    before = files(store.path)
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(store.path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert "refused: the disk is full" in done.stderr, done.stderr
    assert files(store.path) == before
    assert store.scene_ids() == ["scene_1"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_store_is_one_clear_error(store: Store) -> None:
    store.path.chmod(0o555)
    try:
        with pytest.raises(StoreError, match="cannot be written"):
            store.write_scene(built_scene())
    finally:
        store.path.chmod(0o755)
