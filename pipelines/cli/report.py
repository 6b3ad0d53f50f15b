"""`iea40k report`."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.progress import Progress
from pipelines.cli.terminal import DONE, messages


def report(
    place: Annotated[Path, typer.Argument(metavar="STORE|RELEASE", help="What to report on.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The page: one HTML file.")],
    disputes: Annotated[
        Path | None, typer.Option(help="A table of disputed labels: image_id, score, kind, reason.")
    ] = None,
) -> int:
    """Write a page to look at: what needs attention, distributions, and every image. It needs no network."""
    from pipelines.report.writing import write_report

    with Progress("reporting", "scenes") as bar:
        size = write_report(place, out, disputes=disputes, progress=bar.update)
    messages.print(f"{out}: {size / 1e6:.1f} MB, one page for any browser", markup=False, style="green")
    return DONE
