import threading
import time
from collections import Counter
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from iea40k.errors import BadInputError, LeaseLostError, LedgerError
from iea40k.store.ledger import Lease, Ledger, MapKey, Queue, TaskRequest, add_tasks
from iea40k.store.ledger.events import Event, EventKind, TaskKey, append_event
from iea40k.store.ledger.overview import counts, listing, notes, remaining, throughput, waiting
from iea40k.store.ledger.people import Recognised, assign, recognise, set_annotator, share_out
from iea40k.store.ledger.schema import assignments, events
from tests.builders import built_scene
from tests.iea40k.store.ledger.conftest import a_base, a_stroke, undo


def fill(ledger: Ledger, count: int = 3, slots: int = 1) -> None:
    add_tasks(ledger, [TaskRequest(f"s{i}", "P0", i / 10, slots=slots) for i in range(count)], "curator")


def leased(queue: Queue, annotator: str, **options: float) -> Lease:
    lease = queue.lease(annotator, **options)  # type: ignore[arg-type]
    assert lease is not None
    return lease


def draw(ledger: Ledger, lease: Lease, seed: int = 1) -> None:
    ledger.append_correction(a_stroke(a_base(), seed, map_key=lease.map_key)[0], lease)


def hand_in(ledger: Ledger, lease: Lease) -> None:
    draw(ledger, lease)
    Queue(ledger).submit(lease, active_seconds=12.5)


def test_the_highest_priority_comes_first_and_nobody_gets_an_image_twice(ledger: Ledger) -> None:
    fill(ledger, 4, slots=2)
    queue = Queue(ledger)
    for name in ("A", "B"):
        assert [leased(queue, name).map_key.scene_id for _ in range(4)] == ["s3", "s2", "s1", "s0"]
        assert queue.lease(name) is None
    assert queue.lease("C") is None
    assert counts(ledger)["open"] == 0


def test_a_lease_that_ran_out_goes_to_another_and_its_old_token_is_refused(ledger: Ledger) -> None:
    fill(ledger, 1)
    queue = Queue(ledger)
    old = leased(queue, "A", ttl_seconds=0.05)
    draw(ledger, old, 1)
    time.sleep(0.1)
    new = leased(queue, "B")
    assert new.token > old.token
    for act in (
        lambda: draw(ledger, old, 2),
        lambda: undo(ledger, old.map_key, old),
        lambda: queue.heartbeat(old),
        lambda: queue.submit(old),
        lambda: queue.skip(old, "x"),
        lambda: queue.flag(old, "x"),
        lambda: queue.give_back(old),
    ):
        with pytest.raises(LeaseLostError):
            act()
    hand_in(ledger, new)
    assert len(ledger.corrections(old.map_key)) == 1
    assert list(ledger.tampering()) == []


def test_a_heartbeat_keeps_the_lease(ledger: Ledger) -> None:
    fill(ledger, 1)
    queue = Queue(ledger)
    lease = leased(queue, "A", ttl_seconds=0.05)
    longer = queue.heartbeat(lease, ttl_seconds=60)
    assert longer.expires > lease.expires
    time.sleep(0.1)
    assert queue.lease("B") is None
    hand_in(ledger, longer)


def test_a_late_painter_goes_on_while_nobody_took_the_work(ledger: Ledger) -> None:
    fill(ledger, 1)
    queue = Queue(ledger)
    lease = leased(queue, "A", ttl_seconds=0.01)
    time.sleep(0.05)
    draw(ledger, lease)
    queue.submit(queue.heartbeat(lease))


def test_resuming_elsewhere_fences_off_the_old_window(ledger: Ledger) -> None:
    fill(ledger, 2)
    queue = Queue(ledger)
    old = [leased(queue, "A"), leased(queue, "A")]
    new = queue.resume("A")
    assert [lease.map_key for lease in new] == [lease.map_key for lease in old]
    with pytest.raises(LeaseLostError):
        draw(ledger, old[0])
    draw(ledger, new[0])


def test_finished_work_is_read_only_until_it_is_returned(ledger: Ledger) -> None:
    fill(ledger, 1)
    queue = Queue(ledger)
    lease = leased(queue, "A")
    hand_in(ledger, lease)
    for step in (
        lambda: None,
        lambda: queue.accept(lease.map_key, "R"),
    ):
        step()
        with pytest.raises(LeaseLostError):
            draw(ledger, lease, 5)
        with pytest.raises(LeaseLostError):
            ledger.append_correction(a_stroke(a_base(), 6, map_key=lease.map_key)[0])
    queue.return_(lease.map_key, "R", "the lamp is overexposed")
    again = leased(queue, "A")
    assert again.comment == "the lamp is overexposed"
    draw(ledger, again, 7)
    queue.submit(again)
    queue.accept(lease.map_key, "R")
    assert queue.state(lease.map_key) == "accepted"


def test_the_database_itself_refuses_strokes_and_steps_that_are_not_due(ledger: Ledger) -> None:
    """Someone with their own SQL gets no further than the program lets them."""
    fill(ledger, 1)
    queue = Queue(ledger)
    lease = leased(queue, "A")
    hand_in(ledger, lease)
    from iea40k.store.ledger import journal

    draft, _ = a_stroke(a_base(), 9, map_key=lease.map_key)
    for token in (None, lease.token, 999):
        with pytest.raises(LedgerError, match="not in force"), ledger.database.write() as connection:
            journal.append_draft(ledger.database, connection, draft, token)
    for change in (
        assignments.update().values(state="leased"),
        assignments.update().values(annotator="B"),
        assignments.delete(),
        events.update().values(actor="B"),
        events.delete(),
        assignments.insert().values(task=lease.task, annotator="B", state="accepted", comment=""),
    ):
        with pytest.raises(LedgerError), ledger.database.write() as connection:
            connection.execute(change)


def test_finished_zone_edits_are_read_only_for_the_database_too(ledger: Ledger) -> None:
    from iea40k.store.ledger import journal
    from iea40k.store.ledger.zone_replay import zone_draft
    from iea40k.zones import zone_change

    reference = built_scene("s0").reference
    whole = np.ones(reference.shape[:2], np.bool_)
    add_tasks(ledger, [TaskRequest("s0", "reference", 1)], "curator")
    queue = Queue(ledger)
    lease = leased(queue, "A")
    edit = zone_draft(lease.map_key, reference, zone_change(reference, whole, 6.0))
    ledger.append(edit, lease)
    queue.submit(lease)
    more = zone_draft(lease.map_key, reference, zone_change(reference, whole, 4.0))
    for given in (lease, None):
        with pytest.raises(LeaseLostError):
            ledger.append(more, given)
    for token in (None, lease.token, 999):
        with pytest.raises(LedgerError, match="not in force"), ledger.database.write() as connection:
            journal.append_draft(ledger.database, connection, more, token)
    queue.return_(lease.map_key, "R", "too bright")
    again = leased(queue, "A")
    ledger.append(more, again)
    assert len(ledger.zone_edits(lease.map_key)) == 2


def tell(ledger: Ledger, lease: Lease, event: EventKind, state: str, **changes: Any) -> None:
    """Append an event about somebody's work as the program would, or with changes."""
    place = lease.map_key
    told = Event(
        key=TaskKey(lease.task, place.scene_id, place.level, place.purpose),
        event=event,
        actor=place.annotator,
        annotator=place.annotator,
        assignment=lease.assignment,
        state=state,
        details={"ttl_us": 60_000_000},
    )
    with ledger.database.write(journal=True) as connection:
        append_event(ledger.database, connection, replace(told, **changes))


def test_a_task_has_no_more_people_than_places(ledger: Ledger) -> None:
    fill(ledger, 1)
    lease = leased(Queue(ledger), "A")
    with pytest.raises(LedgerError, match="no free place"):
        tell(ledger, lease, "lease", "leased", annotator="B", assignment=lease.assignment + 1)
    Queue(ledger).give_back(lease)
    assert leased(Queue(ledger), "B").task == lease.task
    with pytest.raises(LedgerError, match="no free place"):
        tell(ledger, lease, "lease", "leased")


def test_the_limits_of_leases_hold_for_whoever_writes(ledger: Ledger) -> None:
    fill(ledger, 10)
    for _ in range(8):
        lease = leased(Queue(ledger), "A")
    ninth = listing(ledger, state="open")[0]
    key = TaskKey(ninth["task"], ninth["scene_id"], ninth["level"], ninth["purpose"])
    with pytest.raises(LedgerError, match="too many images"):
        tell(ledger, lease, "lease", "leased", key=key, assignment=lease.assignment + 1)
    with pytest.raises(LedgerError, match="a day at most"):
        tell(ledger, lease, "resume", "leased", details={"ttl_us": 10 * 365 * 86_400_000_000})
    with pytest.raises(LedgerError, match="has not run out"):
        tell(ledger, lease, "expire", "expired")
    far = sa.update(assignments).values(expires=assignments.c.expires + 10 * 365 * 86_400_000_000)
    with pytest.raises(LedgerError, match="no event tells"), ledger.database.write() as connection:
        connection.execute(far)
    with pytest.raises(LedgerError, match="a day at most"):
        Queue(ledger).lease("B", ttl_seconds=10 * 365 * 86_400)


def test_an_event_must_be_what_happened(ledger: Ledger) -> None:
    fill(ledger, 1)
    lease = leased(Queue(ledger), "A")
    key = TaskKey(lease.task, lease.map_key.scene_id, lease.map_key.level, "expert")
    story = Event(
        key=key, event="accept", actor="A", annotator="A", assignment=lease.assignment, state="accepted"
    )
    for lie in (
        story,
        replace(story, state="leased", annotator="B"),
        replace(story, state="leased", assignment=99),
        replace(story, state="leased", key=replace(key, scene_id="s9")),
    ):
        with (
            pytest.raises(LedgerError, match=r"not what happened|cannot go|takes the next number"),
            ledger.database.write(journal=True) as connection,
        ):
            append_event(ledger.database, connection, lie)


def test_returned_work_comes_before_anything_else(ledger: Ledger) -> None:
    fill(ledger, 3)
    queue = Queue(ledger)
    first = leased(queue, "A")
    hand_in(ledger, first)
    queue.return_(first.map_key, "R", "look again")
    add_tasks(ledger, [TaskRequest("urgent", "P0", 99)], "curator")
    assert leased(queue, "A").map_key == first.map_key
    assert leased(queue, "A").map_key.scene_id == "urgent"


def test_skipping_leaves_the_image_to_others(ledger: Ledger) -> None:
    fill(ledger, 1)
    queue = Queue(ledger)
    queue.skip(leased(queue, "A"), "my own photograph")
    assert queue.lease("A") is None
    assert leased(queue, "B").map_key.scene_id == "s0"


def test_giving_back_leaves_it_to_everybody(ledger: Ledger) -> None:
    fill(ledger, 1)
    queue = Queue(ledger)
    lease = leased(queue, "A")
    draw(ledger, lease)
    queue.give_back(lease)
    again = leased(queue, "A")
    assert again.token > lease.token
    assert len(ledger.corrections(again.map_key)) == 1


def test_a_hidden_repeat_waits_for_the_own_map_and_is_a_map_of_its_own(ledger: Ledger) -> None:
    fill(ledger, 1)
    add_tasks(ledger, [TaskRequest("s0", "P0", 9, purpose="repeat", slots=5)], "curator")
    queue = Queue(ledger)
    first = leased(queue, "A")
    assert first.map_key.purpose == "expert"
    assert queue.lease("B") is None
    hand_in(ledger, first)
    repeat = leased(queue, "A")
    assert repeat.map_key == MapKey("s0", "P0", "A", "repeat")
    assert ledger.corrections(repeat.map_key) == []
    assert queue.lease("B") is None


def test_an_adjudicator_is_given_only_adjudications(ledger: Ledger) -> None:
    fill(ledger, 1)
    add_tasks(ledger, [TaskRequest("s0", "P0", 9, purpose="adjudication")], "curator")
    queue = Queue(ledger)
    lease = queue.lease("J", purposes=("adjudication",))
    assert lease is not None
    assert lease.map_key.purpose == "adjudication"
    queue.submit(lease, verdict="consensus is right")
    assert leased(queue, "A").map_key.purpose == "expert"


def test_a_verdict_must_fit(ledger: Ledger) -> None:
    fill(ledger, 2)
    queue = Queue(ledger)
    lease = leased(queue, "A")
    with pytest.raises(LedgerError, match="nothing was corrected"):
        queue.submit(lease)
    with pytest.raises(LedgerError, match="only an adjudicator"):
        queue.submit(lease, verdict="consensus is right")
    draw(ledger, lease)
    with pytest.raises(LedgerError, match="but 1 stroke stands"):
        queue.submit(lease, verdict="base is right")
    with pytest.raises(BadInputError):
        queue.submit(lease, verdict="fine")  # type: ignore[arg-type]
    undo(ledger, lease.map_key, lease)
    queue.submit(lease, verdict="base is right")
    assert queue.state(lease.map_key) == "submitted"


def test_a_dispute_over_finished_work_becomes_an_adjudication(ledger: Ledger) -> None:
    fill(ledger, 1)
    queue = Queue(ledger)
    dispute = TaskRequest("s0", "P0", 5, reason="dispute", note={"mae": 0.2})
    assert add_tasks(ledger, [dispute], "trainer").raised == 1
    hand_in(ledger, leased(queue, "A"))
    assert add_tasks(ledger, [dispute], "trainer").adjudications == 1
    assert add_tasks(ledger, [dispute], "trainer").unchanged == 1
    lease = queue.lease("J", purposes=("adjudication",))
    assert lease is not None
    assert lease.reason == "dispute"


def test_adding_again_raises_and_never_lowers(ledger: Ledger) -> None:
    fill(ledger, 2)
    added = add_tasks(
        ledger,
        [TaskRequest("s0", "P0", 0.9, slots=3), TaskRequest("s1", "P0", 0.01), TaskRequest("s9", "P0", 0.2)],
        "curator",
    )
    assert (added.new, added.raised, added.unchanged) == (1, 1, 1)
    rows = {row["scene_id"]: row for row in listing(ledger)}
    assert (rows["s0"]["slots"], rows["s0"]["free"], rows["s0"]["priority"]) == (3, 3, 0.9)
    assert rows["s1"]["priority"] == 0.1


def test_a_batch_asked_for_twice_over_is_one_chain_and_every_row_of_it_sound(ledger: Ledger) -> None:
    images = [TaskRequest(f"s{i}", level, i / 10) for i in range(4) for level in ("N1", "P0", "reference")]
    again = [
        TaskRequest("s0", "P0", 0.5),
        TaskRequest("s0", "P0", 0.9, slots=2),
        TaskRequest("s0", "P0", 0.7, slots=3),
        TaskRequest("s0", "P0", 0.9, slots=3),
        TaskRequest("s2", "reference", 1, "dispute", purpose="adjudication", note={"mæ": 'a "b"\n'}),
    ]
    assert add_tasks(ledger, [*images, *images], "curator").new == len(images)
    added = add_tasks(ledger, again, "O'Brien \u202f\\")
    assert (added.new, added.raised, added.unchanged) == (1, 3, 1)
    assert [
        row["priority"] for row in listing(ledger) if (row["scene_id"], row["level"]) == ("s0", "P0")
    ] == [0.9]
    assert ledger.cursor() == len(images) + 4
    assert list(ledger.tampering()) == []


def test_nobody_hoards(ledger: Ledger) -> None:
    fill(ledger, 20)
    queue = Queue(ledger)
    for _ in range(8):
        leased(queue, "A")
    with pytest.raises(LedgerError, match="too many"):
        queue.lease("A")


def test_a_person_whose_work_has_ended_gets_nothing(ledger: Ledger) -> None:
    fill(ledger)
    set_annotator(ledger, "A", active=False)
    with pytest.raises(LedgerError, match="ended"):
        Queue(ledger).lease("A")
    set_annotator(ledger, "A")
    assert Queue(ledger).lease("A") is not None


def test_work_is_spread_evenly_and_pairs_meet_about_equally_often() -> None:
    names, load = ["A", "B", "C", "D", "E"], dict.fromkeys("ABCDE", 0)
    pairs: Counter[tuple[str, ...]] = Counter()
    for _ in range(100):
        pairs.update(combinations(sorted(share_out(names, load, set(), 3)), 2))
    assert set(load.values()) == {60}
    assert len(pairs) == 10
    assert max(pairs.values()) <= 2 * min(pairs.values())
    assert share_out(names, load, {"A", "B", "C", "D"}, 3) == ["E"]
    assert share_out(names, load, set(), 0) == []


def test_assigned_work_is_that_person_s(ledger: Ledger) -> None:
    fill(ledger, 4, slots=2)
    assert assign(ledger, ["A", "B", "C"], "curator", count=6) == {"A": 2, "B": 2, "C": 2}
    assert counts(ledger)["open"] == 2
    queue = Queue(ledger)
    got = {leased(queue, "D").map_key.scene_id for _ in range(1)}
    assert got == {"s0"}
    for name in "ABC":
        assert remaining(ledger, name) >= 2
        scenes = {leased(queue, name).map_key.scene_id for _ in range(2)}
        assert len(scenes) == 2


def test_scenes_that_were_withdrawn_are_given_to_nobody_and_what_was_drawn_is_kept(ledger: Ledger) -> None:
    fill(ledger, 5)
    queue = Queue(ledger)
    drawn = leased(queue, "A")
    hand_in(ledger, drawn)
    queue.return_(drawn.map_key, "R", "again")
    assert assign(ledger, ["A"], "curator", count=1) == {"A": 1}
    gone = {"s4", "s3", "s2"}  # returned to A, assigned to A, free
    assert waiting(ledger, {*gone, "elsewhere"}) == {"s2": 1, "s3": 1, "s4": 1}
    assert remaining(ledger, "A", without=gone) == 2
    assert assign(ledger, ["B"], "curator", count=1, without=gone) == {"B": 1}
    given = [leased(queue, name, without=gone).map_key.scene_id for name in ("B", "A")]  # type: ignore[arg-type]
    assert given == ["s1", "s0"]
    for name in "ABC":
        assert queue.lease(name, without=gone) is None
    assert len(ledger.corrections(drawn.map_key)) == 1
    back = gone - {"s4"}
    again = queue.lease("A", without=back)
    assert again is not None
    assert (again.map_key, again.comment) == (drawn.map_key, "again")
    queue.submit(again)
    assert [leased(queue, name).map_key.scene_id for name in ("A", "B")] == ["s3", "s2"]


def test_any_number_of_scenes_may_be_withdrawn(ledger: Ledger) -> None:
    fill(ledger, 2)
    gone = {f"elsewhere {i}'" for i in range(70_000)} | {"s1"}
    found = Queue(ledger).lease("A", without=gone)
    assert found is not None
    assert found.map_key.scene_id == "s0"


def test_figures_of_a_person(ledger: Ledger) -> None:
    fill(ledger, 2)
    queue = Queue(ledger)
    first = leased(queue, "A")
    hand_in(ledger, first)
    queue.return_(first.map_key, "R", "again")
    again = leased(queue, "A")
    queue.submit(again, active_seconds=20)
    queue.accept(first.map_key, "R")
    queue.skip(leased(queue, "A"), "blurred")
    (figures,) = throughput(ledger)
    assert (figures.annotator, figures.submitted, figures.accepted, figures.returned) == ("A", 1, 1, 1)
    assert (figures.skipped, figures.strokes, figures.median_seconds, figures.days) == (1, 1, 20, 1)


def test_many_at_once_never_share_a_slot(place: str) -> None:
    with Ledger.open(place, create=True) as ledger:
        fill(ledger, 12, slots=2)
    got: list[tuple[str, str]] = []

    def work(name: str) -> None:
        with Ledger.open(place) as mine:
            queue = Queue(mine)
            while (lease := queue.lease(name)) is not None:
                got.append((lease.map_key.scene_id, name))
                hand_in(mine, lease)

    threads = [threading.Thread(target=work, args=(name,)) for name in "ABCD"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)) == 24
    assert set(Counter(scene for scene, _ in got).values()) == {2}
    with Ledger.open(place) as ledger:
        assert list(ledger.tampering()) == []
        with ledger.database.read() as connection:
            assert connection.execute(sa.select(sa.func.count()).select_from(events)).scalar_one() == 12 + 48


def test_bad_requests_are_refused() -> None:
    for change in (
        {"slots": 0},
        {"priority": np.inf},
        {"reason": "x"},
        {"level": "Q1"},
        {"scene_id": "../x"},
    ):
        with pytest.raises(BadInputError):
            TaskRequest(**{"scene_id": "s", "level": "P0", "priority": 1.0, **change})  # type: ignore[arg-type]


def test_a_submission_is_recalled_until_somebody_reviews_it(ledger: Ledger) -> None:
    fill(ledger, 2)
    queue = Queue(ledger)
    first = leased(queue, "A")
    hand_in(ledger, first)
    assert throughput(ledger)[0].submitted == 1
    again = queue.recall(first.map_key)
    assert again.token > first.token
    assert again.map_key == first.map_key
    assert queue.state(first.map_key) == "leased"
    assert throughput(ledger)[0].submitted == 0
    with pytest.raises(LeaseLostError):
        queue.submit(first)
    draw(ledger, again, 7)
    queue.submit(again)
    queue.accept(first.map_key, "R")
    with pytest.raises(LedgerError, match="nothing here to recall"):
        queue.recall(first.map_key)
    assert queue.state(first.map_key) == "accepted"
    with pytest.raises(LedgerError, match="no such work"):
        queue.recall(MapKey("s9", "P0", "A"))
    assert throughput(ledger)[0].submitted == 1
    assert list(ledger.tampering()) == []


def test_what_annotators_say_reaches_the_curator(ledger: Ledger) -> None:
    fill(ledger, 3)
    queue = Queue(ledger)
    queue.skip(leased(queue, "A"), "my own photograph")
    lease = leased(queue, "A")
    queue.flag(lease, "a lamp = odd")
    draw(ledger, lease)
    queue.submit(lease, comment="not sure of the sky")
    hand_in(ledger, leased(queue, "A"))
    said = notes(ledger)
    assert [(n["event"], n["comment"]) for n in said] == [
        ("submit", "not sure of the sky"), ("flag", "a lamp = odd"), ("skip", "my own photograph"),
    ]  # fmt: skip
    assert {n["annotator"] for n in said} == {"A"}
    assert said[-1]["scene_id"] == "s2"
    assert abs(said[0]["time"] / 1e6 - time.time()) < 60


@pytest.mark.parametrize(
    ("name", "similar"),
    [("Ana Kowalska", "Anna Kowalska"), ("anna kowalska", "Anna Kowalska"), ("Anna  Kowalska.", "Anna Kowalska"),
     ("Łukasz", None), ("obrien", "O'Brien"), ("Jürgen M", "Jurgen M."), ("Zoe", None)],
)  # fmt: skip
def test_a_mistyped_name_is_told_from_a_new_one(ledger: Ledger, name: str, similar: str | None) -> None:
    assert recognise(ledger, name) == Recognised(False, None, False)
    set_annotator(ledger, "Anna Kowalska")
    fill(ledger, 2)
    assert leased(Queue(ledger), "O'Brien")
    ledger.append_correction(a_stroke(a_base(), 1, map_key=MapKey("solo", "P0", "Jurgen M."))[0])
    assert recognise(ledger, name) == Recognised(False, similar, True)
    for known in ("Anna Kowalska", "O'Brien", "Jurgen M."):
        assert recognise(ledger, known).known
