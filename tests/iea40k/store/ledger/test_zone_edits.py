import numpy as np
import pytest

from iea40k.errors import ArrayError, BadInputError
from iea40k.store.digests import array_digest
from iea40k.store.ledger import Ledger, MapKey, PackedWeights, ZoneDraft
from iea40k.store.ledger.zone_replay import replay_zones, zone_draft
from iea40k.zones import block_zone, zone_change
from tests.iea40k.store.ledger.conftest import redo, undo

MAP = MapKey("s1", "reference", "Ana")


def a_reference() -> np.ndarray:
    y, x = np.mgrid[0:40, 0:60]
    return np.stack([60 + x, 80 + y, 100 + x // 2], axis=-1).astype(np.uint8)


def test_a_zone_set_is_reached_and_survives_a_reopening(place: str) -> None:
    reference = a_reference()
    left = np.zeros((40, 60), np.bool_)
    left[:, :30] = True
    with Ledger.open(place, create=True) as ledger:
        picture = reference
        for block, zone in ((left, 6.0), (~left, 4.0), (left, 5.0)):
            ledger.append(zone_draft(MAP, reference, zone_change(picture, block, zone, radius=2)))
            picture = replay_zones(reference, ledger.zone_edits(MAP)).picture
        assert block_zone(picture[:, :28], np.ones((40, 28), np.bool_)) == pytest.approx(5, abs=0.1)
        assert block_zone(picture[:, 32:], np.ones((40, 28), np.bool_)) == pytest.approx(4, abs=0.1)
    with Ledger.open(place) as ledger:
        replayed = replay_zones(reference, ledger.zone_edits(MAP))
        assert np.array_equal(replayed.picture, picture)
        assert replayed.touched.all()
        for _ in range(3):
            assert undo(ledger, MAP)
        replayed = replay_zones(reference, ledger.zone_edits(MAP))
        assert np.array_equal(replayed.picture, reference)
        assert not replayed.touched.any()
        redo(ledger, MAP)
        assert replay_zones(reference, ledger.zone_edits(MAP)).touched.any()
        assert list(ledger.tampering()) == []


def test_the_order_of_edits_does_not_matter_and_a_clear_ends_them() -> None:
    reference = a_reference()
    rng = np.random.default_rng(1)
    from tests.iea40k.store.ledger.test_replay import recorded_zone

    drafts = []
    for _ in range(4):
        block = np.zeros((40, 60), np.bool_)
        block[rng.integers(0, 20) :, : rng.integers(10, 60)] = True
        drafts.append(zone_draft(MAP, reference, zone_change(reference, block, float(rng.uniform(3, 7)))))
    log = [recorded_zone(d, i) for i, d in enumerate(drafts)]
    forward, backward = replay_zones(reference, log), replay_zones(reference, log[::-1])
    assert np.array_equal(forward.picture, backward.picture)
    assert np.array_equal(forward.shift, backward.shift)
    clear = ZoneDraft(map_key=MAP, image_shape=(40, 60), base_digest=array_digest(reference), kind="clear")
    assert np.array_equal(replay_zones(reference, [*log, recorded_zone(clear, 9)]).picture, reference)


def test_edits_of_a_rebuilt_reference_are_stale() -> None:
    from tests.iea40k.store.ledger.test_replay import recorded_zone

    reference = a_reference()
    edit = recorded_zone(zone_draft(MAP, reference, zone_change(reference, reference[..., 0] > 80, 6)), 1)
    rebuilt = reference + np.uint8(1)
    replayed = replay_zones(rebuilt, [edit])
    assert replayed.stale == (edit,)
    assert np.array_equal(replayed.picture, rebuilt)


def test_bad_edits_are_refused() -> None:
    reference = a_reference()
    weights = PackedWeights.of(np.full((40, 60), 255, np.uint8))
    good = {"map_key": MAP, "image_shape": (40, 60), "base_digest": array_digest(reference), "kind": "zone"}
    for bad in (
        {"weights": weights, "old_zone": 1, "new_zone": 2561},
        {"weights": weights, "old_zone": 1, "new_zone": -1},
        {"weights": weights, "old_zone": None, "new_zone": 3},
        {"weights": None},
        {"weights": weights, "old_zone": 1, "new_zone": 2, "map_key": MapKey("s1", "P0", "A")},
        {"weights": weights, "old_zone": 1, "new_zone": 2, "kind": "brush"},
    ):
        with pytest.raises(BadInputError):
            ZoneDraft(**{**good, **bad})
    with pytest.raises(ArrayError, match="outside"):
        ZoneDraft(**{**good, "weights": weights, "old_zone": 1, "new_zone": 2, "image_shape": (39, 60)})
    with pytest.raises(ArrayError):
        PackedWeights.of(np.zeros((4, 4), np.uint8))
