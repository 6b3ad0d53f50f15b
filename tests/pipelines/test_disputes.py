"""`iea40k validate` as people type it: tables, regions, the queue, and what was settled."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import skimage.data

from benchmarks.planted_labels import scene_of
from iea40k.scene import BuiltScene
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, MapKey, Queue, TaskRequest, add_tasks
from iea40k.store.ledger.overview import listing
from iea40k.store.ledger.settled import disputed_note, settled_disputes
from iea40k.store.release.writing import ReleaseOptions, write_release
from pipelines.cli.program import run

EVS = (-2.0, 0.0, 2.0)
BAD = ("astronaut_1", 0)


def no_trees(scenes, seed):
    """What fails whenever it learns, where a test is not about predictions."""
    raise ValueError("no trees today")


def scenes():
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        picture = getattr(skimage.data, name)()
        height, width = (side // 2 for side in picture.shape[:2])
        for k in range(2):
            reference = np.ascontiguousarray(picture[k * height : (k + 1) * height : 2, :width:2])
            scene = scene_of(f"{name}_{k}", reference, EVS)
            codes = scene.codes.copy()
            if scene.scene_id == BAD[0]:
                codes[BAD[1]] = -codes[BAD[1]]
            yield BuiltScene(
                scene_id=scene.scene_id, exposures=scene.exposures, reference=reference, residual=codes,
                outliers=np.zeros(codes.shape, np.uint8), evs=EVS, levels=scene.levels,
                review_priority=(0.5,) * 3, attributes={"licence": "CC0-1.0", "kind": "raw", "device": "none"},
                recipe={"made_by": "tests"},
            )  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("validate")
    store = Store.create(root / "store")
    for scene in scenes():
        store.write_scene(scene)
    write_release(store, root / "release", ReleaseOptions("1.0.0"))
    return root


def test_the_whole_of_a_validation(world, capsys):
    out = world / "out"
    command = [
        "validate",
        str(world / "release"),
        "--out",
        str(out),
        "--store",
        str(world / "store"),
        "--folds",
        "2",
    ]
    assert run([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    table = pd.read_parquet(out / "disputes.parquet")
    assert len(table) == told["images"] == 24
    worst = table.iloc[0]
    assert worst["image_id"] == "astronaut_1_N2"
    assert worst["score"] > 0.5
    assert table["score"].is_monotonic_decreasing
    assert told["disputes"][0]["image_id"] == "astronaut_1_N2"
    assert "8 scenes" in told["words"][0]
    regions = json.loads((out / "regions.json").read_text())
    assert any(r["image_id"] == "astronaut_1_N2" for r in regions)
    assert (out / "sheet_1.png").stat().st_size > 1000
    with Ledger.open(world / "store") as ledger:
        rows = [row for row in listing(ledger) if row["reason"] == "dispute"]
    assert len(rows) == told["queued"] == len(told["disputes"])
    region = rows[0]["note"]["regions"][0]
    assert region["box"]
    assert len(region["outline"]) >= 3
    assert not (out / "folds").exists()
    assert run(command) == 2  # never into the same folder


@pytest.fixture
def copied(world, tmp_path):
    """The release, and a store of the same scenes with a ledger of its own."""
    shutil.copytree(world / "store", tmp_path / "store", ignore=shutil.ignore_patterns("ledger*"))
    return world / "release", tmp_path / "store"


def told_by(capsys, release, store, out, *more):
    code = run(
        ["validate", str(release), "-o", str(out), "--store", str(store), "--folds", "2", "--json", *more]
    )
    return code, json.loads(capsys.readouterr().out)


def test_a_fold_that_fails_is_told_and_tried_again_and_the_others_are_kept(
    copied, tmp_path, monkeypatch, capsys
):
    release, store = copied
    from pipelines import dispute_folds

    whole, learnt = dispute_folds.expect_fold, []

    def second_fails(scenes, fold_of, fold, **options):
        learnt.append(fold)
        if fold == 1 and len(learnt) == 2:
            raise ValueError("no trees today")
        return whole(scenes, fold_of, fold, **options)

    monkeypatch.setattr(dispute_folds, "expect_fold", second_fails)
    code, told = told_by(capsys, release, store, tmp_path / "out")
    assert code == 1
    assert "no trees today" in told["failed"]["1"]
    assert told["images"] == 24  # nothing is dropped
    assert "astronaut_1_N2" in {d["image_id"] for d in told["disputes"]}
    table = pd.read_parquet(tmp_path / "out" / "disputes.parquet")
    assert table["error"].isna().any()
    assert not table["error"].isna().all()
    code, told = told_by(capsys, release, store, tmp_path / "out")
    assert code == 0
    assert told["failed"] == {}
    assert learnt == [0, 1, 1]  # the fold that was done is not done again
    assert not pd.read_parquet(tmp_path / "out" / "disputes.parquet")["error"].isna().any()


def test_going_on_with_something_else_is_refused(copied, tmp_path, monkeypatch, capsys):
    release, store = copied
    from pipelines import dispute_folds

    monkeypatch.setattr(dispute_folds, "expect_fold", lambda *_, **__: no_trees(None, 0))
    assert told_by(capsys, release, store, tmp_path / "out")[0] == 1
    assert run(["validate", str(release), "-o", str(tmp_path / "out"), "--folds", "3"]) == 2
    assert "something else was begun" in capsys.readouterr().err


def test_what_an_expert_settled_does_not_come_back_unless_the_pixels_change(
    copied, tmp_path, monkeypatch, capsys
):
    release, store = copied
    from pipelines import dispute_folds, dispute_queue

    monkeypatch.setattr(dispute_folds, "expect_fold", lambda *_, **__: no_trees(None, 0))
    _, told = told_by(capsys, release, store, tmp_path / "first")
    assert told["settled"] == []
    with Ledger.open(store) as ledger:
        queue = Queue(ledger)
        lease = queue.lease("Anna")
        assert (lease.map_key.scene_id, lease.map_key.level) == ("astronaut_1", "N2")
        queue.submit(lease, verdict="base is right", active_seconds=5)
    _, told = told_by(capsys, release, store, tmp_path / "second")
    assert told["settled"] == ["astronaut_1_N2"]
    table = pd.read_parquet(tmp_path / "second" / "disputes.parquet").set_index("image_id")
    assert table.loc["astronaut_1_N2", "settled"]
    assert table["settled"].sum() == 1
    with Ledger.open(store) as ledger:  # returned: not settled any more
        Queue(ledger).return_(MapKey("astronaut_1", "N2", "Anna"), "Curator", "look again")
        assert settled_disputes(ledger) == {}
        lease = Queue(ledger).lease("Anna")
        Queue(ledger).submit(lease, verdict="base is right", active_seconds=5)
        assert len(settled_disputes(ledger)["astronaut_1", "N2"]) == 1
    monkeypatch.setattr(dispute_queue, "pixels_digest", lambda *_: "other pixels")
    _, told = told_by(capsys, release, store, tmp_path / "third")
    assert told["settled"] == []
    with Ledger.open(store) as ledger:
        rows = [r for r in listing(ledger) if (r["scene_id"], r["level"]) == ("astronaut_1", "N2")]
    assert {row["purpose"] for row in rows} == {"expert", "adjudication"}  # the experts have spoken


def test_a_dispute_over_what_waits_in_the_queue_brings_its_regions(copied, tmp_path, monkeypatch, capsys):
    release, store = copied
    from pipelines import dispute_folds

    monkeypatch.setattr(dispute_folds, "expect_fold", lambda *_, **__: no_trees(None, 0))
    with Ledger.open(store, create=True) as ledger:
        add_tasks(ledger, [TaskRequest("astronaut_1", "N2", 9.0)], "curator")
    told_by(capsys, release, store, tmp_path / "out")
    with Ledger.open(store) as ledger:
        note = disputed_note(ledger, "astronaut_1", "N2")
        assert note["regions"]
        assert list(ledger.tampering()) == []


def test_a_network_is_trained_by_fold(world, tmp_path, capsys):
    pytest.importorskip("torch")
    command = ["validate", str(world / "release"), "-o", str(tmp_path / "out"), "--folds", "2", "--json",
               "--model", "p_ieanet_s", "--config", "demo", "--set", "max_steps=2", "--set", "data.size=64",
               "--set", "optimizer.warmup_steps=1", "--set", "pictures=0"]  # fmt: skip
    assert run(command) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["seconds"] >= 0
    table = pd.read_parquet(tmp_path / "out" / "disputes.parquet")
    assert len(table) == 24
    assert table["beyond_deviation"].notna().all()
    assert not (tmp_path / "out" / "folds").exists()


def test_a_store_of_something_else_is_refused(world, tmp_path, capsys):
    Store.create(tmp_path / "other")
    command = [
        "validate",
        str(world / "release"),
        "-o",
        str(tmp_path / "out"),
        "--store",
        str(tmp_path / "other"),
    ]
    assert run(command) == 2
    assert "not this release's" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert (
        run(["validate", str(world / "release"), "-o", str(tmp_path / "o"), "--tree", "--model", "curve_net"])
        == 2
    )


def released(root, built):
    """A release of some built scenes."""
    store = Store.create(root / "store")
    for scene in built:
        store.write_scene(scene)
    write_release(store, root / "release", ReleaseOptions("1.0.0"))
    return str(root / "release")


def test_what_a_release_cannot_tell_is_said_and_no_number_is_made_up(tmp_path, monkeypatch, capsys):
    from pipelines import dispute_folds

    def classed(number, scene):
        scene_class = "portrait" if number == 3 else "landscape"
        attributes = {**scene.attributes, "scene_class": scene_class}
        residual = np.zeros_like(scene.residual) if number == 5 else scene.residual
        return replace(scene, attributes=attributes, residual=residual)

    release = released(tmp_path, [classed(n, scene) for n, scene in enumerate(scenes())])
    monkeypatch.setattr(dispute_folds, "expect_fold", lambda *_, **__: no_trees(None, 0))
    assert run(["validate", release, "-o", str(tmp_path / "out"), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [words.split(":")[0] for words in told["words"]] == [
        "8 scenes",
        "10 maps are constant",  # those at 0 EV too: the photograph is its own reference
        "no image was mapped by two experts",
        "1 classes have one scene (portrait)",
    ]
    table = pd.read_parquet(tmp_path / "out" / "disputes.parquet")
    assert len(table) == 24
    assert table["score"].notna().all()
    assert "NaN" not in (tmp_path / "out" / "regions.json").read_text()


def test_three_scenes_are_refused_in_words(tmp_path, capsys):
    release = released(tmp_path, list(scenes())[:3])
    assert run(["validate", release, "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "too few scenes" in said
    assert "4 at least" in said
    assert "3" in said
    assert not (tmp_path / "out").exists()
