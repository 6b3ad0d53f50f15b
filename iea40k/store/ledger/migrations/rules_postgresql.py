"""The functions and triggers of a PostgreSQL ledger, all of them, since revision 0004.

A function with its owner's rights looks names up in a path that its caller cannot touch: the server's own schema first,
the caller's temporary tables last, and every table named with its schema. Otherwise a temporary table `annotators`
would be read in place of the ledger's, and a temporary view would run its author's code with the owner's rights.
"""

from typing import NamedTuple

import sqlalchemy as sa

from iea40k.store.ledger.migrations import rules

_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

PATIENCE_SECONDS = 2
"""How long a writer waits before it looks whether somebody keeps the ledger to themselves."""
HOLD_SECONDS = 5
"""How long an annotator may keep the ledger: their transactions take milliseconds."""
TRIES = 15


def _names(schema: str) -> dict[str, str]:
    return {
        "s": f"{schema}.",
        "clock": f"{schema}.ledger_clock()",
        "ttl": "(NEW.details::jsonb ->> 'ttl_us')::bigint",
    }


class Function(NamedTuple):
    """A function of the ledger's: its name and arguments, what it returns, and its body."""

    signature: str
    returns: str
    body: str


def functions(schema: str) -> list[Function]:
    """Return every function, in an order in which they can be made; `schema` is quoted where it must be."""
    s = f"{schema}."
    made = (
        ("ledger_person(role name)", "text LANGUAGE sql STABLE", _PERSON),
        ("ledger_trusted(login name)", "boolean LANGUAGE sql STABLE", _TRUSTED),
        ("ledger_evict()", "void LANGUAGE plpgsql", _EVICT),
        ("ledger_take_turn()", "void LANGUAGE plpgsql", _TAKE_TURN),
        ("ledger_clock()", "bigint LANGUAGE sql STABLE", _CLOCK),
        ("ledger_tick()", "bigint LANGUAGE plpgsql", _TICK),
        ("ledger_next_entry()", "bigint LANGUAGE plpgsql", _NEXT_ENTRY),
        ("ledger_begin(journal boolean)", f"TABLE ({_BEGUN}) LANGUAGE plpgsql", _BEGIN),
        ("ledger_heartbeat(which bigint, lease bigint, ttl bigint)", "bigint LANGUAGE plpgsql", _HEARTBEAT),
        ("ledger_reference_counts(scene text, who text, which text)", "boolean LANGUAGE sql STABLE", _COUNTS),
        ("ledger_gold_images()", f"TABLE ({_GOLD}) LANGUAGE sql STABLE", _gold_images(schema)),
        ("ledger_gold_strokes(scene text, which text, judge text)", f"SETOF {s}corrections LANGUAGE sql STABLE",
         _GOLD_STROKES),
        ("ledger_refuse()", "trigger LANGUAGE plpgsql", _REFUSE),
        ("ledger_link()", "trigger LANGUAGE plpgsql", _LINK),
        *(
            (f"ledger_sound_{table}()", "trigger LANGUAGE plpgsql", _checks(schema, _stroke_checks(table)))
            for table in rules.SOUND
        ),
        ("ledger_used()", "trigger LANGUAGE plpgsql", _USED),
        ("ledger_true()", "trigger LANGUAGE plpgsql", _checks(schema, rules.EVENT_RULES)),
        ("ledger_apply()", "trigger LANGUAGE plpgsql", _APPLY),
        ("ledger_told()", "trigger LANGUAGE plpgsql", _told(schema)),
        ("ledger_free()", "trigger LANGUAGE plpgsql", _FREE),
        ("ledger_task()", "trigger LANGUAGE plpgsql", _task(schema)),
    )  # fmt: skip
    return [Function(signature, returns, body.replace("@.", s)) for signature, returns, body in made]


def statements(schema: str) -> list[str]:
    """Return the statements that make, or renew, every function, and then every trigger.

    Nobody but the owner may call a function until the roles are granted it.
    """
    s = f"{schema}."
    options = f"SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp"
    made = []
    for each in functions(schema):
        made += [
            f"CREATE OR REPLACE FUNCTION {s}{each.signature} RETURNS {each.returns} {options} AS $${each.body}$$",
            f"REVOKE ALL ON FUNCTION {s}{each.signature} FROM PUBLIC",
        ]
    for name, when, table, level, function in TRIGGERS:
        late = name in AT_COMMIT
        made.append(
            f"CREATE {'CONSTRAINT ' * late}TRIGGER {name} {when} ON {s}{table}"
            f"{' DEFERRABLE INITIALLY DEFERRED' * late} FOR EACH {level} EXECUTE FUNCTION {s}{function}()"
        )
    return made


TRIGGERS: tuple[tuple[str, str, str, str, str], ...] = (
    *(
        row
        for table in rules.KEYS
        for row in (
            (f"{table}_no_change", "BEFORE UPDATE OR DELETE", table, "ROW", "ledger_refuse"),
            (f"{table}_no_truncate", "BEFORE TRUNCATE", table, "STATEMENT", "ledger_refuse"),
            (f"{table}_link", "BEFORE INSERT", table, "ROW", "ledger_link"),
        )
    ),
    *((f"{table}_sound", "BEFORE INSERT", table, "ROW", f"ledger_sound_{table}") for table in rules.SOUND),
    ("events_true", "BEFORE INSERT", "events", "ROW", "ledger_true"),
    ("events_apply", "AFTER INSERT", "events", "ROW", "ledger_apply"),
    ("assignments_told", "BEFORE INSERT OR UPDATE", "assignments", "ROW", "ledger_told"),
    ("assignments_no_delete", "BEFORE DELETE", "assignments", "ROW", "ledger_refuse"),
    ("assignments_no_truncate", "BEFORE TRUNCATE", "assignments", "STATEMENT", "ledger_refuse"),
    ("assignments_free", "AFTER INSERT OR UPDATE OF state", "assignments", "ROW", "ledger_free"),
    ("counter_used", "AFTER UPDATE", "counter", "ROW WHEN (NEW.name = 'entry')", "ledger_used"),
    ("tasks_same", "BEFORE INSERT OR UPDATE", "tasks", "ROW", "ledger_task"),
    ("tasks_no_delete", "BEFORE DELETE", "tasks", "ROW", "ledger_refuse"),
    ("tasks_no_truncate", "BEFORE TRUNCATE", "tasks", "STATEMENT", "ledger_refuse"),
)
"""(name, when, table, level, function) of each trigger."""

AT_COMMIT = ("counter_used",)
"""The triggers that fire when the transaction ends."""


def _refuse(message: str, condition: str) -> str:
    return f"IF {condition} THEN RAISE EXCEPTION 'ledger: {message.replace(chr(39), chr(39) * 2)}'; END IF;"


def _checks(schema: str, checks: tuple[tuple[str, str], ...]) -> str:
    body = " ".join(_refuse(message, condition.format(**_names(schema))) for message, condition in checks)
    return f"BEGIN {body} RETURN NEW; END"


def _stroke_checks(table: str) -> tuple[tuple[str, str], ...]:
    return (
        (rules.OUTSIDE, f"{rules.INSIDE} IS NOT TRUE"),
        (rules.UNSOUND, f"{rules.SOUND[table]} IS NOT TRUE"),
        (rules.NOT_ENTITLED, f"({rules.ENTITLED}) IS NOT TRUE"),
    )


def _told(schema: str) -> str:
    told, beat = rules.TOLD.format(**_names(schema)), rules.HEARTBEAT.format(**_names(schema))
    return f"""BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF {beat} THEN RETURN NEW; END IF;
    END IF;
    {_refuse(rules.UNTOLD, f"({told}) IS NOT TRUE")} RETURN NEW; END"""


def _task(schema: str) -> str:
    return f"""BEGIN
    IF TG_OP = 'UPDATE' THEN {_refuse(rules.OTHER_TASK, f"({rules.SAME_TASK}) IS NOT TRUE")} END IF;
    NEW.free := {rules.FREE.format(**_names(schema))}; RETURN NEW; END"""


# Who owns the tables, or is a curator. For the login itself: SET ROLE changes nothing here.
_TRUSTED = """SELECT pg_has_role(login, (SELECT c.relowner FROM pg_class c WHERE c.oid = '@.events'::regclass), 'USAGE')
    OR EXISTS (SELECT 1 FROM pg_policy p, unnest(p.polroles) AS role
        WHERE p.polrelid = '@.events'::regclass AND p.polname = 'curator_all' AND pg_has_role(login, role, 'USAGE'))"""

# Needs the right to see and to end others' sessions (pg_read_all_stats, pg_signal_backend), or does nothing.
_EVICT = f"""BEGIN
    PERFORM pg_terminate_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE l.locktype = 'relation' AND l.relation = '@.properties'::regclass AND l.granted
        AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
        AND a.xact_start < clock_timestamp() - interval '{HOLD_SECONDS} seconds' AND NOT @.ledger_trusted(a.usename);
    EXCEPTION WHEN insufficient_privilege THEN NULL; END"""

# One writer at a time, whoever is first in the server's queue for the lock of a table that nobody writes and only the
# owner can lock. An advisory lock could be held by any login of the database.
_TAKE_TURN = f"""DECLARE patience text := current_setting('lock_timeout');
    BEGIN
        FOR attempt IN 1..{TRIES} LOOP
            BEGIN
                PERFORM set_config('lock_timeout', '{PATIENCE_SECONDS}s', true);
                LOCK TABLE @.properties IN EXCLUSIVE MODE;
                PERFORM set_config('lock_timeout', patience, true);
                RETURN;
            EXCEPTION WHEN lock_not_available THEN
                PERFORM @.ledger_evict();
            END;
        END LOOP;
        RAISE EXCEPTION 'another session has kept the ledger for {TRIES * PATIENCE_SECONDS} seconds'
            USING ERRCODE = 'lock_not_available';
    END"""

# Moves with the server's clock, never backwards, and never further than a lease lasts: a clock that is set back for a
# while ends no lease, and one that was ten years ahead keeps none for ten years.
_NOTED = "(SELECT c.value FROM @.counter c WHERE c.name = 'wall')"
_STEP = f"LEAST(GREATEST({_NOW} - {_NOTED}, 0), {rules.MOST_STEP_US})"
_CLOCK = f"SELECT (SELECT c.value FROM @.counter c WHERE c.name = 'clock') + {_STEP}"
_TICK = f"""DECLARE step bigint := {_STEP}; moved bigint;
    BEGIN
        UPDATE @.counter SET value = value + step WHERE name = 'clock' RETURNING value INTO moved;
        UPDATE @.counter SET value = CASE WHEN {_NOW} < value - {rules.MOST_BACK_US} THEN {_NOW}
            ELSE GREATEST(value, {_NOW}) END WHERE name = 'wall';
        RETURN moved;
    END"""

# The turn is held until commit, so that entry numbers follow the order of commits.
_NEXT_ENTRY = """DECLARE given bigint;
    BEGIN
        PERFORM @.ledger_take_turn();
        UPDATE @.counter SET value = value + 1 WHERE name = 'entry' RETURNING value INTO given;
        RETURN given;
    END"""
_BEGUN = "now bigint, clock bigint, entry bigint, assignment bigint"
_BEGIN = f"""BEGIN
        PERFORM @.ledger_take_turn();
        now := {_NOW};
        IF NOT journal THEN
            clock := @.ledger_tick();
        ELSE
            clock := @.ledger_clock();
            UPDATE @.counter SET value = value + 1 WHERE name = 'entry' RETURNING value INTO entry;
            SELECT COALESCE(max(a.assignment), 0) + 1 INTO assignment FROM @.assignments a;
        END IF;
        RETURN NEXT;
    END"""
_HEARTBEAT = """DECLARE until bigint;
    BEGIN
        PERFORM @.ledger_take_turn();
        UPDATE @.assignments SET expires = @.ledger_tick() + ttl
            WHERE assignment = which AND token = lease AND state = 'leased'
            AND (@.ledger_trusted(session_user) OR annotator = @.ledger_person(session_user))
            RETURNING expires INTO until;
        RETURN until;
    END"""

_REFUSE = """BEGIN
    RAISE EXCEPTION 'ledger: rows of % are never %', TG_TABLE_NAME,
        CASE TG_OP WHEN 'UPDATE' THEN 'changed' ELSE 'removed' END; END"""
# A number that was given out and not used would look like a row that is gone: it goes back.
_USED = """BEGIN
    IF NOT EXISTS (SELECT 1 FROM @.corrections j WHERE j.entry = NEW.value)
        AND NOT EXISTS (SELECT 1 FROM @.zone_edits j WHERE j.entry = NEW.value)
        AND NOT EXISTS (SELECT 1 FROM @.events j WHERE j.entry = NEW.value) THEN
        RAISE EXCEPTION 'ledger: an entry number was given out and not used';
    END IF;
    RETURN NULL; END"""
_LINK = """DECLARE head @.heads%ROWTYPE;
    BEGIN
        IF NEW.entry IS DISTINCT FROM (SELECT c.value FROM @.counter c WHERE c.name = 'entry') THEN
            RAISE EXCEPTION 'ledger: the entry number was not given out by the counter';
        END IF;
        SELECT * INTO head FROM @.heads h
            WHERE h.journal = TG_TABLE_NAME AND h.scene_id = NEW.scene_id AND h.level = NEW.level;
        IF NEW.seq IS DISTINCT FROM 1 + COALESCE(head.seq, 0)
            OR NEW.previous IS DISTINCT FROM COALESCE(head.hash, '') THEN
            RAISE EXCEPTION 'ledger: the row does not continue its chain';
        END IF;
        INSERT INTO @.heads (journal, scene_id, level, seq, hash)
            VALUES (TG_TABLE_NAME, NEW.scene_id, NEW.level, NEW.seq, NEW.hash)
            ON CONFLICT (journal, scene_id, level) DO UPDATE SET seq = excluded.seq, hash = excluded.hash;
        RETURN NEW;
    END"""

_APPLY = f"""DECLARE holds boolean := NEW.event IN {rules.HOLDING}; until bigint;
    BEGIN
        IF NEW.state IS NULL THEN RETURN NULL; END IF;
        IF holds THEN until := @.ledger_tick() + (NEW.details::jsonb ->> 'ttl_us')::bigint; END IF;
        UPDATE @.assignments SET state = NEW.state, token = CASE WHEN holds THEN NEW.entry ELSE token END,
            expires = until, comment = CASE WHEN NEW.event IN {rules.JUDGING} THEN NEW.comment ELSE comment END
            WHERE assignment = NEW.assignment;
        IF NOT FOUND THEN
            INSERT INTO @.assignments (assignment, task, annotator, state, token, expires, comment) VALUES (
                NEW.assignment, NEW.task, NEW.annotator, NEW.state, CASE WHEN holds THEN NEW.entry END, until, '');
        END IF;
        RETURN NULL;
    END"""
# Any update of a task counts its free places anew (ledger_task).
_FREE = """BEGIN
    UPDATE @.tasks SET slots = slots WHERE task = NEW.task;
    RETURN NULL; END"""

# The login's own name is asked for: SET ROLE to the group gives nobody's rights.
_PERSON = "SELECT a.name FROM @.annotators a WHERE a.login = role::text AND a.active"
_COUNTS = """SELECT COALESCE((SELECT a.state = 'accepted' FROM @.tasks t JOIN @.assignments a ON a.task = t.task
    WHERE t.scene_id = scene AND t.level = 'reference' AND t.purpose = which AND a.annotator = who), true)"""
# Of an adjudicator's map, that of an image whose own map is accepted, to the login itself and to nobody else.
_GOLD = "scene_id text, level text, annotator text, details text"
_GOLD_STROKES = """SELECT c.* FROM @.corrections c WHERE c.scene_id = scene AND c.level = which AND c.annotator = judge
    AND c.lane = 'adjudication' AND EXISTS (SELECT 1 FROM @.ledger_gold_images() g
        WHERE g.scene_id = scene AND g.level = which AND g.annotator = judge)
    ORDER BY c.seq"""


def _gold_images(schema: str) -> str:
    return rules.GOLD_IMAGES.format(s=f"{schema}.", who=f"{schema}.ledger_person(session_user)")


def quoted_schema(connection: sa.Connection) -> str:
    """Return the schema that holds the ledger, as SQL wants it."""
    name = str(connection.scalar(sa.text("SELECT current_schema()")))
    return connection.dialect.identifier_preparer.quote(name)
