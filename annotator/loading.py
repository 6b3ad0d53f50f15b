"""Open an image: pictures from the store, strokes from the ledger and the outbox."""

from dataclasses import replace

from annotator.image import Image
from annotator.origin import origin_of
from iea40k.store.layout import Store
from iea40k.store.ledger import CorrectionDraft, Lane, Lease, Ledger, Outbox, Waiting


def load_image(
    store: Store, lane: Lane, ledger: Ledger | None, outbox: Outbox | None, lease: Lease | None = None
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
                sibling = Lane(lane.scene_id, level, lane.annotator, lane.purpose)
                image.others[level] = strokes_of(sibling, ledger, outbox)
    return image


def strokes_of(lane: Lane, ledger: Ledger | None, outbox: Outbox | None) -> list[CorrectionDraft]:
    """Return a lane's strokes in the order drawn: those recorded, then those that wait in the outbox."""
    # The outbox is read first: what leaves it in between is then found in the ledger.
    waiting = waiting_in(outbox) if outbox is not None else []
    recorded: list[CorrectionDraft] = list(ledger.corrections(lane)) if ledger is not None else []
    known = {stroke.stroke_id for stroke in recorded}
    return recorded + [
        w.draft
        for w in waiting
        if isinstance(w.draft, CorrectionDraft) and w.draft.lane == lane and w.draft.stroke_id not in known
    ]


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
