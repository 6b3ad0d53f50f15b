"""The journal of the queue: one row for everything that happens to a task or to somebody's work on it."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa

from iea40k.errors import LedgerError
from iea40k.recipe import canonical_json
from iea40k.store.ledger.chain import FIRST, flat_row_hash, row_hash
from iea40k.store.ledger.database import Database
from iea40k.store.ledger.journal import next_place, place_after
from iea40k.store.ledger.schema import counter, events, heads

EventKind = Literal[
    "add", "raise", "assign", "lease", "resume", "expire", "give_back", "skip", "flag", "submit", "recall", "review",
    "accept", "return",
]  # fmt: skip

_INSERT = events.insert()
_COLUMNS = [column.name for column in events.columns]
_INSERT_OF_FILE = (
    f"INSERT INTO {events.name} ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
)
_HASH = flat_row_hash(events.name, _COLUMNS[:-1])
_LAST = sa.select(counter.c.value).where(counter.c.name == "entry")
_INSERT_NEXT = events.insert().values(entry=sa.func.ledger_next_entry())
_COUNT_OF_FILE = "UPDATE counter SET value = ? WHERE name = 'entry'"
_HEADS = sa.select(heads.c.scene_id, heads.c.level, heads.c.seq, heads.c.hash).where(
    heads.c.journal == events.name, heads.c.scene_id.in_(sa.bindparam("scenes", expanding=True))
)


@dataclass(frozen=True)
class TaskKey:
    """Which task: its number, its image, its purpose."""

    task: int
    scene_id: str
    level: str
    purpose: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """What happened. `annotator` is whose work it is, `actor` who did it; `state` is the work's new state."""

    key: TaskKey
    event: EventKind
    actor: str
    annotator: str | None = None
    assignment: int | None = None
    state: str | None = None
    comment: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def append_event(
    database: Database, connection: sa.Connection, event: Event, place: dict[str, Any] | None = None
) -> int:
    """Record an event, at a place given out before or the next one, and return its entry number."""
    key = event.key
    given = place or next_place(database, connection, events.name, key.scene_id, key.level)
    row = _unhashed(event, given, database.now(connection))
    row["hash"] = row_hash(events.name, row)
    connection.execute(_INSERT, row)
    return int(row["entry"])


def _unhashed(event: Event, place: Mapping[str, Any], now: int) -> dict[str, Any]:
    key = event.key
    return {
        **place,
        "event_id": uuid.uuid4().hex,
        "task": key.task,
        "assignment": event.assignment,
        "purpose": key.purpose,
        "annotator": event.annotator,
        "actor": event.actor,
        "event": event.event,
        "state": event.state,
        "comment": event.comment,
        "details": canonical_json(event.details),
        "server_time": now,
    }


def append_events(database: Database, connection: sa.Connection, happened: Sequence[Event]) -> None:
    """Record one event each of different images: where their chains and the numbers end is asked once.

    Every row takes its own number from the counter: the ledger takes no row but that of the number given out last.
    """
    images = {(event.key.scene_id, event.key.level) for event in happened}
    if len(images) != len(happened):
        raise ValueError("events of one image follow one another: append them one at a time")
    found = connection.execute(_HEADS, {"scenes": sorted({scene_id for scene_id, _ in images})})
    last = {(row.scene_id, row.level): (row.seq, row.hash) for row in found}
    before = int(connection.execute(_LAST).scalar_one())  # nobody else writes meanwhile
    rows = _rows(happened, last, before + 1, database.now(connection))
    if database.dialect == "sqlite":
        _append_to_file(connection, rows)
        return
    connection.execute(_INSERT_NEXT, [dict(zip(_COLUMNS[1:], row[1:], strict=True)) for row in rows])
    if int(connection.execute(_LAST).scalar_one()) != before + len(rows):
        raise LedgerError("the ledger gave out other numbers than it was asked for; nothing was recorded")


def _rows(
    happened: Sequence[Event], last: Mapping[tuple[str, str], tuple[int, str]], first: int, now: int
) -> list[list[str | int | None]]:
    """Return the rows of events with the numbers from `first` on, each with the values of `_COLUMNS`."""
    rows = []
    for entry, event in enumerate(happened, first):
        key = event.key
        seq, link = last.get((key.scene_id, key.level), (0, FIRST))
        place = place_after(entry, key.scene_id, key.level, seq, link)
        row = list(map(_unhashed(event, place, now).__getitem__, _COLUMNS[:-1]))
        row.append(_HASH(row))
        rows.append(row)
    return rows


def _append_to_file(connection: sa.Connection, rows: Sequence[Sequence[str | int | None]]) -> None:
    """Past SQLAlchemy: building its statements takes three times as long as the file does."""
    cursor = connection.connection.cursor()
    try:
        for row in rows:
            cursor.execute(_COUNT_OF_FILE, row[:1])
            cursor.execute(_INSERT_OF_FILE, row)
    finally:
        cursor.close()


def read_details(text: str) -> dict[str, Any]:
    """Return an event's details as they were given."""
    details: dict[str, Any] = json.loads(text)
    return details
