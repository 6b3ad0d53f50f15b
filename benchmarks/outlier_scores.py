"""How proposals are scored against what was planted: average precision by kind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from benchmarks.planted_outliers.faults import Fault, Planted
from iea40k.outliers.proposals import Proposal

DRAWS = 2000
"""Times that scenes are drawn anew for an interval."""

WITHIN = 0.5
"""Share of a proposal that must lie on what was planted, grown by 3 pixels."""

COVERED = 0.3
"""Share of the visibly wrong pixels of a fault that a proposal must hold."""


@dataclass
class Tally:
    """Proposals of one kind, as (cost, whether true), and how many faults there were to find.

    `left_out`: how many lie where the scene without a fault has a region as well, and are neither true nor false.
    """

    found: list[tuple[float, bool]] = field(default_factory=list)
    faults: int = 0
    left_out: int = 0

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
    scenes: Iterable[tuple[Planted, tuple[Proposal, ...]]],
    least_shift: float = 2.0,
    known: Mapping[int, np.ndarray] | None = None,
) -> dict[str, Tally]:
    """Return a tally by kind. A displacement below `least_shift` need not be found, and may be.

    A proposal is true where a fault of its kind is matched for the first time. Proposals on faults that do not count
    are left out; those of another kind than the fault's, and all others, are false. `known` (H, W) bool, by the
    planted scene's `id`: regions of a real scene before anything was planted, which may be real faults. What is not
    true and lies in them by half is left out as well.
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
            elif known is not None and _lies_in(known[id(planted)], proposal):
                tally.left_out += 1
            elif not _uncounted(proposal, planted, wanted):
                tally.found.append((proposal.cost, False))
    return tallies


def by_scene(
    scenes: Sequence[tuple[Planted, tuple[Proposal, ...]]], known: Mapping[int, np.ndarray] | None = None
) -> list[tuple[str, list[Tally]]]:
    """Return, for each kind, a tally for each scene (by its name), for `interval`."""
    names = sorted({planted.scene.name for planted, _ in scenes})
    scored = [score([s for s in scenes if s[0].scene.name == name], known=known) for name in names]
    kinds = sorted({kind for tallies in scored for kind in tallies})
    return [(kind, [tallies.get(kind, Tally()) for tallies in scored]) for kind in kinds]


def interval(tallies: Sequence[Tally]) -> tuple[float, float]:
    """Return the bounds within which 95 % of average precisions lie when scenes are drawn anew.

    `tallies` are of one kind, one a scene: what was planted in one scene is drawn together.
    """
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        of = [tallies[i] for i in rng.integers(len(tallies), size=len(tallies))]
        whole = together(of)
        if whole.faults:
            drawn.append(whole.average_precision())
    if not drawn:
        return float("nan"), float("nan")
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(low), float(high)


def together(tallies: Iterable[Tally]) -> Tally:
    """Return several tallies of one kind as one."""
    whole = Tally()
    for tally in tallies:
        whole.found += tally.found
        whole.faults += tally.faults
        whole.left_out += tally.left_out
    return whole


def _lies_in(known: np.ndarray, proposal: Proposal) -> bool:
    """Whether a proposal lies by half in regions that were there before, grown by 3 pixels."""
    mask = proposal.whole(known.shape)
    grown = cv2.dilate(known.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    return bool((mask & grown).sum() >= WITHIN * mask.sum())


def _uncounted(proposal: Proposal, planted: Planted, wanted: list[Fault]) -> bool:
    """Whether a proposal lies on a planted fault that need not be found."""
    mask = proposal.whole(planted.truth.shape)
    ids = {id(f) for f in wanted}
    return any(
        id(f) not in ids and f.kind == proposal.kind and (mask & f.region).sum() >= WITHIN * mask.sum()
        for f in planted.faults
    )
