"""A release holds what the store held, whole, once, the same every time; and a killed run goes on."""

import hashlib
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr

from iea40k.arrays import INVALID_CODE
from iea40k.errors import (
    AlreadyExistsError,
    ArrayError,
    BadInputError,
    CorruptDataError,
    LicenceError,
    StoreError,
)
from iea40k.scene import NO_UNCERTAINTY
from iea40k.store.layout import Store
from iea40k.store.locks import FileLock
from iea40k.store.release import Labels, Provenance, Release, verify_release, write_release
from iea40k.store.scenes import StoredScene
from iea40k.uncertainty import UNKNOWN
from tests.builders import built_scene
from tests.iea40k.store.release.conftest import OPTIONS, SCENES

ROOT = Path(__file__).parents[4]


def files(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_plain_zarr_and_pandas_find_every_image(published: Release) -> None:
    images = pd.read_parquet(published.path / "tables" / "images.parquet")
    arrays = zarr.open_group(published.path / "arrays", mode="r")
    assert len(images) == sum(len(s.levels) for s in SCENES.values())
    for row in images.itertuples():
        scene = SCENES[row.scene_id]
        place = scene.levels.index(row.level)
        frame = arrays[row.frame]
        np.testing.assert_array_equal(frame["exposures"][row.index], scene.exposures[place], strict=True)
        np.testing.assert_array_equal(frame["residual"][row.index], scene.residual[place], strict=True)
        np.testing.assert_array_equal(frame["outliers"][row.index], scene.outliers[place], strict=True)
        np.testing.assert_array_equal(frame["reference"][row.scene_index], scene.reference, strict=True)
        assert (row.ev, row.suspicion) == (scene.evs[place], scene.review_priority[place])
        assert (row.height, row.width) == scene.reference.shape[:2]
        assert row.licence == scene.attributes["licence"]
        assert row.source == scene.attributes["source"]


def test_statistics_are_those_of_the_pixels(published: Release) -> None:
    for row in published.images.to_dict("records"):
        scene = SCENES[row["scene_id"]]
        codes = scene.residual[scene.levels.index(row["level"])].astype(np.float64)
        valid = codes != INVALID_CODE
        mean = np.abs(codes[valid] / 32640).mean()
        assert row["valid_fraction"] == pytest.approx(valid.mean(), abs=0)
        assert row["mean_abs_residual"] == pytest.approx(mean, rel=1e-12)
        assert row["score"] == pytest.approx(10 * (1 - mean), rel=1e-12)


def test_uncertainty_travels_and_is_unknown_where_nobody_gave_it(published: Release) -> None:
    arrays = zarr.open_group(published.path / "arrays", mode="r")
    rows = published.images.set_index("image_id")
    codes = SCENES["s04"].uncertainty
    assert codes is not None
    for level, expected in zip(SCENES["s04"].levels, codes, strict=True):
        row = rows.loc[f"s04_{level}"]
        np.testing.assert_array_equal(arrays[row["frame"]]["uncertainty"][row["index"]], expected)
        sd = 2 ** ((expected[expected != UNKNOWN].astype(float) - 252) / 24)
        assert row["uncertainty"] == pytest.approx(np.sqrt((sd**2).mean()), rel=1e-6)
    other = rows[(rows["frame"] == row["frame"]) & (rows["scene_id"] != "s04")].iloc[0]
    assert (arrays[other["frame"]]["uncertainty"][other["index"]] == UNKNOWN).all()
    assert np.isnan(other["uncertainty"])
    assert "uncertainty" not in arrays["20x32"]


def test_absent_data_would_read_as_no_data_never_as_perfect(published: Release) -> None:
    for frame in published.frames():
        metadata = json.loads((published.path / "arrays" / frame / "residual" / "zarr.json").read_text())
        assert metadata["fill_value"] == INVALID_CODE
        (sharding,) = metadata["codecs"]
        assert sharding["name"] == "sharding_indexed"
        assert sharding["configuration"]["codecs"][-1]["name"] == "crc32c"
        assert sharding["configuration"]["chunk_shape"][0] == 1


def test_many_samples_lie_in_one_shard_and_several_shards_are_there(published: Release) -> None:
    shards = list((published.path / "arrays" / "24x32" / "residual" / "c").iterdir())
    images = int((published.images["frame"] == "24x32").sum())
    assert len(shards) == -(-images // 4)


def test_it_is_sound_and_complete(published: Release) -> None:
    assert verify_release(published.path) == []
    names = {p.name for p in published.path.iterdir()}
    assert names == {
        "arrays",
        "tables",
        "README.md",
        "composition.png",
        "preview",
        "CITATION.cff",
        "croissant.json",
        "LICENCES.csv",
        "SHA256SUMS",
        "release.json",
        "ROOT.sha256",
    }
    done = subprocess.run(
        ["sha256sum", "-c", "--strict", "--quiet", "SHA256SUMS", "ROOT.sha256"],
        cwd=published.path,
        check=False,
    )
    assert done.returncode == 0


def test_the_head_speaks_for_every_byte(published: Release) -> None:
    sums = (published.path / "SHA256SUMS").read_bytes()
    assert published.digest == hashlib.sha256(sums).hexdigest()
    listed = {line.split("  ", 1)[1] for line in sums.decode().splitlines()}
    assert listed == set(files(published.path)) - {"SHA256SUMS", "release.json", "ROOT.sha256"}


def test_the_same_scenes_give_the_same_bytes(published: Release, tmp_path: Path) -> None:
    store = Store.create(tmp_path / "elsewhere")
    for scene in reversed(SCENES.values()):
        store.write_scene(scene)
    again = write_release(store, tmp_path / "again", OPTIONS)
    assert files(again.path) == files(published.path)


def test_large_frames_are_cut_into_tiles_that_plain_zarr_reads(tmp_path: Path) -> None:
    """Tests treat warnings as errors: zarr-python knows every codec without an extension."""
    store = Store.create(tmp_path / "store")
    scene = built_scene("large", height=200, width=330, evs=(-1.0, 0.0, 1.0), uncertainty=True, invalid=True)
    store.write_scene(scene)
    large = write_release(store, tmp_path / "large", OPTIONS)
    assert verify_release(large.path) == []
    arrays = zarr.open_group(large.path / "arrays/200x330", mode="r")
    tiles = {arrays[name].chunks[1:3] for name in arrays.array_keys()}
    assert tiles == {(100, 110)}
    for name in ("exposures", "residual", "outliers"):
        np.testing.assert_array_equal(arrays[name][...], getattr(scene, name), strict=True)
    np.testing.assert_array_equal(arrays["reference"][0], scene.reference, strict=True)
    np.testing.assert_array_equal(arrays["uncertainty"][...], scene.uncertainty, strict=True)
    codecs = {
        codec["name"]
        for file in (large.path / "arrays").rglob("zarr.json")
        if '"codecs"' in (text := file.read_text())
        for codec in json.loads(text)["codecs"][0]["configuration"]["codecs"]
    }
    assert codecs == {"transpose", "bytes", "blosc", "zstd", "crc32c"}


def test_a_published_release_is_never_overwritten(store: Store, release: Release, tmp_path: Path) -> None:
    before = files(release.path)
    with pytest.raises(AlreadyExistsError, match="never overwritten"):
        write_release(store, release.path, replace(OPTIONS, version="2.0.0"))
    assert files(release.path) == before
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    with pytest.raises(AlreadyExistsError):
        write_release(store, tmp_path / "notes", OPTIONS)
    assert (tmp_path / "notes" / "a.txt").read_text() == "mine"


def test_an_empty_folder_is_no_obstacle(store: Store, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert write_release(store, tmp_path / "out", OPTIONS).version == "1.0.0"


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "01.0.0", "1.0.0-rc1", "", "1.0.0\n"])
def test_versions_are_three_numbers(store: Store, tmp_path: Path, version: str) -> None:
    with pytest.raises(BadInputError, match="not a version"):
        write_release(store, tmp_path / "out", replace(OPTIONS, version=version))
    assert list(tmp_path.iterdir()) == []


def test_a_licence_filter_leaves_the_others_out(store: Store, tmp_path: Path) -> None:
    cut = write_release(store, tmp_path / "cut", replace(OPTIONS, licences=("cc0-1.0",)))
    assert sorted(cut.scenes["scene_id"]) == [f"s{i:02}" for i in range(5)]
    assert set(cut.images["licence"]) == {"CC0-1.0"}
    assert cut.head["licences"] == {"CC0-1.0": 5}
    assert verify_release(cut.path) == []
    with pytest.raises(LicenceError, match="no scene of the store"):
        write_release(store, tmp_path / "none", replace(OPTIONS, licences=("MIT",)))


def test_scenes_without_a_licence_say_so_and_pass_no_filter(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    store.write_scene(built_scene("a", licence=""))
    store.write_scene(built_scene("b", licence="MIT"))
    with pytest.raises(LicenceError, match="1 of 2 without: a"):
        write_release(store, tmp_path / "all", OPTIONS)
    everything = write_release(store, tmp_path / "all", replace(OPTIONS, allow_unlicensed=True))
    assert list(everything.scenes["licence"]) == ["not stated", "MIT"]
    assert list(
        write_release(store, tmp_path / "mit", replace(OPTIONS, licences=("MIT",))).scenes["scene_id"]
    ) == ["b"]
    with pytest.raises(LicenceError):
        write_release(store, tmp_path / "none", replace(OPTIONS, licences=("not stated",)))


def test_an_empty_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no scenes"):
        write_release(Store.create(tmp_path / "s"), tmp_path / "out", OPTIONS)


def test_a_damaged_scene_stops_the_release_and_nothing_is_published(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    store.write_scene(built_scene("a"))
    shard = next(p for p in (store.path / "scenes/a/residual/c").rglob("*") if p.is_file())
    shard.write_bytes(shard.read_bytes()[:-9])
    with pytest.raises(CorruptDataError):
        write_release(store, tmp_path / "out", OPTIONS)
    assert not (tmp_path / "out").exists()


def test_two_writers_do_not_meet(store: Store, tmp_path: Path) -> None:
    lock = FileLock(tmp_path / ".out.lock")
    assert lock.acquire()
    with pytest.raises(StoreError, match="another process"):
        write_release(store, tmp_path / "out", OPTIONS)
    lock.release()
    write_release(store, tmp_path / "out", OPTIONS)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


WRITER = """
import sys, time
from pathlib import Path
from iea40k.store.layout import Store
from iea40k.store.release import write_release
from tests.iea40k.store.release.conftest import OPTIONS
slow = lambda done, total, what: time.sleep(0.05)
write_release(Store.open(Path(sys.argv[1])), Path(sys.argv[2]), OPTIONS, progress=slow)
"""


def start(store: Store, out: Path, prelude: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", prelude + WRITER, str(store.path), str(out)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_at(process: subprocess.Popen[str], journal: Path, lines: int) -> None:
    """Kill -9 as soon as the journal has this many lines."""
    while process.poll() is None:
        if journal.is_file() and journal.read_bytes().count(b"\n") >= lines:
            break
        time.sleep(0.002)
    process.kill()
    process.communicate()


@pytest.mark.parametrize("lines", [1, 4, 7])
def test_a_killed_run_goes_on_to_the_same_bytes(
    store: Store, published: Release, tmp_path: Path, lines: int
) -> None:
    out = tmp_path / "out"
    journal = tmp_path / ".out.partial" / "journal.jsonl"
    kill_at(start(store, out), journal, lines)
    assert not out.exists(), "a release is there whole or not at all"
    finished = [json.loads(t) for t in journal.read_text().splitlines()[1:] if t.endswith("}")]
    kept = {
        name: (tmp_path / ".out.partial" / name).stat().st_mtime_ns
        for line in finished
        for name in line["files"]
    }
    again = write_release(store, out, OPTIONS)
    assert files(again.path) == files(published.path)
    assert {name: (out / name).stat().st_mtime_ns for name in kept} == kept, "finished shards are kept"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_torn_pieces_are_made_again(store: Store, published: Release, tmp_path: Path) -> None:
    out, partial = tmp_path / "out", tmp_path / ".out.partial"
    kill_at(start(store, out), partial / "journal.jsonl", 5)
    lines = (partial / "journal.jsonl").read_text().splitlines()
    (name, *_) = json.loads(lines[2])["files"]
    (partial / name).write_bytes(b"torn")
    (partial / "arrays" / "x.abc.partial").write_bytes(b"left by a killed write")
    with (partial / "journal.jsonl").open("a") as stream:
        stream.write('{"piece": "images/24x32/0", "fil')
    assert files(write_release(store, out, OPTIONS).path) == files(published.path)


def test_what_another_release_left_is_not_used(store: Store, published: Release, tmp_path: Path) -> None:
    out = tmp_path / "out"
    kill_at(start(store, out), tmp_path / ".out.partial" / "journal.jsonl", 5)
    other = write_release(store, out, replace(OPTIONS, seed=8))
    assert verify_release(other.path) == []
    assert files(other.path) != files(published.path)


FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))\n"


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a thing of POSIX systems")
def test_a_full_disk_is_one_clear_error_and_the_run_goes_on_after_it(
    store: Store, published: Release, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = start(store, out, FULL)
    _, stderr = process.communicate()
    assert "DiskError: the disk is full" in stderr
    assert not out.exists()
    assert files(write_release(store, out, OPTIONS).path) == files(published.path)


def test_progress_counts_images(store: Store, tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    write_release(store, tmp_path / "out", OPTIONS, progress=lambda *step: seen.append(step))
    total = sum(len(s.levels) for s in SCENES.values())
    assert seen[-1][:2] == (total, total)
    assert [step[0] for step in seen] == sorted(step[0] for step in seen)


# ---------------------------------------------------------------- tables


def test_what_a_manifest_carries_beyond_the_columns_is_kept(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    store.write_scene(
        built_scene(
            "a",
            evs=(-1, 0),
            score={"N1": 3.5, "P0": 9},
            note={"N1": "dark", "P0": "fine"},
            x_roll="7",
            index="own",
            clipped=[1, 2],
            split_official="train",
        )
    )
    store.write_scene(built_scene("b", evs=(0,), split_official="valid"))
    release = write_release(store, tmp_path / "out", OPTIONS)
    images = release.images.set_index("image_id")
    assert list(images.loc[["a_N1", "a_P0"], "given_score"]) == [3.5, 9.0]
    assert np.isnan(images.loc["b_P0", "given_score"])
    assert images.loc["a_N1", "note"] == "dark"
    assert images.loc["a_N1", "score"] != 3.5
    scene = release.scenes.set_index("scene_id").loc["a"]
    assert (scene["x_roll"], scene["given_index"], scene["clipped"]) == ("7", "own", "[1, 2]")
    assert dict(zip(release.splits["scene_id"], release.splits["split_official"], strict=True)) == {
        "a": "train",
        "b": "valid",
    }
    assert release.head["splits"]["split_official"]["kind"] == "given"
    assert verify_release(release.path) == []


@pytest.mark.parametrize("attributes", [{"split_0": "train"}, {"split_x": "validation"}])
def test_impossible_named_schemes_are_refused(tmp_path: Path, attributes: dict[str, str]) -> None:
    store = Store.create(tmp_path / "s")
    store.write_scene(built_scene("a", **attributes))
    with pytest.raises(BadInputError, match=r"split scheme|split of a scheme"):
        write_release(store, tmp_path / "out", OPTIONS)


def test_scenes_of_one_composition_share_a_part(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    for index in range(12):
        store.write_scene(built_scene(f"s{index}", height=4, width=4, evs=(0,), x_composition=f"{index % 4}"))
    release = write_release(store, tmp_path / "out", OPTIONS)
    table = release.splits.merge(release.scenes, on="scene_id")
    for name in (f"split_{i}" for i in range(5)):
        assert all(len(set(splits)) == 1 for _, splits in table.groupby("composition")[name])
    assert verify_release(release.path) == []


def test_five_splits_cover_every_scene(published: Release) -> None:
    assert published.split_schemes == tuple(f"split_{i}" for i in range(5))
    for name in published.split_schemes:
        splits = published.splits[name]
        sizes = splits.value_counts().to_dict()
        assert sum(sizes.values()) == 10
        assert set(sizes) == {"train", "valid", "test"}
        assert max(sizes, key=sizes.__getitem__) == "train"
        ids = [set(published.images_of(name, split)["scene_id"]) for split in ("train", "valid", "test")]
        assert sum(map(len, ids)) == 10
        assert set.union(*ids) == set(SCENES)
    with pytest.raises(BadInputError, match="no such split scheme"):
        published.images_of("split_9", "train")


def test_licences_are_listed_an_image_a_line(published: Release) -> None:
    table = pd.read_csv(published.path / "LICENCES.csv")
    expected = {
        f"{s.scene_id}_{level}": s.attributes["licence"] for s in SCENES.values() for level in s.levels
    }
    assert dict(zip(table["image_id"], table["licence"], strict=True)) == expected


def test_a_licence_that_looks_like_a_formula_is_disarmed(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    store.write_scene(built_scene("a", evs=(0,), licence='=HYPERLINK("http://x")'))
    release = write_release(store, tmp_path / "out", OPTIONS)
    assert pd.read_csv(release.path / "LICENCES.csv")["licence"][0].startswith("'=")
    assert release.images["licence"][0] == '=HYPERLINK("http://x")'


# ---------------------------------------------------------------- corrections


def corrected(scene: StoredScene) -> Labels:
    """An expert sets the first pixel of N2 to 0.5; others disagree by a tenth."""
    residual = np.stack([scene.residual(level) for level in scene.levels])
    touched = np.zeros(residual.shape, np.bool_)
    spread = np.full(residual.shape, NO_UNCERTAINTY, np.uint16)
    entries = ()
    if "N2" in scene.levels:
        place = scene.levels.index("N2")
        residual[place, 5, 5], touched[place, 5, 5], spread[place, 5, 5] = 16320, True, 3264
        entries = (Provenance("N2", "ada", "map", 2, 1, "2026-01-02T03:04:05Z", "2026-01-02T03:05:05Z"),)
    return Labels(residual, touched, spread, provenance=entries)


def test_corrections_are_replayed_and_say_who(store: Store, tmp_path: Path) -> None:
    options = replace(OPTIONS, ledger={"cursor": 17})
    release = write_release(store, tmp_path / "out", options, labels_of=corrected)
    arrays = zarr.open_group(release.path / "arrays", mode="r")
    assert (release.images["level"] == "N2").sum() == 5
    for row in release.images.itertuples():
        frame, scene = arrays[row.frame], SCENES[row.scene_id]
        base = scene.residual[scene.levels.index(row.level)].copy()
        touched = np.zeros(base.shape, np.uint8)
        if row.level == "N2":
            base[5, 5], touched[5, 5] = 16320, 1
            assert frame["spread"][row.index][5, 5] == 3264
        np.testing.assert_array_equal(frame["residual"][row.index], base)
        np.testing.assert_array_equal(frame["touched"][row.index], touched)
        assert row.touched_fraction == touched.mean()
    assert list(release.provenance["annotator"].unique()) == ["ada"]
    assert release.provenance.iloc[0].to_dict() == {
        "image_id": "s01_N2",
        "scene_id": "s01",
        "level": "N2",
        "annotator": "ada",
        "purpose": "map",
        "corrections": 2,
        "pixels": 1,
        "first_at": "2026-01-02T03:04:05Z",
        "last_at": "2026-01-02T03:05:05Z",
    }
    assert (release.head["corrected_images"], release.head["ledger"]) == (5, {"cursor": 17})
    assert verify_release(release.path) == []


def test_an_edited_reference_takes_the_place_of_the_base(store: Store, tmp_path: Path) -> None:
    def brighter(scene: StoredScene) -> Labels:
        residual = np.stack([scene.residual(level) for level in scene.levels])
        return Labels(residual, reference=np.full((*scene.shape, 3), 200, np.uint8))

    release = write_release(store, tmp_path / "out", OPTIONS, labels_of=brighter)
    assert (release.array("20x32", "reference")[0] == 200).all()
    assert verify_release(release.path) == []


@pytest.mark.parametrize(
    "wrong",
    [
        lambda r: Labels(r[:, 1:]),
        lambda r: Labels(np.full_like(r, 32767)),
        lambda r: Labels(r, touched=np.zeros(r.shape, np.uint8)),
        lambda r: Labels(r, disagreement=np.zeros(r.shape, np.int16)),
        lambda r: Labels(r, reference=np.zeros((3, 3, 3), np.uint8)),
    ],
)
def test_impossible_labels_are_refused(store: Store, tmp_path: Path, wrong) -> None:
    def labels_of(scene: StoredScene) -> Labels:
        return wrong(np.stack([scene.residual(level) for level in scene.levels]))

    with pytest.raises(ArrayError):
        write_release(store, tmp_path / "out", OPTIONS, labels_of=labels_of)


# ---------------------------------------------------------------- for machines and people


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_croissant_is_valid_and_its_records_are_the_table(published: Release) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    dataset = mlcroissant.Dataset(jsonld=published.path / "croissant.json")
    assert not dataset.metadata.issues.errors
    records = list(dataset.records("images"))
    assert [r["images/image_id"].decode() for r in records] == list(published.images["image_id"])
    assert [r["images/ev"] for r in records] == list(published.images["ev"])


def test_the_card_says_what_is_inside(published: Release, store: Store, tmp_path: Path) -> None:
    card = (published.path / "README.md").read_text()
    assert f"{len(published.images)} exposures of 10 scenes" in card
    assert "| CC0-1.0 | 5 |" in card
    assert "no corrections are replayed" in card
    dated = write_release(store, tmp_path / "out", replace(OPTIONS, published="2026-03-01"))
    assert "# exposure dataset 1.0.0 (2026-03-01)" in (dated.path / "README.md").read_text()
    assert json.loads((dated.path / "croissant.json").read_text())["datePublished"] == "2026-03-01"
    with pytest.raises(BadInputError, match="date"):
        write_release(store, tmp_path / "other", replace(OPTIONS, published="1.3.2026"))


def test_opening_refuses_what_is_no_release(release: Release, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no release here"):
        Release.open(tmp_path)
    head = json.loads((release.path / "release.json").read_text())
    (release.path / "release.json").write_text(json.dumps({**head, "format_version": 3}))
    with pytest.raises(StoreError, match="newer iea40k"):
        Release.open(release.path)
    (release.path / "release.json").write_text("{}")
    with pytest.raises(StoreError, match="not a release"):
        Release.open(release.path)
    (release.path / "release.json").write_text("{")
    with pytest.raises(CorruptDataError):
        Release.open(release.path)


def test_the_folders_that_a_release_lies_in_are_flushed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[Path] = []
    monkeypatch.setattr("iea40k.files.fsync_folder", flushed.append)
    write_release(store, tmp_path / "new" / "newer" / "release", OPTIONS)
    assert tmp_path in flushed
    assert tmp_path / "new" in flushed
    assert tmp_path / "new" / "newer" in flushed
