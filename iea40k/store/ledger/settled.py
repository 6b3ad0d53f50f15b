"""Disputes that people have settled: told from the journal of events, which nobody can change."""

import hashlib

import sqlalchemy as sa

from iea40k.arrays import EncodedRGB
from iea40k.store.ledger.events import read_details
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.schema import events, tasks

PIXELS = "pixels_sha256"
"""Under this key the note of a dispute says which pixels it is about."""

_ASKED = ("add", "raise")
_TAKEN_BACK = ("recall", "return")


def pixels_digest(exposure: EncodedRGB, reference: EncodedRGB) -> str:
    """Return the sha256 of an image's exposure and reference: what is settled holds for these pixels."""
    hasher = hashlib.sha256(exposure.tobytes())
    hasher.update(reference.tobytes())
    return hasher.hexdigest()


def settled_disputes(ledger: Ledger) -> dict[tuple[str, str], frozenset[str]]:
    """Return by image (scene, level) the digests of the pixels about which a dispute was put and work was handed in.

    Work that its author recalled, or that a reviewer returned, settles nothing until it is handed in again.
    """
    e = events.c
    query = (
        sa.select(e.scene_id, e.level, e.task, e.assignment, e.event, e.details)
        .where(e.event.in_((*_ASKED, *_TAKEN_BACK, "submit")))
        .order_by(e.entry)
    )
    asked: dict[int, str] = {}
    answered: dict[tuple[int, int], tuple[tuple[str, str], str]] = {}
    with ledger.database.read() as connection:
        for row in connection.execute(query):
            work = (row.task, row.assignment)
            if row.event in _ASKED:
                note = read_details(row.details).get("note") or {}
                if PIXELS in note:
                    asked[row.task] = str(note[PIXELS])
            elif row.event == "submit" and row.task in asked:
                answered[work] = (row.scene_id, row.level), asked[row.task]
            elif row.event in _TAKEN_BACK:
                answered.pop(work, None)
    found: dict[tuple[str, str], set[str]] = {}
    for image, pixels in answered.values():
        found.setdefault(image, set()).add(pixels)
    return {image: frozenset(pixels) for image, pixels in found.items()}


def disputed_note(ledger: Ledger, scene_id: str, level: str) -> dict[str, object]:
    """Return the note of the latest dispute about an image, {} where there is none."""
    t = tasks.c
    query = sa.select(t.note).where(t.scene_id == scene_id, t.level == level).order_by(t.task.desc())
    with ledger.database.read() as connection:
        notes = [read_details(note) for note in connection.execute(query).scalars()]
    return next((note for note in notes if PIXELS in note), {})
