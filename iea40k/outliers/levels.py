"""Every level of a scene looked at: what is proposed, its flags, and how soon a person should look."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, ResidualCodes
from iea40k.clipping import WHITE
from iea40k.outliers.flags import outlier_flags, review_priority
from iea40k.outliers.proposals import Proposal, find
from iea40k.outliers.seen import seen


@dataclass(frozen=True, eq=False)
class Looked:
    """What was found of a scene: `proposals` and `priorities` a level, `flags` (E, H, W) uint8."""

    proposals: tuple[tuple[Proposal, ...], ...]
    flags: NDArray[np.uint8]
    priorities: tuple[float, ...]

    def counts(self, levels: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return how many regions of each kind are proposed, by level; levels without any are left out."""
        found: dict[str, dict[str, Any]] = {}
        for level, proposals in zip(levels, self.proposals, strict=True):
            for proposal in proposals:
                kinds = found.setdefault(level, {})
                kinds[str(proposal.kind)] = kinds.get(str(proposal.kind), 0) + 1
        return found


def look(
    reference: EncodedRGB,
    exposures: Sequence[EncodedRGB] | NDArray[np.uint8],
    codes: Sequence[ResidualCodes] | NDArray[np.int16],
    evs: Sequence[float],
    *,
    captured: bool = True,
    white: float = WHITE,
) -> Looked:
    """Return what is found of a scene: exposures (E, H, W, 3) uint8 and their labels `codes` (E, H, W) int16."""
    proposals = tuple(
        find(seen(reference, exposures, frame, evs, index, white), captured=captured).proposals
        for index, frame in enumerate(codes)
    )
    flags = np.stack(
        [
            outlier_flags(reference, exposure, frame, found, white=white)
            for exposure, frame, found in zip(exposures, codes, proposals, strict=True)
        ]
    )
    priorities = tuple(review_priority(p, c) for p, c in zip(proposals, codes, strict=True))
    return Looked(proposals, flags, priorities)
