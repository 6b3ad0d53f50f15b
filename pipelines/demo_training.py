"""The last part of the demo: a short training on the demo's own release, its metrics and its heat maps."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

CONFIG = "demo"


@dataclass(frozen=True)
class DemoTraining:
    """What a demo's training gave: its run, weights, report, heat maps, and mean absolute errors on held-out scenes.

    `baseline_mae` is that of "0.48 minus luma", one grey for every pixel; a network must beat it.
    """

    run: Path
    weights: Path
    report: Path
    heatmaps: Path
    mae: float
    baseline_mae: float
    images: int
    steps: int


def can_train() -> bool:
    """Return whether PyTorch and what else training needs are installed."""
    return all(find_spec(name) is not None for name in ("torch", "safetensors", "tensorboard", "matplotlib"))


def train_demo(
    release: Path, out: Path, *, config_file: str | Path = CONFIG, say: Callable[[str], None] = lambda _: None
) -> DemoTraining:
    """Train on `release` for some seconds, evaluate on its test split, and write a run folder `out`.

    Needs `can_train()`. The run is a full one: weights, checkpoint, TensorBoard events, `evaluation/` with
    report and plots, `heatmaps/` of validation images.
    """
    from iea40k.baselines import constant
    from iea40k.files import write_atomic
    from iea40k.model.data.release_samples import ReleaseSamples
    from iea40k.model.evaluate import evaluate, network_predictor
    from iea40k.model.evaluation_report import markdown, write_plots
    from iea40k.model.training.config import load_config
    from iea40k.model.training.from_release import training_data
    from iea40k.model.training.loop import train
    from iea40k.model.weights import load_weights
    from iea40k.store.release import Release

    config = load_config(config_file)
    done = train(training_data(release, config.data), out, config, tell=say)
    opened = Release.open(release)
    test = ReleaseSamples(opened, config.data.split, "test")
    found = evaluate(network_predictor(load_weights(done.weights)), test)
    baseline = evaluate(constant(), test)
    report = out / "evaluation" / "evaluation.md"
    notes = {
        "weights": done.weights.name,
        "release": f"{opened.version} ({opened.digest[:12]})",
        "part": f"test of {config.data.split}, scenes that were not learnt",
        "MAE of 0.48 - luma": f"{baseline.overall['mae']:.4f}",
    }
    write_atomic(report, markdown(found, "Evaluation of the demo's training", notes))
    write_plots(found, report.parent)
    return DemoTraining(
        run=out,
        weights=done.weights,
        report=report,
        heatmaps=out / "heatmaps",
        mae=found.overall["mae"],
        baseline_mae=baseline.overall["mae"],
        images=len(found.images),
        steps=done.steps,
    )
