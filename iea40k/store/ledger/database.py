"""One connection pool to one ledger: transactions, the clock, and errors that a person can act on."""

import contextlib
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from iea40k.errors import (
    BadInputError,
    CorruptDataError,
    LedgerError,
    LedgerUnavailableError,
    StoreError,
)
from iea40k.extras import missing
from iea40k.store.ledger.migrations.rules import MOST_BACK_US, MOST_STEP_US
from iea40k.store.ledger.place import shown
from iea40k.store.ledger.schema import assignments, counter
from iea40k.store.ledger.sqlite import BUSY_SECONDS, Turns, sqlite_engine, sqlite_file

_NOW = sa.text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
# One round trip: the clocks are read, and the entry number given out, after the turn to write is taken.
_BEGIN = sa.text("SELECT b.now, b.clock, b.entry, b.assignment FROM ledger_begin(false) b")
# All that follows in such a transaction finds single rows by an index. Before the first ANALYZE of a table that grew
# the planner would rather read and sort it whole (118 ms for 2,700 open tasks instead of 0.1 ms): it may not.
_BEGIN_JOURNAL = sa.text(
    "SELECT b.now, b.clock, b.entry, b.assignment,"
    " set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),"
    " set_config('enable_hashjoin', 'off', true), set_config('jit', 'off', true)"
    " FROM ledger_begin(true) b"
)
_ALONE = sa.text("SELECT pg_advisory_xact_lock(253504)")
_COUNT_POSTGRESQL = sa.select(sa.func.ledger_next_entry())
_COUNT_SQLITE = (
    counter.update()
    .where(counter.c.name == "entry")
    .values(value=counter.c.value + 1)
    .returning(counter.c.value)
)
_CLOCK_POSTGRESQL = sa.select(sa.func.ledger_clock())
_CLOCK_SQLITE = sa.select(counter.c.name, counter.c.value).where(counter.c.name.in_(("clock", "wall")))
_MOVE_CLOCK = (
    counter.update().where(counter.c.name == sa.bindparam("which")).values(value=sa.bindparam("moved"))
)
_NEXT_ASSIGNMENT = sa.select(sa.func.coalesce(sa.func.max(assignments.c.assignment), 0) + 1)


@dataclass
class _Begun:
    """A writing transaction on PostgreSQL: when it could begin, and numbers not yet used."""

    connection: sa.Connection
    now: int
    clock: int
    entry: int | None
    assignment: int | None


class Database:
    """A ledger's database. Safe to share between threads, not between processes: each opens its own."""

    def __init__(self, url: sa.URL, *, make: bool = False) -> None:
        """Open the database at `url`; `make` lets a SQLite file be made where none is."""
        self.url = url
        self._turns: Turns | None = None
        if url.get_backend_name() == "sqlite":
            file = sqlite_file(url)
            self._turns = Turns(file.with_name(f"{file.name}-turns"))
            self.engine = sqlite_engine(url, self._turns, make=make)
        else:
            self.engine = _postgresql_engine(url)
        self._writer = threading.Lock()
        self._begun: _Begun | None = None

    @property
    def name(self) -> str:
        """The ledger's place, without its password."""
        return shown(self.url)

    @property
    def is_there(self) -> bool:
        """Whether there is a file of SQLite's, or a server is named: an empty ledger is there too."""
        return self.dialect != "sqlite" or Path(str(self.url.database)).exists()

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state of the ledger from its first query to its last."""
        with self._errors():
            isolation = {} if self.dialect == "sqlite" else {"isolation_level": "REPEATABLE READ"}
            options: dict[str, Any] = {"ledger_begin": "BEGIN", **isolation}
            with self.engine.connect().execution_options(**options) as connection, connection.begin():
                yield connection

    @contextlib.contextmanager
    def write(self, *, journal: bool = False) -> Iterator[sa.Connection]:
        """A transaction that is durable when the block ends, and leaves nothing when it raises.

        Writers wait for each other, on both databases: what one reads in its transaction stays true until it ends.
        `journal` says that the block will add to a journal or change nothing: one round trip less on PostgreSQL.
        """
        with (
            self._errors(),
            self._writer,
            self.engine.connect() as connection,
            connection.begin() as transaction,
        ):
            if self.dialect == "sqlite":
                yield connection
                return
            row = connection.execute(_BEGIN_JOURNAL if journal else _BEGIN).one()
            begun = self._begun = _Begun(connection, *row[:4])
            yield connection
            if begun.entry is not None:
                transaction.rollback()  # nothing was recorded: the number goes back

    @contextlib.contextmanager
    def alone(self) -> Iterator[sa.Connection]:
        """A writing transaction that needs no table yet: to make them, or to bring them to another revision."""
        with self._errors(), self._writer, self.engine.connect() as connection, connection.begin():
            if self.dialect == "postgresql":
                connection.execute(_ALONE)
            yield connection

    def now(self, connection: sa.Connection) -> int:
        """Return the ledger's own time, in microseconds since 1970 UTC.

        For PostgreSQL that is the server's, in a writing transaction the time at which it could begin.
        """
        if self.dialect == "sqlite":
            return time.time_ns() // 1000
        if self._begun is not None and self._begun.connection is connection:
            return self._begun.now
        return int(connection.execute(_NOW).scalar_one())

    def next_entry(self, connection: sa.Connection) -> int:
        """Give out the next entry number; other writers wait until this transaction ends."""
        if self.dialect == "sqlite":
            return int(connection.execute(_COUNT_SQLITE).scalar_one())
        begun = self._begun
        if begun is not None and begun.connection is connection and begun.entry is not None:
            entry, begun.entry = begun.entry, None
            return entry
        return int(connection.execute(_COUNT_POSTGRESQL).scalar_one())

    def next_assignment(self, connection: sa.Connection) -> int:
        """Return the number that the next new piece of somebody's work takes."""
        begun = self._begun
        if begun is not None and begun.connection is connection and begun.assignment is not None:
            given, begun.assignment = begun.assignment, None
            return given
        return int(connection.execute(_NEXT_ASSIGNMENT).scalar_one())

    def clock(self, connection: sa.Connection) -> int:
        """Return the time on the clock by which leases end, in microseconds.

        It moves with the clock of the machine that holds the ledger, never backwards, and never further at once than a
        lease can last: a clock set back for a while ends no lease, one ten years ahead for a while keeps none for ten
        years. So only differences of it mean something; `now` is the time for people.
        """
        if self.dialect == "sqlite":
            return self._sqlite_clock(connection)[0]
        if self._begun is not None and self._begun.connection is connection:
            return self._begun.clock
        return int(connection.execute(_CLOCK_POSTGRESQL).scalar_one())

    def tick(self, connection: sa.Connection) -> int:
        """Return `clock`, and note it, in a transaction that will begin or end a lease."""
        if self.dialect != "sqlite":
            return self.clock(connection)  # the server's functions note it themselves
        clock, wall = self._sqlite_clock(connection)
        connection.execute(
            _MOVE_CLOCK, [{"which": "clock", "moved": clock}, {"which": "wall", "moved": wall}]
        )
        return clock

    def note_clock(self) -> None:
        """Note the clock though nothing else is written: that a clock was set right must not go unseen."""
        with self.write() as connection:
            self.tick(connection)

    def _sqlite_clock(self, connection: sa.Connection) -> tuple[int, int]:
        noted, wall = {row.name: row.value for row in connection.execute(_CLOCK_SQLITE)}, self.now(connection)
        clock = noted["clock"] + min(max(wall - noted["wall"], 0), MOST_STEP_US)
        return clock, wall if wall < noted["wall"] - MOST_BACK_US else max(wall, noted["wall"])

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        if self._turns is not None:
            self._turns.close()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise explain(error, self.name) from error
        except sqlite3.Error as error:  # from the beginning of a transaction, which speaks to the driver
            wrapped = sa.exc.OperationalError("BEGIN IMMEDIATE", None, error)
            raise explain(wrapped, self.name) from error
        except UnicodeDecodeError as error:  # text that was damaged on the disk
            raise _damaged(self.name, str(error)) from error
        except sa.exc.TimeoutError as error:
            raise LedgerUnavailableError(
                "every connection to the ledger is in use", where=self.name
            ) from error


def explain(error: sa.exc.DBAPIError, where: str) -> StoreError | LedgerError | BadInputError:
    """Return the error that a person should read for one that the database raised."""
    text = str(error.orig).strip()
    lower = text.lower()
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if "ledger: " in text:
        return LedgerError(_own_message(text), where=where)
    if "disk is full" in lower or state == "53100" or ("disk i/o error" in lower and _no_room(where)):
        return LedgerUnavailableError(
            "the ledger's disk is full; the last change was not saved, all before it was",
            where=where,
            got=text,
            remedy="free some space, then submit the outbox again",
        )
    if "malformed" in lower or "not a database" in lower:
        return _damaged(where, text)
    if "row-level security" in lower:
        return LedgerError(
            "the ledger does not allow this to your login",
            where=where,
            got=text,
            remedy="act under the name that the ledger knows for your login; "
            "a curator enters it: `iea40k queue STORE annotator NAME --login LOGIN`",
        )
    if state == "42501" or "readonly" in lower:
        return LedgerError(
            "the ledger does not allow this",
            where=where,
            got=text,
            remedy="ask the curator for the role that this work needs",
        )
    if state.startswith("28"):
        return LedgerError(
            "the ledger's server does not let you in",
            where=where,
            got=text,
            remedy="put the password into ~/.pgpass or PGPASSWORD",
        )
    if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) or error.connection_invalidated:
        return LedgerUnavailableError(
            "the ledger cannot be reached; nothing of this change was acknowledged",
            where=where,
            got=text,
            remedy="strokes stay in the outbox and are submitted again when the ledger is back",
        )
    return LedgerError("the ledger refuses this", where=where, got=text)


def _no_room(where: str) -> bool:
    """Whether a ledger's file lies on a disk that is full: SQLite calls that an I/O error where it maps memory."""
    with contextlib.suppress(OSError):
        return shutil.disk_usage(Path(where).parent).free < 1 << 17
    return False


def _damaged(where: str, got: str) -> CorruptDataError:
    return CorruptDataError(
        "the ledger's file is damaged",
        where=where,
        got=got,
        remedy="restore it from a backup; `sqlite3 FILE .recover` saves what can be read",
    )


def _own_message(text: str) -> str:
    return text.partition("ledger: ")[2].splitlines()[0]


def _postgresql_engine(url: sa.URL) -> sa.Engine:
    try:
        return sa.create_engine(
            url,
            pool_size=4,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": 10,
                "application_name": "iea40k",
                "keepalives_idle": 30,
                "options": f"-c lock_timeout={BUSY_SECONDS}s",
            },
        )
    except ModuleNotFoundError as error:
        raise missing("psycopg", "postgresql") from error
