import csv
import json
import unicodedata
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from iea40k.store.layout import Store
from iea40k.store.release import Release, ReleaseOptions, write_release
from iea40k.uncertainty import sd_of
from pipelines.cli.program import run
from tests.builders import built_scene
from tests.pipelines.fivek_tree import IDS, write_photo
from tests.pipelines.official_tree import SCENES, Official, write_official


def rows(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


VERSION = ("--version", "1.0.0", "--allow-unlicensed")
"""Published scenes whose licence nobody knows are among them."""


@pytest.fixture(scope="module")
def trip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Official, Path]:
    """A tree of 40 images, through a store and a release, and out again."""
    folder = tmp_path_factory.mktemp("trip")
    tree = write_official(folder / "official")
    lists = folder / "lists"
    lists.mkdir()
    (lists / "filesAdobe.txt").write_text("\n".join(SCENES[:4]))
    (lists / "filesAdobeMIT.txt").write_text("\n".join(SCENES[4:7]))
    assert run(["import", "official", str(tree.root), str(folder / "store"), "--metadata", str(lists)]) == 0
    assert run(["release", str(folder / "store"), str(folder / "release"), *VERSION]) == 0
    assert run(["export", str(folder / "release"), str(folder / "out"), "--format", "official"]) == 0
    return tree, folder


def test_every_picture_comes_back_pixel_for_pixel(trip: tuple[Official, Path]) -> None:
    tree, folder = trip
    assert len(tree.labels) == 40
    found = {p.relative_to(folder / "out").as_posix() for p in (folder / "out").rglob("*.png")}
    assert found == set(tree.pictures)
    for path, pixels in tree.pictures.items():
        np.testing.assert_array_equal(imagecodecs.png_decode((folder / "out" / path).read_bytes()), pixels)


def test_every_label_file_comes_back_byte_for_byte(trip: tuple[Official, Path]) -> None:
    tree, folder = trip
    place = Path("label/exposure_condition")
    for name in tree.labels:
        assert (folder / "out" / place / f"{name}.npy").read_bytes() == (
            tree.root / place / f"{name}.npy"
        ).read_bytes()


def test_every_table_comes_back_row_for_row(trip: tuple[Official, Path]) -> None:
    tree, folder = trip
    for table in ("train_256.csv", "train_256_2ev.csv", "valid_256_2ev.csv"):
        assert rows(folder / "out" / table) == rows(tree.root / table)


def test_the_given_score_stands_beside_our_own(trip: tuple[Official, Path]) -> None:
    tree, folder = trip
    images = Release.open(folder / "release").images.set_index("image_id")
    for name, score in tree.scores.items():
        assert images.loc[name, "score_given"] == score
        own = 10 * (1 - np.abs(tree.labels[name].astype(float)).mean() / 255)
        assert images.loc[name, "score"] == pytest.approx(own, abs=1e-9)


def test_the_published_split_is_a_scheme_by_name(trip: tuple[Official, Path]) -> None:
    _, folder = trip
    release = Release.open(folder / "release")
    assert len(release.split_schemes) == 6
    assert set(release.images_of("split_official", "valid")["scene_id"]) == set(SCENES[4:7])


def test_licences_reach_tables_and_cut_subsets(trip: tuple[Official, Path]) -> None:
    _, folder = trip
    images = Release.open(folder / "release").images
    assert set(images.loc[images["licence"] == "AdobeMIT", "scene_id"]) == set(SCENES[4:7])
    assert dict(r[:2] for r in rows(folder / "out" / "LICENCES.csv"))[f"{SCENES[0]}_P0.png"] == "Adobe"
    command = [
        "release",
        str(folder / "store"),
        str(folder / "part"),
        "--version",
        "1.0.0",
        "--licence",
        "AdobeMIT",
    ]
    assert run(command) == 0
    assert set(Release.open(folder / "part").images["scene_id"]) == set(SCENES[4:7])
    out = ["export", str(folder / "release"), str(folder / "out_mit"), "--format", "official"]
    assert run([*out, "--licence", "AdobeMIT"]) == 0
    names = {p.name.rpartition("_")[0] for p in (folder / "out_mit" / "IEA_img").iterdir()}
    assert names == set(SCENES[4:7])
    assert run([*out[:2], str(folder / "none"), *out[3:], "--licence", "CC0"]) == 2
    assert not (folder / "none").exists()


def test_names_in_any_script_cells_and_the_pictures_own_bytes_come_back(tmp_path: Path) -> None:
    scenes = ("夜景 (1)", "a0007-été", "منظر")
    tree = write_official(tmp_path / "official", side=32, scenes=scenes)
    for table in ("train_256.csv", "train_256_2ev.csv"):
        cells = [line.split(",") for line in (tree.root / table).read_text().splitlines()]
        texts = [f"{float(score):.4f}" if "2ev" in table else f"0{score}" for _, _, score in cells[1:]]
        lines = [
            "img_id,ref_id,score",
            *(",".join([*c[:2], t]) for c, t in zip(cells[1:], texts, strict=True)),
        ]
        (tree.root / table).write_text("\n".join(lines) + "\n", encoding="utf-8")
    for path in tree.pictures:  # as another program packs them
        file = tree.root / path
        file.write_bytes(imagecodecs.png_encode(tree.pictures[path], level=1))
    # macOS gives names apart from their accents
    for file in list(tree.root.rglob("a0007*")):
        file.rename(file.with_name(unicodedata.normalize("NFD", file.name)))
    assert run(["import", "official", str(tree.root), str(tmp_path / "store")]) == 0
    assert run(["release", str(tmp_path / "store"), str(tmp_path / "release"), *VERSION]) == 0
    assert run(["verify", str(tmp_path / "release")]) == 0
    export = [
        "export",
        str(tmp_path / "release"),
        str(tmp_path / "out"),
        "--format",
        "official",
        "--size",
        "0",
    ]
    changed = tree.root / "IEA_img" / f"{scenes[0]}_P0.png"
    changed.write_bytes(imagecodecs.png_encode(255 - tree.pictures[f"IEA_img/{scenes[0]}_P0.png"]))
    assert run([*export, "--originals", str(tree.root)]) == 0
    for table in ("train_256.csv", "train_256_2ev.csv"):
        assert sorted(rows(tmp_path / "out" / table)) == sorted(rows(tree.root / table))
    for path, pixels in tree.pictures.items():
        written = (tmp_path / "out" / path).read_bytes()
        np.testing.assert_array_equal(imagecodecs.png_decode(written), pixels)
        own = imagecodecs.png_encode(pixels, level=1)
        assert (written == own) is (not path.endswith(f"{scenes[0]}_P0.png"))


def test_an_export_is_never_overwritten(trip: tuple[Official, Path]) -> None:
    _, folder = trip
    assert run(["export", str(folder / "release"), str(folder / "out"), "--format", "official"]) == 2
    assert (
        run(["export", str(folder / "release"), str(folder / "new"), "--format", "official", "--split", "no"])
        == 2
    )
    assert not (folder / "new").exists()
    assert not list(folder.glob(".*"))


@pytest.fixture
def release(tmp_path: Path) -> Path:
    store = Store.create(tmp_path / "store")
    for number in range(6):
        store.write_scene(built_scene(f"s{number}", height=40, width=60, invalid=number == 0))
    write_release(store, tmp_path / "release", ReleaseOptions(version="1.0.0"))
    return tmp_path / "release"


def test_frames_of_our_own_are_scaled_for_the_published_code(release: Path, tmp_path: Path) -> None:
    command = ["export", str(release), str(tmp_path / "out"), "--format", "official", "--split", "split_0"]
    assert run(command) == 0
    label = np.load(tmp_path / "out/label/exposure_condition/s0_P1.npy")
    assert label.shape == (256, 256)
    opened = Release.open(release)
    row = opened.images.set_index("image_id").loc["s0_P1"]
    codes = opened.array(row["frame"], "residual")[int(row["index"])]
    assert np.isnan(label[:12]).all()  # two rows without data of 40, scaled
    assert np.nanmean(label) == pytest.approx((codes[codes != -32768] / 128).mean(), abs=0.2)
    listed = {row[0] for table in (tmp_path / "out").glob("*_2*.csv") for row in rows(table)[1:]}
    assert len(listed) == 18


def test_or_left_as_they_are(release: Path, tmp_path: Path) -> None:
    assert run(["export", str(release), str(tmp_path / "out"), "--format", "official", "--size", "0"]) == 0
    opened = Release.open(release)
    for row in opened.images.to_dict("records"):
        label = np.load(tmp_path / f"out/label/exposure_condition/{row['image_id']}.npy")
        codes = opened.array(row["frame"], "residual")[row["index"]]
        np.testing.assert_array_equal(np.nan_to_num(label * 128, nan=-32768), codes)


def test_scores_of_our_own_have_two_decimals(release: Path, tmp_path: Path) -> None:
    run(["export", str(release), str(tmp_path / "out"), "--format", "official"])
    own = Release.open(release).images.set_index("image_id")["score"]
    for name, _, score in rows(tmp_path / "out" / "train_256.csv")[1:]:
        assert float(score) == round(own[name.removesuffix(".png")], 2)


def test_fivek_from_tree_to_release_with_spread_split_and_licence(tmp_path: Path) -> None:
    root, table = tmp_path / "fivek", {}
    for number, name in ((1, IDS[0]), (4125, IDS[2])):
        write_photo(root, name, "ABC", seed=number, stops=0.5)
        table[name] = {
            "id": number,
            "license": "Adobe" if number == 1 else "AdobeMIT",
            "camera": {"make": "Canon", "model": "EOS 5D"},
            "categories": {"location": "outdoor", "time": "day", "light": "sun_sky", "subject": "nature"},
        }
    (root / "training.json").write_text(json.dumps(table))
    assert run(["manifest", "fivek", str(root), "-o", str(root / "m.csv")]) == 0
    assert run(["build", str(root / "m.csv"), str(tmp_path / "store")]) == 0
    assert run(["release", str(tmp_path / "store"), str(tmp_path / "release"), *VERSION]) == 0
    assert run(["verify", str(tmp_path / "release")]) == 0
    release = Release.open(tmp_path / "release")
    images = release.images.set_index("image_id")
    row = images.loc[f"{IDS[2]}_N1"]
    assert (row["licence"], row["device"], row["simulation"]) == ("AdobeMIT", "Canon EOS 5D", "ev")
    assert dict(zip(release.splits["scene_id"], release.splits["split_official"], strict=True)) == {
        IDS[0]: "train",
        IDS[2]: "valid",
    }
    codes = release.array(row["frame"], "uncertainty")[int(row["index"])]
    np.testing.assert_array_equal(codes, Store.open(tmp_path / "store").open_scene(IDS[2]).uncertainty("N1"))
    assert 0.02 < np.nanmean(sd_of(codes)) < 0.2
    assert 0 < row["uncertainty_experts"] <= row["uncertainty"]
    recipe = json.loads(release.scenes.set_index("scene_id").loc[IDS[2], "recipe"])
    assert recipe["frames"]["tone"]["model"] == "exposure and zone V contrast"
