"""Undo and redo over one image and what was propagated from it to other levels, across restarts. Pure.

A *step* is what one key press takes back: a stroke on the image, or one propagation, which is a stroke on each of
several other levels that share a `group` in their `tool`. Everything is read from the strokes themselves, so a new
process on another machine undoes the same step. Times are the client's, of one person, and order only this.
"""

from collections.abc import Iterable, Mapping, Sequence

from iea40k.store.ledger import CorrectionDraft, history, step_draft

Strokes = Sequence[CorrectionDraft]


def step_drafts(
    own: Strokes, others: Iterable[Strokes], home: str, *, redo: bool
) -> tuple[CorrectionDraft, ...]:
    """Return what takes the latest step back, or brings back what the latest undo took; empty where there is none.

    `own` are the image's strokes, `others` those of the scene's other levels, `home` the image's level. A level on
    which something was painted since keeps what was propagated there, and painting ends what can be brought back.
    """
    last = _top(own, redo=redo)
    painted = max((s.client_time for s in own if s.undoes is None), default=0) if redo else -1
    groups: dict[str, list[tuple[CorrectionDraft, Strokes]]] = {}
    for strokes in others:
        top = _top(strokes, redo=redo)
        stroke = next((s for s in strokes if s.stroke_id == top.undoes), None) if redo and top else top
        if top is not None and stroke is not None and _is_from(stroke, home) and top.client_time > painted:
            groups.setdefault(str(stroke.tool["group"]), []).append((top, strokes))
    latest = max(groups.values(), key=_time, default=None)
    if latest is not None and (last is None or _time(latest) > last.client_time):
        taken = [strokes for _, strokes in latest]
    else:
        taken = [own] if last is not None else []
    found = (step_draft(strokes, redo=redo) for strokes in taken)
    return tuple(d for d in found if isinstance(d, CorrectionDraft))


def propagated_tool(home: str, group: str, how: str) -> Mapping[str, str]:
    """Return the `tool` of a stroke that was propagated from level `home`."""
    return {"tool": "propagate", "from": home, "group": group, "how": how}


def _top(strokes: Strokes, *, redo: bool) -> CorrectionDraft | None:
    """Return the stroke that undo would take back, or the undo that redo would."""
    past = history(strokes)
    wanted = past.redo if redo else past.undo
    return next((s for s in strokes if s.stroke_id == wanted), None)


def _is_from(stroke: CorrectionDraft, home: str) -> bool:
    return "group" in stroke.tool and stroke.tool.get("from") == home


def _time(group: list[tuple[CorrectionDraft, Strokes]]) -> int:
    return max(stroke.client_time for stroke, _ in group)
