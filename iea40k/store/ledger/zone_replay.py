"""Replay of zone edits: what the standing ones make of a reference. Pure, and exact to the byte."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iea40k.arrays import EncodedRGB, Validity
from iea40k.errors import ArrayError
from iea40k.store.digests import array_digest
from iea40k.store.ledger.entries import MapKey, ZoneDraft, ZoneEdit
from iea40k.store.ledger.replay import history
from iea40k.store.ledger.weights import PackedWeights
from iea40k.zones import ShiftMap, ZoneChange, apply_shift


@dataclass(frozen=True, eq=False)
class ReplayedReference:
    """A map of zone edits replayed on its reference.

    - `picture` (H, W, 3) uint8; `shift` (H, W) int32, see `iea40k.zones.ShiftMap`
    - `touched` (H, W) bool, True where an edit has weight
    - `applied` made it; `stale` were made on another reference, were not applied, and wait for a person
    """

    picture: EncodedRGB
    shift: ShiftMap
    touched: Validity
    applied: tuple[ZoneEdit, ...]
    stale: tuple[ZoneEdit, ...]


def replay_zones(reference: EncodedRGB, edits: Sequence[ZoneEdit]) -> ReplayedReference:
    """Return one map's zone edits, in the order recorded, replayed over `reference` (H, W, 3) uint8."""
    digest = array_digest(reference)
    shift, touched = np.zeros(reference.shape[:2], np.int32), np.zeros(reference.shape[:2], np.bool_)
    applied: list[ZoneEdit] = []
    stale: list[ZoneEdit] = []
    for edit in history(edits).standing:
        if edit.base_digest != digest:
            stale.append(edit)
            continue
        if edit.image_shape != reference.shape[:2]:
            raise ArrayError("a zone edit's image has another size", expected=f"{reference.shape[:2]}")
        if edit.weights is None or edit.old_zone is None or edit.new_zone is None:
            shift[...], touched[...] = 0, False
        else:
            shift[edit.weights.box] += edit.weights.unpack().astype(np.int32) * (
                edit.new_zone - edit.old_zone
            )
            edit.weights.touch(touched)
        applied.append(edit)
    return ReplayedReference(apply_shift(reference, shift), shift, touched, tuple(applied), tuple(stale))


def zone_draft(map_key: MapKey, reference: EncodedRGB, change: ZoneChange) -> ZoneDraft:
    """Return the draft of a change; `reference` is the built one, which the whole map is replayed over."""
    return ZoneDraft(
        map_key=map_key,
        image_shape=(reference.shape[0], reference.shape[1]),
        base_digest=array_digest(reference),
        kind="zone",
        weights=PackedWeights.of(change.weights),
        old_zone=change.old_zone,
        new_zone=change.new_zone,
    )
