"""Open an image or a reference: pictures from the store, strokes from the ledger and the outbox."""

from dataclasses import replace

import numpy as np

from annotator.reference.state import Reference
from annotator.residual.state import Image
from annotator.shared.origin import origin_of
from iea40k.arrays import validity_from_codes
from iea40k.store.layout import Store
from iea40k.store.ledger import CorrectionDraft, Lease, Ledger, MapKey, Outbox, Waiting, ZoneDraft
from iea40k.store.ledger.entries import REFERENCE

Work = Image | Reference
"""What a task brings: an exposure whose residual is corrected, or a reference whose zones are set."""


def load_work(store: Store, lane: MapKey, ledger: Ledger, outbox: Outbox | None, lease: Lease | None) -> Work:
    """Return what the lane is about, with everything its person did. Raises `StoreError` or `CorruptDataError`."""
    load = load_reference if lane.level == REFERENCE else load_image
    return load(store, lane, ledger, outbox, lease)


def load_image(
    store: Store, lane: MapKey, ledger: Ledger | None, outbox: Outbox | None, lease: Lease | None = None
) -> Image:
    """Return the image of a lane with everything its person drew. Raises `StoreError` or `CorruptDataError`.

    Without a ledger (a store that is only looked at) there are no strokes.
    """
    origin = origin_of(store, lane.scene_id, ledger)
    image = Image(
        lane=lane,
        lease=lease,
        origin=origin,
        exposure=origin.exposure(lane.level),
        reference=origin.reference,
        base=origin.base(lane.level),
        flags=origin.outliers(lane.level),
        strokes=strokes_of(lane, ledger, outbox),
    )
    if lease is not None:
        for level in origin.levels:
            if level != lane.level:
                sibling = MapKey(lane.scene_id, level, lane.annotator, lane.purpose)
                image.others[level] = strokes_of(sibling, ledger, outbox)
    return image


def strokes_of(lane: MapKey, ledger: Ledger | None, outbox: Outbox | None) -> list[CorrectionDraft]:
    """Return a lane's strokes in the order drawn: those recorded, then those that wait in the outbox."""
    waiting = _waiting(lane, outbox)
    recorded: list[CorrectionDraft] = list(ledger.corrections(lane)) if ledger is not None else []
    known = {stroke.stroke_id for stroke in recorded}
    return recorded + [d for d in waiting if isinstance(d, CorrectionDraft) and d.stroke_id not in known]


def edits_of(lane: MapKey, ledger: Ledger, outbox: Outbox | None) -> list[ZoneDraft]:
    """Return a lane's zone edits in the order made: those recorded, then those that wait in the outbox."""
    waiting = _waiting(lane, outbox)
    recorded: list[ZoneDraft] = list(ledger.zone_edits(lane))
    known = {edit.stroke_id for edit in recorded}
    return recorded + [d for d in waiting if isinstance(d, ZoneDraft) and d.stroke_id not in known]


def load_reference(
    store: Store, lane: MapKey, ledger: Ledger, outbox: Outbox | None, lease: Lease | None = None
) -> Reference:
    """Return the reference of a lane with its person's zone edits. Raises `StoreError` or `CorruptDataError`."""
    origin = origin_of(store, lane.scene_id, ledger)
    scene = origin.scene
    valid = np.zeros(scene.shape, np.bool_)
    for level in scene.levels:
        valid |= validity_from_codes(scene.residual(level))
    return Reference(
        lane=lane,
        lease=lease,
        origin=origin,
        base=scene.reference(),
        valid=valid,
        edits=edits_of(lane, ledger, outbox),
    )


def load_level(image: Image, level: str) -> Image:
    """Return another level of an open image's scene, to look at or to carry a correction to."""
    origin = image.origin
    return Image(
        lane=replace(image.lane, level=level),
        lease=None,
        origin=origin,
        exposure=origin.exposure(level),
        reference=image.reference,
        base=origin.base(level),
        flags=origin.outliers(level),
        strokes=list(image.others.get(level, [])),
    )


def waiting_in(outbox: Outbox) -> list[Waiting]:
    """Return what waits in an outbox from which a courier is sending: a file may go while the folder is read."""
    while True:
        try:
            return outbox.waiting()
        except FileNotFoundError:
            continue


def _waiting(lane: MapKey, outbox: Outbox | None) -> list[CorrectionDraft | ZoneDraft]:
    # Read before the ledger is: what leaves the outbox in between is then found in the ledger.
    waiting = waiting_in(outbox) if outbox is not None else []
    return [w.draft for w in waiting if w.draft.map_key == lane]
