from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from iea40k.arrays import INVALID_CODE
from iea40k.scene import NO_UNCERTAINTY
from iea40k.store.digests import array_digest
from iea40k.store.layout import Store
from iea40k.store.ledger import (
    CorrectionDraft,
    Ledger,
    MapKey,
    PackedPatch,
    Patch,
    Queue,
    TaskRequest,
    add_tasks,
)
from iea40k.store.ledger.corrected import corrected_reference, corrected_residual, read_record, residual_base
from iea40k.store.ledger.rereview import adopt, adopt_stale, offer_stale, stale_maps
from iea40k.store.ledger.zone_replay import zone_draft
from iea40k.zones import zone_change
from tests.builders import built_scene
from tests.iea40k.store.ledger.conftest import undo

BOX = np.s_[4:9, 6:12]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "store")
    store.write_scene(built_scene())
    return store


@pytest.fixture
def ledger(store: Store) -> Iterator[Ledger]:
    with Ledger.open(store.path, create=True) as opened:
        yield opened


def set_box(
    map_key: MapKey, base: np.ndarray, value: int, current: np.ndarray | None = None
) -> CorrectionDraft:
    current = base if current is None else current
    after, touched = current.copy(), np.zeros(base.shape, np.bool_)
    after[BOX] = value
    touched[BOX] = True
    patch = Patch.between(current, after, touched)
    assert patch is not None
    return CorrectionDraft(
        map_key=map_key,
        image_shape=base.shape,
        base_digest=array_digest(base),
        kind="fill",
        patch=PackedPatch.of(patch),
    )


def hand_in(
    ledger: Ledger, annotator: str, base: np.ndarray, value: int | None, purpose: str = "expert"
) -> MapKey:
    queue = Queue(ledger)
    lease = queue.lease(annotator, purposes=(purpose,))
    assert lease is not None
    if value is None:
        queue.submit(lease, verdict="base is right" if purpose == "expert" else "consensus is right")
    else:
        ledger.append_correction(set_box(lease.map_key, base, value), lease)
        queue.submit(lease)
    queue.accept(lease.map_key, "R")
    return lease.map_key


def test_nothing_in_the_ledger_is_the_built_scene(store: Store, ledger: Ledger) -> None:
    scene = store.open_scene("scene_1")
    record = read_record(ledger, "scene_1")
    found = corrected_residual(scene, "P0", record)
    assert np.array_equal(found.codes, scene.residual("P0"))
    assert (found.disagreement == NO_UNCERTAINTY).all()
    assert not found.touched.any()
    assert found.experts == ()
    assert np.array_equal(corrected_reference(scene, record).picture, scene.reference())


def test_the_median_of_the_accepted_counts_and_nothing_else(store: Store, ledger: Ledger) -> None:
    scene = store.open_scene("scene_1")
    base = scene.residual("P0")
    add_tasks(ledger, [TaskRequest("scene_1", "P0", 1, slots=5)], "c")
    for name, value in (("A", 1000), ("B", 3000), ("C", None)):
        hand_in(ledger, name, base, value)
    queue = Queue(ledger)
    pending = queue.lease("D")
    assert pending is not None
    ledger.append_correction(set_box(pending.map_key, base, 30000), pending)
    found = corrected_residual(scene, "P0", read_record(ledger, "scene_1"))
    expected = base.copy()
    expected[BOX] = np.median(np.stack([np.full_like(base, 1000), np.full_like(base, 3000), base]), axis=0)[
        BOX
    ]
    assert np.array_equal(found.codes, expected)
    assert found.experts == ("A", "B", "C")
    assert int(found.touched.sum()) == 30
    assert (found.disagreement[base == INVALID_CODE] == NO_UNCERTAINTY).all()
    assert (found.disagreement[20:, 20:] == 0).all()
    assert found.disagreement[BOX].max() > 0


def test_a_cursor_keeps_its_map_when_work_goes_on(store: Store, ledger: Ledger) -> None:
    scene = store.open_scene("scene_1")
    base = scene.residual("P0")
    add_tasks(ledger, [TaskRequest("scene_1", "P0", 1, slots=2)], "c")
    map_key = hand_in(ledger, "A", base, 1000)
    cursor = ledger.cursor()
    before = corrected_residual(scene, "P0", read_record(ledger, "scene_1", cursor))
    Queue(ledger).return_(map_key, "R", "again")
    hand_in(ledger, "B", base, -5000)
    after = corrected_residual(scene, "P0", read_record(ledger, "scene_1", cursor))
    assert np.array_equal(before.codes, after.codes)
    assert after.experts == ("A",)
    assert corrected_residual(scene, "P0", read_record(ledger, "scene_1")).experts == ("B",)


def test_an_adjudicator_overrides_unless_the_consensus_is_right(store: Store, ledger: Ledger) -> None:
    scene = store.open_scene("scene_1")
    base = scene.residual("P0")
    add_tasks(ledger, [TaskRequest("scene_1", "P0", 1)], "c")
    hand_in(ledger, "A", base, 1000)
    add_tasks(ledger, [TaskRequest("scene_1", "P0", 1, purpose="adjudication")], "c")
    map_key = hand_in(ledger, "J", base, None, "adjudication")
    found = corrected_residual(scene, "P0", read_record(ledger, "scene_1"))
    assert (found.codes[BOX] == 1000).all()
    assert found.adjudicator is None
    queue = Queue(ledger)
    queue.return_(map_key, "R", "paint it")
    lease = queue.lease("J", purposes=("adjudication",))
    assert lease is not None
    start = adopt(map_key, base, base, found.codes)
    assert start is not None
    ledger.append_correction(start, lease)
    ledger.append_correction(set_box(map_key, base, 1500, found.codes), lease)
    queue.submit(lease)
    queue.accept(map_key, "R")
    found = corrected_residual(scene, "P0", read_record(ledger, "scene_1"))
    assert (found.codes[BOX] == 1500).all()
    assert found.adjudicator == "J"
    assert found.experts == ("A",)


def test_strokes_without_a_queue_count_while_they_stand(store: Store, ledger: Ledger) -> None:
    scene = store.open_scene("scene_1")
    map_key = MapKey("scene_1", "P0", "solo")
    ledger.append_correction(set_box(map_key, scene.residual("P0"), 700))
    found = corrected_residual(scene, "P0", read_record(ledger, "scene_1"))
    assert (found.codes[BOX] == 700).all()
    undo(ledger, map_key)
    found = corrected_residual(scene, "P0", read_record(ledger, "scene_1"))
    assert found.experts == ()
    assert np.array_equal(found.codes, scene.residual("P0"))


def test_a_zone_edit_moves_the_base_of_every_level(store: Store, ledger: Ledger) -> None:
    scene = store.open_scene("scene_1")
    map_key = MapKey("scene_1", "reference", "solo")
    everything = np.ones(scene.shape, np.bool_)
    change = zone_change(scene.reference(), everything, 6.0)
    ledger.append(zone_draft(map_key, scene.reference(), change))
    record = read_record(ledger, "scene_1")
    reference = corrected_reference(scene, record)
    assert reference.changed
    assert reference.picture.mean() > scene.reference().mean()
    for level in scene.levels:
        built, base = scene.residual(level), residual_base(scene, level, record, reference)
        valid = built != INVALID_CODE
        assert np.array_equal(valid, base != INVALID_CODE)
        assert (base[valid] >= built[valid]).all()
        assert base[valid].mean() > built[valid].mean() + 500


def test_a_rebuilt_scene_sends_its_strokes_back_and_they_can_be_drawn_again(
    store: Store, ledger: Ledger
) -> None:
    base = store.open_scene("scene_1").residual("P1")
    add_tasks(ledger, [TaskRequest("scene_1", "P1", 1)], "c")
    map_key = hand_in(ledger, "A", base, 1000)
    assert stale_maps(ledger, store) == []
    store.discard_scene("scene_1")
    gone = stale_maps(ledger, store)
    assert [(s.map_key, s.strokes) for s in gone] == [(map_key, 1)]
    store.write_scene(built_scene(seed=5))
    scene = store.open_scene("scene_1")
    rebuilt = scene.residual("P1")
    found = corrected_residual(scene, "P1", read_record(ledger, "scene_1"))
    assert np.array_equal(found.codes, rebuilt)
    assert len(found.stale) == 1
    (offered,) = offer_stale(ledger, store, "curator")
    assert offered.returned
    lease = Queue(ledger).lease("A")
    assert lease is not None
    assert "rebuilt" in lease.comment
    again = adopt_stale(found.stale[0], rebuilt, rebuilt)
    assert again is not None
    ledger.append_correction(again, lease)
    Queue(ledger).submit(lease)
    Queue(ledger).accept(map_key, "R")
    found = corrected_residual(scene, "P1", read_record(ledger, "scene_1"))
    assert (found.codes[BOX] == 1000).all()
    assert found.stale == ()
    assert stale_maps(ledger, store) == []
