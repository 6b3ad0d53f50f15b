"""`iea40k agreement STORE`: how far the experts agree."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsJson
from pipelines.cli.queue import show_table
from pipelines.cli.queue_group import LedgerOption, ledger_place
from pipelines.cli.terminal import DONE, FAILURES, messages


def agreement(
    context: typer.Context,
    store: Annotated[Path, typer.Argument(help="The store.")],
    ledger: LedgerOption = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write tables (CSV) and a picture into this folder.")
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option(help="Also by this column; level and scene_class if left out.")
    ] = None,
    sample: Annotated[int | None, typer.Option(help="Only this many scenes, drawn at random.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Compare the maps that two or more experts handed in of the same image: ICC, alpha, differences, bias, drift."""
    from iea40k.store.layout import Store
    from iea40k.store.ledger import Ledger
    from pipelines.agreement import measure
    from pipelines.agreement_files import as_json as tables_of
    from pipelines.agreement_files import write_report
    from pipelines.cli.progress import Progress

    place = ledger_place(context, store, ledger)
    opened = Store.open(store)
    with Ledger.open(place) as found, Progress("comparing", "scenes") as bar:
        report = measure(
            opened,
            found,
            group_by=tuple(by or ("level", "scene_class")),
            sample=sample,
            seed=seed,
            progress=bar.update,
        )
    tables = tables_of(report)
    if as_json:
        typer.echo(json.dumps(tables, ensure_ascii=False))
    elif not report.rows:
        messages.print("no image was mapped by two people yet")
    else:
        show_table(
            [r for r in tables["rows"] if r["region"] == "painted"],
            ("group", "value", "images", "pixels", "icc", "alpha", "mae", "sign_area"),
        )
        people = [p for p in tables["people"] if p["group"] == "all"]
        show_table(people, ("annotator", "images", "bias", "difference", "drift", "drift_error"))
        messages.print(
            "as truth, bias and noise; and the agreement before and after the biases are taken out"
        )
        show_table(
            [{**r, "annotator": r["name"]} for r in tables["raters"]],
            ("annotator", "images", "bias", "noise"),
        )
        show_table(tables["modelled"], ("maps", "images", "pixels", "icc", "alpha", "mae", "sign_area"))
        for key, title in (
            ("consistency", "against themselves, on hidden repeats"),
            ("against_adjudicator", "against the adjudicator"),
        ):
            if tables[key]:
                messages.print(title)
                show_table(tables[key], ("annotator", "images", "mae"))
        messages.print(
            "over pixels that one expert at least painted; residual units, drift a 30 days; --json has all pixels too"
        )
    if out is not None:
        for file in write_report(report, out):
            messages.print(f"wrote {file}")
    for scene_id in report.skipped:
        messages.print(f"not in the store any more: {scene_id}", style="yellow", markup=False)
    for map_key in report.stale:
        place = f"{map_key.scene_id} {map_key.level}, {map_key.annotator}"
        messages.print(f"left out, drawn on a base that was rebuilt: {place}", style="yellow", markup=False)
    return FAILURES if report.skipped or report.stale else DONE
