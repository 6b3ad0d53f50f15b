"""Which proposal comes first: the one whose repair saves most, by one press of a key."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from iea40k.outliers.proposals import Findings, Proposal
from iea40k.outliers.repairs import Plan, RefusedError, plan

Plans = Mapping[Proposal, Plan | str]
"""What repairs each proposal, or why nothing does."""


def plans(found: Findings, proposals: Sequence[Proposal]) -> Plans:
    """Return what repairs each of the proposals, or the reason why it is refused."""
    return {proposal: _plan(found, proposal) for proposal in proposals}


def by_saving(found: Findings, planned: Plans) -> Findings:
    """Return findings with the proposals in the order of what taking them saves; what cannot be repaired comes last,
    the most costly first."""
    saved = [_saving(found, proposal, planned[proposal]) for proposal in found.proposals]
    order = np.lexsort(([-p.cost for p in found.proposals], [-s for s in saved]))
    ranked: Sequence[Proposal] = [found.proposals[at] for at in order]
    return replace(found, proposals=tuple(ranked))


def _plan(found: Findings, proposal: Proposal) -> Plan | str:
    try:
        return plan(found, proposal)
    except RefusedError as refused:
        return refused.what


def _saving(found: Findings, proposal: Proposal, planned: Plan | str) -> float:
    """Return the label error that a proposal's repair probably takes away, in luma x pixels; 0 where it refuses."""
    if isinstance(planned, str):
        return 0.0
    try:
        done = planned.on(found.view.codes)
    except RefusedError:
        return 0.0
    return (
        max(done.before_error - done.after_error, 0.0) * int(np.count_nonzero(done.touched)) * proposal.trust
    )
