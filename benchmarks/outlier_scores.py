"""How proposals are scored against what was planted: average precision by kind."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import cv2
import numpy as np

from benchmarks.planted_outliers.faults import Fault, Planted
from iea40k.outliers.proposals import Proposal

WITHIN = 0.5
"""Share of a proposal that must lie on what was planted, grown by 3 pixels."""

COVERED = 0.3
"""Share of the visibly wrong pixels of a fault that a proposal must hold."""


@dataclass
class Tally:
    """Proposals of one kind, as (cost, whether true), and how many faults there were to find."""

    found: list[tuple[float, bool]] = field(default_factory=list)
    faults: int = 0

    def average_precision(self) -> float:
        """Area under precision against recall, every proposal a step."""
        if not self.faults:
            return float("nan")
        hits, total = 0, 0.0
        for rank, (_, true) in enumerate(sorted(self.found, key=lambda f: -f[0]), start=1):
            if true:
                hits += 1
                total += hits / rank
        return total / self.faults

    def recall(self) -> float:
        return sum(true for _, true in self.found) / max(self.faults, 1)


def matches(proposal: Proposal, fault: Fault, wrong: np.ndarray) -> bool:
    """Return whether a proposal is a fault that was planted."""
    mask = proposal.whole(wrong.shape)
    grown = cv2.dilate(fault.region.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    on = int((mask & grown).sum()) >= WITHIN * mask.sum()
    seen = wrong & fault.region
    return on and int((mask & seen).sum()) >= COVERED * seen.sum()


def score(
    scenes: Iterable[tuple[Planted, tuple[Proposal, ...]]], least_shift: float = 2.0
) -> dict[str, Tally]:
    """Return a tally by kind. A displacement below `least_shift` need not be found, and may be.

    A proposal is true where a fault of its kind is matched for the first time. Proposals on faults that do not count
    are left out; those of another kind than the fault's, and all others, are false.
    """
    tallies: dict[str, Tally] = {}
    for planted, proposals in scenes:
        wrong = planted.wrong()
        counting = planted.counting()
        wanted = [f for f in counting if f.kind != "displaced" or f.size >= least_shift]
        for fault in wanted:
            tallies.setdefault(fault.kind, Tally()).faults += 1
        matched: set[int] = set()
        for proposal in proposals:
            tally = tallies.setdefault(str(proposal.kind), Tally())
            right = [f for f in wanted if f.kind == proposal.kind and id(f) not in matched]
            hit = next((f for f in right if matches(proposal, f, wrong)), None)
            if hit is not None:
                matched.add(id(hit))
                tally.found.append((proposal.cost, True))
            elif not _uncounted(proposal, planted, wanted):
                tally.found.append((proposal.cost, False))
    return tallies


def _uncounted(proposal: Proposal, planted: Planted, wanted: list[Fault]) -> bool:
    """Whether a proposal lies on a planted fault that need not be found."""
    mask = proposal.whole(planted.truth.shape)
    ids = {id(f) for f in wanted}
    return any(
        id(f) not in ids and f.kind == proposal.kind and (mask & f.region).sum() >= WITHIN * mask.sum()
        for f in planted.faults
    )
