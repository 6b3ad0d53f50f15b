"""Whoever changes a ledger behind the program's back is told of: by the ledger itself, or by a seal."""

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from iea40k.errors import BadInputError, CorruptDataError
from iea40k.store.ledger import Ledger, Queue, TaskRequest, add_tasks
from iea40k.store.ledger.seals import Seal, broken_seals, keep_seal, kept_seals, root_digest
from tests.iea40k.store.ledger import crimes
from tests.iea40k.store.ledger.conftest import a_base, a_stroke


def work(ledger: Ledger, images: int = 3) -> None:
    """Some images mapped by two people, one of them accepted, the rest as they come."""
    add_tasks(
        ledger, [TaskRequest(f"s{i}", "P0", i / 7, slots=2, note={"mae": 0.1}) for i in range(images)], "C"
    )
    add_tasks(ledger, [TaskRequest("s0", "P0", 0.9, "dispute", slots=3)], "C")
    queue = Queue(ledger)
    for name in ("A", "B"):
        lease = queue.lease(name)
        assert lease is not None
        ledger.append_correction(a_stroke(a_base(), 1, map_key=lease.map_key)[0], lease)
        queue.submit(queue.heartbeat(lease))
    queue.accept(lease.map_key, "C", "well done")
    assert queue.lease("A") is not None


def test_a_ledger_at_work_is_sound(ledger: Ledger) -> None:
    work(ledger)
    assert list(ledger.tampering()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE assignments SET state = 'accepted' WHERE annotator = 'A' AND state = 'submitted'",
         "state is 'accepted', its events say 'submitted'"),
        ("UPDATE assignments SET annotator = 'Z' WHERE state = 'accepted'", "annotator is 'Z', its events say 'B'"),
        ("UPDATE assignments SET token = 1 WHERE state = 'leased'", "token is 1, its events say"),
        ("UPDATE assignments SET comment = 'ill done' WHERE state = 'accepted'", "comment is 'ill done'"),
        ("DELETE FROM assignments WHERE state = 'accepted'", "of B is gone"),
        ("INSERT INTO assignments (assignment, task, annotator, state, comment) VALUES (9, 1, 'Z', 'accepted', '')",
         "assignment 9 of Z: no event tells of it"),
        ("UPDATE tasks SET priority = 5 WHERE scene_id = 's1'", "priority is 5.0, its events say"),
        ("UPDATE tasks SET slots = 7, free = free + 4 WHERE scene_id = 's0'", "slots is 7, its events say 3"),
        ("UPDATE tasks SET note = '{}' WHERE scene_id = 's0'", """note is '{}', its events say '{"mae":0.1}'"""),
        ("UPDATE tasks SET free = 9 WHERE scene_id = 's1'", "9 places are free"),
        ("UPDATE tasks SET level = 'P1' WHERE scene_id = 's1'", "level is 'P1', its events say 'P0'"),
        ("UPDATE events SET actor = 'Z' WHERE event = 'accept'", "its content is not what was recorded"),
    ],
)  # fmt: skip
def test_work_that_no_event_tells_is_told_of(ledger: Ledger, change: str, said: str) -> None:
    work(ledger)
    with crimes.unguarded(ledger) as connection:
        connection.execute(sa.text(change))
    assert said in "\n".join(ledger.tampering())


def test_a_history_that_was_taken_out_whole_leaves_its_numbers(ledger: Ledger) -> None:
    """Rows and head of an image are gone together, so no chain is broken."""
    ledger.append_correction(a_stroke(a_base(), 1)[0])
    ledger.append_correction(a_stroke(a_base(), 2)[0])
    with crimes.unguarded(ledger) as connection:
        connection.execute(sa.text("DELETE FROM corrections"))
        connection.execute(sa.text("DELETE FROM heads"))
    assert list(ledger.tampering()) == ["entries 1 ... 2 are gone: the counter gave them out"]


def test_triggers_that_are_off_missing_or_changed_are_told_of(ledger: Ledger) -> None:
    with ledger.database.alone() as connection:
        if ledger.database.dialect == "sqlite":
            connection.execute(sa.text("DROP TRIGGER events_true"))
            connection.execute(sa.text("DROP TRIGGER corrections_no_update"))
            connection.execute(
                sa.text(
                    "CREATE TRIGGER corrections_no_update BEFORE UPDATE ON corrections BEGIN SELECT 1; END"
                )
            )
            connection.execute(sa.text("CREATE TRIGGER mine AFTER INSERT ON corrections BEGIN SELECT 1; END"))
        else:
            connection.execute(sa.text("DROP TRIGGER events_true ON events"))
            connection.execute(sa.text("ALTER TABLE corrections DISABLE TRIGGER corrections_no_change"))
            connection.execute(
                sa.text("CREATE TRIGGER mine AFTER INSERT ON corrections EXECUTE FUNCTION ledger_refuse()")
            )
            connection.execute(
                sa.text(
                    "CREATE OR REPLACE FUNCTION ledger_told() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
                    "SET search_path = pg_catalog, public, pg_temp AS $$ BEGIN RETURN NEW; END $$"
                )
            )
            connection.execute(sa.text("ALTER FUNCTION ledger_person(name) RESET search_path"))
    problems = "\n".join(ledger.tampering())
    assert "trigger events_true is missing" in problems
    assert "trigger mine is not the ledger's" in problems
    changed = "corrections_no_update" if ledger.database.dialect == "sqlite" else "corrections_no_change"
    assert f"trigger {changed} is switched off or not what the ledger made" in problems
    if ledger.database.dialect == "postgresql":
        for function in ("ledger_told", "ledger_person"):
            assert f"function {function} is switched off or not what" in problems


@pytest.mark.postgres
def test_row_security_that_is_off_is_told_of(team: Any) -> None:
    with team.owner.database.alone() as connection:
        connection.execute(sa.text("ALTER TABLE corrections DISABLE ROW LEVEL SECURITY"))
    assert list(team.owner.tampering()) == ["table corrections: row-level security is switched off"]


def test_the_root_of_a_cursor_never_changes_and_every_row_changes_it(ledger: Ledger) -> None:
    seen = [root_digest(ledger)]
    for number in range(3):
        ledger.append_correction(a_stroke(a_base(), number)[0])
        seen.append(root_digest(ledger))
    work(ledger)
    assert len({seal.root for seal in seen}) == 4
    assert [root_digest(ledger, seal.cursor) for seal in seen] == seen
    assert broken_seals(ledger, seen) == []
    assert [Seal.parse(str(seal)) for seal in seen] == seen
    with pytest.raises(BadInputError, match="no such entry"):
        root_digest(ledger, 10_000)


@pytest.mark.parametrize(
    ("crime", "said"),
    [
        (crimes.cut, "the ledger ends at entry {before}"),
        (crimes.rewrite_strokes, "not what they were"),
        (crimes.rewrite_acceptance, "not what they were"),
        (crimes.empty, "the ledger ends at entry 0"),
    ],
)
def test_what_the_ledger_alone_cannot_show_a_seal_shows(
    ledger: Ledger, tmp_path: Path, crime: crimes.Crime, said: str
) -> None:
    work(ledger)
    for number in range(5):
        ledger.append_correction(a_stroke(a_base(), number)[0])
    reached = ledger.cursor()
    keep_seal(tmp_path, root_digest(ledger), "daily")
    with crimes.unguarded(ledger) as connection:
        crime(connection)
    assert list(ledger.tampering()) == [], "the crime was to be perfect"
    (problem,) = broken_seals(ledger, kept_seals(tmp_path))
    assert said.format(before=reached - 1) in problem
    assert "daily" in problem


def test_an_older_copy_is_told_by_a_seal_and_another_ledger_too(tmp_path: Path) -> None:
    with Ledger.open(tmp_path, create=True) as ledger:
        ledger.append_correction(a_stroke(a_base(), 1)[0])
        keep_seal(tmp_path, root_digest(ledger), "release IEA40K 1.0.0")
    shutil.copy(tmp_path / "ledger.sqlite", tmp_path / "older")
    with Ledger.open(tmp_path) as ledger:
        ledger.append_correction(a_stroke(a_base(), 2)[0])
        keep_seal(tmp_path, root_digest(ledger), "")
    shutil.copy(tmp_path / "older", tmp_path / "ledger.sqlite")
    with Ledger.open(tmp_path) as ledger:
        (problem,) = broken_seals(ledger, kept_seals(tmp_path))
        assert "an older copy" in problem
    (tmp_path / "other").mkdir()
    with Ledger.open(tmp_path / "other", create=True) as ledger:
        assert all("another ledger" in problem for problem in broken_seals(ledger, kept_seals(tmp_path)))


@pytest.mark.parametrize("line", ["", "{}", "[1]", '{"ledger_id": "x", "cursor": 1, "root": "y"}', "\x00"])
def test_a_damaged_seal_is_named(tmp_path: Path, line: str) -> None:
    keep_seal(tmp_path, Seal("0" * 32, 0, "0" * 64), "")
    with (tmp_path / "ledger.seals").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(CorruptDataError, match="line 2"):
        kept_seals(tmp_path)
    with pytest.raises(BadInputError, match="no seal"):
        Seal.parse("LEDGER:1:ROOT")


@pytest.mark.parametrize(
    "change",
    ["UPDATE heads SET level = x'07' WHERE journal = 'corrections' AND scene_id = 's1'",
     "UPDATE corrections SET seq = 'x' WHERE seq = 1",
     "UPDATE tasks SET slots = 'x'",
     "UPDATE events SET details = x'ff00'", "UPDATE assignments SET task = 'x' WHERE state = 'accepted'",
     "UPDATE heads SET seq = x'00'"],
)  # fmt: skip
def test_a_value_of_another_kind_is_told_and_ends_nothing(tmp_path: Path, change: str) -> None:
    with Ledger.open(tmp_path, create=True) as ledger:
        work(ledger)
        ledger.append_correction(a_stroke(a_base(), 1)[0])
        ledger.append_correction(a_stroke(a_base(), 2)[0])
    connection = sqlite3.connect(tmp_path / "ledger.sqlite")
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(change)
    for _, sql in triggers:
        connection.execute(sql)
    connection.commit()
    connection.close()
    with Ledger.open(tmp_path) as ledger:
        assert list(ledger.tampering())
