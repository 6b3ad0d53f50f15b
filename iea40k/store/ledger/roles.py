"""PostgreSQL: who may do what, enforced by the server.

Two group roles, which people's own login roles are members of: an *annotator* leases and appends only as himself, under
a lease only, and reads only his own strokes (experts are blind to each other); further the zone edits that count, since
every base stands on them, and the adjudicator's strokes on images of which his own map has been accepted (see
`iea40k.store.ledger.consistency`). A *curator* reads everything, fills the queue, assigns and reviews. Neither owns the
tables, so neither can change or remove what was recorded; the triggers refuse that to the owner too. Who a login is
stands in the table `annotators`, which only curators write.
"""

import re
from collections.abc import Iterator

import sqlalchemy as sa

from iea40k.errors import BadInputError, LedgerError
from iea40k.store.ledger.consistency import GOLD_IMAGES
from iea40k.store.ledger.ledger import Ledger

_NAME = re.compile(r"^[a-z_][a-z0-9_]{0,40}$")

_APPENDED = ("corrections", "zone_edits", "events")
_READS = (
    "ledger_gold_images(), ledger_gold_strokes(text, text, text), ledger_reference_counts(text, text, text)"
)
_TABLES = (*_APPENDED, "assignments")


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
    if not _NAME.match(prefix):
        raise BadInputError("not a prefix of role names", expected="a-z, 0-9 and _", got=repr(prefix))
    annotator, curator = f"{prefix}_annotator", f"{prefix}_curator"
    with ledger.database.write() as connection:
        for role in (annotator, curator):
            known = connection.execute(
                sa.text("SELECT 1 FROM pg_roles WHERE rolname = :r"), {"r": role}
            ).first()
            if known is None:
                connection.execute(sa.text(f"CREATE ROLE {role} NOLOGIN"))
        for statement in _statements(annotator, curator):
            connection.execute(sa.text(statement))
    return annotator, curator


def _statements(annotator: str, curator: str) -> Iterator[str]:
    # The login's own name is asked for: SET ROLE to the group gives nobody's rights.
    yield """CREATE OR REPLACE FUNCTION ledger_person(role name) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
        SET search_path FROM CURRENT
        AS $$ SELECT a.name FROM annotators a WHERE a.login = role::text AND a.active $$"""
    yield """CREATE OR REPLACE FUNCTION ledger_reference_counts(scene text, who text, which text) RETURNS boolean
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
        AS $$ SELECT COALESCE((SELECT a.state = 'accepted' FROM tasks t JOIN assignments a ON a.task = t.task
            WHERE t.scene_id = scene AND t.level = 'reference' AND t.purpose = which AND a.annotator = who), true) $$"""
    # Of an adjudicator's map, that of an image whose own map is accepted, to the login itself and to nobody else.
    yield f"""CREATE OR REPLACE FUNCTION ledger_gold_images()
        RETURNS TABLE (scene_id text, level text, annotator text, details text)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
        AS $$ {GOLD_IMAGES.format(who="ledger_person(session_user)")} $$"""
    yield """CREATE OR REPLACE FUNCTION ledger_gold_strokes(scene text, which text, judge text)
        RETURNS SETOF corrections LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
        AS $$ SELECT c.* FROM corrections c WHERE c.scene_id = scene AND c.level = which AND c.annotator = judge
            AND c.lane = 'adjudication' AND EXISTS (SELECT 1 FROM ledger_gold_images() g
                WHERE g.scene_id = scene AND g.level = which AND g.annotator = judge)
            ORDER BY c.seq $$"""
    yield f"REVOKE ALL ON FUNCTION {_READS} FROM PUBLIC"
    yield f"GRANT EXECUTE ON FUNCTION {_READS} TO {annotator}, {curator}"
    yield "REVOKE ALL ON FUNCTION ledger_next_entry(), ledger_person(name) FROM PUBLIC"
    yield f"GRANT EXECUTE ON FUNCTION ledger_next_entry(), ledger_person(name) TO {annotator}, {curator}"
    both = f"{annotator}, {curator}"
    yield f"GRANT SELECT ON alembic_version, properties, counter, heads, tasks TO {both}"
    yield f"GRANT SELECT, INSERT ON corrections, zone_edits, events TO {both}"
    yield f"GRANT SELECT, INSERT, UPDATE (state, token, expires, comment) ON assignments TO {both}"
    yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {_SCHEMA} TO {both}"
    yield f"GRANT SELECT (name, active) ON annotators TO {annotator}"
    yield f"GRANT SELECT, INSERT, UPDATE ON annotators TO {curator}"
    yield f"GRANT INSERT, UPDATE (priority, slots, free, reason) ON tasks TO {curator}"
    for table in _TABLES:
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
        for policy in ("annotator_reads", "annotator_adds", "annotator_moves", "curator_all", "curator_adds"):
            yield f"DROP POLICY IF EXISTS {policy} ON {table}"
    yield from _policies(annotator, curator)


def _policies(annotator: str, curator: str) -> Iterator[str]:
    me = "(SELECT ledger_person(current_user))"
    late = "(state = 'leased' AND expires < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)"
    # Zone edits that count make the base that everybody paints on; whose they are is no secret then.
    counts = "ledger_reference_counts(scene_id, annotator, {})"
    for table, also in (("corrections", "false"), ("zone_edits", counts.format("lane"))):
        yield f"""CREATE POLICY annotator_reads ON {table} FOR SELECT TO {annotator}
            USING (annotator = {me} OR {also})"""
        # Under a lease only: what is painted without the queue counts at once, and nobody would review it.
        yield f"""CREATE POLICY annotator_adds ON {table} FOR INSERT TO {annotator}
            WITH CHECK (annotator = {me} AND token IS NOT NULL)"""
        # A curator who paints does so under his own name too.
        yield f"CREATE POLICY curator_all ON {table} FOR SELECT TO {curator} USING (true)"
        yield f"CREATE POLICY curator_adds ON {table} FOR INSERT TO {curator} WITH CHECK (annotator = {me})"
    yield f"""CREATE POLICY annotator_reads ON events FOR SELECT TO {annotator}
        USING (annotator = {me} OR actor = {me}
            OR (level = 'reference' AND annotator IS NOT NULL AND {counts.format("purpose")}))"""
    own = "('lease', 'resume', 'give_back', 'skip', 'flag', 'submit')"
    yield f"""CREATE POLICY annotator_adds ON events FOR INSERT TO {annotator}
        WITH CHECK (actor = {me} AND ((event IN {own} AND annotator = {me}) OR event = 'expire'))"""
    yield f"CREATE POLICY curator_all ON events FOR SELECT TO {curator} USING (true)"
    yield f"CREATE POLICY curator_adds ON events FOR INSERT TO {curator} WITH CHECK (actor = {me})"
    yield f"""CREATE POLICY annotator_reads ON assignments FOR SELECT TO {annotator}
        USING (annotator = {me} OR {late} OR state = 'expired')"""
    yield f"""CREATE POLICY annotator_adds ON assignments FOR INSERT TO {annotator}
        WITH CHECK (annotator = {me} AND state = 'leased')"""
    mine = f"annotator = {me} AND state IN ('leased', 'submitted', 'skipped', 'expired')"
    yield f"""CREATE POLICY annotator_moves ON assignments FOR UPDATE TO {annotator}
        USING (annotator = {me} OR {late}) WITH CHECK (({mine}) OR state = 'expired')"""
    yield f"CREATE POLICY curator_all ON assignments FOR ALL TO {curator} USING (true) WITH CHECK (true)"


_SCHEMA = "public"
