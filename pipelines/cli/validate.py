"""`iea40k validate`: the labels of a release that deserve a second look."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iea40k.errors import BadInputError
from pipelines.cli.options import AsJson
from pipelines.cli.progress import Progress
from pipelines.cli.terminal import DONE, FAILURES, messages

if TYPE_CHECKING:
    from iea40k.disputes.expecting import Predict
    from iea40k.model.training.config import TrainingConfig
    from iea40k.store.release import Release


def validate(
    release: Annotated[Path, typer.Argument(help="The release.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder of the results.")],
    store: Annotated[
        Path | None, typer.Option(help="The release's store: disputed images go into its queue.")
    ] = None,
    ledger: Annotated[
        str | None, typer.Option(help="The ledger's place, where it is not in the store.")
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Parts into which the scenes are divided.")] = 5,
    model: Annotated[
        str | None,
        typer.Option(
            help="A network of the registry (curve_net, p_ieanet_s, …), trained anew for every fold."
        ),
    ] = None,
    config: Annotated[
        str | None, typer.Option(help="With --model: how it is trained, as for `iea40k train`.")
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="With --model: KEY=VALUE over the configuration's.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Weights that never saw the release, instead of a model by fold.")
    ] = None,
    tree: Annotated[
        bool, typer.Option("--tree", help="Boosted trees, learnt out of fold by scene (the default).")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of folds, models and detector.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Compare labels with out-of-fold predictions, with the other levels, and with what a residual is by definition.

    A run that was stopped goes on at its fold when it is started again with the same --out.
    """
    from iea40k.extras import require

    require("sklearn", "curator")
    from iea40k.store.layout import Store
    from iea40k.store.release import Release
    from pipelines.dispute_folds import ByNetwork, ByTrees
    from pipelines.dispute_time import in_words, seconds_of
    from pipelines.disputes import validate_release

    chosen = [name for name, given in (("--tree", tree), ("--model", model), ("--weights", weights)) if given]
    if len(chosen) > 1:
        raise BadInputError("one of --tree, --model and --weights predicts", got=" and ".join(chosen))
    if model is None and (config is not None or setting):
        raise BadInputError("--config and --set are for a network that is trained", remedy="add --model NAME")
    opened = Release.open(release)
    opened_store = None if store is None else Store.open(store)
    predict = None if weights is None else _by_weights(weights, opened)
    trained = None if model is None else _configured(model, config, tuple(setting or ()))
    training = None if trained is None else _training_time(opened, trained, folds)
    seconds = seconds_of(opened, folds, training=training, by_folds=weights is None)
    messages.print(f"this takes {in_words(seconds)}; a run that is stopped goes on at its fold", markup=False)
    with Progress("validating", "steps") as bar:
        found = validate_release(
            opened,
            out,
            folds=folds,
            seed=seed,
            predictor=ByTrees() if trained is None else ByNetwork(opened, trained, out / "folds", bar.say),
            predict=predict,
            store=opened_store,
            ledger=ledger,
            progress=lambda word, done, total: bar.update(done, total, word),
        )
    for words in found.words:
        messages.print(words, style="yellow", markup=False)
    for fold, why in found.failed.items():
        messages.print(
            f"fold {fold}: the model failed, and its scenes were judged without a prediction: {why}; "
            "the same command tries this fold again",
            style="red",
            markup=False,
        )
    worst = found.disputes[: found.disputed]
    if as_json:
        rows = [
            {"image_id": f"{d.scene_id}_{d.level}", "score": d.score, "kind": d.kind, "reason": d.reason}
            for d in worst
        ]
        result = {
            "disputes": rows, "images": len(found.disputes), "queued": found.queued,
            "settled": found.settled, "words": found.words, "failed": found.failed, "seconds": round(seconds),
            "out": str(out),
        }  # fmt: skip
        typer.echo(json.dumps(result))
        return FAILURES if found.failed else DONE
    typer.echo(f"{found.disputed} of {len(found.disputes)} images are disputed; all of them in {out}")
    for dispute in worst[:10]:
        answered = " (settled)" if f"{dispute.scene_id}_{dispute.level}" in found.settled else ""
        typer.echo(f"{dispute.score:.2f}  {dispute.scene_id} {dispute.level}: {dispute.reason}{answered}")
    if store is not None:
        typer.echo(f"{found.queued} are in the queue; {len(found.settled)} were settled by an expert before")
    return FAILURES if found.failed else DONE


def _configured(model: str, config: str | None, settings: tuple[str, ...]) -> "TrainingConfig":
    from iea40k.extras import require

    require("torch", "trainer")
    from iea40k.model.training.config import load_config

    return load_config(config, {"network": model}, settings)


def _training_time(release: "Release", config: "TrainingConfig", folds: int) -> float:
    from iea40k.model.training.by_fold import training_seconds

    return training_seconds(release, config, folds)


def _by_weights(weights: str, release: "Release") -> "Predict":
    from iea40k.disputes.expecting import Expectation
    from iea40k.model.loading import load_predictor
    from iea40k.model.predict import PredictOptions, predict_image

    loaded = load_predictor(weights)
    if loaded.facts.get("data", {}).get("release") == release.digest:
        raise BadInputError(
            "these weights learnt from this release: what they have seen they cannot dispute",
            where=weights,
            remedy="use --tree or --model, whose predictions are out of fold, or weights of another release",
        )
    return lambda picture: Expectation.alone(predict_image(loaded, picture, PredictOptions()).residual)
