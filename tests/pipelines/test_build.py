import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from iea40k.errors import BadInputError, StoreError
from iea40k.residuals import residual_codes
from iea40k.scene import LADDER
from iea40k.store.layout import Store
from pipelines.build import build
from pipelines.cli.program import run
from pipelines.config import BuildConfig
from pipelines.synthetic import PHOTOGRAPHS, make_project

ROOT = Path(__file__).parents[2]
CONFIG = BuildConfig(short_side=96)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    chosen = [p for p in PHOTOGRAPHS if p.name in ("coffee", "chelsea", "astronaut", "flower")]
    return make_project(tmp_path_factory.mktemp("project"), chosen, scale=0.6)


def tree_digest(folder: Path) -> dict[str, str]:
    # Where its manifest lies is no part of what a store holds.
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "manifests.json")
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def built(project, tmp_path_factory) -> Path:
    store = tmp_path_factory.mktemp("built") / "store"
    report = build(project, store, CONFIG)
    assert report.failures == []
    return store


def test_without_libraw_the_build_stops_and_names_the_line(project, tmp_path, monkeypatch, capsys):
    # What `import` finds where it is not installed, in this process and in the one that decodes.
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    absent = "raise ModuleNotFoundError(\"No module named 'rawpy'\", name='rawpy')\n"
    (shadow / "rawpy.py").write_text(absent)
    monkeypatch.syspath_prepend(str(shadow))
    monkeypatch.delitem(sys.modules, "rawpy", raising=False)
    assert run(["build", str(project), str(tmp_path / "store"), "--only", "coffee"]) == 2
    said = capsys.readouterr().err
    assert "[curator]" in said
    assert "unexpected" not in said
    assert Store.open(tmp_path / "store").quarantined() == []


def test_every_scene_is_built_and_means_what_it_says(built):
    store = Store.open(built)
    assert store.scene_ids() == ["astronaut", "chelsea", "coffee", "flower"]
    coffee = store.read_scene("coffee")
    assert coffee.evs == LADDER
    assert coffee.exposures.shape[:1] == (9,)
    assert min(coffee.reference.shape[:2]) == 96
    np.testing.assert_array_equal(coffee.residual, residual_codes(coffee.reference, coffee.exposures))
    means = [float(codes.mean()) for codes in coffee.residual]
    assert means == sorted(means, reverse=True)  # brighter exposures are less underexposed
    assert means[0] > 0 > means[-1]
    assert coffee.attributes["licence"] == "as shipped with scikit-image"
    flower = store.read_scene("flower")
    assert flower.attributes["ev_source"] == "exif"
    assert len(flower.evs) >= 2


def test_a_second_run_keeps_everything_and_the_same_input_gives_the_same_bytes(project, built, tmp_path):
    before = tree_digest(built)
    report = build(project, built, CONFIG)
    assert report.count("kept") == 4
    assert tree_digest(built) == before
    build(project, tmp_path / "again", CONFIG)
    assert tree_digest(tmp_path / "again") == before


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_a_killed_build_resumes_to_the_same_bytes(project, built, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("short_side: 96\n")
    store = tmp_path / "store"
    command = [
        sys.executable,
        "-m",
        "pipelines.cli",
        "build",
        str(project),
        str(store),
        "--config",
        str(config),
    ]
    killed = 0
    for pause in (0.05, 0.15, 0.3):
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        # Kill once the run has begun to write, at different depths.
        while (
            process.poll() is None and not (store / ".writing").exists() and not list(store.glob("scenes/*"))
        ):
            time.sleep(0.005)
        time.sleep(pause)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
    assert killed > 0
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = tree_digest(built)
    assert tree_digest(store) == expected


BAD_FILES = {
    "missing": None,
    "empty": b"",
    "text": b"this is not a photograph\n" * 50,
    "truncated": "cut",
    "mislabelled": "png named dng",
}


def test_bad_files_cost_their_scene_and_nothing_else(project, tmp_path, capsys):
    folder = tmp_path / "photos"
    folder.mkdir()
    whole = (project.parent / "raw" / "coffee.dng").read_bytes()
    (folder / "good.dng").write_bytes(whole)
    rows = ["scene_id,kind,exposures", "good,raw,good.dng"]
    for name, content in BAD_FILES.items():
        if content == "cut":
            content = whole[: len(whole) // 3]
        elif content == "png named dng":
            content = b"\x89PNG\r\n\x1a\n" + b"\0" * 200
        if content is not None:
            (folder / f"{name}.dng").write_bytes(content)  # type: ignore[arg-type]
        rows.append(f"{name},raw,{name}.dng")
    manifest = folder / "manifest.csv"
    manifest.write_text("\n".join(rows) + "\n")
    config = tmp_path / "c.yaml"
    config.write_text("short_side: 64\n")
    code = run(["build", str(manifest), str(tmp_path / "store"), "--config", str(config), "--json"])
    assert code == 1
    result = json.loads(capsys.readouterr().out)
    assert (result["built"], result["quarantined"]) == (1, 4)
    assert len(result["bad_cells"]) == 1
    assert "missing.dng" in result["bad_cells"][0]
    store = Store.open(tmp_path / "store")
    assert store.scene_ids() == ["good"]
    assert {q.scene_id for q in store.quarantined()} == {"empty", "text", "truncated", "mislabelled"}
    assert all("unexpected" not in q.message for q in store.quarantined()), [
        q.message for q in store.quarantined()
    ]
    # What is repaired is built by the next run, and leaves quarantine.
    for name in BAD_FILES:
        (folder / f"{name}.dng").write_bytes(whole)
    assert run(["build", str(manifest), str(tmp_path / "store"), "--config", str(config)]) == 0
    assert run(["status", str(tmp_path / "store"), "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["scenes"], status["quarantined"], status["exposures"]) == (6, 0, 54)
    assert len(status["review_first"]) == 54


@pytest.mark.real_data
def test_real_raw_files_build_and_the_unusable_are_named(real_data, tmp_path):
    names = {
        "hero6": "gopro_hero6/GOPR0024.dng",
        "fusion": "gopro_fusion/GPBK7066.dng",
        "d30": "canon_eos_d30/CRW.CRW",
        "6d": "canon_eos_6d_lossy/canon_eos_6d.dng",
        "gpr": "gopro_hero6/GOPR0024.GPR",
        "kodak": "kodak_c330/RAW_KODAK_C330_FORMAT_NONE_YRGB.raw",
        "headerless": "nikon_768x512_headerless/DSC_1339_768x512_rggb.raw",
    }
    rows = [f"{scene},raw,{Path(name).name}" for scene, name in names.items()]
    for name in names.values():
        (tmp_path / Path(name).name).write_bytes((real_data / "raw" / name).read_bytes())
    (tmp_path / "m.csv").write_text("scene_id,kind,exposures\n" + "\n".join(rows) + "\n")
    report = build(tmp_path / "m.csv", tmp_path / "store", CONFIG)
    built = {o.scene_id for o in report.outcomes if o.status == "built"}
    messages = {o.scene_id: o.message for o in report.outcomes if o.status == "quarantined"}
    assert built == {"hero6", "fusion", "d30", "6d"}
    assert "GPR" in messages["gpr"]
    assert "names no camera" in messages["kodak"]
    assert "names no camera" in messages["headerless"]
    # The guess is accepted only where the curator says so.
    told = CONFIG.model_copy(update={"accept_headerless": True})
    assert build(tmp_path / "m.csv", tmp_path / "told", told, only=["kodak"]).failures == []
    scene = Store.open(tmp_path / "told").read_scene("kodak")
    assert "guessed" in str(scene.recipe["frames"])


def test_a_picture_beyond_the_limit_is_refused(project, tmp_path):
    report = build(project, tmp_path / "s", CONFIG.model_copy(update={"max_pixels": 10_000}), only=["coffee"])
    assert "max_pixels" in report.failures[0]


def test_another_configuration_never_touches_what_is_there(project, built):
    before = tree_digest(built)
    report = build(project, built, BuildConfig(short_side=64), only=["coffee"])
    assert (report.count("refused"), report.count("quarantined")) == (1, 0)
    assert "another configuration" in report.failures[0]
    assert tree_digest(built) == before
    assert Store.open(built).quarantined() == []


def test_only_builds_the_named_scenes(project, tmp_path):
    report = build(project, tmp_path / "store", CONFIG, only=["chelsea"])
    assert [o.scene_id for o in report.outcomes] == ["chelsea"]
    with pytest.raises(BadInputError, match="no such scene"):
        build(project, tmp_path / "store", CONFIG, only=["nobody"])


def test_wrong_use_ends_with_code_2_and_a_message(project, tmp_path, capsys):
    bad = tmp_path / "bad.yaml"
    bad.write_text("short_sid: 96\n")
    assert run(["build", str(project), str(tmp_path / "s"), "--config", str(bad)]) == 2
    assert "short_sid" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()
    assert run(["build", str(tmp_path / "none.csv"), str(tmp_path / "s")]) == 2
    assert run(["build", str(project)]) == 2
    assert run(["status", str(tmp_path / "s")]) == 2
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    assert run(["build", str(project), str(tmp_path / "full")]) == 2
    assert (tmp_path / "full" / "letter.txt").read_text() == "mine"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can mount a tiny disk")
def test_a_full_disk_stops_the_run_and_loses_nothing(project, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", disk], check=False).returncode:
        pytest.skip("this machine does not allow mounting a tmpfs")
    try:
        with pytest.raises(StoreError, match="disk is full"):
            build(project, disk / "store", CONFIG)
        store = Store.open(disk / "store")
        for scene_id in store.scene_ids():
            store.read_scene(scene_id)  # every scene that is there is whole
        subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
        assert build(project, disk / "store", CONFIG).failures == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_rendered_picture_is_a_scene_too(tmp_path):
    from PIL import Image
    from skimage import data

    Image.fromarray(data.coffee()).save(tmp_path / "coffee.png")
    (tmp_path / "m.csv").write_text("scene_id,kind,exposures\ncoffee,rendered,coffee.png\n")
    report = build(tmp_path / "m.csv", tmp_path / "store", CONFIG)
    assert report.failures == []
    scene = Store.open(tmp_path / "store").read_scene("coffee")
    assert scene.attributes["simulation"] == "ev"
    assert len(scene.levels) == 9
