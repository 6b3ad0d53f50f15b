"""`iea40k benchmark`: every model and baseline on the same splits of a release, one table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iea40k.terminal import say
from pipelines.cli.model import Device
from pipelines.cli.options import AsJson
from pipelines.cli.progress import Progress
from pipelines.cli.terminal import DONE, FAILURES, messages

if TYPE_CHECKING:
    from iea40k.model.benchmark import Ran

Several = list[str] | None


def benchmark(
    release: Annotated[Path, typer.Argument(help="The release.")],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="The folder of the results; goes on where it stopped.")
    ],
    models: Annotated[
        Several,
        typer.Option(
            "--models",
            help="A network's name (it learns on each split), shipped:NAME, a file of weights, a folder of enhanced "
            "pictures SCENE_LEVEL.png, or LABEL=one of these; commas between several. Without it all but the slow.",
        ),
    ] = None,
    split: Annotated[Several, typer.Option(help="Only this split scheme; may be repeated.")] = None,
    part: Annotated[str, typer.Option(help="The split that is tested: train, valid or test.")] = "test",
    level: Annotated[Several, typer.Option(help="Only this level is tested; may be repeated.")] = None,
    config: Annotated[
        str, typer.Option(help="How networks learn: a YAML file, or a shipped configuration's name.")
    ] = "benchmark",
    setting: Annotated[
        Several,
        typer.Option(
            "--set", help="KEY=VALUE over the configuration's, or MODEL:KEY=VALUE; may be repeated."
        ),
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> int:
    """Measure models on the same splits: one table, with what cannot be told apart.

    What was measured is kept in the folder: the same command goes on after a stop, and more models can be added. A
    model that fails costs its row; the others are measured, and the exit code is 1.
    """
    from iea40k.model.benchmark import BenchmarkOptions, contender_of, default_models, run_benchmark
    from iea40k.model.benchmark.contenders import SLOW
    from iea40k.model.devices import pick_device
    from iea40k.store.release import Release

    named = [name for text in models or () for name in _names(text)]
    if not named:
        named = list(default_models())
        messages.print(f"left out, for they train long: {', '.join(SLOW)}; --models names them", markup=False)
    contenders = [contender_of(name) for name in named]
    options = BenchmarkOptions(
        tuple(split or ()), part, tuple(level or ()), config, tuple(setting or ()), pick_device(device)
    )
    with Progress("measuring", "models on splits") as bar:
        ran = run_benchmark(
            Release.open(release),
            contenders,
            out,
            options,
            progress=bar.update,
            tell=bar.say,
        )
    for label, error in ran.failures.items():
        messages.print(f"{label} failed: {error}", style="red", markup=False)
    if as_json:
        say((out / "benchmark.json").read_text(encoding="utf-8"), end="")
    else:
        _show(ran, out)
    return FAILURES if ran.failures else DONE


def _names(text: str) -> list[str]:
    """Return the models of a list with commas; a path may have commas of its own."""
    if Path(text.partition("=")[2] or text).exists():
        return [text]
    return [name.strip() for name in text.split(",") if name.strip()]


def _show(ran: "Ran", out: Path) -> None:
    table = ran.table
    width = max(map(len, table.order))
    for label in table.order:
        mae = table.figures[label]["figures"]["mae"]
        spread = f" +- {mae['sd']:.4f}" if mae["sd"] is not None else ""
        say(
            f"{label:{width}}  MAE {mae['mean']:.4f}{spread}  {table.compared.letters.get(label, '')}".rstrip()
        )
    for words in table.words:
        messages.print(words, style="yellow", markup=False)
    messages.print(f"all of it: {out / 'benchmark.md'}", markup=False)
