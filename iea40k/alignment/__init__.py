"""Alignment of brackets: frames of one scene, taken by hand at different exposures, brought into register.

The parts are exchangeable: `structure` (what survives a change of exposure), `proposals` (first guesses), `tiles`
(measured displacements), `fit` (the simplest motion behind them), `geometry` (what is plausible), `pair` (one frame
on another, with a verdict), `bracket` (all frames on one), `warp` (pixels and validity), `borders`,
`contours` (what no motion of whole frames could follow).
"""

from iea40k.alignment.bracket import Alignment, Rejection, align, refuse_mixed_sizes
from iea40k.alignment.contours import doubled
from iea40k.alignment.geometry import Bounds
from iea40k.alignment.pair import Limits, Registration, register

__all__ = [
    "Alignment",
    "Bounds",
    "Limits",
    "Registration",
    "Rejection",
    "align",
    "doubled",
    "refuse_mixed_sizes",
    "register",
]
