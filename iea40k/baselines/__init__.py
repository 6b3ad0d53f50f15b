"""What can be had without a network: the baselines of every table, by name. NumPy and scikit-learn, no PyTorch.

A baseline is fitted to labelled pictures in one look, and is then a few named arrays of numbers.
`iea40k.model.networks` registers each of them, so that they are trained, saved, loaded and measured as networks are.
"""

from iea40k.baselines.base import Baseline, Example, Numbers
from iea40k.baselines.boosted import TREES
from iea40k.baselines.flat import AFFINE, CONSTANT, ZERO, constant
from iea40k.baselines.light import GAIN, ZONE_V
from iea40k.baselines.tables import HISTOGRAM, ZONES

BASELINES = {b.name: b for b in (ZERO, CONSTANT, GAIN, AFFINE, HISTOGRAM, ZONE_V, ZONES, TREES)}
"""Every baseline, the simplest first."""

__all__ = ["BASELINES", "Baseline", "Example", "Numbers", "constant"]
