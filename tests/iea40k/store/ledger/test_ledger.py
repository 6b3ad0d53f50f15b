import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from iea40k.errors import ArrayError, BadInputError, IEAError, LedgerError
from iea40k.store.ledger import CorrectionDraft, Ledger, MapKey, PackedPatch, history, journal, replay_codes
from iea40k.store.ledger.entries import new_stroke_id, now_us
from iea40k.store.ledger.schema import corrections, metadata, zone_edits
from iea40k.store.ledger.zone_replay import zone_draft
from iea40k.zones import zone_change
from tests.builders import built_scene
from tests.iea40k.store.ledger.conftest import MAP, a_base, a_stroke, redo, undo


def paint(ledger: Ledger, count: int, map_key: MapKey = MAP) -> np.ndarray:
    base = a_base()
    codes = base
    for number in range(count):
        draft, codes = a_stroke(codes, number, base=base, map_key=map_key)
        ledger.append_correction(draft)
    return codes


def test_strokes_survive_a_reopening_bit_for_bit(place: str) -> None:
    with Ledger.open(place, create=True) as ledger:
        codes = paint(ledger, 5)
        before = ledger.corrections(MAP)
    with Ledger.open(place) as ledger:
        assert ledger.corrections(MAP) == before
        assert np.array_equal(ledger.replayed(MAP, a_base()).codes, codes)
        assert ledger.cursor() == 5
        assert list(ledger.tampering()) == []


def test_undo_and_redo_go_on_after_a_restart(place: str) -> None:
    base = a_base()
    first, one = a_stroke(base, 1)
    second, two = a_stroke(one, 2, base=base)
    with Ledger.open(place, create=True) as ledger:
        ledger.append_correction(first)
        ledger.append_correction(second)
        assert undo(ledger, MAP)
    with Ledger.open(place) as ledger:
        assert np.array_equal(ledger.replayed(MAP, base).codes, one)
        assert undo(ledger, MAP)
        assert not undo(ledger, MAP)
        assert np.array_equal(ledger.replayed(MAP, base).codes, base)
    with Ledger.open(place) as ledger:
        assert redo(ledger, MAP)
        assert redo(ledger, MAP)
        assert not redo(ledger, MAP)
        assert np.array_equal(ledger.replayed(MAP, base).codes, two)
        undo(ledger, MAP)
        ledger.append_correction(a_stroke(one, 9, base=base)[0])
        assert not redo(ledger, MAP)


def test_a_stroke_sent_twice_is_recorded_once(ledger: Ledger) -> None:
    draft, _ = a_stroke(a_base(), 1)
    assert ledger.append_correction(draft) == ledger.append_correction(draft)
    assert ledger.cursor() == 1
    other, _ = a_stroke(a_base(), 2)
    with pytest.raises(BadInputError, match="used before"):
        ledger.append_correction(replace(other, stroke_id=draft.stroke_id))


def test_maps_do_not_see_each_other(ledger: Ledger) -> None:
    base = a_base()
    others = [
        MapKey("s1", "P0", "Ана"),
        MapKey("s1", "P1", "O'Brien"),
        MapKey("s1", "P0", "O'Brien", "repeat"),
    ]
    codes = [paint(ledger, 1 + i, map_key) for i, map_key in enumerate(others)]
    for i, map_key in enumerate(others):
        assert len(ledger.corrections(map_key)) == 1 + i
        assert np.array_equal(ledger.replayed(map_key, base).codes, codes[i])


def test_a_cursor_gives_the_same_map_for_ever(ledger: Ledger) -> None:
    base = a_base()
    codes = paint(ledger, 3)
    cursor = ledger.cursor()
    undo(ledger, MAP)
    paint(ledger, 2, MapKey("s2", "P0", "Zed"))
    assert np.array_equal(replay_codes(base, ledger.corrections(MAP, cursor)), codes)


def test_nothing_is_ever_changed_or_removed(ledger: Ledger) -> None:
    paint(ledger, 2)
    before = ledger.corrections(MAP)
    attempts = [
        corrections.update().values(annotator="somebody"),
        corrections.delete(),
        corrections.delete().where(corrections.c.entry == 2),
    ]
    if ledger.database.dialect == "postgresql":
        attempts.append(sa.text("TRUNCATE corrections"))  # type: ignore[arg-type]
    else:
        attempts.append(
            sa.text("INSERT OR REPLACE INTO corrections SELECT * FROM corrections WHERE entry = 2")
        )  # type: ignore[arg-type]
    for attempt in attempts:
        with pytest.raises(LedgerError), ledger.database.write() as connection:
            connection.execute(attempt)
    assert ledger.corrections(MAP) == before


def test_a_row_that_forks_the_chain_or_jumps_the_counter_is_refused(ledger: Ledger) -> None:
    paint(ledger, 2)
    with ledger.database.read() as connection:
        row = dict(connection.execute(corrections.select().where(corrections.c.entry == 2)).mappings().one())
    for change in ({"entry": 9, "seq": 3}, {"entry": 3, "seq": 3}, {"entry": 3, "seq": 2}):
        with pytest.raises(LedgerError):
            _force(ledger, {**row, **change, "stroke_id": new_stroke_id()}, count=change["entry"] == 3)
    assert ledger.cursor() == 2


def _force(ledger: Ledger, row: dict[str, object], *, count: bool) -> None:
    with ledger.database.write() as connection:
        if count:
            journal.next_place(ledger.database, connection, "corrections", "s1", "P0")
        connection.execute(corrections.insert().values(row))


TAMPER = {
    "changed": ("UPDATE corrections SET annotator = 'Eve' WHERE entry = 2", "not what was recorded"),
    "cut out": ("DELETE FROM corrections WHERE entry = 2", "does not continue"),
    "cut off the end": ("DELETE FROM corrections WHERE entry = 3", "the ledger noted number 3"),
    "all gone": ("DELETE FROM corrections", "the ledger noted number 3"),
}


@pytest.mark.parametrize("how", TAMPER)
def test_tampering_shows(tmp_path: Path, how: str) -> None:
    statement, said = TAMPER[how]
    with Ledger.open(tmp_path, create=True) as ledger:
        paint(ledger, 3)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as raw:
        for trigger in ("no_update", "no_delete"):
            raw.execute(f"DROP TRIGGER corrections_{trigger}")
        raw.execute(statement)
    raw.close()
    with Ledger.open(tmp_path) as ledger:
        assert any(said in line for line in ledger.tampering())


def test_two_writers_make_one_chain(place: str) -> None:
    Ledger.open(place, create=True).close()
    base = a_base()

    def work(name: str) -> None:
        with Ledger.open(place) as ledger:
            for number in range(10):
                ledger.append_correction(a_stroke(base, number, map_key=MapKey("s1", "P0", name))[0])

    threads = [threading.Thread(target=work, args=(name,)) for name in ("A", "B", "C")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Ledger.open(place) as ledger:
        assert ledger.cursor() == 30
        assert list(ledger.tampering()) == []
        assert all(len(ledger.corrections(MapKey("s1", "P0", name))) == 10 for name in "ABC")


def test_an_undo_must_name_a_stroke_of_its_own_map(ledger: Ledger) -> None:
    paint(ledger, 1)
    strange = MapKey("s1", "P0", "Eve")
    target = history(ledger.corrections(MAP)).undo
    draft = CorrectionDraft(
        map_key=strange, image_shape=(24, 32), base_digest="0" * 64, kind="undo", undoes=target
    )
    with pytest.raises(LedgerError, match="is not there"):
        ledger.append_correction(draft)


def test_a_wrong_client_clock_changes_no_order(ledger: Ledger) -> None:
    base = a_base()
    first, one = a_stroke(base, 1)
    second, two = a_stroke(one, 2, base=base)
    ledger.append_correction(replace(first, client_time=now_us() + 10**12))
    ledger.append_correction(replace(second, client_time=0))
    assert np.array_equal(ledger.replayed(MAP, base).codes, two)
    assert ledger.clock_skew(lambda: now_us() - 3_600_000_000) == pytest.approx(3600, abs=60)


@pytest.mark.parametrize(
    "name",
    ["", " a", "=cmd|' /C calc'!A0", "+1", "-1", "@x", "＝HYPERLINK()", "a\nb", "a\x00b", "x" * 65, "a‮b"],
)
def test_names_that_no_person_has_are_refused(name: str) -> None:
    with pytest.raises(BadInputError, match="annotator's name"):
        MapKey("s1", "P0", name)


@pytest.mark.parametrize(
    "name", ["O'Brien", 'A "quoted" name', "Ана", "x'; DROP TABLE corrections;--", "[red]x"]
)
def test_names_with_quotes_are_kept_as_they_are(ledger: Ledger, name: str) -> None:
    map_key = MapKey("s1", "P0", name)
    paint(ledger, 1, map_key)
    assert ledger.corrections(map_key)[0].map_key.annotator == name


def test_bad_strokes_are_refused_before_they_are_recorded() -> None:
    draft, _ = a_stroke(a_base(), 1)
    assert draft.patch is not None
    bad: list[tuple[type[IEAError], dict[str, object]]] = [
        (ArrayError, {"image_shape": (3, 3)}),
        (ArrayError, {"patch": replace(draft.patch, left=-1)}),
        (IEAError, {"patch": replace(draft.patch, pixels=draft.patch.pixels + 1)}),
        (BadInputError, {"kind": "scribble"}),
        (BadInputError, {"kind": "undo"}),
        (BadInputError, {"patch": None}),
        (BadInputError, {"base_digest": "abc"}),
        (BadInputError, {"undoes": new_stroke_id()}),
        (BadInputError, {"stroke_id": "x"}),
        (BadInputError, {"tool": {"notes": "x" * 5000}}),
        (BadInputError, {"map_key": MapKey("s1", "reference", "A")}),
    ]
    for kind, change in bad:
        with pytest.raises(kind):
            replace(draft, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"top": -1},
        {"left": 29},
        {"top": 21},
        {"height": 0},
        {"width": None},
        {"pixels": 0},
        {"pixels": 17},
        {"image_height": 3},
        {"kind": "scribble"},
        {"kind": "undo"},
        {"kind": "clear"},
        {"undoes": "0" * 32},
        {"lane": "king"},
        {"level": "reference"},
        {"new_codes": None},
        {"mask": None},
    ],
    ids=str,
)
def test_the_database_itself_refuses_strokes_that_are_none(ledger: Ledger, change: dict[str, object]) -> None:
    """Rows written past the program: the box and all that is not packed is checked by triggers."""
    draft, _ = a_stroke(a_base(), 1)
    assert draft.patch is not None
    assert (draft.patch.height, draft.patch.width) == (4, 4)
    ledger.append_correction(draft)
    with ledger.database.read() as connection:
        row = dict(connection.execute(corrections.select()).mappings().one())

    def write(changed: dict[str, object]) -> None:
        level = str(changed.get("level", "P0"))
        with ledger.database.write() as connection:
            place = journal.next_place(ledger.database, connection, "corrections", "s1", level)
            other = {**row, **changed, **place, "stroke_id": new_stroke_id(), "hash": "x"}
            connection.execute(corrections.insert().values(other))

    with pytest.raises(LedgerError, match=r"outside its image|this is no stroke"):
        write(change)
    write({})  # the same row without the change is taken
    assert len(ledger.corrections(MAP)) == 2


@pytest.mark.parametrize(
    "change", [{"new_zone": 2561}, {"new_zone": -1}, {"old_zone": None}, {"level": "P0"}], ids=str
)
def test_the_database_itself_refuses_zones_that_are_none(ledger: Ledger, change: dict[str, object]) -> None:
    reference = built_scene("s1").reference
    map_key = MapKey("s1", "reference", "A")
    whole = zone_change(reference, np.ones(reference.shape[:2], np.bool_), 6.0)
    ledger.append(zone_draft(map_key, reference, whole))
    with ledger.database.read() as connection:
        row = dict(connection.execute(zone_edits.select()).mappings().one())

    def write(changed: dict[str, object]) -> None:
        level = str(changed.get("level", "reference"))
        with ledger.database.write() as connection:
            place = journal.next_place(ledger.database, connection, "zone_edits", "s1", level)
            other = {**row, **changed, **place, "stroke_id": new_stroke_id(), "hash": "x"}
            connection.execute(zone_edits.insert().values(other))

    with pytest.raises(LedgerError, match="this is no stroke"):
        write(change)
    write({})
    assert len(ledger.zone_edits(map_key)) == 2


def shape_of(ledger: Ledger) -> dict[str, object]:
    """All that both databases can say of a ledger's tables, types by their kind."""
    found: dict[str, object] = {}
    with ledger.database.read() as connection:
        inspector = sa.inspect(connection)
        for table in sorted(inspector.get_table_names()):
            columns = {
                c["name"]: (_kind(c["type"]), bool(c["nullable"])) for c in inspector.get_columns(table)
            }
            keys = inspector.get_pk_constraint(table)["constrained_columns"]
            unique = {tuple(u["column_names"]) for u in inspector.get_unique_constraints(table)}
            indexes = {
                str(i["name"]): len(i["column_names"])
                for i in inspector.get_indexes(table)
                if not i.get("duplicates_constraint")
            }
            foreign = {
                (tuple(f["constrained_columns"]), f["referred_table"])
                for f in inspector.get_foreign_keys(table)
            }
            found[table] = (columns, keys, unique, indexes, foreign)
    return found


def _kind(kind: object) -> str:
    for name in ("Integer", "Boolean", "Text", "LargeBinary", "Float"):
        if isinstance(kind, getattr(sa, name)):
            return name
    return "Text" if isinstance(kind, sa.String) else type(kind).__name__


@pytest.mark.postgres
def test_both_databases_have_the_same_schema(tmp_path: Path, postgresql_url: str) -> None:
    with Ledger.open(tmp_path, create=True) as here, Ledger.open(postgresql_url, create=True) as there:
        assert shape_of(here) == shape_of(there)


def test_the_migrations_make_the_tables_that_the_code_reads(ledger: Ledger) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with ledger.database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_packed_stroke_of_ten_bytes_is_ten_bytes(ledger: Ledger) -> None:
    """What is stored is what was packed: another reader may rely on the documented form."""
    draft, _ = a_stroke(a_base(), 1)
    stored = ledger.append_correction(draft).patch
    assert isinstance(stored, PackedPatch)
    assert stored == draft.patch
