"""Who works on what, for how long: each function runs inside one writing transaction.

What happens is told by an event; the database checks it and changes the work as it says (`migrations/rules.py`).

A lease that has run out stays good until somebody asks for work and the ledger takes it back; from then on its token
is old, whoever has the task now.
"""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from iea40k.errors import LeaseLostError, LedgerError
from iea40k.store.ledger.chain import FIRST
from iea40k.store.ledger.database import Database
from iea40k.store.ledger.entries import Lease, MapKey
from iea40k.store.ledger.events import Event, EventKind, TaskKey, append_event
from iea40k.store.ledger.journal import place_after
from iea40k.store.ledger.statements import (
    EXTEND_POSTGRESQL,
    EXTEND_SQLITE,
    LATE,
    NEXT_WORK,
    WORK_BY_NUMBER,
    WORK_LEASED,
    WORK_OF_MAP,
    listed,
)

RECLAIM_AT_ONCE = 20
"""How many leases that ran out one request for work takes back; the next request takes the next ones."""


def next_work(
    database: Database,
    connection: sa.Connection,
    annotator: str,
    purposes: Sequence[str],
    most: int,
    without: Collection[str] = (),
) -> Any | None:
    """Take back leases that ran out, and return the row of work to do next, None where none is left.

    First what was returned to this person. Then the highest priority of what is assigned to this person and what is
    free: a task with a free slot that this person has not had; a hidden repeat only once the person's own map is
    submitted. Images of the scenes `without` are passed over. Raises `LedgerError` for a person who holds `most`
    leases, or whose work a curator has ended.
    """
    values = {
        "who": annotator,
        "purposes": list(purposes),
        "now": database.tick(connection),
        "without": listed(without),
    }
    statement = NEXT_WORK[database.dialect]
    found = connection.execute(statement, values).one()
    if found.late:
        _reclaim(database, connection, annotator)
        found = connection.execute(statement, values).one()
    if found.active is not None and not found.active:
        raise LedgerError(
            "this annotator's work has been ended",
            got=annotator,
            remedy="ask the curator: `iea40k queue STORE annotator NAME`",
        )
    if found.held >= most:
        raise LedgerError(
            "this annotator holds too many images at once",
            expected=f"{most} at most",
            got=f"{found.held}",
            remedy="submit, skip or give back some; leases without a heartbeat run out by themselves",
        )
    return None if found.task is None else found


def take(
    database: Database, connection: sa.Connection, work: Any, annotator: str, ttl_us: int, event: EventKind
) -> Lease:
    """Give a person a row of `next_work`, under a new token."""
    place = _place(database, connection, work)
    assignment = work.assignment if work.assignment is not None else database.next_assignment(connection)
    told = Event(
        key=TaskKey(work.task, work.scene_id, work.level, work.purpose),
        event=event,
        actor=annotator,
        annotator=annotator,
        assignment=assignment,
        state="leased",
        details={"ttl_us": ttl_us},
    )
    expires = database.tick(connection) + ttl_us
    token = append_event(database, connection, told, place)
    map_key = MapKey(work.scene_id, work.level, annotator, work.purpose)
    return Lease(work.task, assignment, map_key, token, expires, work.reason, work.comment or "")


def leased_by(connection: sa.Connection, annotator: str) -> list[Any]:
    """Return the rows of work that a person has leased, oldest lease first."""
    return list(connection.execute(WORK_LEASED, {"who": annotator}))


def extend(database: Database, connection: sa.Connection, lease: Lease, ttl_us: int) -> int:
    """Move a lease's end to `ttl_us` from now and return it. Raises `LeaseLostError` where it is not in force."""
    check_in_force(connection, lease)
    if database.dialect == "sqlite":
        expires = database.tick(connection) + ttl_us
        connection.execute(EXTEND_SQLITE, {"this": lease.assignment, "expires": expires})
        return expires
    values = {"this": lease.assignment, "token": lease.token, "ttl": ttl_us}
    return int(connection.execute(EXTEND_POSTGRESQL, values).scalar_one())


def finish(
    database: Database,
    connection: sa.Connection,
    work: Any,
    event: EventKind,
    state: str,
    comment: str = "",
    details: dict[str, Any] | None = None,
) -> None:
    """End a lease in `state`; `work` is what `check_in_force` returned in this transaction."""
    place = _place(database, connection, work)
    _tell(database, connection, work, event, work.annotator, state, comment, details, place)


def check_in_force(connection: sa.Connection, lease: Lease) -> Any:
    """Return the row of the lease's work. Raises `LeaseLostError` unless this token is the one in force."""
    work = connection.execute(WORK_BY_NUMBER, {"this": lease.assignment}).first()
    if work is not None and work.state == "leased" and work.token == lease.token:
        return work
    state = "unknown" if work is None else work.state
    raise LeaseLostError(
        "this work is no longer yours: the lease ran out and was taken back, or the work is finished",
        where=f"{lease.map_key.scene_id} {lease.map_key.level}",
        expected=f"lease {lease.token}",
        got=f"state '{state}'"
        + (f", lease {work.token}" if work is not None and work.state == "leased" else ""),
        remedy="the strokes are kept in the outbox: lease the image again and submit them",
    )


def work_of(connection: sa.Connection, map_key: MapKey) -> Any | None:
    """Return the row of a map's work, None where the queue gave this person no such task."""
    values = {
        "scene": map_key.scene_id,
        "level": map_key.level,
        "purpose": map_key.purpose,
        "who": map_key.annotator,
    }
    return connection.execute(WORK_OF_MAP, values).first()


def judge(
    database: Database,
    connection: sa.Connection,
    map_key: MapKey,
    event: EventKind,
    state: str,
    actor: str,
    comment: str,
) -> None:
    """Move submitted work on: into review, accepted, or returned. Raises `LedgerError` from any other state."""
    work = work_of(connection, map_key)
    sources = ("submitted",) if event == "review" else ("submitted", "in_review")
    if event == "return":
        sources = (*sources, "accepted")
    if work is None or work.state not in sources:
        raise LedgerError(
            f"there is nothing here to {event}",
            where=f"{map_key.scene_id} {map_key.level}, {map_key.annotator}",
            expected=f"work that is {' or '.join(sources)}",
            got="no such work" if work is None else work.state,
        )
    _tell(database, connection, work, event, actor, state, comment, place=_place(database, connection, work))


def _place(database: Database, connection: sa.Connection, work: Any) -> dict[str, Any]:
    """Return the place after the row of events that `work` was read with; one event a row."""
    entry = database.next_entry(connection)
    return place_after(entry, work.scene_id, work.level, work.head_seq or 0, work.head_hash or FIRST)


def _reclaim(database: Database, connection: sa.Connection, actor: str) -> None:
    late = connection.execute(LATE, {"now": database.clock(connection), "most": RECLAIM_AT_ONCE}).all()
    for work in late:
        # Two of these may be of one image: each looks for the end of the chain anew.
        _tell(database, connection, work, "expire", actor, "expired")


def _tell(
    database: Database,
    connection: sa.Connection,
    work: Any,
    event: EventKind,
    actor: str,
    state: str,
    comment: str = "",
    details: dict[str, Any] | None = None,
    place: dict[str, Any] | None = None,
) -> None:
    append_event(
        database,
        connection,
        Event(
            key=TaskKey(work.task, work.scene_id, work.level, work.purpose),
            event=event,
            actor=actor,
            annotator=work.annotator,
            assignment=work.assignment,
            state=state,
            comment=comment,
            details=details or {},
        ),
        place,
    )
