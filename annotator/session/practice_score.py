"""How well a practice image was repaired: what was missed, what was harmed, and by how much the error fell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE, ResidualCodes, Validity

VISIBLE = 8 / 255
"""By how much a pixel's residual must be further from the truth than it was to count as harmed."""

REPAIRED, MISSED = 1 / 3, 0.9
"""Shares of a fault's error that may be left where it counts as repaired; and from which it counts as missed."""


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
            return "made worse"
        return "repaired" if left <= REPAIRED else "missed" if left >= MISSED else "repaired in part"


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
        moved = f"fell by {self.fell:.0%}" if self.fell >= 0 else f"ROSE by {-self.fell:.0%}"
        lines = [f"{self.title}: the error {moved}, from {self.before:.4f} to {self.after:.4f} on average."]
        lines += [f"{f.name}: {f.verdict} ({f.before:.3f} -> {f.after:.3f})" for f in self.faults]
        harmed = "none" if not self.harmed else f"{self.harmed} pixels"
        return "\n".join([*lines, f"harmed outside the faults, by more than 8/255: {harmed}"])


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
        if inside.any():
            scored.append(FaultScore(name, float(was[inside].mean()), float(now[inside].mean())))
    harmed = int(np.count_nonzero((now - was > VISIBLE) & outside))
    return Score(title, tuple(scored), harmed, float(was[known].mean()), float(now[known].mean()))
