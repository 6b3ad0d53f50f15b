"""A ledger copied to the other database is the same ledger: its history, its releases, its work."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from iea40k.errors import AlreadyExistsError, LedgerError
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, MapKey, Queue, TaskRequest, add_tasks
from iea40k.store.ledger.labels import ledger_facts
from iea40k.store.ledger.overview import listing
from iea40k.store.ledger.schema import corrections
from iea40k.store.ledger.transfer import copy_ledger
from iea40k.store.ledger.zone_replay import zone_draft
from iea40k.zones import zone_change
from pipelines.cli.program import run
from tests.builders import built_scene
from tests.iea40k.store.ledger.test_corrected import hand_in, set_box
from tests.iea40k.store.ledger.test_labels import contents, cut

pytestmark = pytest.mark.postgres


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "store")
    for name in ("a", "B", "Z9", "é".encode().hex()):
        store.write_scene(built_scene(name))
    return store


@pytest.fixture
def ledger(store: Store) -> Iterator[Ledger]:
    with Ledger.open(store.path, create=True) as opened:
        base = store.open_scene("a").residual("P1")
        add_tasks(opened, [TaskRequest("a", "P1", 1, slots=3), TaskRequest("B", "P1", 0.1)], "c")
        for name, value in (("Ана", 1000), ("O'Brien", 2000), ("Zed", None)):
            hand_in(opened, name, base, value)
        opened.append_correction(
            set_box(MapKey("Z9", "N1", "Solo"), store.open_scene("Z9").residual("N1"), 9)
        )
        reference = store.open_scene("B").reference()
        change = zone_change(reference, reference[..., 0] > 0, 6.0)
        opened.append(zone_draft(MapKey("B", "reference", "Ansel"), reference, change))
        yield opened


def test_both_databases_give_the_same_release(
    store: Store, ledger: Ledger, postgresql_url: str, tmp_path: Path
) -> None:
    here = cut(store, tmp_path / "here")
    assert run(["queue", str(store.path), "copy", "--to", postgresql_url]) == 0
    there = cut(store, tmp_path / "there", "--ledger", postgresql_url)
    assert contents(here.path) == contents(there.path)
    verify = ["queue", str(store.path), "--ledger", postgresql_url, "verify", "--release", str(here.path)]
    assert run(verify) == 0
    # And back again, into a file; and more strokes change nothing at the old cursor.
    (tmp_path / "back").mkdir()
    with Ledger.open(postgresql_url) as server:
        copy_ledger(server, str(tmp_path / "back"))
        server.append_correction(
            set_box(MapKey("Z9", "P1", "Solo"), store.open_scene("Z9").residual("P1"), 77)
        )
    again = cut(store, tmp_path / "again", "--ledger", postgresql_url, "--cursor", str(ledger.cursor()))
    assert contents(here.path) == contents(again.path)
    with Ledger.open(tmp_path / "back") as back:
        assert ledger_facts(back) == ledger_facts(ledger)


def test_work_goes_on_in_the_copy_under_the_same_rules(
    store: Store, ledger: Ledger, postgresql_url: str
) -> None:
    held = Queue(ledger).lease("Dora")
    assert held is not None
    copy_ledger(ledger, postgresql_url)
    with Ledger.open(postgresql_url) as server:
        # The end of a lease is told by the clock of now: alike to some microseconds.
        assert [{**row, "expires": 0} for row in listing(server)] == [
            {**row, "expires": 0} for row in listing(ledger)
        ]
        base = store.open_scene(held.map_key.scene_id).residual(held.map_key.level)
        server.append_correction(set_box(held.map_key, base, 5), held)
        Queue(server).submit(held)
        add_tasks(server, [TaskRequest("Z9", "P1", 5)], "c")
        fresh = Queue(server).lease("Emil")
        assert fresh is not None
        assert fresh.map_key.scene_id == "Z9"
        with pytest.raises(LedgerError, match="never changed"), server.database.write() as connection:
            connection.execute(corrections.update().values(annotator="x"))
        assert list(server.tampering()) == []


def test_a_ledger_in_use_is_not_written_over(ledger: Ledger, postgresql_url: str) -> None:
    with Ledger.open(postgresql_url, create=True) as used:
        add_tasks(used, [TaskRequest("q", "P0", 1)], "c")
        before = listing(used)
        with pytest.raises(AlreadyExistsError, match="already"):
            copy_ledger(ledger, postgresql_url)
        assert listing(used) == before
