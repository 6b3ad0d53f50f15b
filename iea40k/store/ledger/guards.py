"""Are the triggers there that keep untruth out of the ledger, and are they those that its revision makes?"""

import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from iea40k.store.ledger.migrations.rules_postgresql import TRIGGERS, functions, quoted_schema
from iea40k.store.ledger.migrations.rules_sqlite import triggers

_TYPES = {"BEFORE": 2, "INSERT": 4, "DELETE": 8, "UPDATE": 16, "TRUNCATE": 32}
"""PostgreSQL's bits of a trigger's type; 1 is for each row."""

_TRIGGERS = sa.text("""
    SELECT t.tgname, c.relname, t.tgtype, t.tgenabled, p.proname FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace""")
_FUNCTIONS = sa.text("""
    SELECT p.proname, p.prosrc, p.prosecdef, p.proconfig FROM pg_proc p
    WHERE p.pronamespace = current_schema()::regnamespace AND p.proname LIKE 'ledger%'""")
_OPEN = sa.text("""
    SELECT DISTINCT c.relname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND NOT c.relrowsecurity ORDER BY 1""")


def guard_problems(connection: sa.Connection) -> Iterator[str]:
    """Yield one line for each trigger or function that is missing, off, changed, or not the ledger's."""
    if connection.dialect.name == "sqlite":
        query = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        there: dict[str, Any] = {row.name: row.sql for row in connection.execute(query)}
        yield from _compare("trigger", {_name(sql): sql for sql in triggers()}, there)
        return
    there = {row.tgname: tuple(row) for row in connection.execute(_TRIGGERS)}
    yield from _compare("trigger", {row[0]: _trigger(*row) for row in TRIGGERS}, there)
    schema = quoted_schema(connection)
    path = [f"search_path=pg_catalog, {schema}, pg_temp"]
    wanted = {each.signature.split("(")[0]: (each.body, True, path) for each in functions(schema)}
    yield from _compare(
        "function", wanted, {row[0]: tuple(row[1:]) for row in connection.execute(_FUNCTIONS)}
    )
    for table in connection.execute(_OPEN).scalars():
        yield f"table {table}: row-level security is switched off"


def _compare(kind: str, wanted: dict[str, Any], there: dict[str, Any]) -> Iterator[str]:
    for name in sorted(wanted.keys() - there.keys()):
        yield f"{kind} {name} is missing: what it keeps out may have come in"
    for name in sorted(there.keys() - wanted.keys()):
        yield f"{kind} {name} is not the ledger's"
    for name in sorted(wanted.keys() & there.keys()):
        if wanted[name] != there[name]:
            yield f"{kind} {name} is switched off or not what the ledger made"


def _name(statement: str) -> str:
    found = re.match(r"CREATE TRIGGER (\w+)", statement)
    return found[1] if found else statement


def _trigger(name: str, when: str, table: str, level: str, function: str) -> tuple[Any, ...]:
    kind = sum(bit for word, bit in _TYPES.items() if word in when.split()) + level.startswith("ROW")
    return (name, table, kind, "O", function)
