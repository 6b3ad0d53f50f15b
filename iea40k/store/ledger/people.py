"""Who works here, and how the curator shares work out over them."""

import difflib
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from iea40k.errors import BadInputError
from iea40k.store.ledger.entries import check_annotator
from iea40k.store.ledger.events import Event, TaskKey, append_event
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.schema import annotators, assignments, corrections, tasks

_SIMILAR = 0.75
"""How alike two names are of which one may be the other mistyped, in [0, 1]."""


def assign(
    ledger: Ledger,
    names: Sequence[str],
    actor: str,
    *,
    count: int | None = None,
    without: Collection[str] = (),
) -> dict[str, int]:
    """Share out the free slots, highest priority first, over people; return how many each got.

    See `share_out`. Nobody gets an image twice, or one of the scenes `without`. `count` limits how many slots are given
    out.
    """
    for name in (*names, actor):
        check_annotator(name)
    if not names or len(set(names)) != len(names):
        raise BadInputError("name each annotator once", got=", ".join(names) or "nobody")
    with ledger.database.write() as connection:
        query = sa.select(tasks).where(tasks.c.free > sa.literal_column("0"), tasks.c.purpose == "expert")
        free = [
            row
            for row in connection.execute(query.order_by(tasks.c.priority.desc(), tasks.c.task))
            if row.scene_id not in without
        ]
        had: dict[int, set[str]] = {}
        for row in connection.execute(sa.select(assignments.c.task, assignments.c.annotator)):
            had.setdefault(row.task, set()).add(row.annotator)
        load = dict.fromkeys(names, 0)
        given: dict[str, int] = dict.fromkeys(names, 0)
        for row in free:
            room = row.free if count is None else min(row.free, count - sum(given.values()))
            for name in share_out(names, load, had.get(row.task, set()), room):
                given[name] += 1
                _give(ledger, connection, row, name, actor)
    return given


def share_out(names: Sequence[str], load: dict[str, int], had: set[str], room: int) -> list[str]:
    """Return who gets the `room` slots of one image: the least loaded who have not had it; adds to `load`.

    Ties go by the order of `names`, turned by one for each image, so that pairs of people meet about equally often.
    """
    turn = sum(load.values()) % len(names)
    order = [*names[turn:], *names[:turn]]
    chosen = sorted((n for n in order if n not in had), key=lambda n: load[n])[: max(room, 0)]
    for name in chosen:
        load[name] += 1
    return chosen


def set_annotator(ledger: Ledger, name: str, *, login: str | None = None, active: bool = True) -> None:
    """Enter a person: the PostgreSQL role they log in as, and whether they are still at work."""
    check_annotator(name)
    with ledger.database.write() as connection:
        where = annotators.c.name == name
        known = connection.execute(sa.select(annotators.c.name).where(where)).first()
        if known is None:
            connection.execute(annotators.insert().values(name=name, login=login, active=active))
        else:
            values: dict[str, Any] = {"active": active} | ({"login": login} if login else {})
            connection.execute(annotators.update().where(where).values(values))


@dataclass(frozen=True)
class Recognised:
    """Whether the ledger knows a person by this name; `similar` is a name it knows that differs little, or None.

    `others` says that it knows anybody at all: where it does not, everybody is new.
    """

    known: bool
    similar: str | None
    others: bool


def recognise(ledger: Ledger, name: str) -> Recognised:
    """Ask who a name is: somebody who was entered, had work, or painted; or a new person; or a slip of the pen."""
    check_annotator(name)
    painted = sa.select(corrections.c.annotator).where(corrections.c.token.is_(None))
    names = sa.union(sa.select(annotators.c.name), sa.select(assignments.c.annotator), painted)
    with ledger.database.read() as connection:
        there = set(connection.execute(names).scalars())
    if name in there:
        return Recognised(True, None, True)
    plain = {_plain(other): other for other in sorted(there)}
    close = difflib.get_close_matches(_plain(name), plain, 1, _SIMILAR)
    return Recognised(False, plain[close[0]] if close else None, bool(there))


def unknown(name: str, found: Recognised) -> BadInputError:
    """Return the error for a name that nobody has; it names the similar one."""
    return BadInputError(
        "nobody of this name works here",
        expected=f"{found.similar!r}?" if found.similar else "a name that the ledger knows",
        got=repr(name),
        remedy="a curator lets a new person in: `iea40k queue STORE annotator NAME`",
    )


def _plain(name: str) -> str:
    """A name as a hurried person types it: no accents, no capitals, no signs."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return " ".join(
        "".join(c if c.isalnum() else " " for c in letters if not unicodedata.combining(c)).split()
    )


def _give(ledger: Ledger, connection: sa.Connection, task: Any, name: str, actor: str) -> None:
    assignment = ledger.database.next_assignment(connection)
    key = TaskKey(task.task, task.scene_id, task.level, task.purpose)
    append_event(
        ledger.database,
        connection,
        Event(key=key, event="assign", actor=actor, annotator=name, assignment=assignment, state="assigned"),
    )
