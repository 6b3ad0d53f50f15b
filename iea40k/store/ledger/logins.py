"""PostgreSQL: who this connection is logged in as, to the ledger, and whether it sees every row."""

import sqlalchemy as sa

_INSTALLED = sa.text("SELECT to_regprocedure('ledger_person(name)') IS NOT NULL")
_PERSON = sa.text("SELECT ledger_person(session_user)")
_SEES_ALL = sa.text("""
    SELECT NOT row_security_active('events') OR EXISTS (
        SELECT 1 FROM pg_policies p, unnest(p.roles) AS role
        WHERE p.tablename = 'events' AND p.policyname = 'curator_all' AND pg_has_role(role, 'USAGE'))""")


def login_person(connection: sa.Connection) -> str | None:
    """Return the person of this login; None on SQLite, before `install_roles`, and for a login nobody entered."""
    if connection.dialect.name != "postgresql" or not connection.execute(_INSTALLED).scalar_one():
        return None
    name = connection.execute(_PERSON).scalar_one()
    return None if name is None else str(name)


def sees_all(connection: sa.Connection) -> bool:
    """Whether row-level security hides no row of the journals from this login."""
    return connection.dialect.name != "postgresql" or bool(connection.execute(_SEES_ALL).scalar_one())
