"""Who works on what, for how long: the queue's statements. Each function runs inside one writing transaction.

A lease that has run out stays good until somebody asks for work and the ledger takes it back; from then on its token
is old, whoever has the task now.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from iea40k.errors import LeaseLostError, LedgerError
from iea40k.store.ledger.database import Database
from iea40k.store.ledger.entries import Lane, Lease
from iea40k.store.ledger.events import Event, EventKind, TaskKey, append_event
from iea40k.store.ledger.schema import annotators, assignments, tasks

RECLAIM_AT_ONCE = 20
"""How many leases that ran out one request for work takes back; the next request takes the next ones."""

_A, _T = assignments.c, tasks.c
_WORK = sa.select(
    _A.assignment, _A.annotator, _A.state, _A.token, _A.expires, _A.comment,
    _T.task, _T.scene_id, _T.level, _T.purpose, _T.reason, _T.priority,
).join_from(assignments, tasks, _T.task == _A.task)  # fmt: skip


def reclaim(database: Database, connection: sa.Connection, actor: str) -> None:
    """Take back leases that ran out."""
    now = database.now(connection)
    late = _WORK.where(_A.state == "leased", _A.expires < now).order_by(_A.expires).limit(RECLAIM_AT_ONCE)
    for work in connection.execute(late).all():
        _move(connection, work.assignment, state="expired")
        _tell(database, connection, work, "expire", actor, "expired")


def next_work(connection: sa.Connection, annotator: str, purposes: Sequence[str]) -> Any | None:
    """Return the row of work to do next: returned to this person, or the highest priority; None where none is left.

    Of work that is assigned to this person and work that is free, the higher priority comes first. Free work is a
    task with a free slot that this person has not had; a hidden repeat, only once the person's own map is submitted.
    """
    mine = (
        _WORK.where(
            _A.annotator == annotator, _A.state.in_(("returned", "assigned")), _T.purpose.in_(purposes)
        )
        .order_by(sa.case((_A.state == "returned", 0), else_=1), _T.priority.desc(), _T.task)
        .limit(1)
    )
    own = connection.execute(mine).first()
    if own is not None and own.state == "returned":
        return own
    free = connection.execute(_free_work(annotator, purposes)).first()
    if own is None or (free is not None and free.priority > own.priority):
        return free
    return own


def take(
    database: Database, connection: sa.Connection, work: Any, annotator: str, ttl_us: int, event: EventKind
) -> Lease:
    """Give a person a row of `next_work`, under a new token."""
    entry = database.next_entry(connection)
    lane = Lane(work.scene_id, work.level, annotator, work.purpose)
    expires = database.now(connection) + ttl_us
    values = {"state": "leased", "token": entry, "expires": expires}
    assignment = getattr(work, "assignment", None)
    if assignment is None:
        new = assignments.insert().values(task=work.task, annotator=annotator, comment="", **values)
        assignment = int(connection.execute(new.returning(_A.assignment)).scalar_one())
    else:
        _move(connection, assignment, **values)
    comment = getattr(work, "comment", "") or ""
    key = TaskKey(work.task, work.scene_id, work.level, work.purpose)
    append_event(
        database,
        connection,
        Event(
            key=key, event=event, actor=annotator, annotator=annotator, assignment=assignment, state="leased"
        ),
        entry,
    )
    return Lease(work.task, assignment, lane, entry, expires, work.reason, comment)


def leased_by(connection: sa.Connection, annotator: str) -> list[Any]:
    """Return the rows of work that a person has leased, oldest lease first."""
    query = _WORK.where(_A.annotator == annotator, _A.state == "leased").order_by(_A.token)
    return list(connection.execute(query))


def extend(database: Database, connection: sa.Connection, lease: Lease, ttl_us: int) -> int:
    """Move a lease's end to `ttl_us` from now and return it. Raises `LeaseLostError` where it is not in force."""
    check_in_force(connection, lease)
    expires = database.now(connection) + ttl_us
    connection.execute(assignments.update().where(_A.assignment == lease.assignment).values(expires=expires))
    return expires


def finish(
    database: Database,
    connection: sa.Connection,
    lease: Lease,
    event: EventKind,
    state: str,
    comment: str = "",
    details: dict[str, Any] | None = None,
) -> None:
    """End a lease in `state`. Raises `LeaseLostError` where it is not in force."""
    work = check_in_force(connection, lease)
    _move(connection, lease.assignment, state=state, expires=None)
    _tell(database, connection, work, event, lease.lane.annotator, state, comment, details)


def check_in_force(connection: sa.Connection, lease: Lease) -> Any:
    """Return the row of the lease's work. Raises `LeaseLostError` unless this token is the one in force."""
    work = connection.execute(_WORK.where(_A.assignment == lease.assignment)).first()
    if work is not None and work.state == "leased" and work.token == lease.token:
        return work
    state = "unknown" if work is None else work.state
    raise LeaseLostError(
        "this work is no longer yours: the lease ran out and was taken back, or the work is finished",
        where=f"{lease.lane.scene_id} {lease.lane.level}",
        expected=f"lease {lease.token}",
        got=f"state '{state}'"
        + (f", lease {work.token}" if work is not None and work.state == "leased" else ""),
        remedy="the strokes are kept in the outbox: lease the image again and submit them",
    )


def work_of(connection: sa.Connection, lane: Lane) -> Any | None:
    """Return the row of a lane's work, None where the queue gave this person no such task."""
    where = (
        _T.scene_id == lane.scene_id,
        _T.level == lane.level,
        _T.purpose == lane.purpose,
        _A.annotator == lane.annotator,
    )
    return connection.execute(_WORK.where(*where)).first()


def judge(
    database: Database,
    connection: sa.Connection,
    lane: Lane,
    event: EventKind,
    state: str,
    actor: str,
    comment: str,
) -> None:
    """Move submitted work on: into review, accepted, or returned. Raises `LedgerError` from any other state."""
    work = work_of(connection, lane)
    sources = ("submitted",) if event == "review" else ("submitted", "in_review")
    if event == "return":
        sources = (*sources, "accepted")
    if work is None or work.state not in sources:
        raise LedgerError(
            f"there is nothing here to {event}",
            where=f"{lane.scene_id} {lane.level}, {lane.annotator}",
            expected=f"work that is {' or '.join(sources)}",
            got="no such work" if work is None else work.state,
        )
    _move(connection, work.assignment, state=state, comment=comment)
    _tell(database, connection, work, event, actor, state, comment)


def check_active(connection: sa.Connection, annotator: str) -> None:
    """Raise `LedgerError` where a curator has ended this person's work."""
    row = connection.execute(sa.select(annotators.c.active).where(annotators.c.name == annotator)).first()
    if row is not None and not row.active:
        raise LedgerError(
            "this annotator's work has been ended",
            got=annotator,
            remedy="ask the curator: `iea40k queue STORE annotator NAME`",
        )


def _free_work(annotator: str, purposes: Sequence[str]) -> sa.Select[Any]:
    had = assignments.alias("had")
    own = assignments.alias("own")
    original = tasks.alias("original")
    mine = sa.and_(had.c.task == _T.task, had.c.annotator == annotator)
    mapped = (
        sa.select(sa.literal(1))
        .select_from(original.join(own, own.c.task == original.c.task))
        .where(
            original.c.scene_id == _T.scene_id,
            original.c.level == _T.level,
            original.c.purpose == "expert",
            own.c.annotator == annotator,
            own.c.state.in_(("submitted", "in_review", "accepted")),
        )
        .exists()
    )
    return (
        sa.select(
            _T.task,
            _T.scene_id,
            _T.level,
            _T.purpose,
            _T.reason,
            _T.priority,
            had.c.assignment,
            had.c.comment,
        )
        .select_from(tasks.outerjoin(had, mine))
        .where(
            _T.free > 0,
            _T.purpose.in_(purposes),
            sa.or_(had.c.assignment.is_(None), had.c.state == "expired"),
            sa.or_(_T.purpose != "repeat", mapped),
        )
        .order_by(_T.priority.desc(), _T.task)
        .limit(1)
    )


def _move(connection: sa.Connection, assignment: int, **values: Any) -> None:
    connection.execute(assignments.update().where(_A.assignment == assignment).values(**values))


def _tell(
    database: Database,
    connection: sa.Connection,
    work: Any,
    event: EventKind,
    actor: str,
    state: str,
    comment: str = "",
    details: dict[str, Any] | None = None,
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
    )
