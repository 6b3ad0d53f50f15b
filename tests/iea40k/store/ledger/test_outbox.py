import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from iea40k.errors import BadInputError, CorruptDataError, LeaseLostError
from iea40k.store.digests import array_digest
from iea40k.store.ledger import (
    Ledger,
    MapKey,
    Outbox,
    PackedWeights,
    Queue,
    TaskRequest,
    ZoneDraft,
    add_tasks,
    step_draft,
)
from tests.iea40k.store.ledger.conftest import MAP, a_base, a_stroke


def test_a_lost_lease_costs_no_stroke(place: str, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    base = a_base()
    with Ledger.open(place, create=True) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "P0", 1)], "curator")
        queue = Queue(ledger)
        lease = queue.lease("A", ttl_seconds=0.01)
        assert lease is not None
        codes, log = base, []
        for number in range(4):
            draft, codes = a_stroke(codes, number, map_key=lease.map_key, base=base)
            log.append(draft)
        outbox.put(log[0])
        assert outbox.submit(ledger, lambda _: lease).recorded == 1
        time.sleep(0.05)
        other = queue.lease("B")
        assert other is not None
        for draft in log[1:]:
            outbox.put(draft)
        delivery = outbox.submit(ledger, lambda _: lease)
        assert len(outbox) == 3
        assert len(ledger.corrections(lease.map_key)) == 1
        assert delivery.recorded == 0
        assert all(isinstance(error, LeaseLostError) for _, error in delivery.waiting)
        queue.give_back(other)
        again = queue.lease("A")
        assert again is not None
        assert outbox.submit(ledger, lambda _: again).recorded == 3
        assert len(outbox) == 0
        assert np.array_equal(ledger.replayed(lease.map_key, base).codes, codes)


@pytest.mark.postgres
def test_a_server_that_is_gone_for_a_while_costs_no_stroke(
    postgresql_url: str, postgresql_server: sa.Engine, tmp_path: Path
) -> None:
    outbox = Outbox(tmp_path / "outbox")
    base = a_base()
    name = sa.make_url(postgresql_url).database
    with Ledger.open(postgresql_url, create=True) as ledger, postgresql_server.connect() as server:
        first, one = a_stroke(base, 1)
        outbox.put(first)
        assert outbox.submit(ledger, lambda _: None).recorded == 1
        server.execute(sa.text(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false"))
        server.execute(
            sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": name},
        )
        second, two = a_stroke(one, 2, base=base)
        third, three = a_stroke(two, 3, base=base)
        for draft in (second, third):
            outbox.put(draft)
        assert outbox.submit(ledger, lambda _: None).recorded == 0
        server.execute(sa.text(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true"))
        assert outbox.submit(ledger, lambda _: None).recorded == 2
        assert np.array_equal(ledger.replayed(MAP, base).codes, three)
        assert len(outbox) == 0


def test_an_undo_drawn_offline_is_submitted_in_order(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "box")
    base = a_base()
    first, one = a_stroke(base, 1)
    second, _ = a_stroke(one, 2, base=base)
    undo = step_draft([first, second])
    assert undo is not None
    for draft in (first, second, undo):
        outbox.put(draft)
    with Ledger.open(tmp_path, create=True) as ledger:
        assert Outbox(tmp_path / "box").submit(ledger, lambda _: None).recorded == 3
        assert np.array_equal(ledger.replayed(MAP, base).codes, one)


def test_a_stroke_that_was_recorded_before_the_crash_is_not_recorded_twice(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "box")
    draft, _ = a_stroke(a_base(), 1)
    with Ledger.open(tmp_path, create=True) as ledger:
        ledger.append_correction(draft)
        outbox.put(draft)
        assert outbox.submit(ledger, lambda _: None).recorded == 1
        assert ledger.cursor() == 1


def test_a_refused_stroke_holds_back_its_own_map_only(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "box")
    base = a_base()
    other = MapKey("s2", "P0", "O'Brien")
    orphan = step_draft([a_stroke(base, 1)[0]])
    assert orphan is not None
    later = a_stroke(base, 2)[0]
    for draft in (orphan, later, a_stroke(base, 3, map_key=other)[0]):
        outbox.put(draft)
    with Ledger.open(tmp_path, create=True) as ledger:
        delivery = outbox.submit(ledger, lambda _: None)
        assert delivery.recorded == 1
        assert [w.draft for w, _ in delivery.waiting] == [orphan, later]
        outbox.put(a_stroke(base, 4)[0])
        for item, _ in delivery.waiting:
            outbox.discard(item)
        assert len(outbox.waiting()) == 1


def test_a_stroke_that_is_bad_in_itself_is_told_and_kept(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "box")
    draft, _ = a_stroke(a_base(), 1)
    with Ledger.open(tmp_path, create=True) as ledger:
        ledger.append_correction(draft)
        outbox.put(replace(a_stroke(a_base(), 2)[0], stroke_id=draft.stroke_id))
        (_, error), *more = outbox.submit(ledger, lambda _: None).waiting
    assert not more
    assert isinstance(error, BadInputError)
    assert "used before" in str(error)
    assert len(outbox) == 1


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20)
def test_what_waits_is_what_was_put(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    outbox = Outbox(tmp_path_factory.mktemp("box"))
    draft, _ = a_stroke(a_base(), seed)
    weights = np.random.default_rng(seed).integers(0, 256, (24, 32)).astype(np.uint8)
    zone = ZoneDraft(
        map_key=MapKey("s1", "reference", "A"),
        image_shape=(24, 32),
        base_digest=array_digest(weights),
        kind="zone",
        weights=PackedWeights.of(weights),
        old_zone=900,
        new_zone=1280,
    )
    for item in (draft, zone):
        outbox.put(item)
    assert [w.draft for w in outbox.waiting()] == [draft, zone]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "iea40k-outbox-1"}', '{"format": "x"}'])
def test_a_spoilt_file_is_named(tmp_path: Path, text: str) -> None:
    outbox = Outbox(tmp_path)
    file = outbox.put(a_stroke(a_base(), 1)[0])
    file.write_text(text)
    with pytest.raises(CorruptDataError, match=file.name):
        outbox.waiting()
    spoilt = file.with_suffix(".spoilt")
    file.rename(spoilt)
    assert outbox.waiting() == []


def test_what_a_kill_left_in_the_middle_of_writing_is_cleaned_and_nothing_else(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "box")
    kept = box.put(a_stroke(a_base(), 1)[0])
    left = [box.folder / f".{kept.stem[:40]}-{n}.json" for n in range(2)]
    for file in left:
        file.write_text('{"half": ')
    for old in (kept, left[0]):
        os.utime(old, (1e9, 1e9))
    again = Outbox(box.folder)
    assert [file.exists() for file in left] == [False, True]  # the other may be somebody's who is writing now
    assert [item.file for item in again.waiting()] == [kept]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="sees what is flushed through /proc")
def test_the_names_of_new_parents_are_on_the_disk_before_a_stroke_is_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut forgets a folder whose name in its parent was not flushed, and the stroke with it."""
    flushed: list[Path] = []
    fsync = os.fsync

    def seen(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", seen)
    box = Outbox(tmp_path / "user" / "store" / "outbox")
    box.put(a_stroke(a_base(), 1)[0])
    assert {tmp_path, tmp_path / "user", tmp_path / "user" / "store", box.folder} <= set(flushed)
    flushed.clear()
    box.put(a_stroke(a_base(), 2)[0])
    assert tmp_path not in flushed
