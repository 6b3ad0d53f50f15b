"""Is a ledger what was written into it? Chains, numbers, guards, and a queue that its events tell.

What a ledger alone can show is here. That somebody rewrote all of it, cut its end off, or put an older copy in its
place shows against what was noted elsewhere: see `iea40k.store.ledger.seals`.
"""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from iea40k.recipe import canonical_json
from iea40k.store.ledger.chain import broken_links, links
from iea40k.store.ledger.events import read_details
from iea40k.store.ledger.guards import guard_problems
from iea40k.store.ledger.migrations.rules import HOLDING_EVENTS, JUDGING_EVENTS, OCCUPYING_STATES
from iea40k.store.ledger.schema import JOURNALS, assignments, counter, events, heads, tasks

_TASK = ("scene_id", "level", "purpose", "reason", "priority", "slots", "note")
_WORK = ("task", "annotator", "state", "token", "comment")


def ledger_problems(connection: sa.Connection) -> Iterator[str]:
    """Yield one line for each thing that is not as it was recorded; nothing for a sound ledger.

    For a connection that sees every row.
    """
    if connection.dialect.name == "sqlite":
        for (line,) in connection.execute(sa.text("PRAGMA integrity_check")):
            if line != "ok":
                yield f"database: {line}"
    yield from guard_problems(connection)
    for table in JOURNALS:
        yield from _readable(table.name, _broken_chains(connection, table))
    yield from _readable("entries", _missing_entries(connection))
    yield from _readable("queue", _untold_work(connection))


def _readable(name: str, problems: Iterator[str]) -> Iterator[str]:
    """SQLite holds any kind of value in any column: damage can turn a number into text."""
    try:
        yield from problems
    except (TypeError, ValueError, AttributeError) as error:
        yield f"{name}: a value is not of its column's kind ({error})"


def _broken_chains(connection: sa.Connection, table: sa.Table) -> Iterator[str]:
    noted = {
        (row.scene_id, row.level): (row.seq, row.hash)
        for row in connection.execute(heads.select().where(heads.c.journal == table.name))
    }
    found = connection.execute(sa.select(table.c.scene_id, table.c.level).distinct())
    for scene_id, level in sorted({(row.scene_id, row.level) for row in found} | set(noted)):
        rows = connection.execute(
            table.select().where(table.c.scene_id == scene_id, table.c.level == level).order_by(table.c.seq)
        ).mappings()
        head = noted.get((scene_id, level), (0, ""))
        problems = broken_links(table.name, [dict(row) for row in rows], head)
        yield from (f"{scene_id} {level}: {problem}" for problem in problems)


def _missing_entries(connection: sa.Connection) -> Iterator[str]:
    """Entries count from 1 without gaps over all journals: a history that was taken out whole leaves its numbers."""
    last = int(connection.execute(sa.select(counter.c.value).where(counter.c.name == "entry")).scalar_one())
    expected = 1
    for entry, _, _ in links(connection):
        if entry > expected:
            yield f"entries {_range(expected, entry - 1)} are gone"
        elif entry < expected:
            yield f"entry {entry} is there twice"
        expected = max(expected, entry + 1)
    if expected <= last:
        yield f"entries {_range(expected, last)} are gone: the counter gave them out"
    elif expected > last + 1:
        yield f"entries {_range(last + 1, expected - 1)} were not given out by the counter"


def _range(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first} ... {last}"


def _untold_work(connection: sa.Connection) -> Iterator[str]:
    """Compare the queue as it stands with what its events tell."""
    told, work = _told(connection)
    occupied: dict[int, int] = {}
    for row in connection.execute(assignments.select().order_by(assignments.c.assignment)).mappings():
        occupied[row["task"]] = occupied.get(row["task"], 0) + (row["state"] in OCCUPYING_STATES)
        name = f"assignment {row['assignment']} of {row['annotator']}"
        yield from _differences(name, row, work.pop(row["assignment"], None), _WORK)
    yield from (f"assignment {number} of {w['annotator']} is gone" for number, w in sorted(work.items()))
    for row in connection.execute(tasks.select().order_by(tasks.c.task)).mappings():
        name = f"task {row['task']}, {row['scene_id']} {row['level']}"
        yield from _differences(name, row, told.pop(row["task"], None), _TASK)
        free = row["slots"] - occupied.get(row["task"], 0)
        if row["free"] != free:
            yield f"{name}: {row['free']} places are free, its assignments leave {free}"
    yield from (f"task {number}, {t['scene_id']} {t['level']}, is gone" for number, t in sorted(told.items()))


def _differences(name: str, row: Any, told: dict[str, Any] | None, columns: tuple[str, ...]) -> Iterator[str]:
    if told is None:
        yield f"{name}: no event tells of it"
        return
    for column in columns:
        if not _same(row[column], told[column]):
            yield f"{name}: {column} is {row[column]!r}, its events say {told[column]!r}"


def _same(stands: Any, told: Any) -> bool:
    # An event's details hold 13 digits of a number.
    if isinstance(told, float) and isinstance(stands, float):
        return math.isclose(stands, told, rel_tol=1e-9)
    return bool(stands == told)


def _told(connection: sa.Connection) -> tuple[dict[int, dict[str, Any]], dict[int, dict[str, Any]]]:
    """Return the tasks, and the assignments, that the events make, by their numbers."""
    told: dict[int, dict[str, Any]] = {}
    work: dict[int, dict[str, Any]] = {}
    for event in connection.execute(events.select().order_by(events.c.entry)).mappings():
        if event["event"] in ("add", "raise"):
            # Details that say nothing leave a task of which no event tells: that is told then.
            with contextlib.suppress(ValueError, KeyError, TypeError):
                _tell_task(told, event)
        elif event["state"] is not None:
            mine = work.setdefault(event["assignment"], {"token": None, "comment": ""})
            mine |= {name: event[name] for name in ("task", "annotator", "state")}
            if event["event"] in HOLDING_EVENTS:
                mine["token"] = event["entry"]
            if event["event"] in JUDGING_EVENTS:
                mine["comment"] = event["comment"]
    return told, work


def _tell_task(told: dict[int, dict[str, Any]], event: Any) -> None:
    asked = read_details(event["details"])
    note = canonical_json(asked["note"])
    before = told.get(event["task"], {**asked, "note": note})
    told[event["task"]] = {
        **{name: event[name] for name in ("scene_id", "level", "purpose")},
        "reason": asked["reason"],
        "priority": max(asked["priority"], before["priority"]),
        "slots": max(asked["slots"], before["slots"]),
        # As the first event gave it, or a later one that says it renewed it.
        "note": note if asked.get("note_renewed") is True else before["note"],
    }
