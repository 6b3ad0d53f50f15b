import json
import re
from pathlib import Path

import pandas as pd
import pytest

from iea40k.files import sha256_file
from iea40k.manifest import read_manifest
from pipelines.cli.program import run
from pipelines.fivek import scan
from tests.pipelines.fivek_tree import IDS, write_photo, write_retouch


def entry(number: int, licence: str = "Adobe", **categories: str) -> dict[str, object]:
    return {
        "id": number,
        "license": licence,
        "camera": {"make": "Canon", "model": "EOS 5D"},
        "categories": {
            "location": "outdoor",
            "time": "day",
            "light": "sun_sky",
            "subject": "nature",
            **categories,
        },
    }


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "fivek"
    write_photo(root, IDS[0], "ABC", official=True)
    write_photo(root, IDS[2], "", seed=1)
    table = {
        IDS[0]: entry(1),
        IDS[1]: entry(1384),
        IDS[2]: entry(4125, "AdobeMIT", subject="man_made", light="mixed"),
    }
    (root / "training.json").write_text(json.dumps(table))
    return root


def rows(file: Path) -> pd.DataFrame:
    return pd.read_csv(file, dtype=str, keep_default_na=False).set_index("scene_id")


def test_both_layouts_make_rows_that_the_build_can_read(tree: Path) -> None:
    assert run(["manifest", "fivek", str(tree), "-o", str(tree / "fivek.csv")]) == 0
    manifest = read_manifest(tree / "fivek.csv", check_digests=True)
    assert [scene.scene_id for scene in manifest.scenes] == [IDS[0], IDS[2]]
    first, other = manifest.scenes
    assert (first.kind, first.simulation, first.experts) == ("raw", "ev", ("A", "B", "C"))
    assert first.references[2].sha256 == sha256_file(tree / f"processed/tiff16_c/{IDS[0]}.tif")
    assert first.attributes["missing"] == "expert D|expert E"
    assert first.attributes["licence"] == "Adobe"
    assert first.attributes["device"] == "Canon EOS 5D"
    assert first.attributes["super_class"] == "nature"
    assert (first.attributes["split_official"], other.attributes["split_official"]) == ("train", "valid")
    assert other.references == ()
    assert other.attributes["light"] == "mixed"
    # 'man_made' could be a building, a city or an object: the metadata cannot tell, so nobody guesses.
    assert "super_class" not in other.attributes
    assert other.attributes["x_fivek_subject"] == "man_made"


def test_what_has_not_arrived_is_listed_and_a_second_run_adds_it(tree: Path) -> None:
    file = tree / "fivek.csv"
    run(["manifest", "fivek", str(tree), "-o", str(file)])
    missing = rows(tree / "fivek.missing.csv")
    assert missing.loc[IDS[1], "missing"] == "dng|expert A|expert B|expert C|expert D|expert E"
    table = rows(file)
    table.loc[IDS[2], ["scene_class", "super_class", "light"]] = ["tower", "building", "window"]
    table["x_mine"] = table["split_mine"] = "test"
    table.reset_index().to_csv(file, index=False)
    write_photo(tree, IDS[1], "E", seed=2)
    assert run(["manifest", "fivek", str(tree), "-o", str(file)]) == 0
    again = rows(file)
    assert list(again.index) == sorted(IDS)
    assert again.loc[IDS[1], "experts"] == "E"
    assert list(again.loc[IDS[2], ["scene_class", "super_class", "light", "x_mine", "split_mine"]]) == [
        "tower",
        "building",
        "window",
        "test",
        "test",
    ]
    assert "missing" in rows(tree / "fivek.missing.csv").columns


def test_labels_of_a_photo_that_is_away_for_a_while_are_not_lost(tree: Path) -> None:
    file, dng = tree / "fivek.csv", tree / f"raw/Canon_EOS_5D/{IDS[2]}.dng"
    run(["manifest", "fivek", str(tree), "-o", str(file)])
    table = rows(file)
    table.loc[IDS[2], "scene_class"] = "tower"
    table.reset_index().to_csv(file, index=False)
    dng.rename(tree / "away")
    for _ in range(2):
        assert run(["manifest", "fivek", str(tree), "-o", str(file)]) == 0
        assert IDS[2] not in rows(file).index
    assert rows(tree / "fivek.gone.csv").loc[IDS[2], "scene_class"] == "tower"
    (tree / "away").rename(dng)
    assert run(["manifest", "fivek", str(tree), "-o", str(file)]) == 0
    assert rows(file).loc[IDS[2], "scene_class"] == "tower"
    assert IDS[2] not in rows(tree / "fivek.gone.csv").index


def test_a_changed_file_gets_a_new_digest(tree: Path) -> None:
    file, dng = tree / "fivek.csv", tree / f"raw/Canon_EOS_5D/{IDS[2]}.dng"
    run(["manifest", "fivek", str(tree), "-o", str(file)])
    before = rows(file).loc[IDS[2], "exposures_sha256"]
    write_photo(tree, IDS[2], "", seed=9)
    run(["manifest", "fivek", str(tree), "-o", str(file)])
    after = rows(file).loc[IDS[2], "exposures_sha256"]
    assert before != after == sha256_file(dng)


def test_bad_files_cost_themselves_and_are_named(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dng = tree / f"raw/Canon_EOS_5D/{IDS[2]}.dng"
    dng.write_bytes(dng.read_bytes()[:-500])
    retouch = tree / f"processed/tiff16_b/{IDS[0]}.tif"
    retouch.write_bytes(b"")
    (tree / "raw" / "a0009-unknown.dng").write_bytes(b"?")
    assert run(["manifest", "fivek", str(tree), "-o", str(tree / "fivek.csv"), "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert result["photos"] == 1
    messages = "\n".join(result["problems"])
    assert "cut off" in messages
    assert "does not know this photo" in messages
    assert len(result["problems"]) == 3
    assert rows(tree / "fivek.csv").loc[IDS[0], "missing"] == "expert B|expert D|expert E"


def test_copies_are_one_photo_but_two_contents_are_none(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tree / f"fivek_dataset/raw_photos/HQa1to700/photos/{IDS[0]}.dng"
    copy = tree / "raw" / "x" / f"{IDS[0]}.dng"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(source.read_bytes())
    assert run(["manifest", "fivek", str(tree), "-o", str(tree / "fivek.csv")]) == 0
    write_photo(tree, IDS[0], "", seed=5)
    assert run(["manifest", "fivek", str(tree), "-o", str(tree / "fivek.csv")]) == 1
    assert "two different files" in capsys.readouterr().err
    assert list(rows(tree / "fivek.csv").index) == [IDS[2]]


def test_a_manifest_outside_the_tree_records_the_tree(tree: Path, tmp_path: Path) -> None:
    away = tmp_path / "other" / "m.csv"
    for output in (away, tree / "m.csv"):
        assert run(["manifest", "fivek", str(tree), "-o", str(output)]) == 0
    assert read_manifest(away).scenes == read_manifest(tree / "m.csv").scenes
    assert set(rows(away)["root"]) == {tree.as_posix()}


def test_known_digests_are_not_those_of_another_root(tree: Path, tmp_path: Path) -> None:
    output = tmp_path / "other" / "m.csv"
    assert run(["manifest", "fivek", str(tree), "-o", str(output)]) == 0
    wrong = output.read_text().replace(tree.as_posix(), "elsewhere")
    wrong = re.sub(r"\b[0-9a-f]{64}\b", "0" * 64, wrong)
    output.write_text(wrong)
    assert run(["manifest", "fivek", str(tree), "-o", str(output)]) == 0
    assert len(read_manifest(output, check_digests=True).scenes) == 2


def test_a_link_out_of_the_tree_is_refused(tree: Path, tmp_path: Path) -> None:
    dng = tree / f"raw/Canon_EOS_5D/{IDS[2]}.dng"
    dng.rename(tmp_path / "outside.dng")
    dng.symlink_to(tmp_path / "outside.dng")
    assert run(["manifest", "fivek", str(tree), "-o", str(tree / "fivek.csv")]) == 1
    assert list(rows(tree / "fivek.csv").index) == [IDS[0]]


def test_only_one_licence(tree: Path) -> None:
    assert run(["manifest", "fivek", str(tree), "-o", str(tree / "m.csv"), "--licence", "AdobeMIT"]) == 1
    assert list(rows(tree / "m.csv").index) == [IDS[2]]
    assert run(["manifest", "fivek", str(tree), "-o", str(tree / "m.csv"), "--licence", "CC0"]) == 2


def test_hidden_and_unfinished_files_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    for name in (f"._{IDS[0]}.dng", f"{IDS[0]}.dng.part", "note.txt"):
        (tmp_path / "raw" / name).write_bytes(b"x")
    (tmp_path / "elsewhere").mkdir()
    write_retouch(tmp_path / "elsewhere" / f"{IDS[0]}.tif", write_photo(tmp_path / "t", IDS[0], ""))
    tree = scan(tmp_path / "raw")
    assert not tree.raws
    assert not scan(tmp_path / "elsewhere").retouches


def test_nothing_usable_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "training.json").write_text(json.dumps({IDS[0]: entry(1)}))
    assert run(["manifest", "fivek", str(tmp_path), "-o", str(tmp_path / "m.csv")]) == 2
    assert "fetch fivek" in capsys.readouterr().err
    assert not (tmp_path / "m.csv").exists()
