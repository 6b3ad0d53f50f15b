import json
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from annotator.residual.brushes import Brush
from annotator.residual.propagate import propagate
from annotator.residual.strokes import Stroke
from annotator.session.session import Session
from annotator.session.upload import Saving
from iea40k.errors import LedgerError
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, MapKey, Queue, TaskRequest, add_tasks
from iea40k.store.sources import Row, note_build
from tests.annotator.conftest import Begin


def paint(
    session: Session, *points: tuple[float, float], value: float = 0.25, radius: float = 5
) -> np.ndarray:
    """Paint a stroke as the window does, and return the codes after it."""
    image = session.image
    assert image is not None
    stroke = Stroke(image.codes, image.base, Brush("set", value, radius))
    for point in points:
        stroke.move(point)
    patch = stroke.finish()
    assert patch is not None
    session.record(image.draft("brush", patch, {"tool": "set", "value": value}), shown=True)
    return image.codes.copy()


def in_ledger(store: Store, lane: MapKey) -> np.ndarray:
    """What anybody else reads of a lane, through a connection of their own."""
    with Ledger.open(store.path) as ledger:
        return ledger.replayed(lane, store.open_scene(lane.scene_id).residual(lane.level)).codes


def test_a_session_opens_the_most_urgent_image(begin: Begin):
    image = begin().start()
    assert image is not None
    assert (image.key.scene_id, image.level) == ("s1", "P0")
    assert np.array_equal(image.codes, image.base)


def test_a_stroke_is_in_the_ledger_when_record_returns(begin: Begin, queued: Store):
    session = begin()
    image = session.start()
    assert image is not None
    after = paint(session, (40, 40), (50, 70))
    assert session.saving.clean
    assert np.array_equal(in_ledger(queued, image.key), after)
    assert not np.array_equal(after, image.base)


def test_undo_and_redo_follow_the_strokes_bit_by_bit(begin: Begin, queued: Store):
    session = begin()
    image = session.start()
    assert image is not None
    base = image.base.copy()
    drawn = [paint(session, (30 + 5 * i, 40), (60, 50 + 9 * i), value=0.1 * i - 0.2) for i in range(4)]
    states = [base, *drawn]
    for expected in reversed(states[:-1]):
        assert session.undo()[0]
        assert np.array_equal(image.codes, expected)
        assert np.array_equal(in_ledger(queued, image.key), expected)
    assert session.undo() == (False, None)
    assert not image.touched.any()
    for expected in states[1:]:
        assert session.redo()[0]
        assert np.array_equal(image.codes, expected)
    assert session.redo() == (False, None)
    session.undo()
    paint(session, (70, 70))
    assert session.redo() == (False, None)


def test_undo_works_after_a_restart(begin: Begin):
    first = begin()
    first.start()
    states = [paint(first, (30, 30)), paint(first, (50, 50), value=-0.5)]
    first.close()
    second = begin()
    image = second.start()
    assert image is not None
    assert image.key.scene_id == "s1"
    assert np.array_equal(image.codes, states[1])
    second.undo()
    assert np.array_equal(image.codes, states[0])
    third = begin()
    again = third.start()
    assert again is not None
    assert np.array_equal(again.codes, states[0])
    third.redo()
    assert np.array_equal(again.codes, states[1])


def test_clear_is_one_step(begin: Begin):
    session = begin()
    image = session.start()
    assert image is not None
    before = paint(session, (30, 30))
    session.clear()
    assert np.array_equal(image.codes, image.base)
    session.undo()
    assert np.array_equal(image.codes, before)


def test_a_scene_that_was_withdrawn_is_passed_over_until_it_is_back(begin: Begin, queued: Store):
    manifest = queued.path.parent / "manifest.csv"

    def write(*names: str) -> None:
        rows = "".join(f"{name},rendered,{name}.png,{name}_ideal.png\n" for name in names)
        manifest.write_text("scene_id,kind,exposures,references\n" + rows, encoding="utf-8")

    write("s1", "s2", "s3")
    note_build(queued, manifest, {name: Row({}, {}) for name in ("s1", "s2", "s3")})
    write("s1", "s3")
    session = begin()
    first = session.start()
    assert first is not None
    assert first.key.scene_id == "s1"
    second = session.submit("base is right")
    assert second is not None
    assert second.key.scene_id == "s3"
    session._prefetcher.wait()
    assert session.remaining == 0
    write("s1", "s2", "s3")
    third = session.submit("base is right")
    assert third is not None
    assert third.key.scene_id == "s2"


def test_submit_opens_the_next_image_and_the_queue_knows(begin: Begin, queued: Store):
    session = begin()
    first = session.start()
    assert first is not None
    paint(session, (30, 30))
    second = session.submit()
    assert second is not None
    assert second.key.scene_id == "s2"
    assert session.pace.done == 1
    with Ledger.open(queued.path) as ledger:
        assert Queue(ledger).state(first.key) == "submitted"
    third = session.submit("base is right")
    assert third is not None
    assert session.skip("out of focus") is None
    assert session.image is None


def test_a_verdict_that_does_not_fit_is_refused_and_nothing_is_lost(begin: Begin):
    session = begin()
    image = session.start()
    with pytest.raises(LedgerError, match="nothing was corrected"):
        session.submit("corrected")
    paint(session, (30, 30))
    with pytest.raises(LedgerError, match="but 1 stroke stands"):
        session.submit("base is right")
    assert session.image is image
    assert image is not None
    assert image.standing == 1


def test_a_returned_image_comes_back_first_with_its_comment(begin: Begin, queued: Store):
    session = begin()
    first = session.start()
    assert first is not None
    drawn = paint(session, (30, 30))
    session.submit()
    session.wait_ahead()  # s3 is leased ahead, before the return
    with Ledger.open(queued.path) as ledger:
        Queue(ledger).return_(first.key, "curator", "the lamp is overexposed")
    session.submit("base is right")
    assert session.image is not None
    assert session.image.key.scene_id == "s3"
    back = session.submit("base is right")
    assert back is not None
    assert back.key.scene_id == "s1"
    assert back.lease is not None
    assert back.lease.comment == "the lamp is overexposed"
    assert np.array_equal(back.codes, drawn)


def test_two_people_never_get_the_same_slot_and_see_nothing_of_each_other(begin: Begin, queued: Store):
    with Ledger.open(queued.path) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "P0", 3, slots=2)], "curator")
    ada, ben = begin("Ada"), begin("Ben")
    hers, his = ada.start(), ben.start()
    assert hers is not None
    assert his is not None
    assert hers.key.scene_id == his.key.scene_id == "s1"
    paint(ada, (30, 30))
    after = paint(ben, (60, 60), value=-0.3)
    assert np.array_equal(in_ledger(queued, his.key), after)
    assert (hers.codes != his.codes).any()
    assert his.standing == 1


def test_what_was_leased_ahead_is_given_back_at_the_end(begin: Begin, queued: Store):
    ada = begin("Ada")
    ada.start()
    ada.close()
    ben = begin("Ben")
    image = ben.start()
    assert image is not None
    assert image.key.scene_id == "s2"  # s1 stays Ada's


def test_a_stroke_on_its_way_is_no_stroke_in_the_ledger(begin: Begin, queued: Store):
    session = begin()
    image = session.start()
    assert image is not None
    first = paint(session, (30, 30))
    assert session.retry().clean
    told: list[Saving] = []
    session.saving_changed = told.append
    writer = sqlite3.connect(queued.path / "ledger.sqlite", isolation_level=None, check_same_thread=False)
    writer.execute("BEGIN IMMEDIATE")  # another writer that takes its time
    last = paint(session, (60, 60))
    assert not np.array_equal(first, last)
    assert session.saving.unsent == 1
    assert told[-1].unsent == 1
    end = threading.Timer(0.5, lambda: (writer.execute("ROLLBACK"), writer.close()))
    end.start()
    session.submit()
    end.join()
    assert session.saving.clean
    assert np.array_equal(in_ledger(queued, image.key), last)


def test_an_expired_lease_opens_nothing_that_another_person_holds(begin: Begin, queued: Store):
    session = begin()
    assert session.start() is not None
    session._prefetcher.wait()  # s2 is leased and read ahead
    with sqlite3.connect(queued.path / "ledger.sqlite") as database:
        database.execute(
            "UPDATE assignments SET expires = 1 WHERE task = (SELECT task FROM tasks WHERE scene_id = 's2')"
        )
    database.close()
    with Ledger.open(queued.path) as ledger:
        taken = Queue(ledger).lease("Ben")
    assert taken is not None
    assert taken.map_key.scene_id == "s2"
    following = session.skip("not mine to judge")
    assert following is not None
    assert following.key.scene_id == "s3"


def test_a_lost_lease_costs_no_stroke(begin: Begin, queued: Store, tmp_path: Path):
    session = begin()
    image = session.start()
    assert image is not None
    paint(session, (30, 30))
    assert session.retry().clean
    session.wait_ahead()  # or reading ahead may lease this very image again
    with sqlite3.connect(queued.path / "ledger.sqlite") as database:
        database.execute("UPDATE assignments SET expires = 1")
    database.close()
    with Ledger.open(queued.path) as ledger:
        assert Queue(ledger).lease("Ben") is not None  # takes back what ran out
    after = paint(session, (60, 60))
    assert session.retry().lease_lost
    assert session.saving.unsent == 1
    with pytest.raises(LedgerError, match="not in the ledger yet"):
        session.submit()
    files = list(session.folder.outbox.glob("*.json"))
    assert len(files) == 1
    session.abandon()
    session.close()
    # The curator gives the work back to Ada: the stroke is sent with her new lease.
    with Ledger.open(queued.path) as ledger:
        queue = Queue(ledger)
        for lease in queue.resume("Ben"):
            queue.give_back(lease)
    later = begin("Ada")
    seen = later.start()
    while seen is not None and seen.key != image.key:
        seen = later.skip("not now")
    assert seen is not None
    assert np.array_equal(seen.codes, after)
    assert later.retry().clean
    assert np.array_equal(in_ledger(queued, image.key), after)


def test_a_ledger_that_goes_away_and_returns_costs_no_stroke(begin: Begin, queued: Store):
    session = begin()
    image = session.start()
    assert image is not None
    first = paint(session, (20, 20))
    session.wait_ahead()  # nobody uses the database while it is moved away
    file, away = queued.path / "ledger.sqlite", queued.path / "away"
    away.mkdir()
    with sqlite3.connect(file) as blocker:
        blocker.isolation_level = None
        blocker.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    blocker.close()
    session.ledger.close()
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"):
        if (queued.path / name).exists():
            (queued.path / name).rename(away / name)
    for i in range(3):
        last = paint(session, (30 + 10 * i, 60))
    assert session.saving.unsent == 3
    session.undo()
    assert session.saving.unsent == 4
    assert not session.retry().clean
    assert not file.exists()  # an empty file in its place would be in the way of the one that comes back
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"):
        if (away / name).exists():
            (away / name).rename(queued.path / name)
    assert session.retry().clean
    assert np.array_equal(in_ledger(queued, image.key), image.codes)
    assert not np.array_equal(image.codes, last)
    assert not np.array_equal(image.codes, first)


def test_strokes_stay_in_memory_and_shout_when_the_disk_refuses(begin: Begin, queued: Store):
    session = begin()
    image = session.start()
    assert image is not None
    told = []
    session.saving_changed = told.append
    outbox = session.folder.outbox
    outbox.parent.mkdir(parents=True, exist_ok=True)
    if outbox.is_dir():
        outbox.rmdir()
    outbox.write_text("in the way")  # the folder cannot be made: nothing can be written there
    paint(session, (30, 30))
    # The ledger took it straight from memory: not lost although the outbox could not be written.
    assert session.retry().clean
    assert np.array_equal(in_ledger(queued, image.key), image.codes)
    assert any(saving.unsaved == 1 for saving in told)
    outbox.unlink()
    paint(session, (50, 50))
    assert session.saving.clean
    assert image.standing == 2


def test_propagation_reaches_the_other_levels_and_undoes_in_one_step(begin: Begin, queued: Store):
    session = begin()
    image = session.start()
    assert image is not None
    paint(session, (30, 30), value=0.0)
    bases = {level: image.origin.base(level) for level in ("N1", "P1")}
    carried = propagate(image.base, image.codes, image.touched, bases)
    assert session.record(*image.propagated(carried, "same change")) is None
    lanes = {level: MapKey("s1", level, "Ada") for level in bases}
    change = (image.codes.astype(int) - image.base)[image.touched]
    for level, lane in lanes.items():
        codes = in_ledger(queued, lane)
        wanted = np.clip(bases[level][image.touched] + change, -32640, 32640)
        assert np.array_equal(codes[image.touched], wanted)
    session.close()
    again = begin()
    image = again.start()
    assert image is not None
    painted = image.codes.copy()
    assert again.undo() == (True, None)
    assert np.array_equal(image.codes, painted)
    for level, lane in lanes.items():
        assert np.array_equal(in_ledger(queued, lane), bases[level])
    again.undo()
    assert np.array_equal(image.codes, image.base)
    again.redo()
    assert np.array_equal(image.codes, painted)
    assert again.redo()[0]
    assert not np.array_equal(in_ledger(queued, lanes["N1"]), bases["N1"])


def test_a_carried_correction_is_there_when_that_level_comes_up(begin: Begin, queued: Store):
    with Ledger.open(queued.path) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "P1", 2.9)], "curator")
    session = begin()
    image = session.start()
    assert image is not None
    session.wait_ahead()  # P1 has been read ahead
    paint(session, (30, 30), value=0.0)
    carried = propagate(image.base, image.codes, image.touched, {"P1": image.origin.base("P1")})
    session.record(*image.propagated(carried, "same change"))
    following = session.submit()
    assert following is not None
    assert following.level == "P1"
    assert following.standing == 1


def test_a_scene_that_cannot_be_read_costs_that_image_only(begin: Begin, queued: Store):
    (queued.scene_path("s1") / "residual" / "zarr.json").write_text("{")
    session = begin()
    told: list[tuple[str, str]] = []
    session.notice = lambda kind, text: told.append((kind, text))
    image = session.start()
    assert image is not None
    assert image.key.scene_id == "s2"
    assert told
    assert told[0][0] == "error"


def test_the_pace_leaves_pauses_out(queued: Store, tmp_path: Path):
    now = [0.0]
    session = Session.open(queued.path, "Ada", folders=tmp_path / "desks")
    session._clock = lambda: now[0]
    session.start()
    for pause in (10, 20, 3600, 5):
        now[0] += pause
        session.action()
    assert session.seconds == 35
    session.close()


def test_place_and_settings_survive_damage(begin: Begin):
    session = begin()
    session.start()
    paint(session, (30, 30))
    session.close()
    (session.folder.folder / "place.json").write_text("{broken")
    session.folder.settings_file.write_text(json.dumps({"Look": {"palette": "jet", "opacity": 0.5}}))
    again = begin()
    image = again.start()
    assert image is not None
    assert image.key.scene_id == "s1"
    assert image.standing == 1


def test_the_lane_read_ahead_knows_what_was_drawn_since(begin: Begin, queued: Store):
    """Undo of a propagation from the first level works from the second, which was read ahead."""
    with Ledger.open(queued.path) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "P1", 2.9)], "curator")
    session = begin()
    first = session.start()
    assert first is not None
    drawn = paint(session, (30, 30))
    second = session.submit()
    assert second is not None
    assert second.level == "P1"
    assert [s.stroke_id for s in second.others["P0"]] == [s.stroke_id for s in first.strokes]
    assert not np.array_equal(drawn, first.base)
