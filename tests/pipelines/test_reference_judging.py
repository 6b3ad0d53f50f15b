"""Judged references where people meet them: `status`, its JSON, and the queue of references."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from iea40k.fusion.fusing import METHOD
from iea40k.fusion.fusing import REVISION as FUSED
from iea40k.fusion.judging import REVISION
from iea40k.manifest import read_manifest
from iea40k.store.layout import Store
from pipelines import reference_judging
from pipelines.cli.program import run
from pipelines.config import read_config
from pipelines.reference_judging import JUDGED
from pipelines.scene_task import build_one
from tests.builders import built_scene
from tests.planted import exposed


@pytest.fixture
def store(tmp_path: Path) -> Path:
    store = Store.create(tmp_path / "store")
    for scene_id, quality, words in (
        ("good", 1.0, "no fault found"),
        ("bad", 0.1, "12% blown"),
        ("fair", 0.8, "x"),
    ):
        store.write_scene(
            built_scene(scene_id, reference_quality=quality, reference_words=words, reference_ends="both")
        )
    store.write_scene(built_scene("from_before"))
    return store.path


def test_status_names_the_worst_reference_first(store: Path, capsys) -> None:
    assert run(["status", str(store), "--json"]) == 0
    references = json.loads(capsys.readouterr().out)["references"]
    assert [r["scene_id"] for r in references] == ["bad", "fair", "good"]
    assert references[0] == {"scene_id": "bad", "quality": 0.1, "words": "12% blown", "ends": "both"}
    assert run(["status", str(store)]) == 0
    assert "12% blown" in capsys.readouterr().out


def test_the_worst_reference_comes_first_in_the_queue(store: Path, capsys) -> None:
    assert run(["queue", str(store), "add", "--references"]) == 0
    capsys.readouterr()
    assert run(["queue", str(store), "list", "--json"]) == 0
    tasks = json.loads(capsys.readouterr().out)
    priority = {row["scene_id"]: row["priority"] for row in tasks["rows"]}
    assert priority["bad"] == pytest.approx(0.9)
    assert priority["bad"] > priority["fair"] > priority["good"] == 0
    assert 0 < priority["from_before"] < 1, "a scene built before keeps its place"


def test_a_fusion_that_was_judged_before_is_told(tmp_path: Path, capsys) -> None:
    store = Store.create(tmp_path / "then")
    fused = {"frames": {"reference": {"method": METHOD, "revision": FUSED}}}
    about = {"kind": "bracket", "reference_quality": 1.0, "reference_words": "x", "reference_ends": "both"}
    for name, more in (("then", {}), ("now", {JUDGED: REVISION})):
        store.write_scene(replace(built_scene(name, **about, **more), recipe=fused))
    assert run(["status", str(store.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["older_judgements"] == ["then"]
    assert run(["status", str(store.path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "references judged by an older version, which did not look for double contours (1): then" in said
    assert "--renew" in said


def test_renewing_a_judgement_changes_no_pixel(tmp_path: Path, capsys, monkeypatch) -> None:
    names = []
    for ev in (-2, 0, 2):
        names.append(f"{ev}.png")
        Image.fromarray(exposed("coffee", ev)[::4, ::4]).save(tmp_path / names[-1])
    row = f"coffee,bracket,{'|'.join(names)},-2|0|2,CC0-1.0"
    (tmp_path / "m.csv").write_text(f"scene_id,kind,exposures,evs,licence\n{row}\n", encoding="utf-8")
    (tmp_path / "c.yaml").write_text("short_side: 64\n", encoding="utf-8")
    store = Store.create(tmp_path / "store")
    with monkeypatch.context() as patch:
        patch.setattr(reference_judging, "REVISION", 1)
        # In this process: one of its own would not have the older revision.
        scene = read_manifest(tmp_path / "m.csv").scenes[0]
        build_one(scene, read_config(tmp_path / "c.yaml"), store)
    before = store.open_scene("coffee")
    labels = [np.array(before.residual(level)) for level in before.levels]
    build = ["build", str(tmp_path / "m.csv"), str(store.path), "--config", str(tmp_path / "c.yaml")]
    assert run([*build, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kept"] == 1
    assert run([*build, "--renew", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["rebuilt"] == 1
    assert "judged by an older version" in " ".join(told.err.split())
    after = store.open_scene("coffee")
    assert after.attributes[JUDGED] == REVISION
    assert {"reference_doubled", "reference_kept_dark", "reference_beyond_frames"} <= set(after.attributes)
    assert all(np.array_equal(a, after.residual(lv)) for a, lv in zip(labels, after.levels, strict=True))
