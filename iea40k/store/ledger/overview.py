"""What stands in the queue, and who did how much."""

import datetime as dt
import json
import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from iea40k.errors import BadInputError
from iea40k.store.ledger.entries import MapKey
from iea40k.store.ledger.events import read_details
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.schema import assignments, events, tasks
from iea40k.store.ledger.statements import is_given, listed

STATES = ("assigned", "leased", "submitted", "in_review", "accepted", "returned", "expired", "skipped")


@dataclass(frozen=True)
class Throughput:
    """What one person handed in. Seconds are the window's active time, without pauses, as it reported them."""

    annotator: str
    submitted: int
    accepted: int
    returned: int
    skipped: int
    strokes: int
    pixels: int
    active_seconds: float
    median_seconds: float | None
    days: int
    last_day: str


def listing(
    ledger: Ledger, *, state: str | None = None, purpose: str | None = None, limit: int | None = None
) -> list[dict[str, Any]]:
    """Return tasks with everybody's work on them, highest priority first; `state` "open" or one of `STATES`, of one
    `purpose` where it is named.

    `expires` is in microseconds since 1970 UTC, by the clock that people read.
    """
    if state not in (None, "open", *STATES):
        raise BadInputError("no such state", expected=", ".join(("open", *STATES)), got=repr(state))
    query = (
        sa.select(
            tasks.c.task, tasks.c.scene_id, tasks.c.level, tasks.c.purpose, tasks.c.reason, tasks.c.priority,
            tasks.c.slots, tasks.c.free, tasks.c.note, assignments.c.annotator, assignments.c.state,
            assignments.c.expires, assignments.c.comment,
        )
        .select_from(tasks.outerjoin(assignments, assignments.c.task == tasks.c.task))
        .order_by(tasks.c.priority.desc(), tasks.c.task, assignments.c.assignment)
    )  # fmt: skip
    if state == "open":
        query = query.where(tasks.c.free > sa.literal_column("0"))
    elif state is not None:
        query = query.where(assignments.c.state == state)
    if purpose is not None:
        query = query.where(tasks.c.purpose == purpose)
    with ledger.database.read() as connection:
        rows = connection.execute(query.limit(limit)).mappings().all()
        behind = ledger.database.now(connection) - ledger.database.clock(connection)
    return [
        {
            **row,
            "note": json.loads(row["note"]),
            "expires": None if row["expires"] is None else row["expires"] + behind,
        }
        for row in rows
    ]


def notes(ledger: Ledger) -> list[dict[str, Any]]:
    """Return what annotators told the curator, the latest first: flags, reasons of skips, words with a submission.

    Each with its image, `annotator`, `event`, `comment` and `time`, microseconds since 1970 UTC.
    """
    e = events.c
    query = (
        sa.select(
            e.scene_id, e.level, e.purpose, e.annotator, e.assignment, e.event, e.comment, e.server_time.label("time")
        )
        .where(e.event.in_(("flag", "skip", "submit")), e.comment != "")
        .order_by(e.entry.desc())
    )  # fmt: skip
    with ledger.database.read() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def submitted_by(ledger: Ledger, annotator: str) -> list[MapKey]:
    """Return what a person handed in and nobody has begun to review, the latest first."""
    e, a = events.c, assignments.c
    handed_in = (
        sa.select(e.assignment, sa.func.max(e.entry).label("last"))
        .where(e.event == "submit", e.annotator == annotator)
        .group_by(e.assignment)
        .subquery()
    )
    query = (
        sa.select(tasks.c.scene_id, tasks.c.level, tasks.c.purpose)
        .select_from(
            assignments.join(tasks, tasks.c.task == a.task).join(
                handed_in, handed_in.c.assignment == a.assignment
            )
        )
        .where(a.annotator == annotator, a.state == "submitted")
        .order_by(handed_in.c.last.desc())
    )
    with ledger.database.read() as connection:
        return [MapKey(row[0], row[1], annotator, row[2]) for row in connection.execute(query)]


def counts(ledger: Ledger) -> dict[str, int]:
    """Return the number of tasks, of free slots ("open"), and of assignments in each state."""
    with ledger.database.read() as connection:
        total, free = connection.execute(sa.select(sa.func.count(), sa.func.sum(tasks.c.free))).one()
        by_state = sa.select(assignments.c.state, sa.func.count()).group_by(assignments.c.state)
        found = {str(row[0]): int(row[1]) for row in connection.execute(by_state)}
    return {"tasks": int(total), "open": int(free or 0), **{s: found.get(s, 0) for s in STATES}}


def remaining(
    ledger: Ledger,
    annotator: str,
    purposes: Sequence[str] = ("expert", "repeat"),
    without: Collection[str] = (),
) -> int:
    """Return how many images this person could still be given; none of the scenes `without`."""
    mine = sa.and_(assignments.c.task == tasks.c.task, assignments.c.annotator == annotator)
    query = (
        sa.select(sa.func.count())
        .select_from(tasks.outerjoin(assignments, mine))
        .where(
            tasks.c.purpose.in_(purposes),
            is_given(ledger.database.dialect),
            sa.or_(
                assignments.c.state.in_(("assigned", "returned")),
                sa.and_(
                    tasks.c.free > sa.literal_column("0"),
                    sa.or_(assignments.c.state.is_(None), assignments.c.state == "expired"),
                ),
            ),
        )
    )
    with ledger.database.read() as connection:
        return int(connection.execute(query, {"without": listed(without)}).scalar_one())


def waiting(ledger: Ledger, scenes: Collection[str]) -> dict[str, int]:
    """Return how many images of each of these scenes stand in the queue with a place free or somebody's work undone."""
    undone = sa.select(assignments.c.task).where(assignments.c.state.in_(("assigned", "returned")))
    query = (
        sa.select(tasks.c.scene_id, sa.func.count())
        .where(sa.or_(tasks.c.free > sa.literal_column("0"), tasks.c.task.in_(undone)))
        .group_by(tasks.c.scene_id)
        .order_by(tasks.c.scene_id)
    )
    wanted = set(scenes)
    with ledger.database.read() as connection:
        return {str(row[0]): int(row[1]) for row in connection.execute(query) if row[0] in wanted}


def throughput(ledger: Ledger) -> list[Throughput]:
    """Return what each person handed in, by name.

    A submission after a return counts once, with its last figures; one that was recalled does not count.
    """
    query = sa.select(
        events.c.annotator, events.c.event, events.c.assignment, events.c.details, events.c.server_time
    ).where(events.c.event.in_(("submit", "recall", "accept", "return", "skip")))
    people: dict[str, list[Any]] = {}
    with ledger.database.read() as connection:
        for row in connection.execute(query.order_by(events.c.entry)):
            people.setdefault(row.annotator, []).append(row)
    return [_person(name, rows) for name, rows in sorted(people.items())]


def _person(name: str, rows: list[Any]) -> Throughput:
    last: dict[int, dict[str, Any]] = {}
    for row in rows:
        if row.event == "submit":
            last[row.assignment] = read_details(row.details)
        elif row.event == "recall":
            last.pop(row.assignment, None)
    seconds = [d["active_seconds"] for d in last.values() if d["active_seconds"] is not None]
    days = sorted({_day(r.server_time) for r in rows if r.event == "submit"})
    return Throughput(
        annotator=name,
        submitted=len(last),
        accepted=len({r.assignment for r in rows if r.event == "accept"}),
        returned=sum(r.event == "return" for r in rows),
        skipped=sum(r.event == "skip" for r in rows),
        strokes=sum(d["strokes"] for d in last.values()),
        pixels=sum(d["pixels"] for d in last.values()),
        active_seconds=float(sum(seconds)),
        median_seconds=statistics.median(seconds) if seconds else None,
        days=len(days),
        last_day=days[-1] if days else "",
    )


def _day(microseconds: int) -> str:
    return dt.datetime.fromtimestamp(microseconds / 1e6, dt.UTC).date().isoformat()
