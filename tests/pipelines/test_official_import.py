import json
import pickle
import shutil
import zipfile
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from iea40k.errors import ArrayError, BadInputError, UnreadableImageError
from iea40k.manifest import read_manifest
from iea40k.store.layout import Store
from pipelines.cli.program import run
from pipelines.official.labels import label_values, read_label
from pipelines.official.names import official_split, parse_image_id
from pipelines.official.tree import read_tree
from tests.pipelines.official_tree import LEVELS, SCENES, Official, write_official, write_tables


@pytest.fixture
def tree(tmp_path: Path) -> Official:
    return write_official(tmp_path / "official", side=32)


def imported(tree: Official, tmp_path: Path, *options: str) -> tuple[int, Store]:
    code = run(["import", "official", str(tree.root), str(tmp_path / "store"), *options])
    return code, Store.open(tmp_path / "store")


def test_pixels_and_residuals_are_exactly_the_published_ones(tree: Official, tmp_path: Path) -> None:
    code, store = imported(tree, tmp_path, "--licence", "research only")
    assert code == 0
    assert store.scene_ids() == sorted(SCENES)
    for scene_id in SCENES:
        scene = store.read_scene(scene_id)
        assert scene.levels == LEVELS
        np.testing.assert_array_equal(scene.reference, tree.pictures[f"label/global_best/{scene_id}.png"])
        for level, exposure, codes in zip(LEVELS, scene.exposures, scene.residual, strict=True):
            name = f"{scene_id}_{level}"
            np.testing.assert_array_equal(exposure, tree.pictures[f"IEA_img/{name}.png"])
            np.testing.assert_array_equal(codes, tree.labels[name].astype(float) * 128)
        assert scene.attributes["score_given"] == {
            level: tree.scores[f"{scene_id}_{level}"] for level in LEVELS
        }
        assert scene.attributes["licence"] == "research only"
        assert set(scene.attributes["label_rounding"].values()) == {0}


def test_the_published_split_goes_with_the_scenes(tree: Official, tmp_path: Path) -> None:
    _, store = imported(tree, tmp_path)
    parts = {s: store.open_scene(s).attributes["split_official"] for s in SCENES}
    assert [s for s in SCENES if parts[s] == "valid"] == list(SCENES[4:7])
    assert parts["street_7"] == "train"
    assert official_split("a4123-IMG_0070") == "train"
    assert official_split("a4124-x") == "valid"
    assert official_split("street_7") == ""


def test_a_second_import_does_nothing_twice(
    tree: Official, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(tree, tmp_path)
    capsys.readouterr()
    assert imported(tree, tmp_path, "--json")[0] == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["scenes"], result["present"]) == (0, len(SCENES))


def test_from_a_zip_of_the_tree(tree: Official, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "IEA40K"), "zip", tmp_path, "official")
    assert run(["import", "official", archive, str(tmp_path / "store")]) == 0
    assert len(Store.open(tmp_path / "store").scene_ids()) == len(SCENES)
    with zipfile.ZipFile(archive, "a") as pack:
        pack.writestr("../evil.png", b"x")
    assert run(["import", "official", archive, str(tmp_path / "store2")]) == 2
    assert not (tmp_path / "store2").exists()


def test_each_bad_file_costs_itself_and_is_named(
    tree: Official, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, label = tree.root, tree.root / "label" / "exposure_condition"
    (root / f"IEA_img/{SCENES[0]}_N2.png").unlink()  # a row whose image is missing
    (label / f"{SCENES[0]}_N1.npy").unlink()
    (root / f"label/global_best/{SCENES[1]}.png").unlink()
    (label / f"{SCENES[2]}_P0.npy").write_bytes(pickle.dumps([1, 2]))
    np.save(label / f"{SCENES[2]}_P1.npy", np.zeros((16, 16), np.float32))  # another size
    np.save(label / f"{SCENES[2]}_P2.npy", -tree.labels[f"{SCENES[2]}_P2"])  # overexposed marked +
    (root / f"IEA_img/{SCENES[3]}_P0.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    np.save(label / "stray_P0.npy", np.zeros((32, 32), np.float32))
    with (root / "valid_256_2ev.csv").open("a") as table:
        table.write("../../etc/passwd_N1.png,../../etc/passwd.png,5\n")
        table.write(f"{SCENES[4]}_N9x.png,{SCENES[4]}.png,5\n{SCENES[4]}_N1.png,{SCENES[5]}.png,5\n")
    code, store = imported(tree, tmp_path, "--json")
    assert code == 1
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert len(problems) == 11
    text = "\n".join(problems)
    for said in (
        "its image is missing",
        "its label is missing",
        "the reference is missing",
        "NumPy",
        "differ in size",
        "sign is against",
        "cannot be decoded",
        "without its image",
        "not a scene id",
        "not a level",
        "another scene's",
    ):
        assert said in text, said
    assert store.open_scene(SCENES[0]).levels == ("P0", "P1", "P2")
    assert store.open_scene(SCENES[2]).levels == ("N2", "N1")
    assert store.open_scene(SCENES[3]).levels == ("N2", "N1", "P1", "P2")
    assert not store.has_scene(SCENES[1])


def test_a_scene_in_both_parts_is_left_out(tree: Official, tmp_path: Path) -> None:
    with (tree.root / "valid_256_2ev.csv").open("a") as table:
        table.write(f"{SCENES[0]}_P0.png,{SCENES[0]}.png,{tree.scores[SCENES[0] + '_P0']}\n")
    code, store = imported(tree, tmp_path)
    assert code == 1
    assert SCENES[0] not in store.scene_ids()


def test_a_scene_with_no_usable_exposure_is_quarantined(tree: Official, tmp_path: Path) -> None:
    for level in LEVELS:
        (tree.root / f"label/exposure_condition/{SCENES[0]}_{level}.npy").write_bytes(b"")
    code, store = imported(tree, tmp_path)
    assert code == 1
    assert [q.scene_id for q in store.quarantined()] == [SCENES[0]]


def test_pictures_that_are_not_plain_rgb_are_refused(tree: Official, tmp_path: Path) -> None:
    clear = np.dstack([tree.pictures[f"IEA_img/{SCENES[0]}_P0.png"], np.full((32, 32), 99, np.uint8)])
    (tree.root / f"IEA_img/{SCENES[0]}_P0.png").write_bytes(imagecodecs.png_encode(clear))
    code, store = imported(tree, tmp_path)
    assert code == 1
    assert "P0" not in store.open_scene(SCENES[0]).levels


def test_a_tree_without_the_folders_says_which(tmp_path: Path) -> None:
    (tmp_path / "IEA_img").mkdir()
    with pytest.raises(BadInputError, match="exposure_condition"):
        read_tree(tmp_path)


def test_the_licence_of_each_photo_comes_from_the_metadata(tree: Official, tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "filesAdobe.txt").write_text(f"{SCENES[0]}\n")
    (lists / "filesAdobeMIT.txt").write_text(f"{SCENES[5]}\n")
    _, store = imported(tree, tmp_path, "--metadata", str(lists), "--licence", "other")
    licences = {s: store.open_scene(s).attributes["licence"] for s in SCENES}
    assert (licences[SCENES[0]], licences[SCENES[5]], licences["street_7"]) == ("Adobe", "AdobeMIT", "other")


class Exploit:
    """Unpickling it raises an error that nothing else raises."""

    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("a pickle was run",))


@pytest.mark.parametrize(
    "form", ["object array", "bare pickle", "npz", "huge header", "cut", "text", "structured"]
)
def test_labels_that_are_no_numbers_are_refused_unread(tmp_path: Path, form: str) -> None:
    file, good = tmp_path / "x.npy", np.zeros((8, 8), np.float32)
    np.save(file, good)
    data = file.read_bytes()
    if form == "object array":
        np.save(file, np.array([[Exploit()]], dtype=object), allow_pickle=True)
    elif form == "bare pickle":
        file.write_bytes(pickle.dumps(Exploit()))
    elif form == "npz":
        with file.open("wb") as stream:
            np.savez(stream, good)
    elif form == "huge header":
        file.write_bytes(data.replace(b"(8, 8)", b"(8, 8888888888888)".ljust(6))[: len(data)])
    elif form == "cut":
        file.write_bytes(data[:-4])
    elif form == "text":
        np.save(file, np.array([["a"]]))
    else:
        np.save(file, np.zeros((2, 2), [("a", "f4")]))
    with pytest.raises(UnreadableImageError, match="label"):
        read_label(file)


def test_units_and_range_of_labels(tmp_path: Path) -> None:
    file = tmp_path / "x.npy"
    np.save(file, np.array([[-255.0, 0.0, 255.0, 0.5, np.nan]]))
    label = read_label(file)
    assert label.codes.tolist() == [[-32640, 0, 32640, 64, -32768]]
    assert label.rounding == 0
    np.save(file, np.array([[10.001, 3.0]]))
    assert 0 < read_label(file).rounding <= 1 / 256
    for values, message in (
        ([[256.0]], "range"),
        ([[0.37, -0.2]], "units of 1"),
        ([[np.inf]], "range"),
        ([0.0], "two dim"),
    ):
        np.save(file, np.array(values))
        with pytest.raises(ArrayError, match=message):
            read_label(file)


@pytest.mark.parametrize("dtype", ["<f4", "<f8", "<i2", "|i1", ">f4"])
def test_number_types_come_back_or_are_widened(tmp_path: Path, dtype: str) -> None:
    codes = (np.arange(-100, 101, dtype=np.int16) * 128)[None]
    values, fits = label_values(codes, dtype)
    assert fits
    assert values.dtype == np.dtype(dtype)
    np.save(tmp_path / "x.npy", values)
    np.testing.assert_array_equal(read_label(tmp_path / "x.npy").codes, codes)
    corrected, fits = label_values(np.array([[1, 200 * 128 + 3]], np.int16), dtype)
    assert fits == (dtype[1] == "f")
    np.save(tmp_path / "x.npy", corrected)
    assert read_label(tmp_path / "x.npy").codes.tolist() == [[1, 25603]]


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("a4125-jmacdscf0006 (1)_N1.png", ("a4125-jmacdscf0006 (1)", "N1")),
        ("a0001-jmac_DSC1459_P0.png", ("a0001-jmac_DSC1459", "P0")),
        ("x_N1.5.png", ("x", "N1.5")),
    ],
)
def test_names(name: str, parsed: tuple[str, str]) -> None:
    assert parse_image_id(name) == parsed


@pytest.mark.parametrize(
    "name", ["a_N1", "a.png", "../a_N1.png", "a/b_N1.png", "_N1.png", "a_N01.png", "a_N0.png", "con_N1.png"]
)
def test_impossible_names(name: str) -> None:
    with pytest.raises(BadInputError):
        parse_image_id(name)


def test_images_without_a_row_come_without_a_score(tree: Official, tmp_path: Path) -> None:
    del tree.scores[f"{SCENES[5]}_P2"]
    write_tables(tree.root, tree.scores)
    code, store = imported(tree, tmp_path)
    assert code == 0
    assert store.open_scene(SCENES[5]).attributes["score_given"]["P2"] is None


@pytest.mark.real_data
def test_every_published_name_is_understood(real_data: Path) -> None:
    from iea40k.tables import read_table

    expected = {"train_256": 36972, "train_256_2ev": 20540, "valid_256_2ev": 4375}
    for table, count in expected.items():
        names = read_table(real_data / "official" / f"{table}.csv").frame["img_id"]
        parsed = [parse_image_id(name) for name in names]
        assert len(set(parsed)) == count
        assert {official_split(scene) for scene, _ in parsed} == {table.split("_")[0]}


def test_a_manifest_makes_the_residuals_anew(tmp_path: Path) -> None:
    from iea40k.residuals import residual_codes

    tree = write_official(tmp_path / "official", side=64, scenes=SCENES[1:2])
    file = tree.root / "official.csv"
    assert run(["manifest", "official", str(tree.root), "-o", str(file), "--licence", "research only"]) == 0
    assert run(["build", str(file), str(tmp_path / "store")]) == 0
    scene = Store.open(tmp_path / "store").read_scene(SCENES[1])
    assert scene.levels == LEVELS
    assert (scene.attributes["licence"], scene.attributes["split_official"]) == ("research only", "train")
    np.testing.assert_array_equal(scene.reference, tree.pictures[f"label/global_best/{SCENES[1]}.png"])
    valid = scene.residual != -32768
    np.testing.assert_array_equal(
        scene.residual[valid], residual_codes(scene.reference, scene.exposures)[valid]
    )
    away = tmp_path / "lists" / "m.csv"
    assert run(["manifest", "official", str(tree.root), "-o", str(away), "--licence", "research only"]) == 0
    assert read_manifest(away).scenes == read_manifest(file).scenes
