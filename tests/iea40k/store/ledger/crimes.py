"""Perfect crimes: changes to a ledger that leave it sound in itself, for whoever owns its database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from iea40k.store.ledger import Ledger
from iea40k.store.ledger.chain import row_hash
from iea40k.store.ledger.schema import JOURNALS, corrections, counter, events, heads, metadata

Crime = Callable[[sa.Connection], None]


@contextmanager
def unguarded(ledger: Ledger) -> Iterator[sa.Connection]:
    """Write as somebody who owns the database and puts every trigger back afterwards."""
    with ledger.database.alone() as connection:
        if ledger.database.dialect == "sqlite":
            found = connection.execute(
                sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            ).all()
            for name, _ in found:
                connection.execute(sa.text(f"DROP TRIGGER {name}"))
            yield connection
            for _, sql in found:
                connection.exec_driver_sql(sql)
            return
        for state in ("DISABLE", "ENABLE"):
            for table in metadata.sorted_tables:
                connection.execute(sa.text(f"ALTER TABLE {table.name} {state} TRIGGER USER"))
            if state == "DISABLE":
                yield connection


def cut(connection: sa.Connection) -> None:
    """Take the last stroke away, and set its head and the counter back."""
    last = (
        connection.execute(sa.select(corrections).order_by(corrections.c.entry.desc()).limit(2))
        .mappings()
        .all()
    )
    connection.execute(corrections.delete().where(corrections.c.entry == last[0]["entry"]))
    connection.execute(counter.update().where(counter.c.name == "entry").values(value=last[0]["entry"] - 1))
    connection.execute(_head(last[0]).values(seq=last[1]["seq"], hash=last[1]["hash"]))


def rewrite_strokes(connection: sa.Connection) -> None:
    """Give a stroke another time and make every hash after it anew."""
    _rewritten(connection, corrections, {"client_time": 1})


def rewrite_acceptance(connection: sa.Connection) -> None:
    """Let another curator have accepted the work, and make every hash after it anew."""
    _rewritten(connection, events, {"actor": "Zoe"})


def empty(connection: sa.Connection) -> None:
    """Remove the whole history."""
    for table in (*JOURNALS, heads):
        connection.execute(table.delete())
    for table in ("assignments", "tasks"):
        connection.execute(sa.text(f"DELETE FROM {table}"))
    connection.execute(counter.update().where(counter.c.name == "entry").values(value=0))


def _rewritten(connection: sa.Connection, table: sa.Table, change: dict[str, object]) -> None:
    """Change every row of the image that the last row is of."""
    last = connection.execute(sa.select(table).order_by(table.c.entry.desc()).limit(1)).mappings().one()
    image = (table.c.scene_id == last["scene_id"]) & (table.c.level == last["level"])
    link = ""
    for found in connection.execute(sa.select(table).where(image).order_by(table.c.seq)).mappings().all():
        row = {**found, **change, "previous": link}
        link = row_hash(table.name, row)
        changed = {**change, "previous": row["previous"], "hash": link}
        connection.execute(table.update().where(table.c.entry == row["entry"]).values(**changed))
    connection.execute(_head({**last, "journal": table.name}).values(hash=link))


def _head(row: "sa.RowMapping | dict[str, object]") -> sa.Update:
    return heads.update().where(
        (heads.c.journal == dict(row).get("journal", "corrections"))
        & (heads.c.scene_id == row["scene_id"])
        & (heads.c.level == row["level"])
    )
