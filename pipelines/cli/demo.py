"""`iea40k demo`: the whole way, small."""

import time
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.progress import Progress
from pipelines.cli.terminal import DONE, FAILURES, messages


def demo(
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Where to put everything; an earlier demo there is made anew.")
    ] = Path("demo"),
) -> int:
    """Photographs in, a verified release out: everything this program does, on pictures that it brings along."""
    from iea40k import terminal
    from pipelines.demo import run_demo
    from pipelines.scene_task import Outcome

    start = time.monotonic()

    def say(text: str) -> None:
        messages.print(f"[{time.monotonic() - start:5.1f} s] {text}", markup=False)

    with Progress("building", "scenes") as bar:

        def built(outcome: Outcome, done: int, total: int) -> None:
            bar.update(done, total, outcome.scene_id)
            if outcome.message:
                bar.say(f"{outcome.scene_id}: {outcome.message}", style="red")

        result = run_demo(out, say=say, built=built)
    counts = ", ".join(f"{result.report.count(status)} {status}" for status in ("built", "quarantined"))
    say(f"done: {counts}, release verified")
    places = {"manifest": result.manifest, "store": result.store, "release": result.release}
    if (training := result.training) is not None:
        say(
            f"trained {training.steps} steps: error {training.mae:.3f} on held-out scenes; "
            f"guessing by brightness alone errs by {training.baseline_mae:.3f}"
        )
        places |= {"weights": training.weights, "report": training.report, "heat maps": training.heatmaps}
    for name, path in {**places, "look at": result.sheet}.items():
        terminal.say(f"{name + ':':<11}{path}")
    return FAILURES if result.report.failures else DONE
