"""Stores that hold references of an older revision of the fusion: told, renewed when asked, never mixed in silence."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from iea40k.fusion import fusing, light
from iea40k.fusion.revisions import MERTENS, is_older, revision_of
from iea40k.store.layout import Store
from iea40k.store.release import Release
from pipelines.cli.program import run
from tests.pipelines.older_revisions import build_here, rebuild, write_manifest
from tests.planted import exposed

CONFIG = "short_side: 64\nevs: [-2, 0, 2]\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of two scenes: "coffee" as an older revision fused it, then "rocket" as it is fused now."""
    for name in ("coffee", "rocket"):
        Image.fromarray(exposed(name)[::4, ::4]).save(tmp_path / f"{name}.png")
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(fusing, "REVISION", 1)
        patch.setattr(light, "WELL_EXPOSED", 15.0)
        write_manifest(tmp_path, "rendered", ".png", "coffee")
        build_here(tmp_path)
    write_manifest(tmp_path, "rendered", ".png", "coffee", "rocket")
    return tmp_path


def revisions(folder: Path) -> dict[str, int | None]:
    store = Store.open(folder / "store")
    return {scene_id: revision_of(store.open_scene(scene_id).recipe) for scene_id in store.scene_ids()}


def test_a_build_keeps_and_names_them_and_renews_them_when_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rebuild(folder, "--json") == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["older_fusions"] == ["coffee"]
    assert (
        "references fused by an older version, which exposed some scenes differently (1): coffee"
        in " ".join(told.err.split())
    )
    assert "--renew" in told.err
    assert revisions(folder) == {"coffee": 1, "rocket": fusing.REVISION}
    assert run(["status", str(folder / "store"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["older_fusions"] == ["coffee"]
    before = np.array(Store.open(folder / "store").open_scene("coffee").reference())
    assert rebuild(folder, "--renew", "--json") == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert (found["rebuilt"], found["kept"], found["older_fusions"]) == (1, 1, [])
    assert "coffee: built again, since its reference is of revision 1 of the fusion" in " ".join(
        told.err.split()
    )
    assert revisions(folder) == {"coffee": fusing.REVISION, "rocket": fusing.REVISION}
    assert run(["status", str(folder / "store")]) == 0
    assert "older version" not in capsys.readouterr().out
    assert rebuild(folder, "--renew", "--json") == 0
    assert json.loads(capsys.readouterr().out)["kept"] == 2
    assert not np.array_equal(before, Store.open(folder / "store").open_scene("coffee").reference())


def test_a_release_of_several_revisions_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rebuild(folder) == 0
    capsys.readouterr()
    assert run(["release", str(folder / "store"), str(folder / "1.0.0"), "--version", "1.0.0"]) == 0
    assert "references of several revisions of the fusion: revision 1 in 1 scenes" in " ".join(
        capsys.readouterr().err.split()
    )
    mixed = Release.open(folder / "1.0.0")
    assert mixed.head["fusions"] == {"1": 1, str(fusing.REVISION): 1}
    assert "several revisions of the fusion" in (mixed.path / "README.md").read_text("utf-8")
    assert dict(zip(mixed.scenes["scene_id"], mixed.scenes["fusion_revision"], strict=True)) == {
        "coffee": 1,
        "rocket": fusing.REVISION,
    }
    assert run(["verify", str(folder / "1.0.0")]) == 0
    assert rebuild(folder, "--renew") == 0
    capsys.readouterr()
    assert run(["release", str(folder / "store"), str(folder / "1.1.0"), "--version", "1.1.0"]) == 0
    assert "several revisions" not in capsys.readouterr().err
    card = (folder / "1.1.0" / "README.md").read_text("utf-8")
    assert f"The references of 2 scenes are fusions, all of revision {fusing.REVISION}." in card


def test_every_recipe_says_its_revision() -> None:
    def scene(reference: object) -> dict[str, object]:
        return {"frames": {"reference": reference}}

    assert revision_of(scene({"method": fusing.METHOD})) == 1
    assert revision_of(scene({"method": fusing.METHOD, "revision": 2})) == 2
    assert revision_of(scene({"method": "fusion of the simulated exposures", "fusion": {"revision": 2}})) == 2
    assert revision_of(scene({"method": "Mertens 2007, masked"})) == MERTENS
    assert is_older(scene({"method": "Mertens 2007, masked"}))
    assert not is_older(scene({"method": fusing.METHOD, "revision": fusing.REVISION}))
    for other in (scene({"method": "given", "files": {}}), scene("text"), {}, {"frames": 3}):
        assert revision_of(other) is None
        assert not is_older(other)
