"""Open an image or a reference: pictures from the store, strokes from the ledger and the outbox."""

import numpy as np

from annotator.reference.state import Reference
from annotator.residual.state import Image
from annotator.session.base import Work
from annotator.shared.origin import origin_of
from iea40k.arrays import validity_from_codes
from iea40k.store.layout import Store
from iea40k.store.ledger import CorrectionDraft, Lease, Ledger, MapKey, Outbox, Waiting, ZoneDraft
from iea40k.store.ledger.entries import REFERENCE


def load_work(store: Store, key: MapKey, ledger: Ledger, outbox: Outbox | None, lease: Lease | None) -> Work:
    """Return what a map is about, with everything its person did. Raises `StoreError` or `CorruptDataError`."""
    load = load_reference if key.level == REFERENCE else load_image
    return load(store, key, ledger, outbox, lease)


def load_image(
    store: Store, key: MapKey, ledger: Ledger | None, outbox: Outbox | None, lease: Lease | None = None
) -> Image:
    """Return the image of a map with everything its person drew. Raises `StoreError` or `CorruptDataError`.

    Without a ledger (a store that is only looked at) there are no strokes.
    """
    origin = origin_of(store, key.scene_id, ledger)
    image = Image(
        key=key,
        lease=lease,
        origin=origin,
        exposure=origin.exposure(key.level),
        reference=origin.reference,
        base=origin.base(key.level),
        flags=origin.outliers(key.level),
        strokes=strokes_of(key, ledger, outbox),
    )
    if lease is not None:
        for level in origin.levels:
            if level != key.level:
                sibling = MapKey(key.scene_id, level, key.annotator, key.purpose)
                image.others[level] = strokes_of(sibling, ledger, outbox)
    return image


def strokes_of(key: MapKey, ledger: Ledger | None, outbox: Outbox | None) -> list[CorrectionDraft]:
    """Return a map's strokes in the order drawn: those recorded, then those that wait in the outbox."""
    waiting = _waiting(key, outbox)
    recorded: list[CorrectionDraft] = list(ledger.corrections(key)) if ledger is not None else []
    known = {stroke.stroke_id for stroke in recorded}
    return recorded + [d for d in waiting if isinstance(d, CorrectionDraft) and d.stroke_id not in known]


def edits_of(key: MapKey, ledger: Ledger, outbox: Outbox | None) -> list[ZoneDraft]:
    """Return a map's zone edits in the order made: those recorded, then those that wait in the outbox."""
    waiting = _waiting(key, outbox)
    recorded: list[ZoneDraft] = list(ledger.zone_edits(key))
    known = {edit.stroke_id for edit in recorded}
    return recorded + [d for d in waiting if isinstance(d, ZoneDraft) and d.stroke_id not in known]


def load_reference(
    store: Store, key: MapKey, ledger: Ledger, outbox: Outbox | None, lease: Lease | None = None
) -> Reference:
    """Return the reference of a map with its person's zone edits. Raises `StoreError` or `CorruptDataError`."""
    origin = origin_of(store, key.scene_id, ledger)
    scene = origin.scene
    valid = np.zeros(scene.shape, np.bool_)
    for level in scene.levels:
        valid |= validity_from_codes(scene.residual(level))
    return Reference(
        key=key,
        lease=lease,
        origin=origin,
        base=scene.reference(),
        valid=valid,
        strokes=edits_of(key, ledger, outbox),
    )


def waiting_in(outbox: Outbox) -> list[Waiting]:
    """Return what waits in an outbox from which an upload worker is sending: a file may go while the folder is read."""
    while True:
        try:
            return outbox.waiting()
        except FileNotFoundError:
            continue


def _waiting(key: MapKey, outbox: Outbox | None) -> list[CorrectionDraft | ZoneDraft]:
    # Read before the ledger is: what leaves the outbox in between is then found in the ledger.
    waiting = waiting_in(outbox) if outbox is not None else []
    return [w.draft for w in waiting if w.draft.map_key == key]
