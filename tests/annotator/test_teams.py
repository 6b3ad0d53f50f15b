"""Two annotators at one ledger, on SQLite and on PostgreSQL, each in a process-like session of their own."""

import threading
from pathlib import Path

import numpy as np

from annotator.session.session import Session
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks
from tests.annotator.test_session import paint


def test_two_people_paint_and_submit_at_once(store: Store, ledger_place: str | None, tmp_path: Path):
    place = ledger_place or store.path
    with Ledger.open(place, create=True) as ledger:
        requests = [
            TaskRequest(s, level, 1, slots=2) for s in ("s1", "s2", "s3") for level in ("N1", "P0", "P1")
        ]
        add_tasks(ledger, requests, "curator")
    drawn: dict[tuple[str, str, str], np.ndarray] = {}
    failures: list[BaseException] = []

    def work(name: str, value: float) -> None:
        try:
            session = Session.open(store.path, name, ledger_url=ledger_place, folders=tmp_path / name)
            image = session.start()
            while image is not None:
                for i in range(4):
                    codes = paint(session, (20 + 15 * i, 30), (70, 90 - 10 * i), value=value)
                session.undo()
                session.redo()
                assert np.array_equal(image.codes, codes)
                drawn[image.key.scene_id, image.level, name] = codes
                image = session.submit()
            assert session.pace.done == 9
            assert session.close().clean
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=args) for args in (("Ada", 0.3), ("Ben", -0.2))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    assert len(drawn) == 18
    with Ledger.open(place) as ledger:
        for (scene_id, level, name), codes in drawn.items():
            from iea40k.store.ledger import MapKey

            base = store.open_scene(scene_id).residual(level)
            assert np.array_equal(ledger.replayed(MapKey(scene_id, level, name), base).codes, codes)
        assert list(ledger.tampering()) == []
