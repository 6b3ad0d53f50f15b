"""Faults of a label alone: it does not say what its own pictures say."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import Validity
from iea40k.outliers.evidence import Evidence
from iea40k.outliers.kinds import Kind
from iea40k.outliers.regions import Region, closed, pieces
from iea40k.outliers.seen import Seen
from iea40k.outliers.speckles import dots, fields, texture
from iea40k.residuals import luma

NEAR = 0.2
"""Share of the gap that another explanation may leave."""

LEAST_ERROR = 6 / 255
"""Luma by which a label must be off, in the mean, to be worth a look.

To ask more where compression is strong misses more
faults than it spares false ones (0.96 to 0.83 of the planted gains of the tuning set)."""


def label_faults(view: Seen, found: Evidence) -> Iterator[Region]:
    """Yield regions where the label differs from what its pictures say, with why it may do so."""
    odd = found.gap != 0
    spots = dots(found.gap, texture(view.difference), alone=True)
    yield from fields(spots, np.abs(found.gap), "the label jumps here, and its pictures do not")
    body = closed(odd & ~spots, 2)
    body &= np.abs(view.label - view.difference) > 3 / 255
    for top, left, mask in pieces(closed(body, 3) & view.valid, 12):
        box = np.s_[top : top + mask.shape[0], left : left + mask.shape[1]]
        share = float((odd[box] & mask).sum()) / mask.sum()
        if share < 0.3:
            continue
        kind, reason = _why(view, box, mask)
        error = float(np.abs(found.gap[box][mask]).mean())
        if error < LEAST_ERROR:
            continue
        yield Region(kind, top, left, mask, error, min(1.0, 0.5 + share / 2), reason)


def _why(view: Seen, box: tuple[slice, slice], mask: Validity) -> tuple[Kind, str]:
    label, right = view.label[box][mask], view.difference[box][mask]

    def left(other: NDArray[np.float32]) -> float:
        """Return what an explanation leaves: the greatest part of the region counts, its rim may be blended."""
        return float(np.percentile(np.abs(label - other), 70))

    gap, turned = left(right), left(-right)
    wanted = view.wanted[box]
    elsewhere = [
        (left((wanted - luma(np.ascontiguousarray(w.exposure[box])))[mask]), w.ev) for w in view.witnesses
    ]
    level, ev = min(elsewhere, default=(np.inf, 0.0))
    if turned < NEAR * gap and turned <= level:
        return Kind.SIGN, "the label has the other sign than reference minus exposure"
    if level < NEAR * gap:
        return Kind.LEVEL, f"the label is that of the level at {ev:+g} EV"
    return Kind.GAIN, f"the label is off by {gap:.2f} from reference minus exposure"
