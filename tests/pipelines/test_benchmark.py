"""`iea40k benchmark` as people type it, on the demo's photographs made small."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from iea40k.model.benchmark.running import units_of
from iea40k.model.data.release_samples import ReleaseSamples
from iea40k.model.evaluate import evaluate, network_predictor
from iea40k.model.weights import load_weights
from iea40k.store.layout import Store
from iea40k.store.release import Release, ReleaseOptions, write_release
from pipelines.build import build
from pipelines.cli.program import run
from pipelines.config import BuildConfig
from pipelines.synthetic import PHOTOGRAPHS, make_project
from tests.builders import built_scene

ROOT = Path(__file__).parents[2]
QUICK = [
    "--set",
    "max_steps=2",
    "--set",
    "batch=2",
    "--set",
    "data.size=32",
    "--set",
    "optimizer.warmup_steps=1",
]


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """The demo's release, small: seven photographs at three levels."""
    folder = tmp_path_factory.mktemp("demo")
    manifest = make_project(folder / "photographs", PHOTOGRAPHS[:7], scale=0.25)
    build(manifest, folder / "store", BuildConfig(short_side=40, evs=(-2.0, 0.0, 2.0)))
    write_release(
        Store.open(folder / "store"),
        folder / "release",
        ReleaseOptions("0.1.0", splits=2, ratios=(60, 0, 40)),
    )
    return folder / "release"


@pytest.fixture(scope="module")
def enhanced(release, tmp_path_factory):
    """Every image as its own reference: the perfect enhancer."""
    folder = tmp_path_factory.mktemp("enhanced") / "ideal"
    folder.mkdir()
    for image in Release.open(release):
        cv2.imwrite(str(folder / f"{image.image_id}.png"), np.ascontiguousarray(image.reference[..., ::-1]))
    return folder


@pytest.fixture(scope="module")
def done(release, enhanced, tmp_path_factory):
    out = tmp_path_factory.mktemp("benchmark") / "out"
    models = ["zero,constant", f"by the reference={enhanced}", "unet_s", "uec"]
    arguments = [text for model in models for text in ("--models", model)]
    assert run(["benchmark", str(release), "--out", str(out), *arguments, *QUICK]) == 0
    return out


def test_every_model_has_its_row_on_the_same_images(done, release):
    found = json.loads((done / "benchmark.json").read_text())
    assert set(found["models"]) == {
        "zero", "constant", "by the reference", "unet_s", "uec",
    }  # fmt: skip
    images = {}
    for cell in (done / "models").glob("*/split_*/images.csv"):
        images.setdefault(cell.parent.name, set()).add(tuple(pd.read_csv(cell)["image_id"]))
    assert all(len(same) == 1 for same in images.values())
    table = pd.read_csv(done / "benchmark.csv")
    assert list(table["model"]) == list(found["models"])
    assert table["mae"].is_monotonic_increasing
    assert table["model"][0] == "by the reference"
    assert found["models"]["by the reference"]["figures"]["mae"]["mean"] < 1e-3
    assert found["models"]["by the reference"]["figures"]["sobel_iou"]["mean"] > 0.99
    assert found["models"]["uec"]["training"]["split_0"]["parameters"] == 19_388
    assert found["models"]["unet_s"]["training"]["split_0"]["steps"] == 2
    assert found["models"]["unet_s"]["training"]["split_0"]["macs"] > 1e8
    assert (done / "benchmark.png").stat().st_size > 10_000


def test_figures_are_those_of_evaluate(done, release):
    found = json.loads((done / "benchmark.json").read_text())["models"]["unet_s"]
    opened = Release.open(release)
    for split in ("split_0", "split_1"):
        weights = load_weights(done / "models" / "unet_s" / split / "run" / "best.safetensors")
        wanted = evaluate(network_predictor(weights), ReleaseSamples(opened, split, "test"))
        for name in ("mae", "ssim_range1", "ssim_range2", "psnr_range1", "sign"):
            assert found["splits"][split][name] == pytest.approx(wanted.overall[name], rel=1e-6)
        for name in ("acc", "lcc", "srcc"):
            assert found["splits"][split][name] == pytest.approx(wanted.holistic["without fine-tuning"][name])
    maes = [found["splits"][split]["mae"] for split in ("split_0", "split_1")]
    assert found["figures"]["mae"]["mean"] == pytest.approx(np.mean(maes))
    assert found["figures"]["mae"]["sd"] == pytest.approx(np.std(maes, ddof=1))


def test_what_is_undefined_is_said_and_is_no_number(done):
    text = (done / "benchmark.md").read_text()
    row = next(line for line in text.splitlines() if line.startswith("| zero "))
    assert row.count("undefined") == 2
    assert "it gives every image the same score, so LCC and SRCC are undefined" in text
    assert "nan" not in text.lower().replace("nano", "")
    assert (
        json.loads((done / "benchmark.json").read_text())["models"]["zero"]["figures"]["lcc"]["mean"] is None
    )
    assert "one scene was tested of" in text  # classes of one scene
    assert "| *noise ceiling* |" in text


def test_a_finished_benchmark_is_not_measured_again_and_takes_more_models(done, release, capsys):
    cell = done / "models" / "constant" / "split_0" / "result.json"
    before = cell.stat().st_mtime_ns
    command = ["benchmark", str(release), "--out", str(done), "--models", "constant,affine", *QUICK]
    assert run(command) == 0
    assert cell.stat().st_mtime_ns == before
    shown = capsys.readouterr().out
    assert "affine" in shown
    assert "by the reference" in shown  # and the others stay
    assert len(pd.read_csv(done / "benchmark.csv")) == 6


def test_killed_in_the_middle_it_goes_on_by_model(release, tmp_path):
    models = ["--models", "constant,unet_s,gain", "--split", "split_0", *QUICK]
    command = [sys.executable, "-m", "pipelines.cli", "benchmark", str(release), *models, "--out"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([*command, str(tmp_path / "whole")], env=environment, check=False).returncode == 0
    out = tmp_path / "killed"
    process = subprocess.Popen([*command, str(out)], env=environment)
    first = out / "models" / "constant" / "split_0" / "result.json"
    while not first.is_file() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert first.is_file()
    assert not (out / "models" / "gain" / "split_0" / "result.json").exists()
    before = first.stat().st_mtime_ns
    assert subprocess.run([*command, str(out)], env=environment, check=False).returncode == 0
    assert first.stat().st_mtime_ns == before
    one, other = (_without_time(folder / "benchmark.json") for folder in (tmp_path / "whole", out))
    assert one == other


def _without_time(file):
    found = json.loads(file.read_text())
    for model in found["models"].values():
        model.pop("images_per_second")
        for facts in model["training"].values():
            facts.pop("seconds", None)
    return found


def test_a_model_that_fails_costs_its_row(release, enhanced, tmp_path, capsys):
    few = tmp_path / "few"
    few.mkdir()
    for file in sorted(enhanced.iterdir())[:1]:
        (few / file.name).write_bytes(file.read_bytes())
    command = [
        "benchmark",
        str(release),
        "-o",
        str(tmp_path / "out"),
        "--models",
        f"{few}",
        "--models",
        "zero",
    ]
    assert run(command) == 1
    said = capsys.readouterr()
    assert "lacks an enhanced picture" in said.err
    found = json.loads((tmp_path / "out" / "benchmark.json").read_text())
    assert list(found["models"]) == ["zero"]
    assert "few" in found["failures"]
    assert "few fails" in (tmp_path / "out" / "benchmark.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--models", "nothing"], "no such model"),
        (["--models", "zero,zero"], "two models have one name"),
        (["--models", "zero", "--set", "unet_s:batch=2"], "does not learn here"),
        (["--models", "zero", "--split", "split_9"], "no such split scheme"),
        (["--models", "shipped:nothing"], "no such shipped weights"),
    ],
)
def test_wrong_use_is_told(release, tmp_path, capsys, arguments, words):
    assert run(["benchmark", str(release), "-o", str(tmp_path / "out"), *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_folder_of_something_else_is_spared(done, release, tmp_path, capsys):
    command = ["benchmark", str(release), "--models", "zero", "--split", "split_0", "--out"]
    assert run([*command, str(done)]) == 2
    assert "benchmark of something else" in capsys.readouterr().err
    (tmp_path / "thesis.txt").write_text("months of work")
    assert run([*command, str(tmp_path)]) == 2
    assert (tmp_path / "thesis.txt").exists()


def test_a_handful_of_scenes_is_measured_and_said_to_be_one(tmp_path, capsys):
    store = Store.create(tmp_path / "store")
    for number in range(2):
        store.write_scene(built_scene(f"s{number}", height=40, width=56))
    write_release(store, tmp_path / "release", ReleaseOptions("1.0.0", splits=1, ratios=(50, 0, 50)))
    out = tmp_path / "out"
    command = ["benchmark", str(tmp_path / "release"), "-o", str(out), "--models", "constant,unet_s", *QUICK]
    assert run(command) == 0
    said = capsys.readouterr()
    assert "split_0 has no validation scenes: the last epoch is kept" in said.err
    text = (out / "benchmark.md").read_text()
    assert "1 scenes are tested: too few to tell models apart" in text
    assert "there is no standard deviation over splits" in text
    assert "unknown: no label of this release says how sure it is" in text
    assert run([*command[:3], str(tmp_path / "other"), "--models", "zero", "--part", "valid"]) == 2
    assert "no split can be tested" in capsys.readouterr().err


def test_near_twins_are_drawn_as_one():
    class Twins:
        scenes = pd.DataFrame({"scene_id": ["a", "b", "c"], "twins": ["c", "", "a"]})

    assert units_of(Twins()) == {"a": "a", "b": "b", "c": "a"}
