"""How well a practice image was repaired: what was missed, what was harmed, and by how much the error fell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotator.shared.language import marked, tr, trn
from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE, ResidualCodes, Validity

VISIBLE = 8 / 255
"""By how much a pixel's residual must be further from the truth than it was to count as harmed."""

SEEN = 1 / 255
"""Mean error of a fault from which it is one: half of nothing, and the other sign of nothing, are nothing. At the level
that is the reference there is no other light for a wrong sign or gain to get wrong."""

REPAIRED, MISSED = 1 / 3, 0.9
"""Shares of a fault's error that may be left where it counts as repaired; and from which it counts as missed."""


FAULTS = (
    marked("logo"),
    marked("misaligned"),
    marked("speckle"),
    marked("wrong sign"),
    marked("wrong gain"),
)
"""What is planted, in words."""


@dataclass(frozen=True)
class FaultScore:
    """One planted fault, and its mean |residual - truth| before and after, >= 0."""

    name: str
    before: float
    after: float

    @property
    def verdict(self) -> str:
        """Repaired, in part, missed, or made worse."""
        left = self.after / max(self.before, 1e-9)
        if left > 1:
            return tr("made worse")
        if left <= REPAIRED:
            return tr("repaired")
        return tr("missed") if left >= MISSED else tr("repaired in part")


@dataclass(frozen=True)
class Score:
    """An image: its faults, how many pixels outside them were `harmed`, its mean error before and after."""

    title: str
    faults: tuple[FaultScore, ...]
    harmed: int
    before: float
    after: float

    @property
    def fell(self) -> float:
        """By what share of itself the error fell; negative where it rose."""
        return 1 - self.after / max(self.before, 1e-9)

    def text(self) -> str:
        """Return it in words, a line each."""
        share = f"{abs(self.fell):.0%}"
        moved = tr("fell by {share}", share=share) if self.fell >= 0 else tr("ROSE by {share}", share=share)
        means = {"before": f"{self.before:.4f}", "after": f"{self.after:.4f}"}
        told = tr("the error {moved}, from {before} to {after} on average.", moved=moved, **means)
        lines = [f"{self.title}: {told}"]
        lines += [f"{tr(f.name)}: {f.verdict} ({f.before:.3f} -> {f.after:.3f})" for f in self.faults]
        pixels = trn("{count} pixel", "{count} pixels", self.harmed) if self.harmed else tr("none")
        return "\n".join(
            [*lines, tr("harmed outside the faults, by more than 8/255: {pixels}", pixels=pixels)]
        )


def score_of(
    title: str,
    base: ResidualCodes,
    codes: ResidualCodes,
    truth: ResidualCodes,
    faults: Sequence[tuple[str, Validity]],
) -> Score:
    """Return how well `codes` (H, W) int16 repair `base`, by the truth and the planted regions (H, W) bool."""
    known = (truth != INVALID_CODE) & (base != INVALID_CODE)
    was, now = (np.abs(c.astype(np.int32) - truth) / RESIDUAL_SCALE for c in (base, codes))
    outside = known.copy()
    scored = []
    for name, region in faults:
        outside &= ~region
        inside = region & known
        if not inside.any():
            continue
        fault = FaultScore(name, float(was[inside].mean()), float(now[inside].mean()))
        if max(fault.before, fault.after) >= SEEN:
            scored.append(fault)
    harmed = int(np.count_nonzero((now - was > VISIBLE) & outside))
    return Score(title, tuple(scored), harmed, float(was[known].mean()), float(now[known].mean()))
