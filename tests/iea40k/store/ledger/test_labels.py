"""Releases of a store with a ledger: the same cursor, the same bytes; and who touched what."""

import itertools
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iea40k.errors import BadInputError, StaleBaseError
from iea40k.scene import NO_UNCERTAINTY
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, MapKey, Queue, TaskRequest, add_tasks
from iea40k.store.ledger.labels import ledger_facts, ledger_labels
from iea40k.store.ledger.zone_replay import zone_draft
from iea40k.store.release import Release
from iea40k.zones import zone_change
from pipelines.cli.program import run
from tests.builders import built_scene
from tests.iea40k.store.ledger.test_corrected import BOX, hand_in, set_box


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "store")
    for name in ("a", "b", "c", "d"):
        store.write_scene(built_scene(name))
    return store


@pytest.fixture
def ledger(store: Store) -> Iterator[Ledger]:
    with Ledger.open(store.path, create=True) as opened:
        base = store.open_scene("a").residual("P1")
        add_tasks(opened, [TaskRequest("a", "P1", 1, slots=3)], "c")
        for name, value in (("Anna", 1000), ("O'Brien", 2000), ("Zed", None)):
            hand_in(opened, name, base, value)
        yield opened


def cut(store: Store, out: Path, *options: str) -> Release:
    assert run(["release", str(store.path), str(out), "--version", "1.0.0", *options]) == 0
    return Release.open(out)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_release_replays_the_ledger_and_says_who_touched_what(
    store: Store, ledger: Ledger, tmp_path: Path
) -> None:
    release = cut(store, tmp_path / "out")
    row = release.images.set_index("image_id").loc["a_P1"]
    base = store.open_scene("a").residual("P1")
    expected = base.copy()
    expected[BOX] = np.rint(np.median(np.stack([base * 0 + 1000, base * 0 + 2000, base]), axis=0))[BOX]
    frame, index = str(row["frame"]), int(row["index"])
    assert np.array_equal(release.array(frame, "residual")[index], expected)
    touched = release.array(frame, "touched")[index].astype(bool)
    assert touched[BOX].all()
    assert touched.sum() == 30
    spread = release.array(frame, "spread")[index]
    assert spread[BOX].max() > 0
    assert (spread[base == -32768] == NO_UNCERTAINTY).all()
    provenance = release.provenance
    assert list(zip(provenance["image_id"], provenance["annotator"], provenance["pixels"], strict=True)) == [
        ("a_P1", "Anna", 30),
        ("a_P1", "O'Brien", 30),
    ]
    assert pd.to_datetime(provenance["first_at"]).notna().all()
    assert release.head["ledger"]["cursor"] == ledger.cursor()
    assert release.head["ledger"]["ledger_id"] == ledger.ledger_id()
    assert run(["verify", str(tmp_path / "out")]) == 0
    assert run(["verify", str(store.path)]) == 0


def test_the_same_cursor_gives_the_same_bytes_for_ever(store: Store, ledger: Ledger, tmp_path: Path) -> None:
    first = cut(store, tmp_path / "first")
    cursor = ledger.cursor()
    ledger.append_correction(set_box(MapKey("b", "P1", "Solo"), store.open_scene("b").residual("P1"), 9))
    Queue(ledger).return_(MapKey("a", "P1", "Anna"), "R", "again")
    again = cut(store, tmp_path / "again", "--cursor", str(cursor))
    assert contents(first.path) == contents(again.path)
    now = cut(store, tmp_path / "now")
    assert now.digest != first.digest


def test_the_card_says_how_far_annotators_agree_at_the_cursor(
    store: Store, ledger: Ledger, tmp_path: Path
) -> None:
    release = cut(store, tmp_path / "out")
    own = store.open_scene("a").residual("P1")[BOX].astype(float).ravel() / 32640
    maps = np.stack([own * 0 + 1000 / 32640, own * 0 + 2000 / 32640, own])
    pairs = list(itertools.combinations(maps, 2))
    apart = np.mean([np.abs(one - other).mean() for one, other in pairs])
    observed = np.mean([np.square(one - other).mean() for one, other in pairs])
    values = maps.ravel()
    expected = 2 * values.var() * values.size / (values.size - 1)
    found = release.head["agreement"]
    assert (found["images"], found["people"]) == (1, 3)
    assert [row["level"] for row in found["rows"]] == ["all", "P1"]
    for row in found["rows"]:
        assert (row["images"], row["pixels"]) == (1, 30)
        assert row["mae"] == pytest.approx(apart, abs=1e-4)
        assert row["alpha"] == pytest.approx(1 - observed / expected, abs=1e-4)
    card = (release.path / "README.md").read_text(encoding="utf-8")
    section = card.partition("## How far annotators agree\n")[2].partition("\n## ")[0]
    assert "1 images that two or more of 3 people" in section
    assert f"| all | 1 | 30 | {found['rows'][0]['icc']:.3f} | " in section
    assert not any(name in card for name in ("Anna", "Brien", "Zed"))
    croissant = json.loads((release.path / "croissant.json").read_text(encoding="utf-8"))
    assert f"mean difference {apart:.3f}" in croissant["rai:dataAnnotationAnalysis"]


def test_the_card_says_why_agreement_is_not_known(store: Store, ledger: Ledger, tmp_path: Path) -> None:
    def said(release: Release) -> str:
        card = (release.path / "README.md").read_text(encoding="utf-8")
        return card.partition("## How far annotators agree\n")[2].partition("\n## ")[0].strip()

    assert said(cut(store, tmp_path / "base", "--base-only")) == (
        "Not known: no ledger was replayed, so no corrections of people are in here."
    )
    left = tmp_path / "left.txt"
    left.write_text("a\n", encoding="utf-8")
    without = cut(store, tmp_path / "without", "--exclude", str(left))
    assert said(without) == "Not known: no image of this release was corrected by two people."
    assert without.head["agreement"] == {"images": 0, "people": 0, "rows": []}


def test_diff_tells_scenes_pixels_and_who(
    store: Store, ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut(store, tmp_path / "one")
    scene = store.open_scene("b")
    map_key = MapKey("b", "N1", "Solo")
    for number in range(3):
        ledger.append_correction(set_box(map_key, scene.residual("N1"), 7000 + number))
    cut(store, tmp_path / "two")
    capsys.readouterr()
    assert run(["diff", str(tmp_path / "one"), str(tmp_path / "two"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["scenes_changed"] == ["b"]
    assert [(c["image_id"], c["pixels"]) for c in found["images_changed"]] == [("b_N1", 30)]
    assert found["corrections_by"] == {"Solo": 3}


def test_zone_edits_change_the_reference_and_every_level(
    store: Store, ledger: Ledger, tmp_path: Path
) -> None:
    scene = store.open_scene("c")
    change = zone_change(scene.reference(), np.ones(scene.shape, np.bool_), 6.0)
    ledger.append(zone_draft(MapKey("c", "reference", "Ansel"), scene.reference(), change))
    release = cut(store, tmp_path / "out")
    mine = release.provenance[release.provenance["scene_id"] == "c"]
    assert set(mine["level"]) == set(scene.levels)
    assert set(mine["purpose"]) == {"reference"}
    row = release.scenes.set_index("scene_id").loc["c"]
    assert release.array(str(row["frame"]), "reference")[int(row["index"])].mean() > scene.reference().mean()
    assert run(["verify", str(tmp_path / "out")]) == 0


def test_without_a_ledger_or_with_base_only_there_are_no_corrections(
    store: Store, ledger: Ledger, tmp_path: Path
) -> None:
    base = cut(store, tmp_path / "base", "--base-only")
    assert base.head["ledger"] == {}
    assert len(base.provenance) == 0
    bare = Store.create(tmp_path / "bare")
    bare.write_scene(built_scene("a"))
    assert cut(bare, tmp_path / "bare_release").head["ledger"] == {}


def test_stale_strokes_stop_a_release_until_somebody_decides(
    store: Store, ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.discard_scene("a")
    store.write_scene(built_scene("a", seed=9))
    labels_of = ledger_labels(ledger, ledger.cursor())
    with pytest.raises(StaleBaseError, match="Anna"):
        labels_of(store.open_scene("a"))
    assert run(["release", str(store.path), str(tmp_path / "out"), "--version", "1.0.0"]) == 1
    assert "queue STORE stale" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    release = cut(store, tmp_path / "out", "--leave-out-stale")
    assert release.head["ledger"]["stale_left_out"] is True
    assert "(stale): left out, where there were any." in (release.path / "README.md").read_text("utf-8")
    row = release.images.set_index("image_id").loc["a_P1"]
    found = release.array(str(row["frame"]), "residual")[int(row["index"])]
    assert np.array_equal(found, store.open_scene("a").residual("P1"))


def test_a_cursor_beyond_the_end_is_refused(ledger: Ledger) -> None:
    for cursor in (-1, ledger.cursor() + 1):
        with pytest.raises(BadInputError, match="no such entry"):
            ledger_facts(ledger, cursor)


def test_a_ledger_rewritten_from_its_first_row_is_told_by_a_release(
    store: Store, ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every chain made anew: the ledger alone cannot tell, the release can."""
    from iea40k.store.ledger.chain import row_hash

    out = cut(store, tmp_path / "out").path
    verify = ["queue", str(store.path), "verify", "--release", str(out)]
    ledger.append_correction(set_box(MapKey("b", "P1", "Solo"), store.open_scene("b").residual("P1"), 9))
    assert run(verify) == 0
    connection = sqlite3.connect(store.path / "ledger.sqlite")
    connection.row_factory = sqlite3.Row
    (guard,) = connection.execute(
        "SELECT sql FROM sqlite_master WHERE name = 'corrections_no_update'"
    ).fetchone()
    connection.execute("DROP TRIGGER corrections_no_update")
    rows = [
        dict(r) for r in connection.execute("SELECT * FROM corrections WHERE scene_id = 'a' ORDER BY seq")
    ]
    previous = ""
    for row in rows:
        row["tool"], row["previous"] = '{"radius":99}', previous
        previous = row["hash"] = row_hash("corrections", row)
        connection.execute(
            "UPDATE corrections SET tool = ?, previous = ?, hash = ? WHERE entry = ?",
            (row["tool"], row["previous"], row["hash"], row["entry"]),
        )
    connection.execute(
        "UPDATE heads SET hash = ? WHERE journal = 'corrections' AND scene_id = 'a'", (previous,)
    )
    connection.execute(guard)
    connection.commit()
    connection.close()
    assert list(ledger.tampering()) == []
    capsys.readouterr()
    assert run(verify) == 1
    assert "are not those that" in capsys.readouterr().out


def test_verify_of_a_store_looks_into_its_ledger(
    store: Store, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = sqlite3.connect(store.path / "ledger.sqlite")
    connection.execute("DROP TRIGGER corrections_no_update")
    connection.execute("UPDATE corrections SET tool = '{}x' WHERE annotator = 'Anna'")
    connection.commit()
    connection.close()
    assert run(["verify", str(store.path)]) == 1
    assert "not what was recorded" in capsys.readouterr().err
