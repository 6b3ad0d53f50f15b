"""Make a ledger's tables, or bring an older ledger up to this version.

Every command that opens a ledger looks at its revision: Alembic is imported only where tables are made or changed.
"""

import uuid
from pathlib import Path

import sqlalchemy as sa

from iea40k.errors import LedgerError
from iea40k.store.ledger.database import Database
from iea40k.store.ledger.role_statements import renew_roles
from iea40k.store.ledger.schema import properties

_SCRIPTS = Path(__file__).parent / "migrations"
REVISIONS = ("0001", "0002", "0003", "0004")
"""Every revision in `migrations/versions`, the oldest first."""

_VERSIONS = sa.table("alembic_version", sa.column("version_num"))


def newest_revision() -> str:
    """Return the revision that this version of the program works with."""
    return REVISIONS[-1]


def revision(database: Database) -> str | None:
    """Return the revision of a ledger, None where it has no tables yet."""
    with database.read() as connection:
        return _revision(connection)


def upgrade(database: Database, target: str = "head") -> None:
    """Make the tables, or bring them to `target`, in one transaction; two processes may try at once."""
    from alembic import command
    from alembic.config import Config

    with database.alone() as connection:
        found = _revision(connection)
        _refuse_unknown(database, found)
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, target)
        if found is None:
            connection.execute(properties.insert().values(name="ledger_id", value=uuid.uuid4().hex))
        elif target == "head":
            renew_roles(connection)


def check_revision(database: Database) -> None:
    """Raise `LedgerError` where the ledger's tables are older or newer than this program, or not there."""
    found = revision(database) if database.is_there else None
    _refuse_unknown(database, found)
    if found is None:
        raise LedgerError(
            "there is no ledger here yet",
            where=database.name,
            remedy="`iea40k queue STORE add` makes one",
        )
    if found != newest_revision():
        raise LedgerError(
            "the ledger was made by an older version of this program",
            where=database.name,
            expected=f"schema {newest_revision()}",
            got=f"schema {found}",
            remedy="make a backup, then run `iea40k queue STORE upgrade`",
        )


def _refuse_unknown(database: Database, found: str | None) -> None:
    if found is not None and found not in REVISIONS:
        raise LedgerError(
            "the ledger was made by a newer version of this program",
            where=database.name,
            expected=f"schema {newest_revision()} or older",
            got=f"schema {found}",
            remedy="install the newer version: pip install --upgrade iea40k",
        )


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(_VERSIONS.name):
        return None
    found: str | None = connection.execute(sa.select(_VERSIONS.c.version_num)).scalar_one_or_none()
    return found
