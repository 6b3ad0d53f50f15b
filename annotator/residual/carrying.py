"""A propagation as strokes: one on each of the other levels, which share a group."""

import uuid
from collections.abc import Sequence
from dataclasses import replace

from annotator.residual.propagate import Carried
from annotator.residual.state import Image
from annotator.session.prefetch import Supply
from annotator.shared.steps import carried_tool
from iea40k.errors import LedgerError
from iea40k.store.ledger import CorrectionDraft, PackedPatch


def carry_drafts(image: Image, carried: Sequence[Carried], how: str, supply: Supply) -> list[CorrectionDraft]:
    """Return the strokes of a propagation from an image.

    Raises `LedgerError` where a level is work of its own that is finished, or leased by somebody else.
    """
    group = uuid.uuid4().hex
    drafts = []
    for item in carried:
        if item.patch is None:
            continue
        lane = replace(image.lane, level=item.level)
        reason = barred(image, item.level, supply)
        if reason:
            raise LedgerError(
                f"nothing may be carried to level {item.level}",
                where=image.lane.scene_id,
                got=reason,
                remedy="leave this level out; it is corrected when its turn comes",
            )
        drafts.append(
            CorrectionDraft(
                map_key=lane,
                image_shape=image.shape,
                base_digest=image.origin.base_digest(item.level),
                kind="adopt",
                patch=PackedPatch.of(item.patch),
                tool=carried_tool(image.level, group, how),
            )
        )
    return drafts


def barred(image: Image, level: str, supply: Supply) -> str:
    """Return why nothing may be carried from an image to a level, "" where it may."""
    lane = replace(image.lane, level=level)
    state = supply.queue.state(lane)
    if state is None or supply.lease_of(lane) is not None:
        return ""
    return f"it is work of its own, and {state}"
