"""`iea40k export`: a release in another form."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipelines.cli.options import AsJson
from pipelines.cli.progress import Progress
from pipelines.cli.terminal import DONE, messages


def export(
    release: Annotated[Path, typer.Argument(help="The release.")],
    out: Annotated[Path, typer.Argument(help="The new folder to write.")],
    form: Annotated[Literal["official"], typer.Option("--format", help="The published IEA40K layout.")],
    split: Annotated[
        str | None,
        typer.Option(help="The split scheme of the tables (default: split_official, else the first)."),
    ] = None,
    size: Annotated[
        int, typer.Option(min=0, help="Side of the square frames; 0 leaves every frame as it is.")
    ] = 256,
    licence: Annotated[
        list[str] | None, typer.Option(help="Only images under this licence. Repeatable.")
    ] = None,
    originals: Annotated[
        Path | None,
        typer.Option(
            help="The tree that was imported: pictures that are the same still are copied byte for byte."
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Write a release in another form."""
    from iea40k.store.release import Release
    from pipelines.official.exporting import export_official

    del form  # one so far; typer has checked it
    with Progress("exporting", "images") as bar:
        report = export_official(
            Release.open(release),
            out,
            split=split,
            size=size or None,
            licences=tuple(licence or ()),
            originals=originals,
            progress=bar.update,
        )
    if report.widened:
        messages.print(
            f"{len(report.widened)} labels were corrected to fractions of a level: stored as float32",
            style="yellow",
        )
    if as_json:
        typer.echo(json.dumps({"out": str(out), **vars(report)}))
    else:
        rows = ", ".join(f"{table} {count}" for table, count in sorted(report.rows.items()))
        messages.print(
            f"{out}: {report.images} images of {report.scenes} scenes ({report.resized} scaled); rows: {rows}",
            style="green",
            markup=False,
        )
    return DONE
