"""Make a ledger's tables, or bring an older ledger up to this version."""

import uuid
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from iea40k.errors import LedgerError
from iea40k.store.ledger.database import Database
from iea40k.store.ledger.role_statements import renew_roles
from iea40k.store.ledger.schema import properties

_SCRIPTS = Path(__file__).parent / "migrations"


def newest_revision() -> str:
    """Return the revision that this version of the program works with."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def revision(database: Database) -> str | None:
    """Return the revision of a ledger, None where it has no tables yet."""
    with database.read() as connection:
        return _revision(connection)


def upgrade(database: Database, target: str = "head") -> None:
    """Make the tables, or bring them to `target`, in one transaction; two processes may try at once."""
    with database.alone() as connection:
        found = _revision(connection)
        _refuse_unknown(database, found)
        config = _config()
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
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        raise LedgerError(
            "the ledger was made by a newer version of this program",
            where=database.name,
            expected=f"schema {newest_revision()} or older",
            got=f"schema {found}",
            remedy="install the newer version: pip install --upgrade iea40k",
        )


def _revision(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("path_separator", "os")
    return config
