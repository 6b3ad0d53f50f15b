"""`iea40k validate`: the labels of a release that deserve a second look."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iea40k.errors import BadInputError
from pipelines.cli.options import AsJson
from pipelines.cli.progress import Progress
from pipelines.cli.terminal import DONE, messages

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from iea40k.disputes.scenes import Map
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
        str | None, typer.Option(help="Weights that never saw the release, instead of trees out of fold.")
    ] = None,
    tree: Annotated[
        bool, typer.Option("--tree", help="Boosted trees, learnt out of fold by scene (the default).")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of folds, trees and detector.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Compare labels with out-of-fold predictions, with the other levels, and with what a residual is by definition."""
    from iea40k.extras import require

    require("sklearn", "curator")
    from iea40k.store.layout import Store
    from iea40k.store.release import Release
    from pipelines.disputes import validate_release

    if model is not None and tree:
        raise BadInputError("one of --tree and --model predicts", got="both")
    opened = Release.open(release)
    predict = None if model is None else _predictor(model, opened)
    with Progress("validating", "steps") as bar:
        found = validate_release(
            opened,
            out,
            folds=folds,
            seed=seed,
            predict=predict,
            store=None if store is None else Store.open(store),
            ledger=ledger,
            progress=lambda word, done, total: bar.update(done, total, word),
        )
    for words in found.words:
        messages.print(words, style="yellow", markup=False)
    worst = found.disputes[: found.disputed]
    if as_json:
        rows = [
            {"image_id": f"{d.scene_id}_{d.level}", "score": d.score, "kind": d.kind, "reason": d.reason}
            for d in worst
        ]
        result = {
            "disputes": rows, "images": len(found.disputes), "queued": found.queued,
            "settled": found.settled, "words": found.words, "out": str(out),
        }  # fmt: skip
        typer.echo(json.dumps(result))
        return DONE
    typer.echo(f"{found.disputed} of {len(found.disputes)} images are disputed; all of them in {out}")
    for dispute in worst[:10]:
        typer.echo(f"{dispute.score:.2f}  {dispute.scene_id} {dispute.level}: {dispute.reason}")
    if store is not None:
        typer.echo(f"{found.queued} are in the queue; {len(found.settled)} were settled by an expert before")
    return DONE


def _predictor(weights: str, release: "Release") -> "Callable[[NDArray[np.uint8]], Map]":
    from iea40k.model.loading import load_predictor
    from iea40k.model.predict import PredictOptions, predict_image

    loaded = load_predictor(weights)
    if loaded.facts.get("data", {}).get("release") == release.digest:
        raise BadInputError(
            "these weights learnt from this release: what they have seen they cannot dispute",
            where=weights,
            remedy="use --tree, whose predictions are out of fold, or weights of another release",
        )
    return lambda picture: predict_image(loaded, picture, PredictOptions()).residual
