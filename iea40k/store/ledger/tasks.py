"""Put images into the queue."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import sqlalchemy as sa

from iea40k.errors import BadInputError
from iea40k.recipe import canonical_json
from iea40k.scene import check_scene_id, ev_of_level
from iea40k.store.ledger.entries import PURPOSES, REFERENCE, Purpose, check_annotator
from iea40k.store.ledger.events import Event, TaskKey, append_event, append_events
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.schema import assignments, tasks

Reason = Literal["suspicion", "dispute", "audit", "stale", "gold", "manual"]
"""Why a person should look: the review priority, the trainer's disagreement, a random audit, strokes on a rebuilt base,
an image whose answer is known, or because the curator says so."""

REASONS: tuple[str, ...] = get_args(Reason)
_INSERT = tasks.insert().returning(tasks.c.task, sort_by_parameter_order=True)
_NEW = ("task", "scene_id", "level", "purpose", "reason", "priority", "slots", "free", "note", "created")
_INSERT_OF_FILE = f"INSERT INTO {tasks.name} ({', '.join(_NEW)}) VALUES ({', '.join('?' * len(_NEW))})"
_LAST_OF_FILE = f"SELECT COALESCE(max(task), 0) FROM {tasks.name}"
_THERE = tasks.select().where(tasks.c.scene_id.in_(sa.bindparam("scenes", expanding=True)))
BATCH = 1000
"""Tasks added in one transaction: annotators at work wait for one batch at most."""


@dataclass(frozen=True)
class TaskRequest:
    """An image that wants work: `slots` people, each blind to the others; higher `priority` comes first.

    `note` is JSON-able and for people and programs (the trainer's disagreement, the region). Raises `BadInputError`.
    """

    scene_id: str
    level: str
    priority: float
    reason: Reason = "suspicion"
    slots: int = 1
    purpose: Purpose = "expert"
    note: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_scene_id(self.scene_id)
        if self.level != REFERENCE:
            ev_of_level(self.level)
        if self.reason not in REASONS or self.purpose not in PURPOSES:
            raise BadInputError(
                "no such reason or purpose",
                expected=f"{', '.join(REASONS)}; {', '.join(PURPOSES)}",
                got=f"{self.reason!r}; {self.purpose!r}",
            )
        if not 1 <= self.slots <= 1000 or not abs(self.priority) < 1e9:
            raise BadInputError(
                "slots are 1 ... 1000, a priority is a finite number", got=f"{self.slots}, {self.priority}"
            )


@dataclass(frozen=True)
class Added:
    """What `add_tasks` did: new tasks; tasks whose priority or slots it raised; tasks it left as they were; and images
    whose work was finished already, which got an adjudication."""

    new: int = 0
    raised: int = 0
    unchanged: int = 0
    adjudications: int = 0


def add_tasks(ledger: Ledger, requests: Iterable[TaskRequest], actor: str) -> Added:
    """Put images into the queue, in batches; asked again for the same image and purpose, raise what is there.

    A note takes the place of the one before; the journal of events keeps both.

    A dispute over an image whose every slot is finished becomes an adjudication of it, since the experts have spoken.
    """
    check_annotator(actor)
    done = {"new": 0, "raised": 0, "unchanged": 0, "adjudications": 0}
    pending = list(requests)
    for start in range(0, len(pending), BATCH):
        with ledger.database.write() as connection:
            batch = pending[start : start + BATCH]
            there = _there(connection, batch)
            fresh = _fresh(batch, there)
            _insert(ledger, connection, fresh, actor)
            done["new"] += len(fresh)
            inserted = {id(request) for request in fresh}
            for request in batch:
                if id(request) not in inserted:
                    # Once only: what is asked for again in this batch is looked up as it is by then.
                    known = there.pop(_image(request), None)
                    done[_add(ledger, connection, request, actor, known)] += 1
    return Added(**done)


def _image(request: TaskRequest) -> tuple[str, str, str]:
    return request.scene_id, request.level, request.purpose


def _there(connection: sa.Connection, batch: Sequence[TaskRequest]) -> dict[tuple[str, str, str], Any]:
    """Return the tasks of a batch's scenes by image and purpose."""
    rows = connection.execute(_THERE, {"scenes": sorted({request.scene_id for request in batch})})
    return {(row.scene_id, row.level, row.purpose): row for row in rows}


def _fresh(batch: Sequence[TaskRequest], there: Mapping[tuple[str, str, str], Any]) -> list[TaskRequest]:
    """Return the first request of each image that has no task yet: those that a few statements can add."""
    known = {image[:2] for image in there}
    first: dict[tuple[str, str], TaskRequest] = {}
    for request in batch:
        first.setdefault((request.scene_id, request.level), request)
    return [request for image, request in first.items() if image not in known]


def _add(
    ledger: Ledger, connection: sa.Connection, request: TaskRequest, actor: str, known: Any | None
) -> str:
    """Add a request to its task: that which is `known`, else the one that is there now."""
    found = known if known is not None else _find(connection, request, request.purpose)
    if found is not None and request.reason == "dispute" and _finished(connection, found):
        request = TaskRequest(
            request.scene_id, request.level, request.priority, "dispute", 1, "adjudication", request.note
        )
        found = _find(connection, request, "adjudication")
        if found is None:
            _insert(ledger, connection, [request], actor)
            return "adjudications"
    if found is None:
        _insert(ledger, connection, [request], actor)
        return "new"
    note = canonical_json(request.note) if request.note else found.note
    if request.priority <= found.priority and request.slots <= found.slots and note == found.note:
        return "unchanged"
    slots = max(request.slots, found.slots)
    raised = {
        "priority": max(request.priority, found.priority),
        "slots": slots,
    }
    if note != found.note:
        raised["note"] = note
    connection.execute(
        tasks.update().where(tasks.c.task == found.task).values(**raised, reason=request.reason)
    )
    append_event(
        ledger.database, connection, _event(found.task, request, "raise", actor, renewed="note" in raised)
    )
    return "raised"


def _insert(ledger: Ledger, connection: sa.Connection, requests: Sequence[TaskRequest], actor: str) -> None:
    """Add a task for each of the requests, of different images, and tell of it."""
    if not requests:
        return
    created = ledger.database.now(connection)
    rows = [
        (
            request.scene_id,
            request.level,
            request.purpose,
            request.reason,
            float(request.priority),
            request.slots,
            request.slots,
            canonical_json(request.note),
            created,
        )
        for request in requests
    ]
    if (
        ledger.database.dialect == "sqlite"
    ):  # past SQLAlchemy, which takes three times as long as the file does
        first = int(connection.exec_driver_sql(_LAST_OF_FILE).scalar_one()) + 1
        numbers: Sequence[int] = range(first, first + len(rows))
        with_numbers = [(number, *row) for number, row in zip(numbers, rows, strict=True)]
        connection.exec_driver_sql(_INSERT_OF_FILE, with_numbers)
    else:
        named = [dict(zip(_NEW[1:], row, strict=True)) for row in rows]
        numbers = connection.execute(_INSERT, named).scalars().all()
    told = [_event(int(task), request, "add", actor) for task, request in zip(numbers, requests, strict=True)]
    append_events(ledger.database, connection, told)


def _event(
    task: int, request: TaskRequest, event: Literal["add", "raise"], actor: str, *, renewed: bool = False
) -> Event:
    details: dict[str, Any] = {
        "reason": request.reason,
        "priority": float(request.priority),
        "slots": request.slots,
        "note": request.note,
    }
    if renewed:  # earlier versions told the note that was asked for, and kept the first
        details["note_renewed"] = True
    key = TaskKey(task, request.scene_id, request.level, request.purpose)
    return Event(key=key, event=event, actor=actor, details=details)


def _find(connection: sa.Connection, request: TaskRequest, purpose: str) -> Any | None:
    where = (
        tasks.c.scene_id == request.scene_id,
        tasks.c.level == request.level,
        tasks.c.purpose == purpose,
    )
    return connection.execute(tasks.select().where(*where)).first()


def _finished(connection: sa.Connection, task: Any) -> bool:
    states = connection.execute(
        sa.select(assignments.c.state).where(assignments.c.task == task.task)
    ).scalars()
    return task.free == 0 and {s for s in states if s not in ("expired", "skipped")} <= {
        "submitted",
        "in_review",
        "accepted",
    }
