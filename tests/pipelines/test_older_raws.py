"""Stores that hold scenes whose RAW files an older revision developed: told, and built again when asked."""

import json
from pathlib import Path

import numpy as np
import pytest

from iea40k.develop import mosaic, raw
from iea40k.store.layout import Store
from pipelines.cli.program import run
from pipelines.dng import write_dng
from pipelines.raw_revisions import is_older_raw, raw_revision
from tests.pipelines.older_revisions import build_here, rebuild, write_manifest
from tests.planted import exposed

CONFIG = "short_side: 32\nevs: [-2, 0, 2]\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of a RAW scene as an older revision developed it, and a manifest that lists another beside it."""
    for name in ("coffee", "rocket"):
        light = (exposed(name)[:200, :240].astype(np.float32) / 255) ** 2.2
        write_dng(tmp_path / f"{name}.dng", light)
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(raw, "REVISION", mosaic.REVISION - 1)
        write_manifest(tmp_path, "raw", ".dng", "coffee")
        assert [outcome.older_raw for outcome in build_here(tmp_path)] == [True]
    write_manifest(tmp_path, "raw", ".dng", "coffee", "rocket")
    return tmp_path


def revisions(folder: Path) -> dict[str, int | None]:
    store = Store.open(folder / "store")
    return {scene_id: raw_revision(store.open_scene(scene_id).recipe) for scene_id in store.scene_ids()}


def test_a_build_keeps_and_names_them_and_renews_them_when_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rebuild(folder, "--json") == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["older_raws"] == ["coffee"]
    words = "RAW files developed by an older version, whose fine colours differ a little (1): coffee"
    assert words in " ".join(told.err.split())
    assert "--renew" in told.err
    assert revisions(folder) == {"coffee": mosaic.REVISION - 1, "rocket": mosaic.REVISION}
    assert run(["status", str(folder / "store"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["older_raws"] == ["coffee"]
    assert run(["status", str(folder / "store")]) == 0
    assert words in " ".join(capsys.readouterr().out.split())
    assert rebuild(folder, "--renew", "--json") == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert (found["rebuilt"], found["kept"], found["older_raws"]) == (1, 1, [])
    why = f"coffee: built again, since its RAW files were developed by revision {mosaic.REVISION - 1}"
    assert why in " ".join(told.err.split())
    assert revisions(folder) == {"coffee": mosaic.REVISION, "rocket": mosaic.REVISION}
    assert run(["status", str(folder / "store")]) == 0
    assert "older version" not in capsys.readouterr().out
    assert rebuild(folder, "--renew", "--json") == 0
    assert json.loads(capsys.readouterr().out)["kept"] == 2


def test_every_recipe_says_its_revision() -> None:
    first = {"reader": "raw", "demosaic": "mosaic to scale"}
    now = {"reader": "raw", "demosaic": f"mosaic to scale, revision {mosaic.REVISION}"}
    full, png = {"reader": "raw", "demosaic": "AHD"}, {"reader": "png"}
    for frames, revision in (
        ({"source": first}, 1),
        ({"source": now}, mosaic.REVISION),
        ({"source": now, "retouches": {"C": png, "A": first}}, 1),
        ({"development": {"a.dng": now, "b.dng": full, "c.dng": first}}, 1),
        ({"development": {"a.png": png}, "reference": {"method": "given", "files": {"r.dng": first}}}, 1),
        ({"development": {"a.dng": full}, "reference": {"method": "light"}}, None),
        ({"source": png}, None),
        ({}, None),
        (3, None),
    ):
        assert raw_revision({"frames": frames}) == revision
        assert is_older_raw({"frames": frames}) == (revision is not None and revision < mosaic.REVISION)
    assert raw_revision({}) is None
