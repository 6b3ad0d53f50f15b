"""Undo and redo over one image and what was carried from it to other levels, across restarts. Pure.

A *step* is what one key press takes back: a stroke on the image, or one propagation, which is a stroke on each of
several other levels that share a `group` in their `tool`. Everything is read from the strokes themselves, so a new
process on another machine undoes the same step. Times are the client's, of one person, and order only this.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from iea40k.store.ledger import CorrectionDraft, ZoneDraft, history, step_draft

Strokes = Sequence[CorrectionDraft]
Drawn = TypeVar("Drawn", CorrectionDraft, ZoneDraft)


@dataclass(frozen=True)
class Step:
    """What to record to take a step: one undo draft a lane. `own` says that the image itself changes."""

    drafts: tuple[CorrectionDraft, ...]
    own: bool


def undo_step(own: Strokes, others: Iterable[Strokes], home: str) -> Step | None:
    """Return the step that undo takes: the latest standing stroke on the image, or propagation from it.

    `own` are the image's strokes, `others` those of the scene's other levels, `home` the image's level.
    """
    past = history(own)
    last = next((s for s in own if s.stroke_id == past.undo), None)
    groups: dict[str, list[tuple[CorrectionDraft, Strokes]]] = {}
    for strokes in others:
        top = history(strokes)
        stroke = next((s for s in strokes if s.stroke_id == top.undo), None)
        # A level on which something was painted since keeps what was carried there.
        if stroke is not None and _is_from(stroke, home):
            groups.setdefault(str(stroke.tool["group"]), []).append((stroke, strokes))
    group = max(groups.values(), key=lambda g: max(s.client_time for s, _ in g), default=None)
    if group is not None and (last is None or max(s.client_time for s, _ in group) > last.client_time):
        return Step(_drafts((strokes for _, strokes in group), redo=False), own=False)
    return None if last is None else Step(_drafts([own], redo=False), own=True)


def redo_step(own: Strokes, others: Iterable[Strokes], home: str) -> Step | None:
    """Return the step that redo takes: what the latest undo took back, unless something was painted since."""
    past = history(own)
    last = next((s for s in own if s.stroke_id == past.redo), None)
    painted = max((s.client_time for s in own if s.undoes is None), default=0)
    groups: dict[str, list[tuple[CorrectionDraft, Strokes]]] = {}
    for strokes in others:
        top = history(strokes)
        undo = next((s for s in strokes if s.stroke_id == top.redo), None)
        origin = undo and next((s for s in strokes if s.stroke_id == undo.undoes), None)
        if undo is not None and origin is not None and _is_from(origin, home) and undo.client_time > painted:
            groups.setdefault(str(origin.tool["group"]), []).append((undo, strokes))
    group = max(groups.values(), key=lambda g: max(s.client_time for s, _ in g), default=None)
    if group is not None and (last is None or max(s.client_time for s, _ in group) > last.client_time):
        return Step(_drafts((strokes for _, strokes in group), redo=True), own=False)
    return None if last is None else Step(_drafts([own], redo=True), own=True)


def zone_step(edits: Sequence[ZoneDraft], *, redo: bool) -> list[ZoneDraft]:
    """Return the drafts that take the last step of zone edits back, or bring it again; empty where there is none.

    Edits that one drag made share a `group` in their `tool` and are one step.
    """
    seen, drafts = list(edits), list[ZoneDraft]()
    first: object = None
    while isinstance(draft := step_draft(seen, redo=redo), ZoneDraft):
        edit, _ = _origin(draft, seen)
        group = None if edit is None else edit.tool.get("group")
        if drafts and (group is None or group != first):
            break
        first = group
        drafts.append(draft)
        seen.append(draft)
    return drafts


def drawn_by(draft: Drawn, strokes: Sequence[Drawn]) -> tuple[Drawn | None, bool]:
    """Return the stroke that a draft draws (True) or takes back (False); None where only a replay can tell.

    `strokes` are those of its lane, in the order drawn.
    """
    stroke, forward = _origin(draft, strokes)
    # Undo goes from the last stroke back and redo forward again, so old codes are what was there before. A chain
    # with superseded strokes or a clear in it does not keep to that.
    if draft.undoes is not None and any(s.supersedes or s.kind == "clear" for s in strokes):
        return None, forward
    return stroke, forward


def carried_tool(home: str, group: str, how: str) -> Mapping[str, str]:
    """Return the `tool` of a stroke that was carried from level `home`."""
    return {"tool": "propagate", "from": home, "group": group, "how": how}


def _origin(draft: Drawn, strokes: Sequence[Drawn]) -> tuple[Drawn | None, bool]:
    """Follow undos of undos back to the stroke itself, and say whether it stands after them."""
    by_id = {s.stroke_id: s for s in strokes}
    stroke: Drawn | None = draft
    forward = True
    while stroke is not None and stroke.undoes is not None:
        stroke, forward = by_id.get(stroke.undoes), not forward
    return stroke, forward


def _is_from(stroke: CorrectionDraft, home: str) -> bool:
    return "group" in stroke.tool and stroke.tool.get("from") == home


def _drafts(lanes: Iterable[Strokes], *, redo: bool) -> tuple[CorrectionDraft, ...]:
    found = (step_draft(strokes, redo=redo) for strokes in lanes)
    return tuple(d for d in found if isinstance(d, CorrectionDraft))
