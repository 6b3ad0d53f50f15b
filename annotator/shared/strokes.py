"""Strokes as records: which stroke a draft draws or takes back."""

from collections.abc import Sequence
from typing import TypeVar

from iea40k.store.ledger import CorrectionDraft, ZoneDraft

Draft = CorrectionDraft | ZoneDraft
"""What is recorded: a stroke on a residual, or a zone edit of a reference."""

Drawn = TypeVar("Drawn", CorrectionDraft, ZoneDraft)


def drawn_by(draft: Drawn, strokes: Sequence[Drawn]) -> tuple[Drawn | None, bool]:
    """Return the stroke that a draft draws (True) or takes back (False); None where only a replay can tell.

    `strokes` are those of its map, in the order drawn.
    """
    stroke, forward = traced(draft, strokes)
    # Undo goes from the last stroke back and redo forward again, so old codes are what was there before. A chain
    # with superseded strokes or a clear in it does not keep to that.
    if draft.undoes is not None and any(s.supersedes or s.kind == "clear" for s in strokes):
        return None, forward
    return stroke, forward


def traced(draft: Drawn, strokes: Sequence[Drawn]) -> tuple[Drawn | None, bool]:
    """Follow undos of undos back to the stroke itself, and say whether it stands after them."""
    by_id = {s.stroke_id: s for s in strokes}
    stroke: Drawn | None = draft
    forward = True
    while stroke is not None and stroke.undoes is not None:
        stroke, forward = by_id.get(stroke.undoes), not forward
    return stroke, forward
