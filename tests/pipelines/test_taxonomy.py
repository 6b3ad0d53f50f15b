from pathlib import Path

import pandas as pd
import pytest

from iea40k.errors import ManifestError
from iea40k.manifest import write_manifest
from iea40k.tables import read_table
from pipelines.cli.program import run
from pipelines.taxonomy import apply_labels, load_taxonomy, write_labels


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    file = tmp_path / "m.csv"
    rows = [
        {
            "scene_id": "a0001-x",
            "kind": "raw",
            "exposures": "a.dng",
            "light": "mixed",
            "x_fivek_subject": "people",
        },
        {
            "scene_id": "a0002-y (1)",
            "kind": "raw",
            "exposures": "b.dng",
            "light": "",
            "x_fivek_subject": "man_made",
        },
    ]
    write_manifest(pd.DataFrame(rows), file)
    return file


def test_the_published_counts() -> None:
    taxonomy = load_taxonomy()
    assert len(taxonomy.super_classes) == 8
    assert len(taxonomy.scene_classes) >= 50
    assert len(taxonomy.lights) == len(set(taxonomy.lights)) == 17
    assert len(taxonomy.devices) == len(set(taxonomy.devices)) >= 27


def test_fivek_categories_that_say_too_little_give_nothing() -> None:
    taxonomy = load_taxonomy()
    people = {"location": "indoor", "time": "day", "light": "mixed", "subject": "people"}
    vague = {"location": "outdoor", "time": "day", "light": "sun_sky", "subject": "man_made"}
    assert taxonomy.from_fivek(people) == {"super_class": "people", "scene_class": "", "light": "mixed"}
    assert taxonomy.from_fivek(vague) == {"super_class": "", "scene_class": "", "light": ""}
    assert taxonomy.from_fivek({**vague, "time": "dusk"})["light"] == "dusk_or_dawn"


def test_mapped_words_are_words_of_the_taxonomy() -> None:
    taxonomy = load_taxonomy()
    for _, gives in taxonomy.fivek:
        assert gives
        assert not taxonomy.faults(gives)


def test_labels_go_out_and_come_back_as_a_spreadsheet_saves_them(manifest: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    assert write_labels(manifest, labels) == 2
    assert labels.read_bytes().startswith(b"\xef\xbb\xbf")
    text = labels.read_text(encoding="utf-8-sig").replace(",", ";")
    text = text.replace("a0002-y (1);;;;", "a0002-y (1);;tower;window;Phone X")
    labels.write_text(text, encoding="utf-8-sig")
    rows = apply_labels(manifest, labels, load_taxonomy()).set_index("scene_id")
    assert list(rows.loc["a0002-y (1)", ["super_class", "scene_class", "light", "device"]]) == [
        "building",
        "tower",
        "window",
        "Phone X",
    ]
    assert rows.loc["a0001-x", "light"] == "mixed"


def test_every_wrong_cell_is_named_at_once(manifest: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(
        "scene_id,super_class,scene_class,light\n"
        "a0001-x,building,forest,\n"
        "a0002-y (1),,castle,laser\n"
        "a0003-z,,,window\n"
        "a0001-x,,,window\n"
    )
    with pytest.raises(ManifestError) as caught:
        apply_labels(manifest, labels, load_taxonomy())
    places = [(p.where.line, p.where.column) for p in caught.value.problems]
    assert sorted(places) == [
        (2, "scene_class"),
        (3, "light"),
        (3, "scene_class"),
        (4, "scene_id"),
        (5, "scene_id"),
    ]


def test_the_commands(manifest: Path, tmp_path: Path) -> None:
    labels, new = tmp_path / "labels.csv", tmp_path / "new.csv"
    assert run(["manifest", "labels", str(manifest), "-o", str(labels)]) == 0
    labels.write_text("scene_id,light\na0001-x,window\n")
    assert run(["manifest", "labels", str(manifest), "--apply", str(labels), "-o", str(new)]) == 0
    assert list(read_table(new).frame["light"]) == ["window", ""]
    away = tmp_path / "sub" / "n.csv"
    assert run(["manifest", "labels", str(manifest), "--apply", str(labels), "-o", str(away)]) == 0
    assert set(read_table(away).frame["root"]) == {manifest.parent.as_posix()}
