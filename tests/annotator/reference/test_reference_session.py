"""Sessions at references, on SQLite and on PostgreSQL, without any display."""

import dataclasses

import numpy as np
import pytest

from annotator.reference.state import Reference
from annotator.reference.tools import ReferenceTools
from annotator.residual.state import Image
from annotator.session.loading import load_image
from annotator.session.review import Review
from iea40k.errors import LedgerError, LedgerUnavailableError
from iea40k.scene import BuiltScene
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, MapKey, Queue, TaskRequest, add_tasks
from iea40k.store.ledger.corrected import corrected_reference, read_record
from iea40k.store.ledger.rereview import offer_stale
from iea40k.store.ledger.zone_replay import replay_zones
from tests.annotator.reference.conftest import BeginAt, paint_zone

SET = ReferenceTools(side=24, edge=3, zone=6)
LIGHTER = ReferenceTools(mode="shift", side=24, edge=3)


def in_ledger(asked: tuple[Store, str | None], lane: MapKey) -> np.ndarray:
    """The picture that the ledger's edits make, whatever the session shows."""
    store, place = asked
    with Ledger.open(place or store.path) as ledger:
        return replay_zones(store.open_scene(lane.scene_id).reference(), ledger.zone_edits(lane)).picture


def test_a_reference_task_opens_the_reference_and_nothing_is_skipped(begin_at: BeginAt, asked):
    session = begin_at()
    work = session.start()
    assert isinstance(work, Reference)
    assert work.key == MapKey("s1", "reference", "Ada")
    assert session.image is None
    assert session.reference is work
    assert np.array_equal(work.picture, asked[0].open_scene("s1").reference())
    assert session.remaining == 2
    image = load_image(asked[0], MapKey("s1", "P0", "Ada"), session.ledger, None)
    with pytest.raises(LedgerError, match="for another image"):
        session.record(image.clear())


def test_every_edit_is_in_the_ledger_and_undo_goes_on_after_a_restart(begin_at: BeginAt, asked):
    session = begin_at()
    session.start()
    first = paint_zone(session, SET, (48, 20), (48, 100))
    second = paint_zone(session, LIGHTER, (20, 64))
    lane = session.reference.key
    assert session.retry().clean
    assert np.array_equal(in_ledger(asked, lane), second)
    assert session.undo()[0]
    assert np.array_equal(session.reference.picture, first)
    assert session.close().clean
    again = begin_at()
    reference = again.start()
    assert reference.key == lane
    assert np.array_equal(reference.picture, first)
    assert again.redo()[0]
    assert np.array_equal(reference.picture, second)
    for _ in range(2):
        assert again.undo()[0]
    assert again.undo() == (False, None)
    assert np.array_equal(reference.picture, reference.base)
    assert np.array_equal(in_ledger(asked, lane), reference.base)
    again.redo()
    again.clear()
    assert np.array_equal(in_ledger(asked, lane), reference.base)
    again.undo()
    assert np.array_equal(in_ledger(asked, lane), first)


def test_submit_needs_an_edit_and_the_base_is_right_needs_none(begin_at: BeginAt, asked):
    session = begin_at()
    session.start()
    with pytest.raises(LedgerError, match="nothing was corrected"):
        session.submit()
    paint_zone(session, SET, (48, 64))
    with pytest.raises(LedgerError, match="but 1 stroke stands"):
        session.submit("base is right")
    following = session.submit()
    assert isinstance(following, Reference)
    assert following.key.scene_id == "s2"
    assert session.submit("base is right").key.scene_id == "s3"
    session.flag("is this the sun?")
    assert session.skip("not my field") is None
    assert session.pace.done == 2
    with Ledger.open(asked[1] or asked[0].path) as ledger:
        queue = Queue(ledger)
        states = [queue.state(MapKey(s, "reference", "Ada")) for s in ("s1", "s2", "s3")]
        assert states == ["submitted", "submitted", "skipped"]
        assert list(ledger.tampering()) == []


def test_returned_work_comes_first_with_its_comment_and_its_edits(begin_at: BeginAt, asked):
    session = begin_at()
    session.start()
    drawn = paint_zone(session, SET, (48, 64))
    lane = session.reference.key
    session.submit()
    with Ledger.open(asked[1] or asked[0].path) as ledger:
        Queue(ledger).return_(lane, "Cy", "the sky is too light")
    back = session.submit("base is right")
    if back.key.scene_id == "s3":  # it was read ahead before s1 was returned
        back = session.submit("base is right")
    assert isinstance(back, Reference)
    assert back.key == lane
    assert back.lease.comment == "the sky is too light"
    assert np.array_equal(back.picture, drawn)


def test_the_next_reference_is_read_and_cut_ahead(begin_at: BeginAt):
    session = begin_at()
    session.start()
    session.wait_ahead()
    following = session.submit("base is right")
    assert isinstance(following, Reference)
    assert list(following._blocks) == [ReferenceTools().side]


def test_exposures_and_references_come_from_one_queue(begin_at: BeginAt, asked):
    store, place = asked
    with Ledger.open(place or store.path) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "P0", 2.5)], "curator")
    session = begin_at()
    kinds = [type(session.start())]
    kinds += [type(session.submit("base is right")) for _ in range(3)]
    assert kinds == [Reference, Image, Reference, Reference]


def test_a_lost_lease_costs_no_edit(begin_at: BeginAt, asked):
    session = begin_at()
    work = session.start()
    paint_zone(session, SET, (30, 30))
    store, place = asked
    with Ledger.open(place or store.path) as ledger:
        queue = Queue(ledger)
        assert queue.resume("Ada")  # a window elsewhere takes the leases over
        last = paint_zone(session, SET, (60, 90))
        session.retry()
        assert session.saving.lease_lost
        assert session.saving.unsent == 1
        with pytest.raises(LedgerError, match="not in the ledger yet"):
            session.submit()
        session.close()
    later = begin_at("Ada")
    seen = later.start()
    assert seen.key == work.key
    assert np.array_equal(seen.picture, last)
    assert later.retry().clean
    assert np.array_equal(in_ledger(asked, work.key), last)


def test_a_ledger_that_is_away_costs_no_edit_and_no_undo(begin_at: BeginAt, asked, monkeypatch):
    session = begin_at()
    work = session.start()
    first = paint_zone(session, SET, (30, 30))
    session.wait_ahead()
    away = LedgerUnavailableError("the ledger cannot be reached")

    def refuse(*_: object) -> None:
        raise away

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", refuse)
        paint_zone(session, SET, (60, 90))
        session.undo()
        assert session.saving.unsent == 2
        assert session.saving.trouble is away
        last = paint_zone(session, LIGHTER, (60, 30), (60, 100))
        assert np.array_equal(in_ledger(asked, work.key), first)
    assert session.retry().clean
    assert np.array_equal(in_ledger(asked, work.key), last)


def test_edits_of_a_rebuilt_reference_are_offered_again(begin_at: BeginAt, asked, practices):
    store, place = asked
    session = begin_at()
    session.start()
    paint_zone(session, SET, (48, 40), (48, 90))
    lane, shift = session.reference.key, session.reference.shift.copy()
    session.submit()
    session.close()
    built: BuiltScene = practices["s1"].scene
    store.discard_scene("s1")
    brighter = np.minimum(built.reference.astype(int) + 3, 255).astype(np.uint8)
    store.write_scene(dataclasses.replace(built, reference=brighter))
    with Ledger.open(place or store.path) as ledger:
        assert [s.map_key for s in offer_stale(ledger, store, "curator") if s.returned] == [lane]
    again = begin_at()
    reference = again.start()
    while reference is not None and reference.key != lane:
        reference = again.submit("base is right")
    assert len(reference.stale) > 1
    assert np.array_equal(reference.picture, brighter)
    assert again.adopt_stale() > 1
    assert again.retry().clean
    assert reference.stale == ()
    assert np.array_equal(reference.shift, shift)
    assert np.array_equal(in_ledger(asked, lane), reference.picture)


@pytest.fixture
def handed_in(begin_at: BeginAt, asked, tmp_path):
    """Ada and Ben have handed the reference of s1 in; Cy reviews."""
    store, place = asked
    with Ledger.open(place or store.path) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "reference", 9, slots=2)], "curator")
    pictures = {}
    for name, zone in (("Ada", 6.0), ("Ben", 4.0)):
        session = begin_at(name)
        assert session.start().key.scene_id == "s1"
        pictures[name] = paint_zone(session, ReferenceTools(side=24, zone=zone), (48, 64))
        session.submit()
        session.close()
    review = Review.open(store.path, "Cy", ledger_url=place, folders=tmp_path / "desks")
    yield review, pictures, asked
    review.close()


def test_a_reviewer_sees_each_version_the_consensus_and_the_base(handed_in):
    review, pictures, (store, place) = handed_in
    work = review.start()
    assert isinstance(work, Reference)
    assert list(review.versions) == ["Ada", "Ben", "consensus", "base"]
    for name, picture in pictures.items():
        assert np.array_equal(review.versions[name].picture, picture)
    review.accept("Ada")
    assert review.return_("Ben", "too dark") is None
    assert not review.versions
    with Ledger.open(place or store.path) as ledger:
        states = [Queue(ledger).state(MapKey("s1", "reference", n)) for n in ("Ada", "Ben")]
        assert states == ["accepted", "returned"]
        counted = corrected_reference(store.open_scene("s1"), read_record(ledger, "s1"))
        assert counted.experts == ("Ada",)
        assert np.array_equal(counted.picture, pictures["Ada"])


def test_the_consensus_shown_is_the_one_that_counts_when_all_are_accepted(handed_in):
    review, _, (store, place) = handed_in
    review.start()
    shown = review.versions["consensus"].picture
    review.submit()
    with Ledger.open(place or store.path) as ledger:
        counted = corrected_reference(store.open_scene("s1"), read_record(ledger, "s1"))
    assert counted.experts == ("Ada", "Ben")
    assert np.array_equal(counted.picture, shown)


def test_adjudication_by_zones_overrides_the_consensus_and_is_undone_in_one_step(handed_in):
    review, pictures, (store, place) = handed_in
    review.start()
    review.take_over("Ben")
    assert np.array_equal(review.reference.picture, pictures["Ben"])
    review.undo()
    assert np.array_equal(review.reference.picture, review.reference.base)
    review.take_over("Ada")
    final = paint_zone(review, LIGHTER, (20, 20))
    review.submit()
    with Ledger.open(place or store.path) as ledger:
        counted = corrected_reference(store.open_scene("s1"), read_record(ledger, "s1"))
    assert counted.adjudicator == "Cy"
    assert np.array_equal(counted.picture, final)
