"""One writer of the queue: events are checked and applied by triggers; a clock that moves forward only; safe names.

Every trigger and function is made anew. On PostgreSQL the roles are renewed afterwards (`iea40k.store.ledger.migrate`).
"""

import time

import sqlalchemy as sa
from alembic import op

from iea40k.store.ledger.migrations import rules, rules_postgresql, rules_sqlite

revision = "0004"
down_revision = "0003"

_OLD_TRIGGERS = """SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal AND n.nspname = current_schema()
    AND c.relname IN ('corrections', 'zone_edits', 'events', 'assignments', 'tasks')"""
_OLD_FUNCTIONS = ("ledger_step()", "ledger_entitled()", "ledger_room()")


def upgrade() -> None:
    """Replace the triggers; no row of a journal changes. A lease that would last longer than a day ends in a day."""
    connection = op.get_bind()
    postgresql = connection.dialect.name == "postgresql"
    if postgresql:
        schema = rules_postgresql.quoted_schema(connection)
        for name, table in connection.execute(sa.text(_OLD_TRIGGERS)).all():
            op.execute(f"DROP TRIGGER {name} ON {schema}.{table}")
        for function in _OLD_FUNCTIONS:
            op.execute(f"DROP FUNCTION IF EXISTS {schema}.{function}")
    else:
        for (name,) in connection.execute(
            sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        ).all():
            op.execute(f"DROP TRIGGER {name}")
    now = time.time_ns() // 1000
    if postgresql:
        now = connection.scalar(sa.text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"))
    for name in ("clock", "wall"):
        connection.execute(
            sa.text("INSERT INTO counter (name, value) VALUES (:n, :v)"), {"n": name, "v": now}
        )
    connection.execute(
        sa.text("UPDATE assignments SET expires = :last WHERE expires > :last"),
        {"last": now + rules.MOST_TTL_US},
    )
    for statement in rules_postgresql.statements(schema) if postgresql else rules_sqlite.triggers():
        op.execute(statement)
