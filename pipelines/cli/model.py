"""`iea40k train` and `iea40k evaluate`."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from iea40k.errors import BadInputError
from iea40k.files import write_atomic
from iea40k.recipe import without_nan
from iea40k.terminal import say
from pipelines.cli.options import AsJson
from pipelines.cli.progress import Progress
from pipelines.cli.terminal import DONE, messages

if TYPE_CHECKING:
    from iea40k.model.evaluate import Evaluation
    from iea40k.model.training.config import TrainingConfig
    from iea40k.model.weights import Weights

ALL_SPLITS = "all"
_PLACE = "{split}"

Device = Annotated[
    str, typer.Option(help="Where the network runs: cpu, cuda, or auto (a GPU where there is one).")
]


def train(
    release: Annotated[Path, typer.Argument(help="The release to learn from.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The run's folder.")],
    model: Annotated[
        str | None, typer.Option(help="The network's name, instead of the configuration's.")
    ] = None,
    config: Annotated[
        str | None, typer.Option(help="A YAML file, or a shipped configuration's name.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="The split scheme; 'all' trains one run for each.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="KEY=VALUE over the configuration's, such as data.size=128; may be repeated."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run was stopped.")] = False,
    as_json: AsJson = False,
) -> int:
    """Train a network on a release. Ctrl-C leaves a checkpoint; --resume goes on from it.

    Several GPUs: torchrun --nproc-per-node 4 -m pipelines.cli train RELEASE --out RUN
    """
    from iea40k.store.release import Release

    wanted = _configured(out, model, config, tuple(setting or ()), resume)
    name = split or wanted.data.split
    names = Release.open(release).split_schemes if name == ALL_SPLITS else (name,)
    runs = {n: _train_one(release, out / n if name == ALL_SPLITS else out, wanted, n, resume) for n in names}
    result: dict[str, Any] = {"runs": runs}
    if len(runs) > 1:
        from iea40k.metrics import mean_and_sd

        mean, sd = mean_and_sd([{"mae": run["valid_mae"]} for run in runs.values()])["mae"]
        result |= {"valid_mae_mean": mean, "valid_mae_sd": sd}
        _say(f"validation MAE over {len(runs)} splits: {mean:.4f} +- {sd:.4f}")
    if as_json and _first():
        typer.echo(json.dumps(result))
    return DONE


def evaluate(
    weights: Annotated[str, typer.Argument(help="A weights file or shipped name; may hold '{split}'.")],
    release: Annotated[Path, typer.Argument(help="The release.")],
    split: Annotated[
        str | None, typer.Option(help="The split scheme (that of the training); 'all' for each.")
    ] = None,
    part: Annotated[str, typer.Option(help="The split: train, valid or test.")] = "test",
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Also write the figures, plots and a table of images here."),
    ] = None,
    head: Annotated[
        bool, typer.Option("--head", help="Also fit a score head on the training split.")
    ] = False,
    level: Annotated[list[str] | None, typer.Option(help="Only this level; may be repeated.")] = None,
    against_experts: Annotated[
        bool,
        typer.Option(
            "--against-experts", help="Also: the network beside each expert's distance to the others."
        ),
    ] = False,
    store: Annotated[Path | None, typer.Option(help="With --against-experts: the release's store.")] = None,
    ledger: Annotated[
        str | None, typer.Option(help="With --against-experts: the ledger, where it is not in the store.")
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> int:
    """Measure a network on a split of a release: maps by band, level, zone, class, device; scores from maps."""
    from iea40k.model.devices import pick_device
    from iea40k.store.release import Release

    opened = Release.open(release)
    names = opened.split_schemes if split == ALL_SPLITS else (split,)
    found = {}
    experts: dict[str, Any] = {}
    for name in names:
        loaded = _load(weights, name)
        chosen = name or _own_split(loaded, opened)
        if against_experts:  # first: where there are none it is said before the long part
            from iea40k.model.evaluate import network_predictor
            from pipelines.cli.against_experts import beside_experts

            images = opened.images_of(chosen, part)
            wanted = images[images["level"].isin(level)] if level else images
            predict = network_predictor(loaded, pick_device(device))
            experts[chosen] = beside_experts(predict, opened, store, ledger, set(wanted["image_id"]))
        found[chosen] = _evaluate_one(
            loaded, opened, chosen, part, tuple(level or ()), head, pick_device(device)
        )
        if out is not None:
            _write_report(
                found[chosen], out / chosen if len(names) > 1 else out, weights, opened, chosen, part
            )
    result = _summary({name: evaluation for name, (evaluation, _) in found.items()})
    result |= {"weights": weights, "release": opened.digest, "part": part}
    result["trained_on_some"] = {name: leak for name, (_, leak) in found.items()}
    if experts:
        result["experts"] = experts
    text = json.dumps(without_nan(result), indent=1) + "\n"
    if out is not None:
        write_atomic(out / "evaluation.json", text)
    if as_json:
        say(text, end="")
    else:
        _show(result)
        for compared in experts.values():
            from pipelines.cli.against_experts import show

            show(compared)
    return DONE


# ---------------------------------------------------------------- training


def _configured(
    out: Path, model: str | None, config: str | None, settings: tuple[str, ...], resume: bool
) -> "TrainingConfig":
    from iea40k.model.training.config import load_config

    own = out / "config.yaml"
    if resume and config is None and own.is_file():
        config = str(own)
    return load_config(config, {"network": model} if model else None, settings)


def _train_one(
    release: Path, out: Path, config: "TrainingConfig", split: str, resume: bool
) -> dict[str, Any]:
    from iea40k.model.networks import describe
    from iea40k.model.training.from_release import training_data
    from iea40k.model.training.loop import train as run

    config = config.model_copy(update={"data": config.data.model_copy(update={"split": split})})
    data = training_data(release, config.data, pictures=describe(config.network).learns_pictures)
    done = run(data, out, config, resume=resume, tell=_say)
    _say(f"{done.weights}: validation MAE {done.mae:.4f}, {done.steps} steps in {done.seconds:.0f} s")
    return {
        "weights": str(done.weights),
        "valid_mae": done.mae,
        "epoch": done.epoch,
        "steps": done.steps,
        "seconds": done.seconds,
    }


def _first() -> bool:
    return os.environ.get("RANK", "0") == "0"


def _say(line: str) -> None:
    if _first():
        messages.print(line, markup=False)


# ---------------------------------------------------------------- evaluation


def _load(weights: str, split: str | None) -> "Weights":
    from iea40k.model.weights import load_weights

    if _PLACE in weights and split is None:
        raise BadInputError(
            "'{split}' in the weights needs --split", expected="--split all, or a scheme's name"
        )
    return load_weights(weights.replace(_PLACE, split or ""))


def _own_split(weights: "Weights", release: Any) -> str:
    own = str(weights.facts.get("data", {}).get("split", ""))
    return own if own in release.split_schemes else str(release.split_schemes[0])


def _evaluate_one(
    weights: "Weights", release: Any, split: str, part: str, levels: tuple[str, ...], head: bool, device: str
) -> "tuple[Evaluation, int]":
    """Return the evaluation, and how many of its scenes the weights were trained on."""
    from iea40k.model.data.release_samples import ReleaseSamples
    from iea40k.model.evaluate import evaluate as measure
    from iea40k.model.evaluate import network_predictor

    samples = ReleaseSamples(release, split, part, levels)
    leak = _trained_on(weights, release, {s.scene_id for s in samples.samples})
    if leak:
        messages.print(f"{leak} scenes of this split were in the training of these weights", style="yellow")
    head_from = ReleaseSamples(release, split, "train", levels) if head else None
    with Progress("evaluating", "images") as bar:
        predictor = network_predictor(weights, device)
        return measure(predictor, samples, head_from=head_from, progress=bar.update), leak


def _trained_on(weights: "Weights", release: Any, scenes: set[str]) -> int:
    """Return how many of `scenes` these weights were trained on, as far as they say."""
    data = weights.facts.get("data", {})
    if data.get("release") != release.digest or data.get("split") not in release.split_schemes:
        return 0
    return len(scenes & set(release.images_of(data["split"], data["train_part"])["scene_id"]))


def _summary(evaluations: "dict[str, Evaluation]") -> dict[str, Any]:
    from iea40k.metrics import mean_and_sd

    result: dict[str, Any] = {"splits": {name: e.as_json() for name, e in evaluations.items()}}
    rows = [e.overall for e in evaluations.values()]
    scores = [
        {f"{m} {n}": v for m, row in e.holistic.items() for n, v in row.items()} for e in evaluations.values()
    ]
    for key, found in (("mean_and_sd", mean_and_sd(rows)), ("scores_mean_and_sd", mean_and_sd(scores))):
        result[key] = {name: {"mean": mean, "sd": sd} for name, (mean, sd) in found.items()}
    return result


def _show(result: dict[str, Any]) -> None:
    several = len(result["splits"]) > 1
    for name, found in {**result["mean_and_sd"], **result["scores_mean_and_sd"]}.items():
        spread = f" +- {found['sd']:.4f}" if several else ""
        say(f"{name:32} {found['mean']:.4f}{spread}")


def _write_report(
    found: "tuple[Evaluation, int]", folder: Path, weights: str, release: Any, split: str, part: str
) -> None:
    from iea40k.model.evaluation_report import markdown, write_plots

    evaluation, leak = found
    notes = {
        "weights": weights,
        "release": f"{release.head.get('name', '')} {release.version} ({release.digest[:12]})",
        "part": f"{part} of {split}",
        "scenes that the weights were trained on": leak,
    }
    write_atomic(folder / "evaluation.md", markdown(evaluation, "Evaluation", notes))
    write_atomic(folder / "images.csv", evaluation.images.to_csv(index=False))
    write_plots(evaluation, folder)
    messages.print(f"report: {folder / 'evaluation.md'}", markup=False)
