"""Which proposal comes first: the one whose repair saves most, by one press of a key."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from iea40k.outliers.proposals import Findings, Proposal
from iea40k.outliers.repairs import RefusedError, repair


def by_saving(found: Findings) -> Findings:
    """Return findings with the proposals in the order of what taking them saves; what cannot be repaired comes last,
    the most costly first."""
    saved = [saving(found, proposal) for proposal in found.proposals]
    order = np.lexsort(([-p.cost for p in found.proposals], [-s for s in saved]))
    ranked: Sequence[Proposal] = [found.proposals[at] for at in order]
    return replace(found, proposals=tuple(ranked))


def saving(found: Findings, proposal: Proposal) -> float:
    """Return the label error that a proposal's repair probably takes away, in luma x pixels; 0 where it refuses."""
    try:
        done = repair(found, proposal)
    except RefusedError:
        return 0.0
    return (
        max(done.before_error - done.after_error, 0.0) * int(np.count_nonzero(done.touched)) * proposal.trust
    )
