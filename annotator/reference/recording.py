"""What a sitting does at a reference: record zone edits, take steps back, make stale edits again.

The edits are safe before a function returns, as strokes are: see `annotator.session.upload`.
"""

import uuid
from collections.abc import Sequence

from annotator.reference.state import Reference
from annotator.reference.strokes import BoxChange
from annotator.session.upload import Courier
from annotator.shared.boxes import Box, around
from annotator.shared.steps import zone_step
from iea40k.store.ledger import ZoneDraft
from iea40k.store.ledger.rereview import adopt_stale_edit
from iea40k.zones import ShiftMap, changes_of


def record_changes(
    courier: Courier, reference: Reference, changes: Sequence[BoxChange], tool: dict[str, object]
) -> None:
    """Record what one drag did, as one step that can be undone; the picture shows it already."""
    group = {} if len(changes) == 1 else {"group": uuid.uuid4().hex}
    drafts = reference.drafts(changes, {**tool, **group})
    courier.post(*drafts)
    for draft in drafts:
        reference.add(draft, shown=True)


def clear_reference(courier: Courier, reference: Reference) -> None:
    """Take the whole reference back to what was built, as one step that can be undone."""
    _post(courier, reference, [reference.draft("clear", None, {"tool": "clear"})])


def take_step(courier: Courier, reference: Reference, *, redo: bool) -> tuple[bool, Box | None]:
    """Undo or redo a step; return whether there was one, and the box that changed (None: all of it)."""
    drafts = zone_step(reference.edits, redo=redo)
    return bool(drafts), _post(courier, reference, drafts)


def adopt_stale(courier: Courier, reference: Reference) -> int:
    """Make the edits of an earlier reference again on today's; return how many."""
    found = [adopt_stale_edit(edit, reference.base) for edit in reference.stale]
    drafts = [draft for draft in found if draft is not None]
    _post(courier, reference, drafts)
    return len(drafts)


def take_over(courier: Courier, reference: Reference, shift: ShiftMap) -> None:
    """Make another person's shift this lane's own, as one step that can be undone."""
    whole: Box = (slice(0, reference.shape[0]), slice(0, reference.shape[1]))
    group = uuid.uuid4().hex
    changes = [(whole, change) for change in changes_of(shift - reference.shift)]
    _post(courier, reference, reference.drafts(changes, {"tool": "take over", "group": group}))


def _post(courier: Courier, reference: Reference, drafts: Sequence[ZoneDraft]) -> Box | None:
    if not drafts:
        return None
    courier.post(*drafts)
    box: Box | None = None
    whole = False
    for draft in drafts:
        changed = reference.add(draft)
        whole = whole or changed is None
        box = box if changed is None else around(changed, box)
    return None if whole else box
