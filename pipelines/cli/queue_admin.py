"""`iea40k queue STORE …` for reviewing and administration; see `pipelines.cli.queue` for the rest."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated, cast

import typer

from iea40k.errors import BadInputError
from iea40k.store.kinds import SEALS_FILE
from iea40k.store.ledger import Ledger, MapKey, Queue
from iea40k.store.ledger.entries import Purpose, now_us
from iea40k.store.ledger.place import refuse_typed_secret
from iea40k.terminal import say
from pipelines.cli.options import AsJson
from pipelines.cli.queue import Actor, actor, show_table
from pipelines.cli.queue_group import Where
from pipelines.cli.terminal import DONE, FAILURES, messages

_WRONG_CLOCK = 60.0
"""Seconds by which a machine's clock may differ from the ledger's before anybody is told."""


def accept(
    context: typer.Context,
    scene: Annotated[str, typer.Argument(help="The scene's id.")],
    level: Annotated[str, typer.Argument(help="N4 ... P4, or reference.")],
    annotator: Annotated[str, typer.Argument(help="Whose work it is.")],
    purpose: Annotated[str, typer.Option(help="expert, repeat or adjudication.")] = "expert",
    comment: Annotated[str, typer.Option(help="A word to the author.")] = "",
    by: Actor = "",
) -> int:
    """Accept submitted work, so that it counts in the consensus."""
    with cast("Where", context.obj).open() as ledger:
        Queue(ledger).accept(_map_key(scene, level, annotator, purpose), actor(ledger, by), comment)
    return DONE


def return_work(
    context: typer.Context,
    scene: Annotated[str, typer.Argument(help="The scene's id.")],
    level: Annotated[str, typer.Argument(help="N4 ... P4, or reference.")],
    annotator: Annotated[str, typer.Argument(help="Whose work it is.")],
    comment: Annotated[str, typer.Option(help="What to look at again.")],
    purpose: Annotated[str, typer.Option(help="expert, repeat or adjudication.")] = "expert",
    by: Actor = "",
) -> int:
    """Return work to its author with a comment; it can be painted again."""
    with cast("Where", context.obj).open() as ledger:
        Queue(ledger).return_(_map_key(scene, level, annotator, purpose), actor(ledger, by), comment)
    return DONE


def annotator_command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The person's name, as it stands in the ledger.")],
    login: Annotated[str | None, typer.Option(help="PostgreSQL: the role this person logs in as.")] = None,
    ended: Annotated[bool, typer.Option(help="This person gets no more work.")] = False,
) -> int:
    """Enter a person, change their login, or end their work."""
    from iea40k.store.ledger.people import set_annotator

    with cast("Where", context.obj).open(create=True) as ledger:
        set_annotator(ledger, name, login=login, active=not ended)
    return DONE


def grant(
    context: typer.Context,
    prefix: Annotated[str, typer.Option(help="Begins the names of the two group roles.")] = "iea40k",
) -> int:
    """PostgreSQL: make the roles of annotators and curators, with what each may do."""
    from iea40k.store.ledger.roles import gaps, install_roles

    with cast("Where", context.obj).open(create=True) as ledger:
        annotators, curators = install_roles(ledger, prefix)
        missing = gaps(ledger, annotators)
    messages.print(
        f"roles {annotators} and {curators} are ready. For each person:\n"
        f"  CREATE ROLE anna LOGIN; GRANT {annotators} TO anna;   (in psql)\n"
        "  iea40k queue STORE annotator 'Anna K.' --login anna",
        markup=False,
    )
    for gap in missing:
        messages.print(gap, style="yellow", markup=False)
    return DONE


def stale(
    context: typer.Context,
    offer: Annotated[
        bool, typer.Option(help="Return finished work to its authors for another look.")
    ] = False,
    by: Actor = "",
    as_json: AsJson = False,
) -> int:
    """Show strokes drawn on a base that has since been rebuilt; they count for nothing until somebody looks again."""
    from iea40k.store.layout import Store
    from iea40k.store.ledger.rereview import offer_stale, stale_maps

    place = cast("Where", context.obj)
    store = Store.open(place.store)
    with place.open() as ledger:
        found = offer_stale(ledger, store, actor(ledger, by)) if offer else stale_maps(ledger, store)
    rows = [
        {
            **dataclasses.asdict(item.map_key),
            "strokes": item.strokes,
            "state": item.state,
            "returned": item.returned,
        }
        for item in found
    ]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
    elif not rows:
        messages.print("no stroke is stale", style="green")
    else:
        show_table(rows, ("scene_id", "level", "annotator", "purpose", "strokes", "state", "returned"))
    return FAILURES if found else DONE


def verify(
    context: typer.Context,
    release: Annotated[
        Path | None,
        typer.Option(help="Also: is the ledger up to this release's cursor still what it was then?"),
    ] = None,
    seal: Annotated[
        list[str] | None,
        typer.Option(
            help="Also: does the ledger still give this seal, noted elsewhere? May be given several times."
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Check the ledger itself: every chain, row by row, its triggers, its queue, and every seal of the store."""
    from iea40k.store.ledger.seals import Seal, broken_seals, kept_seals

    place = cast("Where", context.obj)
    noted = [Seal.parse(text) for text in seal or ()]
    with place.open() as ledger:
        problems, cursor = list(ledger.tampering()), ledger.cursor()
        problems += broken_seals(ledger, [*kept_seals(place.store), *noted])
        skew = ledger.clock_skew(now_us)
        if release is not None:
            problems += _since(ledger, release)
    if as_json:
        typer.echo(
            json.dumps({"cursor": cursor, "problems": problems, "clock_skew": skew}, ensure_ascii=False)
        )
    else:
        for problem in problems:
            say(problem)
        messages.print(f"{cursor} entries, {len(problems)} problems", style="red" if problems else "green")
        if abs(skew) > _WRONG_CLOCK:
            messages.print(
                f"this machine's clock is {abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the ledger's: "
                "orders and leases do not depend on it, the times that people read do",
                style="yellow",
            )
    return FAILURES if problems else DONE


def seal_ledger(
    context: typer.Context,
    note: Annotated[str, typer.Option(help="What for: a word for whoever reads the seals later.")] = "",
    as_json: AsJson = False,
) -> int:
    """Note what the ledger is now: daily, and print it for a place that nobody here can change."""
    from iea40k.store.ledger.seals import keep_seal, root_digest

    place = cast("Where", context.obj)
    with place.open() as ledger:
        made = root_digest(ledger)
    keep_seal(place.store, made, note)
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(made)))
    else:
        say(str(made))
        messages.print(
            f"entry {made.cursor} is sealed in {place.store / SEALS_FILE}; note the line above elsewhere too: "
            "`iea40k queue STORE verify --seal LINE` compares",
            markup=False,
        )
    return DONE


def copy(
    context: typer.Context,
    to: Annotated[str, typer.Option(help="postgresql://HOST/DATABASE, or a folder for a SQLite file.")],
) -> int:
    """Copy the whole ledger into an empty database: to a server for a team, or back into a file."""
    from iea40k.store.ledger.transfer import copy_ledger

    refuse_typed_secret(to)
    with cast("Where", context.obj).open() as ledger:
        entries = copy_ledger(ledger, to)
    messages.print(
        f"{entries} entries copied; the old ledger stays as it is, and nobody should paint there",
        markup=False,
    )
    return DONE


def upgrade_ledger(context: typer.Context) -> int:
    """Bring a ledger of an older version up to this one. Make a backup first."""
    from iea40k.store.ledger.database import Database
    from iea40k.store.ledger.migrate import newest_revision, revision, upgrade
    from iea40k.store.ledger.place import ledger_url

    database = Database(ledger_url(cast("Where", context.obj).ledger), make=True)
    try:
        before = revision(database)
        upgrade(database)
    finally:
        database.close()
    messages.print(f"schema {before or 'none'} -> {newest_revision()}")
    return DONE


def _since(ledger: Ledger, folder: Path) -> list[str]:
    from iea40k.store.ledger.labels import ledger_facts
    from iea40k.store.release import Release

    noted = Release.open(folder).head["ledger"]
    if not noted:
        raise BadInputError("this release was made without a ledger", where=folder)
    then = {name: noted[name] for name in ("ledger_id", "cursor", "chains", "root") if name in noted}
    if then["ledger_id"] != ledger.ledger_id():
        return [f"{folder} was made from another ledger, {then['ledger_id']}"]
    if then["cursor"] > ledger.cursor():
        return [f"the ledger ends at entry {ledger.cursor()}, {folder} was made at entry {then['cursor']}"]
    now = ledger_facts(ledger, then["cursor"])
    if any(now[name] != value for name, value in then.items()):
        return [f"the entries up to {then['cursor']} are not those that {folder} was made from"]
    return []


def _map_key(scene: str, level: str, annotator: str, purpose: str) -> MapKey:
    return MapKey(scene, level, annotator, cast("Purpose", purpose))
