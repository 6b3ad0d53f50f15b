"""The paper's ablations of the network and of the loss, trained alike on the demo's release, by steps and not by time.

Every variant is trained on each of the release's split schemes, with the scheme's number as seed, and judged on the
scenes that it holds out. Variants are compared scheme by scheme, since scenes differ more than networks do.
Set IEA40K_ABLATIONS to a folder to keep what is done: a second call goes on where the first one ended.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Figure
from iea40k.baselines import constant
from iea40k.files import write_atomic
from iea40k.model.data.release_samples import ReleaseSamples
from iea40k.model.evaluate import evaluate, network_predictor
from iea40k.model.training.config import TrainingConfig, load_config
from iea40k.model.training.from_release import training_data
from iea40k.model.training.loop import train
from iea40k.model.weights import load_weights
from iea40k.store.release import Release
from pipelines.demo import run_demo

STEPS = 250
SPLITS = tuple(f"split_{k}" for k in range(5))
TITLE = f"Ablations: p_ieanet_s on the demo's release, {STEPS} steps each, held-out scenes, {len(SPLITS)} split schemes"
FULL = "p_ieanet_s"
VARIANTS: dict[str, dict[str, Any]] = {
    FULL: {},
    "without DWT": {"network_config": {"wavelet": "none"}},
    "without structure": {"network_config": {"structure": False}},
    "without lightness": {"network_config": {"lightness": False}},
    "Daubechies": {"network_config": {"wavelet": "daubechies"}},
    "Symlet": {"network_config": {"wavelet": "symlet"}},
    "direct output": {"network_config": {"output": "direct"}},
    "L2": {"loss": {"kind": "l2"}},
    "smooth L1": {"loss": {"kind": "smooth_l1"}},
}
METRICS = ("mae", "ssim_range1", "psnr_range1")
T_95 = 2.776
"""Student's t for 95 % and four degrees of freedom: five split schemes."""


def run() -> list[Figure]:
    kept = os.environ.get("IEA40K_ABLATIONS")
    if kept:
        return _measured(Path(kept))
    with tempfile.TemporaryDirectory() as folder:
        return _measured(Path(folder))


def _measured(folder: Path) -> list[Figure]:
    release = folder / "demo" / "release"
    if not (release / "release.json").is_file():
        release = run_demo(folder / "demo").release
    found = {
        name: [_held_out(release, folder / name.replace(" ", "_"), split, changes) for split in SPLITS]
        for name, changes in VARIANTS.items()
    }
    return [_flat(release), *(_figure(name, rows, found[FULL]) for name, rows in found.items())]


def _held_out(release: Path, folder: Path, split: str, changes: dict[str, Any]) -> dict[str, float]:
    """Return the metrics of a variant on the test split of a scheme; from its folder where it is done."""
    done = folder / split / "result.json"
    if not done.is_file():
        config = _config(split, changes)
        trained = train(training_data(release, config.data), folder / split, config, resume=True)
        test = ReleaseSamples(Release.open(release), split, "test")
        overall = evaluate(network_predictor(load_weights(trained.weights)), test).overall
        write_atomic(done, json.dumps({name: overall[name] for name in METRICS}))
    result: dict[str, float] = json.loads(done.read_text(encoding="utf-8"))
    return result


def _config(split: str, changes: dict[str, Any]) -> TrainingConfig:
    return load_config(
        None,
        {
            "network": FULL,
            "data": {"split": split, "size": 128},
            "optimizer": {"rate": 5e-3, "warmup_steps": 25},
            "batch": 4,
            "epochs": 1000,
            "max_steps": STEPS,
            "ema": 0.98,
            "validate_every": 1000,
            "valid_images": 3,
            "pictures": 0,
            "threads": 1,
            "seed": SPLITS.index(split),
            **changes,
        },
    )


def _flat(release: Path) -> Figure:
    opened = Release.open(release)
    rows = [evaluate(constant(), ReleaseSamples(opened, split, "test")).overall["mae"] for split in SPLITS]
    return Figure("0.48 - luma", float(np.mean(rows)), "MAE", "", note="no training")


def _figure(name: str, rows: list[dict[str, float]], full: list[dict[str, float]]) -> Figure:
    """Return the mean error of a variant, and its difference to the full network with a 95 % interval."""
    values = {metric: np.array([row[metric] for row in rows]) for metric in METRICS}
    note = f"SSIM {values['ssim_range1'].mean():.3f}, PSNR {values['psnr_range1'].mean():.1f}"
    if name == FULL:
        note += f"; +-{values['mae'].std(ddof=1):.3f} between split schemes"
    else:
        note += "; " + ", ".join(_difference(metric, rows, full) for metric in ("mae", "ssim_range1"))
    return Figure(name, float(values["mae"].mean()), "MAE", "" if name == FULL else FULL, note=note)


def _difference(metric: str, rows: list[dict[str, float]], full: list[dict[str, float]]) -> str:
    change = np.array([row[metric] - own[metric] for row, own in zip(rows, full, strict=True)])
    reach = T_95 * change.std(ddof=1) / np.sqrt(len(change))
    label = "MAE" if metric == "mae" else "SSIM"
    clear = "" if abs(change.mean()) > reach else " (not told apart)"
    return f"{label} {change.mean():+.4f} +-{reach:.4f}{clear}"
