"""The triggers of a SQLite ledger, all of them, since revision 0004."""

from iea40k.store.ledger.migrations import rules

_NAMES = {
    "s": "",
    "clock": "SELECT value FROM counter WHERE name = 'clock'",  # the program moves it in the same transaction
    "ttl": "CAST(json_extract(NEW.details, '$.ttl_us') AS INTEGER)",
}


def triggers() -> list[str]:
    """Return the statements that make every trigger."""
    made = [statement for table, key in rules.KEYS.items() for statement in _journal(table, key)]
    made += [_strokes(table) for table in rules.SOUND]
    return [*made, *_queue()]


def _refuse(message: str, condition: str) -> str:
    return f"SELECT RAISE(ABORT, 'ledger: {message.replace(chr(39), chr(39) * 2)}') WHERE {condition.format(**_NAMES)};"


def _journal(table: str, key: str) -> list[str]:
    head = f"FROM heads WHERE journal = '{table}' AND scene_id = NEW.scene_id AND level = NEW.level"
    link = (
        # INSERT OR REPLACE fires no delete trigger, so an existing key is refused here.
        (f"this row of {table} exists already", f"EXISTS (SELECT 1 FROM {table} WHERE entry = NEW.entry"
         f" OR {key} = NEW.{key})"),
        ("the entry number was not given out by the counter",
         "NEW.entry IS NOT (SELECT value FROM counter WHERE name = 'entry')"),
        ("the row does not continue its chain", f"NEW.seq IS NOT 1 + COALESCE((SELECT seq {head}), 0)"
         f" OR NEW.previous IS NOT COALESCE((SELECT hash {head}), '')"),
    )  # fmt: skip
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN"
        f" SELECT RAISE(ABORT, 'ledger: rows of {table} are never changed'); END",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN"
        f" SELECT RAISE(ABORT, 'ledger: rows of {table} are never removed'); END",
        f"CREATE TRIGGER {table}_link BEFORE INSERT ON {table} BEGIN {' '.join(_refuse(*r) for r in link)} END",
        f"""CREATE TRIGGER {table}_head AFTER INSERT ON {table} BEGIN
    INSERT INTO heads (journal, scene_id, level, seq, hash)
        VALUES ('{table}', NEW.scene_id, NEW.level, NEW.seq, NEW.hash)
        ON CONFLICT (journal, scene_id, level) DO UPDATE SET seq = excluded.seq, hash = excluded.hash; END""",
    ]


def _strokes(table: str) -> str:
    checks = (
        (rules.OUTSIDE, f"{rules.INSIDE} IS NOT TRUE"),
        (rules.UNSOUND, f"{rules.SOUND[table]} IS NOT TRUE"),
        (rules.NOT_ENTITLED, f"({rules.ENTITLED}) IS NOT TRUE"),
    )
    return f"CREATE TRIGGER {table}_sound BEFORE INSERT ON {table} BEGIN {' '.join(_refuse(*c) for c in checks)} END"


def _queue() -> list[str]:
    token = f"CASE WHEN NEW.event IN {rules.HOLDING} THEN NEW.entry ELSE token END"
    new_token = f"CASE WHEN NEW.event IN {rules.HOLDING} THEN NEW.entry END"
    expires = f"CASE WHEN NEW.event IN {rules.HOLDING} THEN ({_NAMES['clock']}) + {_NAMES['ttl']} END"
    comment = f"CASE WHEN NEW.event IN {rules.JUDGING} THEN NEW.comment ELSE comment END"
    free = "UPDATE tasks SET free = slots - (SELECT count(*) FROM assignments a WHERE a.task = NEW.task"
    free += f" AND a.state IN {rules.OCCUPYING}) WHERE task = NEW.task"
    return [
        f"CREATE TRIGGER events_true BEFORE INSERT ON events BEGIN"
        f" {' '.join(_refuse(*rule) for rule in rules.EVENT_RULES)} END",
        f"""CREATE TRIGGER events_apply AFTER INSERT ON events WHEN NEW.state IS NOT NULL BEGIN
    INSERT INTO assignments (assignment, task, annotator, state, token, expires, comment)
        SELECT NEW.assignment, NEW.task, NEW.annotator, NEW.state, {new_token}, {expires}, ''
        WHERE NOT EXISTS (SELECT 1 FROM assignments WHERE assignment = NEW.assignment);
    UPDATE assignments SET state = NEW.state, token = {token}, expires = {expires}, comment = {comment}
        WHERE assignment = NEW.assignment AND (state <> NEW.state OR token IS NOT ({token})); END""",
        "CREATE TRIGGER assignments_told BEFORE INSERT ON assignments BEGIN"
        f" {_refuse(rules.UNTOLD, f'({rules.TOLD}) IS NOT TRUE')} END",
        "CREATE TRIGGER assignments_moved BEFORE UPDATE ON assignments BEGIN"
        f" {_refuse(rules.UNTOLD, f'({rules.TOLD} OR {rules.HEARTBEAT}) IS NOT TRUE')} END",
        "CREATE TRIGGER assignments_no_delete BEFORE DELETE ON assignments BEGIN"
        " SELECT RAISE(ABORT, 'ledger: rows of assignments are never removed'); END",
        f"CREATE TRIGGER assignments_free_new AFTER INSERT ON assignments BEGIN {free}; END",
        f"CREATE TRIGGER assignments_free AFTER UPDATE OF state ON assignments BEGIN {free}; END",
        "CREATE TRIGGER tasks_new BEFORE INSERT ON tasks BEGIN"
        f" {_refuse('a new task is free', 'NEW.free <> NEW.slots')} END",
        "CREATE TRIGGER tasks_same BEFORE UPDATE ON tasks BEGIN"
        f" {_refuse(rules.OTHER_TASK, f'({rules.SAME_TASK}) IS NOT TRUE')} END",
        f"CREATE TRIGGER tasks_slots AFTER UPDATE OF slots ON tasks BEGIN {free}; END",
        "CREATE TRIGGER tasks_no_delete BEFORE DELETE ON tasks BEGIN"
        " SELECT RAISE(ABORT, 'ledger: rows of tasks are never removed'); END",
    ]  # fmt: skip
