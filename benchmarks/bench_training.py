"""Networks trained alike on the demo's release: the paper's ablations, and the released network for the same time."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.harness import Figure
from iea40k.model.data.release_samples import ReleaseSamples
from iea40k.model.evaluate import evaluate, grey_predictor, network_predictor
from iea40k.model.training.config import load_config
from iea40k.model.training.from_release import training_data
from iea40k.model.training.loop import Trained, train
from iea40k.model.weights import load_weights
from iea40k.store.release import Release
from pipelines.demo import run_demo

TITLE = "Training: held-out error on the demo's release after the demo's short training"
ABLATIONS: dict[str, dict[str, Any]] = {
    "p_ieanet_s": {},
    "without DWT": {"network_config": {"wavelet": "none"}},
    "without structure": {"network_config": {"structure": False}},
    "without lightness": {"network_config": {"lightness": False}},
    "Daubechies": {"network_config": {"wavelet": "daubechies"}},
    "Symlet": {"network_config": {"wavelet": "symlet"}},
    "direct output": {"network_config": {"output": "direct"}},
    "L2": {"loss": {"kind": "l2"}},
    "smooth L1": {"loss": {"kind": "smooth_l1"}},
}
# Adam with a rate that suits so few steps.
WAVELET_NET: dict[str, Any] = {
    "network": "wavelet_net",
    "batch": 2,
    "data": {"view": "official", "size": 256},
    "optimizer": {"rate": 1e-3, "warmup_steps": 1},
    "valid_images": 1,
    "pictures": 0,
}


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        release = run_demo(Path(folder) / "demo").release
        return _measured(release, Path(folder))


def _measured(release: Path, folder: Path) -> list[Figure]:
    test = ReleaseSamples(Release.open(release), "split_0", "test")
    flat = evaluate(grey_predictor(), test).overall["mae"]
    figures = [
        Figure("0.48 - luma", flat, "MAE", "", note=f"{len(test.samples)} images of scenes not learnt")
    ]
    seconds = 0.0
    for name, changes in ABLATIONS.items():
        done, mae = _trained(release, folder / name, test, changes)
        seconds = seconds or done.seconds
        full = figures[1].value if len(figures) > 1 else mae
        figures.append(Figure(name, mae, "MAE", "p_ieanet_s", note=f"{mae / full:.2f} of p_ieanet_s"))
    steps = max(2, round(seconds / _seconds_a_step(release, folder / "probe")))
    done, mae = _trained(release, folder / "wavelet_net", test, {**WAVELET_NET, "max_steps": steps})
    ours = figures[1].value
    note = f"{steps} steps in {done.seconds:.0f} s; p_ieanet_s: {ours:.4f} after {seconds:.0f} s"
    met = ours < mae
    figures.append(Figure("wavelet_net, same time", mae, "MAE", "p_ieanet_s", "p_ieanet_s lower", met, note))
    return figures


def _trained(
    release: Path, out: Path, test: ReleaseSamples, changes: dict[str, Any]
) -> tuple[Trained, float]:
    config = load_config("demo", {"pictures": 0, **changes})
    done = train(training_data(release, config.data), out, config)
    return done, evaluate(network_predictor(load_weights(done.weights)), test).overall["mae"]


def _seconds_a_step(release: Path, out: Path) -> float:
    """Return the seconds of a step of wavelet_net, without the first, which also warms up."""
    seconds = []
    for steps in (2, 5):
        config = load_config("demo", {**WAVELET_NET, "max_steps": steps})
        seconds.append(train(training_data(release, config.data), out / str(steps), config).seconds)
    return max(1e-3, (seconds[1] - seconds[0]) / 3)
