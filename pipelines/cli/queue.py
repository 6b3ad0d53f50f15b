"""`iea40k queue STORE …`: what wants a person's eye, who gets it, who did how much."""

import dataclasses
import datetime as dt
import getpass
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.table import Table

from iea40k.errors import BadInputError, IEAError
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks
from iea40k.store.ledger.entries import Purpose
from iea40k.store.ledger.overview import Throughput, counts, listing, notes, throughput, waiting
from iea40k.store.ledger.tasks import Reason
from iea40k.store.ledger.verdicts import verdicts
from pipelines.cli.options import AsJson
from pipelines.cli.queue_group import Where
from pipelines.cli.terminal import DONE, messages

if TYPE_CHECKING:
    import pandas as pd

Actor = Annotated[str, typer.Option("--by", help="Who does this; left out, who your login is.")]


def add(
    context: typer.Context,
    where: Annotated[
        str | None, typer.Option(help="A condition over any column: 'review_priority > 0.3'.")
    ] = None,
    experts: Annotated[int, typer.Option(help="How many people map each image, blind to each other.")] = 1,
    priority: Annotated[
        str, typer.Option(help="A column, or a number; higher comes first.")
    ] = "review_priority",
    reason: Annotated[str, typer.Option(help="suspicion, audit, dispute, gold or manual.")] = "",
    purpose: Annotated[str, typer.Option(help="expert, repeat (hidden) or adjudication.")] = "expert",
    references: Annotated[
        bool, typer.Option(help="Zone edits of the scenes' references, not residuals.")
    ] = False,
    order: Annotated[
        str,
        typer.Option(help="priority, or expected-gain: what a look is expected to gain, by --validation."),
    ] = "priority",
    validation: Annotated[
        Path | None, typer.Option(help="With --order expected-gain: the folder of `iea40k validate`.")
    ] = None,
    random: Annotated[int | None, typer.Option(help="Only this many, drawn at random: an audit.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    dry_run: Annotated[
        bool, typer.Option(help="Say how many images it would be, and change nothing.")
    ] = False,
    by: Actor = "",
    as_json: AsJson = False,
) -> int:
    """Put images into the queue; those already there keep the higher priority and the larger number of people."""
    from iea40k.store.layout import Store
    from pipelines.exposures import choose, exposure_table, in_turn, of_references
    from pipelines.store_now import store_now

    place = cast("Where", context.obj)
    store = Store.open(place.store)
    now = store_now(store)
    if now.problem:
        messages.print(now.problem, style="yellow", markup=False)
    if now.withdrawn:
        gone = f"not offered, no longer in the manifest ({len(now.withdrawn)}): " + ", ".join(now.withdrawn)
        messages.print(gone, style="yellow", markup=False)
    table = exposure_table(store, now)
    by_suspicion = priority == "review_priority"
    if order == "expected-gain":
        from pipelines.expected_gain import GAIN, with_gain  # and scikit-learn, a second or more

        if validation is None:
            raise BadInputError("an order by gain wants a validation", remedy="add --validation DIR")
        if references:
            raise BadInputError("gain is known of exposures", got="--references")
        table, priority, by_suspicion = with_gain(table, validation), GAIN, True
    elif order != "priority":
        raise BadInputError("no such order", expected="priority or expected-gain", got=order)
    chosen = choose(table, where, sample=random, seed=seed)
    if references:
        chosen = of_references(chosen)
    if by_suspicion and len(chosen):
        chosen = chosen.assign(**{priority: in_turn(chosen, priority)})
    why = reason or ("audit" if random is not None else "suspicion" if by_suspicion else "manual")
    requests = [
        TaskRequest(str(scene_id), str(level), value, cast("Reason", why), experts, cast("Purpose", purpose))
        for scene_id, level, value in zip(
            chosen["scene_id"].tolist(), chosen["level"].tolist(), _priorities(chosen, priority), strict=True
        )
    ]
    if not requests:
        messages.print("no image of this store fits the condition", style="yellow")
    if dry_run:
        _print({"would_add": len(requests)}, as_json)
        return DONE
    with place.open(create=True) as ledger:
        _print(dataclasses.asdict(add_tasks(ledger, requests, actor(ledger, by))), as_json)
    return DONE


def list_tasks(
    context: typer.Context,
    state: Annotated[
        str | None, typer.Option(help="open, leased, submitted, in_review, accepted, returned, …")
    ] = None,
    limit: Annotated[int, typer.Option(help="At most this many rows.")] = 50,
    with_notes: Annotated[
        bool,
        typer.Option(
            "--notes", help="What annotators say instead: flags, reasons of skips, words; proposals taken."
        ),
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Show what stands in the queue, the highest priority first."""
    place = cast("Where", context.obj)
    with place.open() as ledger:
        rows, total, said = listing(ledger, state=state, limit=limit), counts(ledger), notes(ledger)
        withheld = waiting(ledger, withdrawn_of(place))
        judged = [{**dataclasses.asdict(v), "precision": round(v.precision, 3)} for v in verdicts(ledger)]
    if as_json:
        found = {"counts": total, "rows": rows, "notes": said, "proposals": judged, "withdrawn": withheld}
        typer.echo(json.dumps(found, ensure_ascii=False))
        return DONE
    if with_notes:
        when = [{**note, "time": _minute(note["time"])} for note in said[:limit]]
        show_table(when, ("time", "scene_id", "level", "purpose", "annotator", "event", "comment"))
        if judged:
            typer.echo("\nProposals that people took and refused:")
            show_table(judged, ("kind", "taken", "refused", "precision"))
        return DONE
    _tell_withheld(withheld)
    show_table(
        rows, ("scene_id", "level", "purpose", "reason", "priority", "free", "annotator", "state", "comment")
    )
    _print({name: n for name, n in total.items() if n or name in ("tasks", "open")}, as_json=False)
    return DONE


def assign_tasks(
    context: typer.Context,
    to: Annotated[list[str], typer.Option(help="An annotator; give the option once for each.")],
    new: Annotated[
        bool, typer.Option("--new", help="A name that is like another's is no slip of the pen.")
    ] = False,
    count: Annotated[int | None, typer.Option(help="Give out at most this many.")] = None,
    by: Actor = "",
    as_json: AsJson = False,
) -> int:
    """Share free work out evenly, the highest priority first. Without it, people get work as they ask."""
    from iea40k.store.ledger.people import assign, recognise, unknown

    place = cast("Where", context.obj)
    without = withdrawn_of(place)
    with place.open() as ledger:
        for name, found in [] if new else [(name, recognise(ledger, name)) for name in to]:
            if found.similar:
                raise unknown(name, found)
        _tell_withheld(waiting(ledger, without))
        _print(assign(ledger, to, actor(ledger, by), count=count, without=without), as_json)
    return DONE


def people(context: typer.Context, as_json: AsJson = False) -> int:
    """Show what each person handed in: images, strokes, pixels, active time."""
    with cast("Where", context.obj).open() as ledger:
        rows = [dataclasses.asdict(person) for person in throughput(ledger)]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
    elif not rows:
        messages.print("nobody has handed in anything yet")
    else:
        show_table(rows, [field.name for field in dataclasses.fields(Throughput)])
    return DONE


def actor(ledger: Ledger, by: str) -> str:
    """Return who acts: the name given, or who this login is to the ledger, or the name of the login here."""
    return by or ledger.person() or getpass.getuser()


def withdrawn_of(place: Where) -> frozenset[str]:
    """Return the scenes of the store that its manifests list no longer; none where the store is not at hand."""
    from iea40k.store.layout import Store
    from iea40k.store.withdrawn import Withdrawn

    try:
        return Withdrawn(Store.open(place.store)).now()
    except IEAError:  # a ledger of a team can be looked at without the pictures
        return frozenset()


def _tell_withheld(withheld: dict[str, int]) -> None:
    if withheld:
        names = ", ".join(f"{scene} ({count})" for scene, count in withheld.items())
        messages.print(
            f"images given to nobody, since the manifest lists their scenes no longer ({sum(withheld.values())}; "
            f"what is drawn on them is kept): {names}",
            style="yellow",
            markup=False,
        )


def _minute(microseconds: int) -> str:
    return dt.datetime.fromtimestamp(microseconds / 1e6, dt.UTC).strftime("%Y-%m-%d %H:%M")


def _priorities(chosen: "pd.DataFrame", priority: str) -> list[float]:
    """Return a number for each row: that of a column, or the one that `priority` is."""
    given = chosen[priority].tolist() if priority in chosen.columns else [priority] * len(chosen)
    try:
        return [float(value) for value in given]
    except (TypeError, ValueError):
        raise BadInputError(
            "not a priority",
            expected="a number, or a column of numbers: " + ", ".join(map(str, chosen.columns)),
            got=f"{priority}: {next(v for v in given if not _is_number(v))!r}",
        ) from None


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _print(figures: dict[str, int], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(figures, ensure_ascii=False))
    else:
        facts = (f"{name.replace('_', ' ')}: {value}" for name, value in figures.items())
        messages.print(", ".join(facts), markup=False)


def show_table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Print rows on stdout, the columns as wide as their cells."""
    from rich.text import Text

    from iea40k.terminal import Terminal

    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        # Text, not markup: a comment may hold square brackets.
        table.add_row(*(Text(_cell(row.get(name))) for name in columns))
    console = Terminal()
    if not console.is_terminal:
        console.width = 240  # a file or a pipe has no edge to wrap at
    console.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
