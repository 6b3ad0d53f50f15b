"""`iea40k report`."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.progress import Progress
from pipelines.cli.queue_group import LedgerOption, ledger_of, typed
from pipelines.cli.terminal import DONE, FAILURES, messages


def report(
    context: typer.Context,
    place: Annotated[Path, typer.Argument(metavar="STORE|RELEASE", help="What to report on.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The page: one HTML file.")],
    disputes: Annotated[
        Path | None, typer.Option(help="A table of disputed labels: image_id, score, kind, reason.")
    ] = None,
    ledger: LedgerOption = None,
) -> int:
    """Write a page to look at: what needs attention, distributions, and every image. It needs no network."""
    from iea40k.places import address_of
    from iea40k.store.kinds import kind_of
    from pipelines.report.writing import write_report

    of_a_store = address_of(place) is None and kind_of(place) == "store"
    # What a configuration or the environment names is of stores; what is typed is meant.
    where = ledger_of(context, place, ledger) if of_a_store or typed(context) else None
    with Progress("reporting", "scenes") as bar:
        written = write_report(place, out, disputes=disputes, ledger=where, progress=bar.update)
    for scene_id, why in written.unread:
        messages.print(f"{scene_id} cannot be read: {why}", markup=False, style="red")
    messages.print(
        f"{out}: {written.size / 1e6:.1f} MB, one page for any browser", markup=False, style="green"
    )
    return FAILURES if written.unread else DONE
