"""Two processes that train together give what one gives."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from iea40k.model.weights import load_weights
from iea40k.store.layout import Store
from iea40k.store.release import ReleaseOptions, write_release
from tests.builders import built_scene

ROOT = Path(__file__).parents[2]
ONE = [sys.executable, "-m", "pipelines.cli"]
TWO = [
    sys.executable,
    "-m",
    "torch.distributed.run",
    "--standalone",
    "--nproc-per-node",
    "2",
    "-m",
    "pipelines.cli",
]


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="this PyTorch has no distributed package")
def test_two_processes_learn_what_one_learns(tmp_path):
    store = Store.create(tmp_path / "store")
    for number in range(8):
        # Every pixel valid: then each half of a batch weighs alike, and the mean of two means is the mean.
        store.write_scene(built_scene(f"s{number}", height=40, width=48, invalid=False))
    write_release(store, tmp_path / "release", ReleaseOptions("1.0.0", ratios=(50, 25, 25)))
    settings = {"batch": 4, "epochs": 2, "threads": 1, "pictures": 1, "data": {"size": 32}, "ema": 0.5}
    settings |= {"network": "p_ieanet_s", "optimizer": {"rate": 1e-3, "warmup_steps": 1}}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(settings))
    arguments = ["train", str(tmp_path / "release"), "--config", str(tmp_path / "c.yaml"), "--json", "--out"]
    results = []
    for name, program in (("one", ONE), ("two", TWO)):
        done = subprocess.run(
            [*program, *arguments, str(tmp_path / name)],
            cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("valid_mae") == 1  # one of the processes speaks for all
        results.append(load_weights(tmp_path / name / "best.safetensors"))
    alone, together = results
    assert together.facts["metrics"]["valid_mae"] == pytest.approx(
        alone.facts["metrics"]["valid_mae"], abs=1e-4
    )
    for name, tensor in alone.network.state_dict().items():
        torch.testing.assert_close(together.network.state_dict()[name], tensor, atol=2e-3, rtol=0)
