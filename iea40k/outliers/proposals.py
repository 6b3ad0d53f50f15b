"""Proposals: regions of a label that its pictures do not explain, the one that costs most first.

A region is proposed with its kind and the reason in words. Evidence a pixel comes from `iea40k.outliers.evidence`;
here pixels become regions, and regions get a kind.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from iea40k.outliers.evidence import Laws, evidence
from iea40k.outliers.label_faults import label_faults
from iea40k.outliers.lights import lights
from iea40k.outliers.picture_faults import picture_faults
from iea40k.outliers.regions import Region
from iea40k.outliers.seen import Seen

MOST = 20
LEAST = 12
"""Pixels of a region below which it is dropped."""

LEAST_COST = 2.5
"""Label error (mean error in luma x pixels x trust) below which nobody should be bothered.

What is planted as speckle costs 3 and more; what noise and compression leave in clean photographs, mostly less."""

LARGE = 1_600_000
"""Pixels above which a level is looked at reduced."""

OVERLAP = 0.5
"""Share of a region that a better one may cover before it is dropped."""


class Proposal(Region):
    """A region of a label, at the label's own size, that is probably wrong."""


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found of a level: its `proposals`, the most costly first, and the laws that its repairs need."""

    view: Seen
    laws: Laws
    proposals: tuple[Proposal, ...]


def find(view: Seen, trust: Mapping[str, float] | None = None, *, captured: bool = True) -> Findings:
    """Return what is proposed for a level, at most `MOST` regions.

    `captured` is False for exposures simulated from the reference's own file: they show what it shows. `trust` says by
    kind which share of earlier proposals people accepted; it ranks, and never adds or removes a kind.
    """
    small, factor = view.smaller(LARGE)
    laws = Laws.of(small)
    if not small.valid.any():
        return Findings(view, laws, ())
    found = evidence(small, laws)
    regions = [*label_faults(small, found), *lights(small)]
    if captured:
        regions += picture_faults(small, found)
    proposals = [
        _proposal(r, small.shape, factor, view.shape) for r in regions if r.pixels * factor**2 >= LEAST
    ]
    proposals = [p for p in proposals if p.cost >= LEAST_COST]
    if trust:
        proposals = [replace(p, trust=p.trust * trust.get(p.kind, 1.0)) for p in proposals]
    ranked = sorted(proposals, key=lambda p: (-p.cost, p.top, p.left))
    return Findings(view, laws, tuple(_apart(ranked, view.shape))[:MOST])


def _proposal(region: Region, small: tuple[int, int], factor: int, shape: tuple[int, int]) -> Proposal:
    mask, top, left = region.mask, region.top, region.left
    if factor > 1:
        scale_y, scale_x = shape[0] / small[0], shape[1] / small[1]
        top, left = round(top * scale_y), round(left * scale_x)
        bottom = min(round((region.top + mask.shape[0]) * scale_y), shape[0])
        right = min(round((region.left + mask.shape[1]) * scale_x), shape[1])
        size = (max(right - left, 1), max(bottom - top, 1))
        mask = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
    shift = (region.shift[0] * factor, region.shift[1] * factor)
    return Proposal(region.kind, top, left, mask, region.error, region.trust, region.reason, shift)


def _apart(proposals: Sequence[Proposal], shape: tuple[int, int]) -> Iterator[Proposal]:
    """Yield proposals that the better ones leave uncovered."""
    taken = np.zeros(shape, np.bool_)
    for proposal in proposals:
        covered = int(np.count_nonzero(taken[proposal.box] & proposal.mask))
        if covered <= OVERLAP * proposal.pixels:
            taken[proposal.box] |= proposal.mask
            yield proposal
