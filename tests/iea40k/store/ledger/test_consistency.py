"""People with planted inconsistencies map the same images again and against an adjudicator."""

from pathlib import Path

import numpy as np
import pytest

from iea40k.errors import BadInputError
from iea40k.store.digests import array_digest
from iea40k.store.layout import Store
from iea40k.store.ledger import CorrectionDraft, Ledger, PackedPatch, Patch, Queue, TaskRequest, add_tasks
from iea40k.store.ledger.consistency import own_consistency
from iea40k.store.ledger.entries import Lease, MapKey
from pipelines.agreement import measure
from tests.builders import built_scene

OFFSET = {"Anna": 100, "Boris": -300, "Judge": 500}
AGAIN = {"Anna": 40, "Boris": -160}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "store")
    for number in range(3):
        store.write_scene(built_scene(f"s{number}", seed=number))
    return store


@pytest.fixture
def painted(store: Store, ledger: Ledger) -> Ledger:
    """Both map three images, two of them again; the judge maps one and finds the consensus of another right."""
    add_tasks(ledger, [TaskRequest(f"s{n}", "P1", 9 - n, slots=2) for n in range(3)], "carla")
    again = [TaskRequest(f"s{n}", "P1", 1, slots=2, purpose="repeat") for n in range(2)]
    add_tasks(ledger, again, "carla")
    gold = [TaskRequest(f"s{n}", "P1", 9 - n, purpose="adjudication") for n in range(2)]
    add_tasks(ledger, gold, "carla")
    queue = Queue(ledger)
    for name in ("Anna", "Boris"):
        while (lease := queue.lease(name)) is not None:
            wide = lease.map_key.purpose == "repeat"
            paint(ledger, store, lease, OFFSET[name] + (AGAIN[name] if wide else 0), wide=wide)
    paint(ledger, store, lease_for_judge(queue), OFFSET["Judge"])
    queue.submit(lease_for_judge(queue), verdict="consensus is right")
    return ledger


def lease_for_judge(queue: Queue) -> Lease:
    lease = queue.lease("Judge", purposes=("adjudication",))
    assert lease is not None
    return lease


def paint(ledger: Ledger, store: Store, lease: Lease, code: int, *, wide: bool = False) -> None:
    """Set a box of 4 x 5 valid pixels to a code, or with `wide` one of 4 x 10 that holds it."""
    base = store.open_scene(lease.map_key.scene_id).residual(lease.map_key.level)
    touched = np.zeros(base.shape, np.bool_)
    touched[4:8, 6 : 16 if wide else 11] = True
    patch = Patch.between(base, np.where(touched, np.int16(code), base).astype(np.int16), touched)
    assert patch is not None
    ledger.append_correction(
        CorrectionDraft(
            map_key=lease.map_key,
            image_shape=base.shape,
            base_digest=array_digest(base),
            kind="range",
            patch=PackedPatch.of(patch),
        ),
        lease,
    )
    Queue(ledger).submit(lease)


def accept_all(ledger: Ledger) -> None:
    queue = Queue(ledger)
    for number in range(3):
        for name in ("Anna", "Boris"):
            queue.accept(MapKey(f"s{number}", "P1", name), "carla")
    for number in range(2):
        map_key = MapKey(f"s{number}", "P1", "Judge", "adjudication")
        if queue.state(map_key) == "submitted":
            queue.accept(map_key, "carla")


def planted_repeat(store: Store, name: str) -> float:
    """Mean over the two images of: 20 pixels painted twice, 20 painted only the second time, over the base."""
    found = []
    for number in range(2):
        rest = store.open_scene(f"s{number}").residual("P1")[4:8, 11:16].astype(float)
        second = OFFSET[name] + AGAIN[name]
        found.append((20 * abs(AGAIN[name]) + np.abs(rest - second).sum()) / 40)
    return float(np.mean(found)) / 32640


def test_the_planted_inconsistency_is_found(painted: Ledger, store: Store) -> None:
    for name in ("Anna", "Boris"):
        found = own_consistency(painted, store, name)
        assert found.repeats == 2
        assert found.repeat_difference == pytest.approx(planted_repeat(store, name))
        latest = own_consistency(painted, store, name, most=1)
        assert latest.repeats == 1


def test_gold_counts_once_both_maps_are_accepted(painted: Ledger, store: Store) -> None:
    assert own_consistency(painted, store, "Anna").gold == 0
    Queue(painted).accept(MapKey("s0", "P1", "Judge", "adjudication"), "carla")
    assert own_consistency(painted, store, "Anna").gold == 0
    accept_all(painted)
    for name in ("Anna", "Boris"):
        found = own_consistency(painted, store, name)
        assert found.gold == 1  # s1's verdict is that the consensus is right
        assert found.gold_difference == pytest.approx(abs(OFFSET[name] - OFFSET["Judge"]) / 32640)


def test_it_is_what_the_curator_s_table_says(painted: Ledger, store: Store) -> None:
    accept_all(painted)
    report = measure(store, painted)
    for name in ("Anna", "Boris"):
        own = own_consistency(painted, store, name)
        repeats = {c.annotator: (c.images, c.mae) for c in report.consistency}
        gold = {c.annotator: (c.images, c.mae) for c in report.against_adjudicator}
        assert repeats[name] == (own.repeats, own.repeat_difference)
        assert gold[name] == (own.gold, own.gold_difference)


def test_a_base_that_was_rebuilt_and_a_scene_that_is_gone_are_not_counted(
    painted: Ledger, store: Store, tmp_path: Path
) -> None:
    accept_all(painted)
    other = Store.create(tmp_path / "other")
    other.write_scene(built_scene("s0", seed=99))  # s0 anew, s1 and s2 gone
    found = own_consistency(painted, other, "Anna")
    assert (found.repeats, found.repeat_difference) == (0, None)
    assert (found.gold, found.gold_difference) == (0, None)


def test_somebody_new_has_no_figure(painted: Ledger, store: Store) -> None:
    found = own_consistency(painted, store, "Zoë")
    assert (found.repeats, found.repeat_difference, found.gold, found.gold_difference) == (0, None, 0, None)
    with pytest.raises(BadInputError):
        own_consistency(painted, store, "=1+1")
