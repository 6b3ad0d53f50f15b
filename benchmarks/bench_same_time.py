"""`p_ieanet` and the released network, trained from the beginning on the same images for the same time.

Time is CPU time of the process, one thread each, so that other work on the machine does not count. `wavelet_net` gets
the whole time at each of several learning rates, and the best of them counts: the comparison errs in its favour.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.harness import Figure
from iea40k.baselines import constant
from iea40k.model.data.release_samples import ReleaseSamples
from iea40k.model.evaluate import evaluate, network_predictor
from iea40k.model.networks import build
from iea40k.model.training.config import load_config
from iea40k.model.training.from_release import training_data
from iea40k.model.training.loop import train
from iea40k.model.weights import load_weights
from iea40k.store.release import Release
from pipelines.demo import run_demo

SECONDS = 120.0
TITLE = f"Trained for the same time: {SECONDS:g} s of one core, on the demo's release"
RATES = (3e-4, 1e-3, 3e-3)
OURS: dict[str, Any] = {"network": "p_ieanet", "batch": 4, "data": {"size": 128}}
THEIRS: dict[str, Any] = {"network": "wavelet_net", "batch": 1, "data": {"view": "official", "size": 256}}


def run() -> list[Figure]:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        release = run_demo(Path(folder) / "demo").release
        return _measured(release, Path(folder))


def _measured(release: Path, folder: Path) -> list[Figure]:
    test = ReleaseSamples(Release.open(release), "split_0", "test")
    flat = evaluate(constant(), test).overall["mae"]
    figures = [
        Figure("0.48 - luma", flat, "MAE", "", note=f"{len(test.samples)} images of scenes not learnt")
    ]
    mae, told = _trained(release, folder / "ours", test, {**OURS, "rate": 3e-3})
    figures.append(Figure("p_ieanet", mae, "MAE", "0.48 - luma", "lower", mae < flat, told))
    found = {}
    for rate in RATES:
        found[rate] = _trained(release, folder / f"theirs_{rate:g}", test, {**THEIRS, "rate": rate})
    best = min(found, key=lambda rate: found[rate][0])
    others = ", ".join(f"{found[rate][0]:.3f} at {rate:g}" for rate in RATES if rate != best)
    note = f"rate {best:g}: {found[best][1]}; {others}"
    figures.append(
        Figure("wavelet_net", found[best][0], "MAE", "p_ieanet", "higher", found[best][0] > mae, note)
    )
    return figures


def _trained(release: Path, out: Path, test: ReleaseSamples, setup: dict[str, Any]) -> tuple[float, str]:
    """Train for `SECONDS` and return the held-out error, and the steps and the CPU time that it really took."""
    steps = max(2, round(SECONDS / _seconds_a_step(setup["network"], setup["batch"], setup["data"]["size"])))
    config = load_config(
        None,
        {
            **{key: value for key, value in setup.items() if key != "rate"},
            "optimizer": {"rate": setup["rate"], "warmup_steps": min(50, steps // 10)},
            "epochs": 100_000,
            "max_steps": steps,
            "ema": 0.98 if steps > 200 else 0.0,
            "validate_every": 100_000,
            "valid_images": 1,
            "pictures": 0,
            "threads": 1,
        },
    )
    start = time.process_time()
    done = train(training_data(release, config.data), out, config)
    seconds = time.process_time() - start
    mae = evaluate(network_predictor(load_weights(done.weights)), test).overall["mae"]
    return mae, f"{steps} steps of {config.batch} in {seconds:.0f} s"


def _seconds_a_step(name: str, batch: int, size: int) -> float:
    """Return the CPU time of a training step, without the first, which also warms up."""
    network = build(name).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.rand(batch, 3, size, size).contiguous(memory_format=torch.channels_last)
    repeats = 2 if name == "wavelet_net" else 10
    for k in range(repeats + 1):
        if k == 1:
            start = time.process_time()
        network(images).abs().mean().backward()
    return (time.process_time() - start) / repeats
