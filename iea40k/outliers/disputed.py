"""What a trained model disputes, as proposals: the outlines that a dispute's note holds become regions of the label."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from iea40k.arrays import Validity
from iea40k.outliers.kinds import Kind
from iea40k.outliers.proposals import LEAST, Proposal
from iea40k.outliers.regions import cut


def disputed_proposals(note: Mapping[str, Any], shape: tuple[int, int]) -> tuple[Proposal, ...]:
    """Return the proposals of a dispute's note on a label (H, W), the surest first.

    A region without an outline, or with one that holds too few pixels of the label, is left out.
    """
    reason = str(note.get("reason", "the trained model disagrees"))
    found = []
    for region in note.get("regions") or ():
        mask = inside(region.get("outline") or (), shape)
        place = cut(mask)
        if place is None or np.count_nonzero(mask) < LEAST:
            continue
        error, trust = float(region.get("error") or 0.0), float(region.get("score") or 0.0)
        found.append(Proposal(Kind.DISPUTED, *place, error, trust, reason))
    return tuple(sorted(found, key=lambda p: (-p.trust, p.top, p.left)))


def inside(outline: Sequence[Sequence[int]], shape: tuple[int, int]) -> Validity:
    """Return the pixels (H, W) bool of a polygon of (row, column) corners; none of fewer than three corners."""
    mask = np.zeros(shape, np.uint8)
    if len(outline) >= 3:
        cv2.fillPoly(mask, [np.array([(column, row) for row, column in outline], np.int32)], 1)
    return mask.astype(np.bool_)
