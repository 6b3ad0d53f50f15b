"""Strokes on a base that has since been rebuilt: find them, and offer them to a person again."""

from dataclasses import dataclass

import numpy as np

from iea40k.arrays import INVALID_CODE, EncodedRGB, ResidualCodes, Validity
from iea40k.errors import StoreError
from iea40k.store.digests import array_digest
from iea40k.store.layout import Store
from iea40k.store.ledger.corrected import corrected_reference, read_record, residual_base
from iea40k.store.ledger.entries import (
    REFERENCE,
    Correction,
    CorrectionDraft,
    CorrectionKind,
    MapKey,
    ZoneDraft,
)
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.patch import PackedPatch, Patch
from iea40k.store.ledger.queue import Queue
from iea40k.store.ledger.replay import replay
from iea40k.store.ledger.zone_replay import replay_zones


@dataclass(frozen=True)
class StaleMap:
    """A map with standing strokes on another base than today's, its state, and whether it was returned just now."""

    map_key: MapKey
    strokes: int
    state: str
    returned: bool = False


def stale_maps(ledger: Ledger, store: Store) -> list[StaleMap]:
    """Return every map of the store's scenes that has stale strokes, and maps whose scene or level is gone."""
    ledger.check_sees_all()
    return [map_key for scene_id in ledger.painted_scenes() for map_key in _of_scene(ledger, store, scene_id)]


def offer_stale(ledger: Ledger, store: Store, actor: str) -> list[StaleMap]:
    """Return finished work with stale strokes to its authors, who adopt each stroke on the new base or undo it."""
    offered: list[StaleMap] = []
    for found in stale_maps(ledger, store):
        finished = found.state in ("submitted", "in_review", "accepted")
        if finished:
            Queue(ledger).return_(
                found.map_key, actor, f"the base was rebuilt: {found.strokes} strokes want another look"
            )
        offered.append(StaleMap(found.map_key, found.strokes, found.state, finished))
    return offered


def adopt(
    map_key: MapKey,
    base: ResidualCodes,
    current: ResidualCodes,
    wanted: ResidualCodes,
    *,
    touched: Validity | None = None,
    kind: CorrectionKind = "adopt",
    supersedes: str | None = None,
) -> CorrectionDraft | None:
    """Return the stroke that takes the map from `current` to `wanted`, both (H, W) int16; None where they are equal.

    For codes taken from elsewhere: the consensus an adjudicator starts from, a colleague's map, another level.
    """
    patch = Patch.between(current, wanted, touched)
    if patch is None:
        return None
    return CorrectionDraft(
        map_key=map_key,
        image_shape=(base.shape[0], base.shape[1]),
        base_digest=array_digest(base),
        kind=kind,
        patch=PackedPatch.of(patch),
        supersedes=supersedes,
    )


def adopt_stale(stroke: Correction, base: ResidualCodes, current: ResidualCodes) -> CorrectionDraft | None:
    """Return the draft that draws a stale stroke again, on today's base, in its stead.

    Pixels that have no valid data today are left out; None where none is left, or the image has another size.
    """
    if stroke.patch is None or stroke.image_shape != base.shape:
        return None
    wanted, touched = current.copy(), np.zeros(base.shape, np.bool_)
    stroke.patch.paint(wanted)
    stroke.patch.touch(touched)
    touched &= base != INVALID_CODE
    wanted[~touched] = current[~touched]
    return adopt(stroke.map_key, base, current, wanted, touched=touched, supersedes=stroke.stroke_id)


def adopt_stale_edit(edit: ZoneDraft, reference: EncodedRGB) -> ZoneDraft | None:
    """Return the draft that makes a stale zone edit again, on today's `reference` (H, W, 3) as built, in its stead.

    The same shift of the same pixels; None for a clear, or where the picture has another size.
    """
    if edit.weights is None or edit.image_shape != reference.shape[:2]:
        return None
    return ZoneDraft(
        map_key=edit.map_key,
        image_shape=edit.image_shape,
        base_digest=array_digest(reference),
        kind="zone",
        weights=edit.weights,
        old_zone=edit.old_zone,
        new_zone=edit.new_zone,
        tool=edit.tool,
        supersedes=edit.stroke_id,
    )


def _of_scene(ledger: Ledger, store: Store, scene_id: str) -> list[StaleMap]:
    record = read_record(ledger, scene_id)
    found: list[StaleMap] = []
    try:
        scene = store.open_scene(scene_id)
    except StoreError:
        map_keys = {**record.corrections, **record.zone_edits}
        return [
            StaleMap(map_key, len(strokes), record.work(map_key).state)
            for map_key, strokes in map_keys.items()
        ]
    reference = corrected_reference(scene, record)
    for map_key, edits in record.zone_edits.items():
        count = len(replay_zones(scene.reference(), edits).stale)
        found += [StaleMap(map_key, count, record.work(map_key).state)] if count else []
    for map_key, strokes in record.corrections.items():
        if map_key.level in scene.levels:
            base = residual_base(scene, map_key.level, record, reference)
            count = len(replay(base, strokes).stale)
        else:
            count = len(strokes)
        found += [StaleMap(map_key, count, record.work(map_key).state)] if count else []
    return sorted(found, key=lambda s: (s.map_key.level != REFERENCE, s.map_key.level, s.map_key.annotator))
