"""The journal of the queue: one row for everything that happens to a task or to somebody's work on it."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa

from iea40k.recipe import canonical_json
from iea40k.store.ledger.chain import row_hash
from iea40k.store.ledger.database import Database
from iea40k.store.ledger.journal import next_link
from iea40k.store.ledger.schema import events

EventKind = Literal[
    "add", "raise", "assign", "lease", "resume", "expire", "give_back", "skip", "flag", "submit", "review",
    "accept", "return",
]  # fmt: skip


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
    database: Database, connection: sa.Connection, event: Event, entry: int | None = None
) -> int:
    """Record an event and return its entry number; `entry` is one given out in this transaction and not yet used."""
    key = event.key
    row: dict[str, Any] = {
        "entry": database.next_entry(connection) if entry is None else entry,
        "scene_id": key.scene_id,
        "level": key.level,
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
        "server_time": database.now(connection),
    }
    row |= next_link(connection, events.name, key.scene_id, key.level)
    row["hash"] = row_hash(events.name, row)
    connection.execute(events.insert().values(row))
    return int(row["entry"])


def read_details(text: str) -> dict[str, Any]:
    """Return an event's details as they were given."""
    details: dict[str, Any] = json.loads(text)
    return details
