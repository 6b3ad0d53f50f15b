"""The journal of the queue: one row for everything that happens to a task or to somebody's work on it."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa

from iea40k.recipe import canonical_json
from iea40k.store.ledger.chain import FIRST, row_hash
from iea40k.store.ledger.database import Database
from iea40k.store.ledger.journal import next_place, place_after
from iea40k.store.ledger.schema import events, heads

EventKind = Literal[
    "add", "raise", "assign", "lease", "resume", "expire", "give_back", "skip", "flag", "submit", "recall", "review",
    "accept", "return",
]  # fmt: skip

_INSERT = events.insert()
_COLUMNS = [column.name for column in events.columns]
_INSERT_OF_FILE = (
    f"INSERT INTO {events.name} ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
)
_LAST_OF_FILE = "SELECT value FROM counter WHERE name = 'entry'"
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
    row = _row(event, given, database.now(connection))
    connection.execute(_INSERT, row)
    return int(row["entry"])


def _row(event: Event, place: Mapping[str, Any], now: int) -> dict[str, Any]:
    key = event.key
    row: dict[str, Any] = {
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
    row["hash"] = row_hash(events.name, row)
    return row


def append_events(database: Database, connection: sa.Connection, happened: Sequence[Event]) -> None:
    """Record one event each of different images; where their chains end is asked once."""
    images = {(event.key.scene_id, event.key.level) for event in happened}
    if len(images) != len(happened):
        raise ValueError("events of one image follow one another: append them one at a time")
    found = connection.execute(_HEADS, {"scenes": sorted({scene_id for scene_id, _ in images})})
    last = {(row.scene_id, row.level): (row.seq, row.hash) for row in found}
    if database.dialect == "sqlite":
        _append_to_file(database, connection, happened, last)
        return
    for event in happened:  # one by one: the ledger takes no row but that of the number given out last
        key = event.key
        seq, link = last.get((key.scene_id, key.level), (0, FIRST))
        place = place_after(database.next_entry(connection), key.scene_id, key.level, seq, link)
        append_event(database, connection, event, place)


def _append_to_file(
    database: Database,
    connection: sa.Connection,
    happened: Sequence[Event],
    last: Mapping[tuple[str, str], tuple[int, str]],
) -> None:
    """The same one by one, past SQLAlchemy: building its statements takes three times as long as the file does."""
    now = database.now(connection)
    cursor = connection.connection.cursor()
    try:
        last_entry = cursor.execute(_LAST_OF_FILE).fetchall()[0][0]  # nobody else writes meanwhile
        for entry, event in enumerate(happened, last_entry + 1):
            key = event.key
            cursor.execute(_COUNT_OF_FILE, [entry])
            place = place_after(
                entry, key.scene_id, key.level, *last.get((key.scene_id, key.level), (0, FIRST))
            )
            row = _row(event, place, now)
            cursor.execute(_INSERT_OF_FILE, [row.get(name) for name in _COLUMNS])
    finally:
        cursor.close()


def read_details(text: str) -> dict[str, Any]:
    """Return an event's details as they were given."""
    details: dict[str, Any] = json.loads(text)
    return details
