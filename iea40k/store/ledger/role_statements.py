"""PostgreSQL: the grants and policies of the two group roles, as SQL."""

from collections.abc import Iterator

import sqlalchemy as sa

from iea40k.store.ledger.migrations.rules_postgresql import functions, quoted_schema

_APPENDED = ("corrections", "zone_edits", "events")
_TABLES = (*_APPENDED, "assignments")
_CALLED = (
    "ledger_begin", "ledger_next_entry", "ledger_heartbeat", "ledger_clock", "ledger_person",
    "ledger_reference_counts", "ledger_gold_images", "ledger_gold_strokes",
)  # fmt: skip
_GROUPS = sa.text("""
    SELECT DISTINCT r.rolname, p.polname FROM pg_policy p
    JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_roles r ON r.oid = ANY (p.polroles)
    WHERE c.relname = 'events' AND n.nspname = current_schema() AND p.polname IN ('annotator_reads', 'curator_all')""")
_TEMPORARY = sa.text("SELECT has_database_privilege(:role, current_database(), 'TEMP')")


def grant(connection: sa.Connection, annotator: str, curator: str) -> None:
    """Grant both roles what they need, take everything else from them, and make their policies anew."""
    for statement in _statements(quoted_schema(connection), annotator, curator):
        connection.execute(sa.text(statement))


def renew_roles(connection: sa.Connection) -> None:
    """Do as `grant` does for the roles that this ledger has; nothing where it has none."""
    if connection.dialect.name == "postgresql":
        found = {row.polname: row.rolname for row in connection.execute(_GROUPS)}
        if len(found) == 2:
            quote = connection.dialect.identifier_preparer.quote
            grant(connection, quote(found["annotator_reads"]), quote(found["curator_all"]))


def may_make_temporary_tables(connection: sa.Connection, role: str) -> bool:
    """Whether a role may make temporary tables in this database: only its owner can take that from everybody."""
    return bool(connection.execute(_TEMPORARY, {"role": role}).scalar_one())


def _statements(schema: str, annotator: str, curator: str) -> Iterator[str]:
    s, both = f"{schema}.", f"{annotator}, {curator}"
    tables = f"{s}properties, {s}counter, {s}heads, {s}tasks, {s}corrections, {s}zone_edits, {s}events, {s}assignments"
    yield f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC"
    yield """DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$"""
    yield f"REVOKE ALL ON {tables}, {s}annotators FROM {both}"
    yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {both}"
    yield f"GRANT USAGE ON SCHEMA {schema} TO {both}"
    yield f"GRANT SELECT ON {s}alembic_version, {tables} TO {both}"
    yield f"GRANT INSERT ON {', '.join(s + table for table in _APPENDED)} TO {both}"
    yield f"GRANT SELECT (name, active) ON {s}annotators TO {annotator}"
    yield f"GRANT SELECT, INSERT, UPDATE ON {s}annotators TO {curator}"
    yield f"GRANT INSERT, UPDATE (priority, slots, reason, note) ON {s}tasks TO {curator}"
    yield f"GRANT USAGE ON SEQUENCE {s}tasks_task_seq TO {curator}"
    called = [f"{s}{f.signature}" for f in functions(schema) if f.signature.split("(")[0] in _CALLED]
    yield f"GRANT EXECUTE ON FUNCTION {', '.join(called)} TO {both}"
    for table in _TABLES:
        yield f"ALTER TABLE {s}{table} ENABLE ROW LEVEL SECURITY"
        for policy in ("annotator_reads", "annotator_adds", "annotator_moves", "curator_all", "curator_adds"):
            yield f"DROP POLICY IF EXISTS {policy} ON {s}{table}"
    yield from _policies(s, annotator, curator)


def _policies(s: str, annotator: str, curator: str) -> Iterator[str]:
    me = f"(SELECT {s}ledger_person(current_user))"
    # Zone edits that count make the base that everybody paints on; whose they are is no secret then.
    counts = s + "ledger_reference_counts(scene_id, annotator, {})"
    for table, also in (("corrections", "false"), ("zone_edits", counts.format("lane"))):
        yield f"""CREATE POLICY annotator_reads ON {s}{table} FOR SELECT TO {annotator}
            USING (annotator = {me} OR {also})"""
        # Under a lease only: what is painted without the queue counts at once, and nobody would review it.
        yield f"""CREATE POLICY annotator_adds ON {s}{table} FOR INSERT TO {annotator}
            WITH CHECK (annotator = {me} AND token IS NOT NULL)"""
        # A curator who paints does so under their own name too.
        yield f"CREATE POLICY curator_all ON {s}{table} FOR SELECT TO {curator} USING (true)"
        yield f"CREATE POLICY curator_adds ON {s}{table} FOR INSERT TO {curator} WITH CHECK (annotator = {me})"
    yield f"""CREATE POLICY annotator_reads ON {s}events FOR SELECT TO {annotator}
        USING (annotator = {me} OR actor = {me}
            OR (level = 'reference' AND annotator IS NOT NULL AND {counts.format("purpose")}))"""
    own = "('lease', 'resume', 'recall', 'give_back', 'skip', 'flag', 'submit')"
    yield f"""CREATE POLICY annotator_adds ON {s}events FOR INSERT TO {annotator}
        WITH CHECK (actor = {me} AND ((event IN {own} AND annotator = {me}) OR event = 'expire'))"""
    yield f"CREATE POLICY curator_all ON {s}events FOR SELECT TO {curator} USING (true)"
    yield f"CREATE POLICY curator_adds ON {s}events FOR INSERT TO {curator} WITH CHECK (actor = {me})"
    # A lease that ran out is anybody's to take back. Nobody writes here: an event's trigger does.
    yield f"""CREATE POLICY annotator_reads ON {s}assignments FOR SELECT TO {annotator}
        USING (annotator = {me} OR (state = 'leased' AND expires < (SELECT {s}ledger_clock())))"""
    yield f"CREATE POLICY curator_all ON {s}assignments FOR SELECT TO {curator} USING (true)"
