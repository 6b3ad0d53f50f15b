"""Open an image or a reference: pictures from the store, strokes from the ledger and the outbox."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from annotator.reference.state import Reference
from annotator.residual.state import Image
from annotator.session.base import Work
from annotator.shared.origin import origin_of
from annotator.shared.strokes import Drawn
from iea40k.arrays import validity_from_codes
from iea40k.outliers.disputed import disputed_proposals
from iea40k.store.layout import Store
from iea40k.store.ledger import CorrectionDraft, Lease, Ledger, MapKey, Outbox, Waiting, ZoneDraft
from iea40k.store.ledger.entries import REFERENCE
from iea40k.store.ledger.settled import PIXELS, disputed_note, pixels_digest
from iea40k.store.ledger.verdicts import accepted_share


def load_work(store: Store, key: MapKey, ledger: Ledger, outbox: Outbox | None, lease: Lease | None) -> Work:
    """Return what a map is about, with everything its person did. Raises `StoreError` or `CorruptDataError`."""
    load = load_reference if key.level == REFERENCE else load_image
    return load(store, key, ledger, outbox, lease)


def load_image(
    store: Store, key: MapKey, ledger: Ledger, outbox: Outbox | None, lease: Lease | None = None
) -> Image:
    """Return the image of a map with everything its person drew. Raises `StoreError` or `CorruptDataError`."""

    # Read before the ledger is: what leaves the outbox in between is then found in the ledger.
    unsent = waiting_in(outbox) if outbox is not None else []

    def strokes(of: MapKey) -> list[CorrectionDraft]:
        return _all_of(_of(of, unsent, CorrectionDraft), ledger.corrections(of))

    origin = origin_of(store, key.scene_id, ledger)
    image = Image.of(origin, key, strokes(key), lease=lease)
    note = disputed_note(ledger, key.scene_id, key.level)
    # A dispute is about the pixels as they were: of others it says nothing.
    if note and note[PIXELS] == pixels_digest(image.exposure, image.reference):
        image.disputes = disputed_proposals(note, image.shape)
    if lease is not None:
        others = (level for level in origin.levels if level != key.level)
        image.others |= {level: strokes(replace(key, level=level)) for level in others}
        image.trust = accepted_share(ledger)
    return image


def load_reference(
    store: Store, key: MapKey, ledger: Ledger, outbox: Outbox | None, lease: Lease | None = None
) -> Reference:
    """Return the reference of a map with its person's zone edits. Raises `StoreError` or `CorruptDataError`."""
    origin = origin_of(store, key.scene_id, ledger)
    scene = origin.scene
    valid = np.zeros(scene.shape, np.bool_)
    for level in scene.levels:
        valid |= validity_from_codes(scene.residual(level))
    unsent = waiting_in(outbox) if outbox is not None else []
    edits = _all_of(_of(key, unsent, ZoneDraft), ledger.zone_edits(key))
    return Reference(key=key, lease=lease, origin=origin, base=scene.reference(), valid=valid, strokes=edits)


def waiting_in(outbox: Outbox) -> list[Waiting]:
    """Return what waits in an outbox from which an upload worker is sending: a file may go while the folder is read."""
    while True:
        try:
            return outbox.waiting()
        except FileNotFoundError:
            continue


def _of(key: MapKey, waiting: list[Waiting], kind: type[Drawn]) -> list[Drawn]:
    return [w.draft for w in waiting if w.draft.map_key == key and isinstance(w.draft, kind)]


def _all_of(waiting: Sequence[Drawn], recorded: Sequence[Drawn]) -> list[Drawn]:
    """Return a map's strokes in the order drawn: those recorded, then those that wait in the outbox."""
    known = {stroke.stroke_id for stroke in recorded}
    return list(recorded) + [stroke for stroke in waiting if stroke.stroke_id not in known]
