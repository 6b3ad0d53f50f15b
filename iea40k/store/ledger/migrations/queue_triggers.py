"""SQL of the triggers that guard the queue, for both databases: states, free slots, leases."""

OCCUPYING = "('assigned', 'leased', 'submitted', 'in_review', 'accepted', 'returned')"

_STEPS = (
    ("assigned", ("leased", "expired")),
    ("leased", ("leased", "submitted", "skipped", "expired")),
    ("submitted", ("in_review", "accepted", "returned")),
    ("in_review", ("accepted", "returned")),
    ("accepted", ("returned",)),
    ("returned", ("leased",)),
    ("expired", ("leased", "assigned")),
    ("skipped", ("assigned",)),
)
_ALLOWED = " OR ".join(
    f"(OLD.state = '{old}' AND NEW.state IN ({', '.join(repr(n) for n in new)}))" for old, new in _STEPS
)

# A stroke needs the token of the lease in force; without a token, its author must not have this work at all.
_NOT_ENTITLED = """
    (NEW.token IS NULL AND EXISTS (SELECT 1 FROM assignments a JOIN tasks t ON t.task = a.task
        WHERE t.scene_id = NEW.scene_id AND t.level = NEW.level AND t.purpose = NEW.lane
        AND a.annotator = NEW.annotator))
    OR (NEW.token IS NOT NULL AND NOT EXISTS (SELECT 1 FROM assignments a JOIN tasks t ON t.task = a.task
        WHERE t.scene_id = NEW.scene_id AND t.level = NEW.level AND t.purpose = NEW.lane
        AND a.annotator = NEW.annotator AND a.state = 'leased' AND a.token = NEW.token))"""

_FREE = f"""UPDATE tasks SET free = slots - (SELECT count(*) FROM assignments a
        WHERE a.task = NEW.task AND a.state IN {OCCUPYING}) WHERE task = NEW.task"""

_SQLITE = (
    f"""CREATE TRIGGER assignments_step BEFORE UPDATE ON assignments BEGIN
    SELECT RAISE(ABORT, 'ledger: work cannot go from this state to that one') WHERE NOT ({_ALLOWED});
    SELECT RAISE(ABORT, 'ledger: an assignment stays with its task and its person')
        WHERE OLD.task IS NOT NEW.task OR OLD.annotator IS NOT NEW.annotator; END""",
    """CREATE TRIGGER assignments_first BEFORE INSERT ON assignments BEGIN
    SELECT RAISE(ABORT, 'ledger: work begins leased or assigned') WHERE NEW.state NOT IN ('leased', 'assigned');
    SELECT RAISE(ABORT, 'ledger: this person has this task already')
        WHERE EXISTS (SELECT 1 FROM assignments WHERE task = NEW.task AND annotator = NEW.annotator); END""",
    """CREATE TRIGGER assignments_no_delete BEFORE DELETE ON assignments BEGIN
    SELECT RAISE(ABORT, 'ledger: rows of assignments are never removed'); END""",
    f"CREATE TRIGGER assignments_free_new AFTER INSERT ON assignments BEGIN {_FREE}; END",
    f"CREATE TRIGGER assignments_free AFTER UPDATE OF state ON assignments BEGIN {_FREE}; END",
    *(
        f"""CREATE TRIGGER {table}_lease BEFORE INSERT ON {table} WHEN {_NOT_ENTITLED} BEGIN
    SELECT RAISE(ABORT, 'ledger: the lease under which this was drawn is not in force'); END"""
        for table in ("corrections", "zone_edits")
    ),
)

_POSTGRESQL = (
    f"""CREATE FUNCTION ledger_step() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state NOT IN ('leased', 'assigned') THEN
            RAISE EXCEPTION 'ledger: work begins leased or assigned';
        END IF;
        RETURN NEW;
    END IF;
    IF NOT ({_ALLOWED}) THEN
        RAISE EXCEPTION 'ledger: work cannot go from this state to that one';
    END IF;
    IF OLD.task <> NEW.task OR OLD.annotator <> NEW.annotator THEN
        RAISE EXCEPTION 'ledger: an assignment stays with its task and its person';
    END IF;
    RETURN NEW; END $$""",
    f"""CREATE FUNCTION ledger_free() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT AS $$ BEGIN {_FREE}; RETURN NULL; END $$""",
    f"""CREATE FUNCTION ledger_entitled() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT AS $$ BEGIN
    IF {_NOT_ENTITLED} THEN
        RAISE EXCEPTION 'ledger: the lease under which this was drawn is not in force';
    END IF;
    RETURN NEW; END $$""",
    """CREATE TRIGGER assignments_step BEFORE INSERT OR UPDATE ON assignments
    FOR EACH ROW EXECUTE FUNCTION ledger_step()""",
    """CREATE TRIGGER assignments_no_delete BEFORE DELETE ON assignments
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse()""",
    """CREATE TRIGGER assignments_no_truncate BEFORE TRUNCATE ON assignments
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()""",
    """CREATE TRIGGER assignments_free AFTER INSERT OR UPDATE OF state ON assignments
    FOR EACH ROW EXECUTE FUNCTION ledger_free()""",
    *(
        f"""CREATE TRIGGER {table}_lease BEFORE INSERT ON {table}
    FOR EACH ROW EXECUTE FUNCTION ledger_entitled()"""
        for table in ("corrections", "zone_edits")
    ),
)


def statements(dialect: str) -> tuple[str, ...]:
    """Return the statements that guard the queue."""
    return _POSTGRESQL if dialect == "postgresql" else _SQLITE
