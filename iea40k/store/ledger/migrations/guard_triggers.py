"""SQL of the triggers that keep nonsense and untruth out, whoever writes: the program, or somebody with their own SQL.

Codes are packed and stay the program's to check; a row's box, kind and zones, an event's claim and a task's places are
checked here too. One condition serves both databases.
"""

from iea40k.store.ledger.migrations.queue_triggers import OCCUPYING

_BOX = """NEW.top >= 0 AND NEW."left" >= 0 AND NEW.height >= 1 AND NEW.width >= 1
    AND NEW.top + NEW.height <= NEW.image_height AND NEW."left" + NEW.width <= NEW.image_width
    AND NEW.pixels BETWEEN 1 AND NEW.height * NEW.width"""

_INSIDE = f"""(CASE WHEN NEW.kind IN ('undo', 'clear') THEN
        NEW.top IS NULL AND NEW."left" IS NULL AND NEW.height IS NULL AND NEW.width IS NULL AND NEW.pixels = 0
    ELSE {_BOX} END)"""

_KINDS = {
    "corrections": "'brush', 'fill', 'superpixel', 'range', 'adopt', 'clear', 'undo'",
    "zone_edits": "'zone', 'clear', 'undo'",
}
_LANES = "NEW.lane IN ('expert', 'repeat', 'adjudication')"
_PAYLOAD = {
    "corrections": """NEW.level <> 'reference' AND (NEW.mask IS NULL) = (NEW.top IS NULL)
        AND (NEW.old_codes IS NULL) = (NEW.top IS NULL) AND (NEW.new_codes IS NULL) = (NEW.top IS NULL)""",
    "zone_edits": """NEW.level = 'reference' AND (NEW.weights IS NULL) = (NEW.top IS NULL)
        AND (NEW.top IS NULL OR (NEW.old_zone IS NOT NULL AND NEW.new_zone BETWEEN 0 AND 2560))""",
}


def _sound(table: str) -> str:
    return f"""({_LANES} AND NEW.kind IN ({_KINDS[table]}) AND (NEW.kind = 'undo') = (NEW.undoes IS NOT NULL)
        AND {_PAYLOAD[table]})"""


# An event that gives a work's new state comes after the change, in the same transaction: it must be what happened.
_UNTRUE = """NEW.state IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM assignments a JOIN tasks t ON t.task = a.task
    WHERE a.assignment = NEW.assignment AND a.task = NEW.task AND a.annotator = NEW.annotator
        AND a.state = NEW.state AND t.scene_id = NEW.scene_id AND t.level = NEW.level AND t.purpose = NEW.purpose)"""

_NO_ROOM = f"NEW.state IN {OCCUPYING} AND (SELECT free FROM tasks WHERE task = NEW.task) <= 0"

_OUTSIDE = "ledger: the stroke lies outside its image"
_UNSOUND = "ledger: this is no stroke: its kind, its pixels or its zones do not fit"
_LIE = "ledger: this event is not what happened to the work"
_FULL = "ledger: this task has no free place"

_SQLITE = (
    *(
        f"""CREATE TRIGGER {table}_sound BEFORE INSERT ON {table} BEGIN
    SELECT RAISE(ABORT, '{_OUTSIDE}') WHERE {_INSIDE} IS NOT TRUE;
    SELECT RAISE(ABORT, '{_UNSOUND}') WHERE {_sound(table)} IS NOT TRUE; END"""
        for table in _KINDS
    ),
    f"""CREATE TRIGGER events_true BEFORE INSERT ON events WHEN {_UNTRUE} BEGIN
    SELECT RAISE(ABORT, '{_LIE}'); END""",
    f"""CREATE TRIGGER assignments_room BEFORE INSERT ON assignments WHEN {_NO_ROOM} BEGIN
    SELECT RAISE(ABORT, '{_FULL}'); END""",
    f"""CREATE TRIGGER assignments_room_again BEFORE UPDATE ON assignments
    WHEN OLD.state NOT IN {OCCUPYING} AND {_NO_ROOM} BEGIN SELECT RAISE(ABORT, '{_FULL}'); END""",
)

_POSTGRESQL = (
    *(
        statement
        for table in _KINDS
        for statement in (
            f"""CREATE FUNCTION ledger_sound_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF {_INSIDE} IS NOT TRUE THEN RAISE EXCEPTION '{_OUTSIDE}'; END IF;
    IF {_sound(table)} IS NOT TRUE THEN RAISE EXCEPTION '{_UNSOUND}'; END IF;
    RETURN NEW; END $$""",
            f"""CREATE TRIGGER {table}_sound BEFORE INSERT ON {table}
    FOR EACH ROW EXECUTE FUNCTION ledger_sound_{table}()""",
        )
    ),
    f"""CREATE FUNCTION ledger_true() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT AS $$ BEGIN
    IF {_UNTRUE} THEN RAISE EXCEPTION '{_LIE}'; END IF;
    RETURN NEW; END $$""",
    "CREATE TRIGGER events_true BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION ledger_true()",
    f"""CREATE FUNCTION ledger_room() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT AS $$ BEGIN
    IF (TG_OP = 'INSERT' OR OLD.state NOT IN {OCCUPYING}) AND {_NO_ROOM} THEN RAISE EXCEPTION '{_FULL}'; END IF;
    RETURN NEW; END $$""",
    """CREATE TRIGGER assignments_room BEFORE INSERT OR UPDATE ON assignments
    FOR EACH ROW EXECUTE FUNCTION ledger_room()""",
)


def statements(dialect: str) -> tuple[str, ...]:
    """Return the statements that make the guards."""
    return _POSTGRESQL if dialect == "postgresql" else _SQLITE
