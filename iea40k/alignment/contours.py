"""Double contours: how far the frames of a bracket lie beside each other after alignment, where both are mixed.

One motion places a whole frame. What it cannot follow (a near object seen from another place, leaves, waves) stands
twice in the mean of both frames, and its labels are contours. Every frame is laid on its neighbour in brightness, tile
by tile; a tile counts as much as both frames have a part in what is made of them there.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.alignment.flow import nudge
from iea40k.alignment.structure import View, common_light, structure
from iea40k.arrays import EncodedRGB, Validity

CELL = 8
"""Half the side of a tile in pixels."""

BESIDE = 0.75
"""Pixels beside each other from which an edge is seen twice."""

_LEAST = 1e-9


def doubled(
    frames: Sequence[EncodedRGB] | NDArray[np.uint8],
    validity: Sequence[Validity] | NDArray[np.bool_],
    counts: Sequence[NDArray[np.float32]],
) -> float:
    """Return the share of what two frames tell together in which they lie beside each other, in [0, 1].

    `frames` (H, W, 3) uint8 are aligned, the darkest first; `counts` (H, W) says how much each tells of a pixel. 0
    where no two frames tell anything together.
    """
    total = np.maximum(np.sum(counts, axis=0, dtype=np.float32), np.float32(_LEAST))
    views = [View.of(frame, valid) for frame, valid in zip(frames, validity, strict=True)]
    beside, together = 0.0, 0.0
    for index in range(len(views) - 1):
        one, other = views[index], views[index + 1]
        limits, others = common_light(one, other)
        votes = nudge(
            structure(np.clip(one.luma, *limits), one.valid),
            structure(np.clip(other.luma, *others), other.valid),
            CELL,
        )
        if not len(votes):
            continue
        # 1 where each tells half, 0 where one alone does.
        mixed = 4 * (counts[index] / total) * (counts[index + 1] / total)
        tiles = cv2.blur(np.asarray(mixed, np.float32), (2 * CELL, 2 * CELL))
        x, y = np.rint(votes.centres).astype(np.intp).T
        weights = tiles[y, x]
        together += float(weights.sum())
        beside += float(weights[votes.lengths > BESIDE].sum())
    return beside / together if together > 0 else 0.0
