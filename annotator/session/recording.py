"""What a sitting does at an exposure: record strokes, take steps back, draw stale strokes again.

The strokes are safe before a function returns: see `annotator.session.upload`.
"""

from typing import cast

from annotator.residual.state import Image
from annotator.session.upload import Courier
from annotator.shared.boxes import Box
from annotator.shared.progress import Progress
from annotator.shared.steps import redo_step, undo_step
from iea40k.store.ledger import Correction, CorrectionDraft
from iea40k.store.ledger.rereview import adopt_stale as adopted


def post(courier: Courier, image: Image, draft: CorrectionDraft) -> Box | None:
    """Record a stroke and take it into account; return the box that changed (None: all of the image)."""
    courier.post(draft)
    return image.add(draft)


def take_step(courier: Courier, image: Image, *, redo: bool) -> tuple[bool, Box | None]:
    """Undo or redo a step; return whether there was one, and the box that changed (None: all of it)."""
    step = (redo_step if redo else undo_step)(image.strokes, image.others.values(), image.level)
    if step is None:
        return False, None
    box: Box | None = None
    courier.post(*step.drafts)
    for draft in step.drafts:
        if step.own:
            box = image.add(draft)
        else:
            image.others[draft.map_key.level].append(draft)
    return True, box


def adopt_stale(courier: Courier, image: Image, progress: Progress) -> int:
    """Draw again, on today's base, the strokes that were drawn on an earlier one; return how many."""
    count = 0
    stales = image.stale
    with progress("Drawing strokes again", len(stales)) as step:
        for stale in stales:
            draft = adopted(cast("Correction", stale), image.base, image.codes)
            if draft is not None:
                post(courier, image, draft)
                count += 1
            step()
    return count
