"""SQLite as a ledger: durable, and fair to many writers at once."""

import contextlib
import os
import random
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from iea40k.errors import BadInputError
from iea40k.store.ledger.place import refuse_network

if sys.platform != "win32":
    import fcntl

BUSY_SECONDS = 30
"""How long a writer waits for another one before it gives up."""


class Turns:
    """A queue of writers, kept by the operating system: whoever waits first, writes first, and nobody polls but one.

    SQLite alone lets writers poll with longer and longer sleeps: of eight, one waited 5.7 s. Here the first in the
    queue polls shortly while the others sleep in a file lock, which it hands on as soon as its transaction has begun.
    The lock only orders them; that just one writes is SQLite's own doing. Where there is no such lock (Windows, a
    folder that cannot be written), all poll.
    """

    def __init__(self, file: Path) -> None:
        self._descriptor: int | None = None
        if sys.platform != "win32":
            with contextlib.suppress(OSError):
                self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)

    @contextlib.contextmanager
    def first(self) -> Iterator[bool]:
        """Wait until this writer is the first in the queue; yields whether there is a queue."""
        if sys.platform == "win32" or self._descriptor is None:
            yield False
            return
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield True
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Leave the queue for good."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def sqlite_engine(url: sa.URL, turns: Turns, *, make: bool) -> sa.Engine:
    """Return the engine of a SQLite ledger: WAL, every commit on the disk, writers begin with the lock in hand.

    `make` lets its first connection make the file. No other one does: where a ledger was moved away, an empty file in
    its place would pass for it, and be in the way when it comes back.
    """
    file = Path(str(url.database)).absolute()
    mode = "rwc" if make else "rw"

    def connect() -> sqlite3.Connection:
        nonlocal mode
        place = f"{file.as_uri()}?mode={mode}"
        connection = sqlite3.connect(place, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)
        mode = "rw"
        return connection

    engine = sa.create_engine(url, creator=connect, pool_size=4)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        # The driver must not begin transactions of its own: writers begin with the lock in hand (see _begin).
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("ledger_begin") == "BEGIN":
            connection.exec_driver_sql("BEGIN")
        else:
            with turns.first() as alone:
                _begin_writing(connection.connection.driver_connection, alone=alone)

    return engine


def sqlite_file(url: sa.URL) -> Path:
    """Return the file of a SQLite ledger; raises `BadInputError` where its folder is not there.

    Raises `LedgerError` where it lies on a network file system.
    """
    file = Path(str(url.database))
    if not file.parent.is_dir():
        raise BadInputError(
            "there is no such store", where=file.parent, remedy="make it with `iea40k build MANIFEST STORE`"
        )
    refuse_network(file)
    return file


def _begin_writing(driver: Any, *, alone: bool) -> None:
    # A deferred transaction that turns into a writer fails at once when another one wrote in between; hence IMMEDIATE.
    begun = time.monotonic()
    driver.execute("PRAGMA busy_timeout=0").close()
    try:
        while not _tried(driver, begun + BUSY_SECONDS):
            time.sleep(random.uniform(0.0001, 0.0003 if alone else 0.002))
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}").close()


def _tried(driver: Any, deadline: float) -> bool:
    try:
        driver.execute("BEGIN IMMEDIATE").close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
            raise
        return False
    return True
