"""Outliers of residuals: flags of single pixels, proposals of regions with their reason, and repairs that recompute.

- `flags`: bits a pixel, stored with every build
- `seen`, `lawful`, `evidence`: what a level's label is compared with
- `proposals`: at most 20 regions an image, the one that matters most first
- `levels`: every level of a scene looked at
- `repairs`: one a kind, each a pure function that refuses where it would not help
"""

from iea40k.outliers.flags import PARAMETERS, Outlier, contradicted, outlier_flags, review_priority
from iea40k.outliers.levels import Looked, look

__all__ = ["PARAMETERS", "Looked", "Outlier", "contradicted", "look", "outlier_flags", "review_priority"]
