"""Each release seals the ledger: whatever was done to it behind the program's back since, a command shows it."""

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, MapKey, Queue, TaskRequest, add_tasks
from pipelines.cli.program import run
from tests.builders import built_scene
from tests.iea40k.store.ledger import crimes
from tests.iea40k.store.ledger.conftest import a_stroke


@pytest.fixture
def released(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A store with work of two people, one of them accepted, and a release that was cut with it."""
    store = Store.create(tmp_path / "store")
    for number in range(2):
        store.write_scene(built_scene(f"s{number}", seed=number))
    with Ledger.open(store.path, create=True) as ledger:
        add_tasks(ledger, [TaskRequest(f"s{n}", "P0", n, slots=2) for n in range(2)], "Carla")
        _draw(ledger, store, "Boris", "Anna")
    assert run(["release", str(store.path), str(tmp_path / "release"), "--version", "1.0.0"]) == 0
    assert run(["verify", str(store.path)]) == 0
    assert run(["queue", str(store.path), "verify", "--release", str(tmp_path / "release")]) == 0
    capsys.readouterr()
    return store.path


def _draw(ledger: Ledger, store: Store, *names: str) -> None:
    queue = Queue(ledger)
    for seed, name in enumerate(names):
        lease = queue.lease(name)
        assert lease is not None
        base = store.open_scene(lease.map_key.scene_id).residual(lease.map_key.level)
        for number in range(3):
            draft = a_stroke(base, 10 * seed + number, map_key=lease.map_key)[0]
            ledger.append_correction(draft, lease)
        queue.submit(lease)
    queue.accept(lease.map_key, "Carla", "well done")
    own = MapKey("s1", "P0", "Olga")
    base = store.open_scene("s1").residual("P0")
    for number in range(2):
        ledger.append_correction(a_stroke(base, 40 + number, map_key=own)[0])


def _accept_by_sql(connection: sa.Connection) -> None:
    connection.execute(sa.text("UPDATE assignments SET state = 'accepted' WHERE state = 'submitted'"))


SEEN_ALONE = {"accepted by SQL": (_accept_by_sql, "its events say 'submitted'")}
"""Crimes that the ledger itself shows; the others show by the seal alone."""
PERFECT = {
    "tail cut, head reset": (crimes.cut, "the ledger ends at entry"),
    "strokes rewritten": (crimes.rewrite_strokes, "not what they were"),
    "acceptance rewritten": (crimes.rewrite_acceptance, "not what they were"),
    "history removed": (crimes.empty, "the ledger ends at entry 0"),
}


@pytest.mark.parametrize("name", [*SEEN_ALONE, *PERFECT])
def test_verify_tells_what_was_done_to_the_ledger(
    released: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    crime, said = {**SEEN_ALONE, **PERFECT}[name]
    with Ledger.open(released) as ledger, crimes.unguarded(ledger) as connection:
        crime(connection)
    assert run(["verify", str(released)]) == 1
    assert said in _words(capsys)
    # The store's own seals can be taken away with the rest: the release, which lies elsewhere, still holds one.
    (released / "ledger.seals").unlink()
    assert run(["verify", str(released)]) == (1 if name in SEEN_ALONE else 0)
    capsys.readouterr()
    assert run(["queue", str(released), "verify", "--release", str(released.parent / "release")]) == 1
    assert capsys.readouterr().out.strip()


def test_verify_tells_a_missing_trigger(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Ledger.open(released) as ledger, ledger.database.alone() as connection:
        connection.execute(sa.text("DROP TRIGGER corrections_no_delete"))
    assert run(["verify", str(released)]) == 1
    assert "trigger corrections_no_delete is missing" in _words(capsys)


def test_verify_tells_an_older_copy_taken_after_a_release(
    released: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The copy holds the release whole: only what was sealed after it shows that strokes are gone."""
    older = released.parent / "older.sqlite"
    shutil.copy(released / "ledger.sqlite", older)
    with Ledger.open(released) as ledger:
        _draw(ledger, Store.open(released), "Dora", "Emil")
    assert run(["queue", str(released), "seal", "--note", "daily"]) == 0
    assert run(["verify", str(released)]) == 0
    for side in ("-wal", "-shm"):
        (released / f"ledger.sqlite{side}").unlink(missing_ok=True)
    shutil.copy(older, released / "ledger.sqlite")
    capsys.readouterr()
    assert run(["verify", str(released)]) == 1
    words = _words(capsys)
    assert "older copy" in words
    assert "daily" in words


def _words(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    return " ".join((out + err).split())
