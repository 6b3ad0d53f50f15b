"""PostgreSQL: who may do what, enforced by the server.

Two group roles, which people's own login roles are members of: an *annotator* leases and appends only as themselves,
under a lease only, and reads only their own strokes (experts are blind to each other); further the zone edits that
count, since every base stands on them, and the adjudicator's strokes on images of which their own map has been accepted
(see `iea40k.store.ledger.consistency`). A *curator* reads everything, fills the queue, assigns and reviews. Neither
owns the tables, so neither can change or remove what was recorded; the triggers refuse that to the owner too. Who a
login is stands in the table `annotators`, which only curators write.
"""

import re

import sqlalchemy as sa

from iea40k.errors import BadInputError, LedgerError
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.role_statements import grant, may_make_temporary_tables

_NAME = re.compile(r"^[a-z_][a-z0-9_]{0,40}$")

# Ending a session that keeps the others waiting needs these; who may not grant them goes without.
_SEE_AND_END = sa.text("""DO $$ BEGIN
    IF pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
        AND pg_has_role(current_user, 'pg_signal_backend', 'USAGE') THEN RETURN; END IF;
    EXECUTE format('GRANT pg_read_all_stats, pg_signal_backend TO %I', current_user);
    EXCEPTION WHEN insufficient_privilege THEN NULL; END $$""")
_CAN_END = sa.text("""SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
    AND pg_has_role(current_user, 'pg_signal_backend', 'USAGE')""")


def install_roles(ledger: Ledger, prefix: str = "iea40k") -> tuple[str, str]:
    """Make or renew the group roles, grants and policies; return the names of the annotators' and curators' role.

    Run by the owner of the tables, with the right to create roles where they do not exist yet. Raises `LedgerError` on
    SQLite, which has no roles: there, whoever can write the file can write the ledger.
    """
    if ledger.database.dialect != "postgresql":
        raise LedgerError(
            "only a ledger on PostgreSQL has roles",
            where=ledger.database.name,
            remedy="move to --ledger postgresql://HOST/DATABASE where people must be kept apart",
        )
    if not _NAME.fullmatch(prefix):
        raise BadInputError("not a prefix of role names", expected="a-z, 0-9 and _", got=repr(prefix))
    annotator, curator = f"{prefix}_annotator", f"{prefix}_curator"
    with ledger.database.write() as connection:
        for role in (annotator, curator):
            known = connection.execute(
                sa.text("SELECT 1 FROM pg_roles WHERE rolname = :r"), {"r": role}
            ).first()
            if known is None:
                connection.execute(sa.text(f"CREATE ROLE {role} NOLOGIN"))
        grant(connection, annotator, curator)
        connection.execute(_SEE_AND_END)
    return annotator, curator


def gaps(ledger: Ledger, annotator: str) -> list[str]:
    """Return what the server still lets an annotator do that only its administrator can end, in words."""
    with ledger.database.read() as connection:
        owner, database = connection.execute(sa.text("SELECT current_user, current_database()")).one()
        found = []
        if may_make_temporary_tables(connection, annotator):
            found.append(
                "annotators can fill the server's disk with temporary tables: let the database's owner run "
                f'REVOKE TEMPORARY ON DATABASE "{database}" FROM PUBLIC'
            )
        if not connection.execute(_CAN_END).scalar_one():
            found.append(
                "an annotator who keeps a transaction open stops the others for as long as it lasts: let the server's "
                f'administrator run GRANT pg_read_all_stats, pg_signal_backend TO "{owner}"'
            )
        return found
