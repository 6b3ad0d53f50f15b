"""SQL of the triggers that make a table a journal, for both databases.

Revisions call these with the table's name; a change of behaviour gets a new function, so that old revisions still make
what they always made.
"""

_SQLITE_JOURNAL = (
    """CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN
    SELECT RAISE(ABORT, 'ledger: rows of {table} are never changed'); END""",
    """CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN
    SELECT RAISE(ABORT, 'ledger: rows of {table} are never removed'); END""",
    # INSERT OR REPLACE fires no delete trigger, so an existing key is refused here.
    """CREATE TRIGGER {table}_link BEFORE INSERT ON {table} BEGIN
    SELECT RAISE(ABORT, 'ledger: this row of {table} exists already')
        WHERE EXISTS (SELECT 1 FROM {table} WHERE entry = NEW.entry OR {key} = NEW.{key});
    SELECT RAISE(ABORT, 'ledger: the entry number was not given out by the counter')
        WHERE NEW.entry IS NOT (SELECT value FROM counter WHERE name = 'entry');
    SELECT RAISE(ABORT, 'ledger: the row does not continue its chain')
        WHERE NEW.seq IS NOT 1 + COALESCE((SELECT seq FROM heads WHERE journal = '{table}'
                AND scene_id = NEW.scene_id AND level = NEW.level), 0)
        OR NEW.previous IS NOT COALESCE((SELECT hash FROM heads WHERE journal = '{table}'
                AND scene_id = NEW.scene_id AND level = NEW.level), '');
    END""",
    """CREATE TRIGGER {table}_head AFTER INSERT ON {table} BEGIN
    INSERT INTO heads (journal, scene_id, level, seq, hash)
        VALUES ('{table}', NEW.scene_id, NEW.level, NEW.seq, NEW.hash)
        ON CONFLICT (journal, scene_id, level) DO UPDATE SET seq = excluded.seq, hash = excluded.hash; END""",
)

_POSTGRESQL_FUNCTIONS = (
    # The row lock on the counter is held until commit, so that entry numbers follow the order of commits.
    """CREATE FUNCTION ledger_next_entry() RETURNS bigint LANGUAGE sql SECURITY DEFINER
    SET search_path FROM CURRENT
    AS $$ UPDATE counter SET value = value + 1 WHERE name = 'entry' RETURNING value $$""",
    """CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'ledger: rows of % are never %', TG_TABLE_NAME,
        CASE TG_OP WHEN 'UPDATE' THEN 'changed' ELSE 'removed' END; END $$""",
    """CREATE FUNCTION ledger_link() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT AS $$
    DECLARE head heads%ROWTYPE;
    BEGIN
        IF NEW.entry IS DISTINCT FROM (SELECT value FROM counter WHERE name = 'entry') THEN
            RAISE EXCEPTION 'ledger: the entry number was not given out by the counter';
        END IF;
        SELECT * INTO head FROM heads
            WHERE journal = TG_TABLE_NAME AND scene_id = NEW.scene_id AND level = NEW.level;
        IF NEW.seq IS DISTINCT FROM 1 + COALESCE(head.seq, 0)
            OR NEW.previous IS DISTINCT FROM COALESCE(head.hash, '') THEN
            RAISE EXCEPTION 'ledger: the row does not continue its chain';
        END IF;
        INSERT INTO heads (journal, scene_id, level, seq, hash)
            VALUES (TG_TABLE_NAME, NEW.scene_id, NEW.level, NEW.seq, NEW.hash)
            ON CONFLICT (journal, scene_id, level) DO UPDATE SET seq = excluded.seq, hash = excluded.hash;
        RETURN NEW;
    END $$""",
)

_POSTGRESQL_JOURNAL = (
    """CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse()""",
    """CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()""",
    """CREATE TRIGGER {table}_link BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION ledger_link()""",
)


def functions(dialect: str) -> list[str]:
    """Return the statements to run once, before any journal's triggers."""
    return list(_POSTGRESQL_FUNCTIONS) if dialect == "postgresql" else []


def journal(dialect: str, table: str, key: str = "stroke_id") -> list[str]:
    """Return the statements that make `table` append-only and chained; `key` is its unique column."""
    templates = _POSTGRESQL_JOURNAL if dialect == "postgresql" else _SQLITE_JOURNAL
    return [template.format(table=table, key=key) for template in templates]
