"""Copy a whole ledger to another database: from the store's file to a team's server, or back into a file."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from iea40k.errors import AlreadyExistsError, CorruptDataError
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.schema import counter, metadata, properties

_BATCH = 500


def copy_ledger(source: Ledger, place: str) -> int:
    """Copy every row of `source` into a new ledger at `place`, and return the number of its last entry.

    Entries, chains and the ledger's id stay what they are: a release cut at the same cursor from either has the same
    bytes. Nobody can write to `source` meanwhile. All of it arrives or nothing. Raises `AlreadyExistsError` where
    `place` holds a ledger that was used, `CorruptDataError` where the copy's chains do not hold.
    """
    source.check_sees_all()
    with Ledger.open(place, create=True) as target:
        with source.database.write() as reader, target.database.write() as writer:
            _refuse_used(target, writer)
            with _without_triggers(writer):
                for table in metadata.sorted_tables:
                    if table in (properties, counter):
                        writer.execute(table.delete())
                    _copy(reader, writer, table)
            _restart_numbers(writer)
        problems = list(target.tampering())
        if problems or target.cursor() != source.cursor():
            raise CorruptDataError(
                "the copy of the ledger is not sound", where=place, got="; ".join(problems[:3])
            )
        return target.cursor()


def _refuse_used(target: Ledger, writer: sa.Connection) -> None:
    used = [t.name for t in metadata.sorted_tables if t not in (properties, counter) and _any(writer, t)]
    if used:
        raise AlreadyExistsError(
            "there is a ledger already",
            where=target.database.name,
            expected="an empty database",
            got=f"rows in {', '.join(used)}",
            remedy="copy into another database",
        )


def _any(connection: sa.Connection, table: sa.Table) -> bool:
    return connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None


def _copy(reader: sa.Connection, writer: sa.Connection, table: sa.Table) -> None:
    rows = reader.execute(table.select().order_by(*table.primary_key.columns)).mappings()
    for batch in rows.partitions(_BATCH):
        writer.execute(table.insert(), [dict(row) for row in batch])


@contextmanager
def _without_triggers(writer: sa.Connection) -> Iterator[None]:
    """Rows that were checked once are taken as they are; other connections never see the tables without triggers."""
    if writer.dialect.name == "sqlite":
        query = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = writer.execute(query).all()
        for name, _ in triggers:
            writer.exec_driver_sql(f"DROP TRIGGER {name}")
        yield
        for _, sql in triggers:
            writer.exec_driver_sql(sql)
        return
    for table in metadata.sorted_tables:
        writer.execute(sa.text(f"ALTER TABLE {table.name} DISABLE TRIGGER USER"))
    yield
    for table in metadata.sorted_tables:
        writer.execute(sa.text(f"ALTER TABLE {table.name} ENABLE TRIGGER USER"))


def _restart_numbers(writer: sa.Connection) -> None:
    """PostgreSQL gives out numbers of tasks and assignments by sequences, which do not see rows that bring theirs."""
    if writer.dialect.name != "postgresql":
        return
    for table, column in (("tasks", "task"), ("assignments", "assignment")):
        writer.execute(
            sa.text(
                f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), "
                f"(SELECT COALESCE(max({column}), 0) + 1 FROM {table}), false)"
            )
        )
