"""`train`, `evaluate`, `predict`, `score`, `judge` as people type them."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from iea40k.model.weights import load_weights
from iea40k.store.layout import Store
from iea40k.store.release import ReleaseOptions, write_release
from pipelines.cli.program import run
from pipelines.demo_training import can_train, train_demo
from tests.builders import built_scene

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release")
    store = Store.create(folder / "store")
    for number in range(10):
        store.write_scene(
            built_scene(f"s{number}", height=40, width=56, uncertainty=True, scene_class="planted")
        )
    write_release(store, folder / "release", ReleaseOptions("1.0.0", splits=2, ratios=(60, 20, 20)))
    return folder / "release"


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    file = tmp_path_factory.mktemp("config") / "tiny.yaml"
    settings = {
        "network": "p_ieanet",
        "batch": 6,
        "epochs": 2,
        "threads": 1,
        "pictures": 1,
        "data": {"size": 32},
        "optimizer": {"warmup_steps": 1},
    }
    file.write_text(yaml.safe_dump(settings))
    return file


@pytest.fixture(scope="module")
def trained(release, config, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    assert (
        run(["train", str(release), "--out", str(out), "--config", str(config), "--model", "p_ieanet_s"]) == 0
    )
    return out


def test_train_writes_weights_that_say_what_they_are(trained, release):
    loaded = load_weights(trained / "best.safetensors")
    assert loaded.name == "p_ieanet_s"  # --model wins over the file
    assert loaded.facts["short_side"] == 40
    assert (
        "15 images of 5 scenes (split_0, train); licences of the images: CC0-1.0"
        in loaded.facts["trained_on"]
    )


def test_train_refuses_to_overwrite_and_resumes_without_being_told_the_configuration(
    trained, release, capsys
):
    assert run(["train", str(release), "--out", str(trained)]) == 2
    assert "--resume" in capsys.readouterr().err
    assert run(["train", str(release), "--out", str(trained), "--resume", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["runs"]["split_0"]["steps"] == 6


def test_one_run_a_scheme_and_their_mean(release, config, tmp_path, capsys):
    out = tmp_path / "five"
    assert (
        run(["train", str(release), "--out", str(out), "--config", str(config), "--split", "all", "--json"])
        == 0
    )
    result = json.loads(capsys.readouterr().out)
    found = [result["runs"][name]["valid_mae"] for name in ("split_0", "split_1")]
    assert result["valid_mae_mean"] == pytest.approx(np.mean(found))
    assert result["valid_mae_sd"] == pytest.approx(np.std(found, ddof=1))
    weights = str(out / "{split}" / "best.safetensors")
    assert run(["evaluate", weights, str(release), "--split", "all", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    maes = [result["splits"][name]["overall"]["mae"] for name in ("split_0", "split_1")]
    assert result["mean_and_sd"]["mae"]["mean"] == pytest.approx(np.mean(maes))
    assert result["trained_on_some"] == {"split_0": 0, "split_1": 0}


def test_evaluate_writes_figures_report_and_table(trained, release, tmp_path, capsys):
    weights = str(trained / "best.safetensors")
    out = tmp_path / "report"
    arguments = ["evaluate", weights, str(release), "--head", "--out", str(out)]
    assert run(arguments) == 0
    shown = capsys.readouterr().out
    result = json.loads((out / "evaluation.json").read_text())["splits"]["split_0"]
    assert f"{result['overall']['mae']:.4f}" in shown
    assert set(result["holistic"]) == {"without fine-tuning", "fine-tuned head"}
    assert set(result["groups"]) >= {"level", "scene_class", "device"}
    written = ["evaluation.json", "evaluation.md", "evaluation.png", "images.csv"]
    assert sorted(p.name for p in out.iterdir()) == written


def test_evaluate_says_when_the_weights_know_the_scenes(trained, release, capsys):
    weights = str(trained / "best.safetensors")
    assert run(["evaluate", weights, str(release), "--part", "train", "--json"]) == 0
    said = capsys.readouterr()
    assert "5 scenes of this split were in the training" in said.err
    assert json.loads(said.out)["trained_on_some"] == {"split_0": 5}


def photograph(folder, name, value):
    image = np.full((60, 80, 3), value, np.uint8)
    image[::2] += 9
    folder.mkdir(exist_ok=True)
    assert cv2.imwrite(str(folder / name), image)
    return folder / name


def test_predict_assesses_folders_and_lists_what_failed(trained, tmp_path, capsys):
    weights, photos = str(trained / "best.safetensors"), tmp_path / "photos"
    photograph(photos, "a.png", 30)
    photograph(photos, "b.png", 220)
    assert run(["predict", weights, str(photos), "-o", str(tmp_path / "out"), "--json"]) == 0
    images = json.loads(capsys.readouterr().out)["images"]
    assert images[0]["mean_residual"] > 0 > images[1]["mean_residual"]
    assert np.load(tmp_path / "out" / "a_residual.npy").shape == (60, 80)
    (photos / "c.png").write_bytes(b"nothing")
    assert run(["predict", weights, str(photos), "-o", str(tmp_path / "out2")]) == 1
    assert "c.png" in capsys.readouterr().err
    assert (tmp_path / "out2" / "b_heatmap.png").is_file()


def test_score_reads_photographs_residuals_and_masks(trained, tmp_path, capsys):
    residual = np.zeros((50, 50), np.float32)
    residual[:, 40:] = 0.3
    np.save(tmp_path / "r.npy", residual)
    assert run(["score", str(tmp_path / "r.npy"), "--criteria", "portrait", "--json"]) == 0
    without = json.loads(capsys.readouterr().out)
    mask = np.zeros((50, 50), np.uint8)
    mask[:, :20] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    arguments = [
        "score",
        str(tmp_path / "r.npy"),
        "--criteria",
        "portrait",
        "--mask",
        str(tmp_path / "mask.png"),
    ]
    assert run([*arguments, "--json"]) == 0
    masked = json.loads(capsys.readouterr().out)
    assert (without["masked"], masked["masked"]) == (False, True)
    assert masked["score"] > without["score"]
    photo = photograph(tmp_path / "photos", "a.png", 20)
    weights = str(trained / "best.safetensors")
    assert run(["score", str(photo), "--criteria", "overall", "--weights", weights]) == 0
    assert "Overall:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.full((4, 4), 130.0), "divide them by 255"),
        (np.zeros((4, 4), np.int16), "floating point"),
        (np.zeros((2, 4, 4), np.float32), "not a residual map"),
    ],
)
def test_score_refuses_what_is_no_residual(tmp_path, capsys, values, words):
    np.save(tmp_path / "r.npy", values)
    assert run(["score", str(tmp_path / "r.npy"), "--criteria", "overall"]) == 2
    assert words in capsys.readouterr().err


def test_judge_ranks_folders(trained, tmp_path, capsys):
    for name, value in (("good", 120), ("dark", 10)):
        photograph(tmp_path / name, "one.png", value)
    weights = str(trained / "best.safetensors")
    folders = [str(tmp_path / "dark"), str(tmp_path / "good")]
    assert run(["judge", weights, *folders, "--json"]) == 0
    ranking = json.loads(capsys.readouterr().out)["ranking"]
    assert [Path(r["folder"]).name for r in ranking] == ["good", "dark"]
    assert run(["judge", weights, folders[0], str(tmp_path / "nowhere")]) == 2


def test_help_does_not_wait_for_torch():
    code = "import sys; from pipelines.cli.program import run; run(['train', '--help']); "
    code += "sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--resume" in done.stdout


def test_the_demo_ends_with_a_training_that_can_be_looked_at(release, config, tmp_path):
    said = []
    done = train_demo(release, tmp_path / "run", config_file=config, say=said.append)
    assert can_train()
    assert done.images == 6
    assert done.steps == 6
    assert f"| all | {done.mae:.4f} |" in done.report.read_text()
    assert f"{done.baseline_mae:.4f}" in done.report.read_text()
    assert len(list(done.heatmaps.glob("*.png"))) == 1
    assert any("to go" in line for line in said)
