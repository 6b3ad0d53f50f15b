"""Leases under clocks that are set: back a day, ahead ten years, idle for a month."""

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from iea40k.store.ledger import Ledger, Queue, TaskRequest, add_tasks
from iea40k.store.ledger import database as module
from iea40k.store.ledger.overview import listing

_DAY = 86_400
SetClock = Callable[[float], None]


@pytest.fixture
def set_clock(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Set the clock of the machine that holds the ledger forward, or back, by seconds."""
    ahead = 0.0

    def sqlite(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds

    def postgresql(seconds: float) -> None:
        # The server's clock stays, what it noted of it moves the other way: the same difference.
        with ledger.database.alone() as connection:
            moved = sa.text("UPDATE counter SET value = value - :by WHERE name = 'wall'")
            connection.execute(moved, {"by": round(seconds * 1e6)})

    if ledger.database.dialect == "postgresql":
        return postgresql
    fake = SimpleNamespace(**{name: getattr(time, name) for name in dir(time)})
    fake.time_ns = lambda: time.time_ns() + round(ahead * 1e9)
    monkeypatch.setattr(module, "time", fake)
    return sqlite


@pytest.fixture
def queue(ledger: Ledger) -> Queue:
    add_tasks(ledger, [TaskRequest("s1", "P0", 1)], "curator")
    return Queue(ledger)


def test_a_heartbeat_under_a_clock_set_back_ends_no_lease(queue: Queue, set_clock: SetClock) -> None:
    lease = queue.lease("A")
    assert lease is not None
    set_clock(-_DAY)
    lease = queue.heartbeat(lease)
    set_clock(_DAY)
    assert queue.lease("B") is None
    queue.submit(queue.heartbeat(lease), verdict="base is right")


@pytest.mark.parametrize("jump", [10 * 365 * _DAY, 30 * _DAY])
def test_a_lease_taken_while_the_clock_was_ahead_ends_in_time(
    queue: Queue, set_clock: SetClock, jump: float
) -> None:
    set_clock(jump)
    assert queue.lease("A") is not None
    set_clock(-jump)
    assert queue.lease("B") is None
    set_clock(1801)
    lease = queue.lease("B")
    assert lease is not None
    assert lease.map_key.scene_id == "s1"


def test_leases_end_while_nobody_writes(queue: Queue, set_clock: SetClock) -> None:
    assert queue.lease("A", ttl_seconds=_DAY) is not None
    set_clock(30 * _DAY)
    assert queue.lease("B") is not None


def test_the_clock_never_goes_back(ledger: Ledger, set_clock: SetClock) -> None:
    seen = []
    for jump in (0, 60, -60, -_DAY, 5 * _DAY, -9 * _DAY, 1, _DAY / 2):
        set_clock(jump)
        with ledger.database.write() as connection:
            seen.append(ledger.database.tick(connection))
            if ledger.database.dialect == "postgresql":
                connection.execute(sa.text("SELECT ledger_tick()"))
    assert seen == sorted(seen)
    assert seen[-1] - seen[0] < 3 * _DAY * 1e6


def test_the_list_tells_the_end_of_a_lease_by_the_clock_of_people(
    ledger: Ledger, queue: Queue, set_clock: SetClock
) -> None:
    set_clock(10 * 365 * _DAY)
    assert queue.lease("A", ttl_seconds=600) is not None
    set_clock(-10 * 365 * _DAY)
    assert queue.lease("B") is None
    (row,) = listing(ledger)
    assert abs(row["expires"] / 1e6 - time.time() - 600) < 30
