"""Manifests of listed photographs and brackets: what is there, what is another file, built and split as listed."""

import csv
import hashlib
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest

from iea40k.errors import BadInputError, ManifestError
from iea40k.manifest import read_manifest
from iea40k.tables import read_table
from pipelines.build import build
from pipelines.cli.program import run
from pipelines.config import read_config
from pipelines.listed import write_listed

COLUMNS = ("path", "sha256", "licence", "author", "scene_id", "x_composition", "split_photographs")


def picture(file: Path, gain: float = 1.0) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    ramp = np.linspace(20, 200, 64 * 48 * 3).reshape(48, 64, 3)
    texture = np.random.default_rng(1).uniform(0, 30, (48, 64, 3))
    cv2.imwrite(str(file), np.clip((ramp + texture) * gain, 0, 255).astype(np.uint8))
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture
def place(tmp_path):
    photographs = tmp_path / "photographs"
    rows = [
        ("set/one.png", picture(photographs / "set/one.png"), "CC0-1.0", "Ada", "", "one", "train"),
        ("set/two.png", "", "CC0-1.0", "Ada", "", "one", "train"),
        ("b/dark.png", "", "CC-BY-4.0", "Bo", "bridge", "bridge", "valid"),
        ("b/light.png", "", "CC-BY-4.0", "Bo", "bridge", "bridge", "valid"),
    ]
    picture(photographs / "set/two.png", 0.8)
    picture(photographs / "b/dark.png", 0.4)
    picture(photographs / "b/light.png", 0.9)
    return tmp_path, rows


def write(file: Path, rows: list[tuple[str, ...]]) -> Path:
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    return file


def test_photographs_are_their_own_references_and_rows_of_one_scene_a_bracket(place):
    folder, rows = place
    written = write(folder / "list.csv", rows)
    out = folder / "manifest.csv"
    assert (
        run(["manifest", "photographs", str(folder / "photographs"), "--list", str(written), "-o", str(out)])
        == 0
    )
    manifest = read_manifest(out, check_digests=True)
    scenes = {scene.scene_id: scene for scene in manifest.scenes}
    assert set(scenes) == {"set_one", "set_two", "bridge"}
    assert scenes["set_one"].exposures == scenes["set_one"].references
    assert scenes["bridge"].kind == "bracket"
    assert len(scenes["bridge"].exposures) == 2
    assert scenes["bridge"].attributes["licence"] == "CC-BY-4.0"
    assert scenes["bridge"].attributes["x_author"] == "Bo"
    splits = {row["scene_id"]: row["split_photographs"] for row in read_table(out).frame.to_dict("records")}
    assert splits == {"set_one": "train", "set_two": "train", "bridge": "valid"}


def test_everything_that_is_missing_or_another_file_is_named_at_once(place):
    folder, rows = place
    picture(folder / "photographs" / "set/one.png", 0.5)
    (folder / "photographs" / "b/dark.png").unlink()
    with pytest.raises(ManifestError) as caught:
        write_listed([write(folder / "list.csv", rows)], folder / "photographs", folder / "manifest.csv")
    assert [p.where.line for p in caught.value.problems] == [2, 4]
    assert not (folder / "manifest.csv").exists()


def test_a_file_without_a_digest_may_have_come_in_another_format(place):
    folder, rows = place
    two = folder / "photographs" / "set/two.png"
    two.rename(two.with_suffix(".jpg"))
    found = write_listed([write(folder / "list.csv", rows)], folder / "photographs", folder / "manifest.csv")
    assert "photographs/set/two.jpg" in set(found["exposures"])


def test_a_list_without_licences_is_refused(place):
    folder, _ = place
    (folder / "list.csv").write_text("path,author\nset/one.png,Ada\n")
    with pytest.raises(BadInputError, match="licence"):
        write_listed([folder / "list.csv"], folder / "photographs", folder / "manifest.csv")


def test_the_shipped_lists_part_no_composition():
    for name in ("public.csv", "brackets.csv"):
        table = read_table(Path(str(files("manifests"))) / "photographs" / name).frame
        parts = table.groupby("x_composition")["split_photographs"].nunique()
        assert (parts == 1).all(), parts[parts > 1]
        assert set(table["split_photographs"]) == {"train", "valid"}


def test_the_shipped_build_configuration_makes_frames_of_what_is_listed(place):
    folder, rows = place
    write_listed([write(folder / "list.csv", rows[:1])], folder / "photographs", folder / "manifest.csv")
    config = read_config(Path(str(files("manifests"))) / "photographs" / "build.yaml")
    report = build(folder / "manifest.csv", folder / "store", config)
    assert [outcome.status for outcome in report.outcomes] == ["built"]
