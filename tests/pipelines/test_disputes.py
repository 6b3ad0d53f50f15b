"""`iea40k validate` as people type it: tables, regions, the queue, and what was settled."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
import skimage.data

from benchmarks.planted_labels import scene_of
from iea40k.disputes.finding import out_of_fold
from iea40k.residuals import luma
from iea40k.scene import BuiltScene
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger
from iea40k.store.ledger.overview import listing
from iea40k.store.release.writing import ReleaseOptions, write_release
from pipelines.cli.program import run

EVS = (-2.0, 0.0, 2.0)
BAD = ("astronaut_1", 0)


def grey(scenes, seed):
    """A predictor that has learnt nothing, where a test is not about predictions."""
    return lambda picture: np.float32(0.45) - luma(picture)


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
    assert (out / "sheet.png").stat().st_size > 1000
    with Ledger.open(world / "store") as ledger:
        rows = [row for row in listing(ledger) if row["reason"] == "dispute"]
    assert len(rows) == told["queued"] == len(told["disputes"])
    assert rows[0]["note"]["regions"][0]["box"]
    assert run(command) == 2  # never into the same folder


def test_what_an_expert_settled_does_not_come_back(world, monkeypatch, capsys):
    from pipelines import disputes

    monkeypatch.setattr(disputes, "out_of_fold", partial(out_of_fold, fit=grey))
    release = disputes.Release.open(world / "release")
    digest = disputes._digests(release)["astronaut_1_N2"]
    row = {"state": "accepted", "scene_id": "astronaut_1", "level": "N2", "note": {"exposure_sha256": digest}}
    for known, wanted in ((row, True), ({**row, "note": {"exposure_sha256": "other"}}, False)):
        monkeypatch.setattr(disputes, "listing", lambda _, known=known: [known])
        out = world / f"again_{wanted}"
        assert (
            run(
                [
                    "validate",
                    str(world / "release"),
                    "-o",
                    str(out),
                    "--store",
                    str(world / "store"),
                    "--json",
                ]
            )
            == 0
        )
        told = json.loads(capsys.readouterr().out)
        assert ("astronaut_1_N2" in told["settled"]) is wanted
        assert pd.read_parquet(out / "disputes.parquet").iloc[0]["settled"] == wanted


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
