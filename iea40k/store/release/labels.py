"""What a release says of a scene's residuals: the base alone, or the base with corrections replayed over it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, ResidualCodes, Validity
from iea40k.store.scenes import StoredScene


@dataclass(frozen=True)
class Provenance:
    """What one annotator did to one exposure: strokes that stand, pixels they cover, first and last time (ISO 8601)."""

    level: str
    annotator: str
    purpose: str
    corrections: int
    pixels: int
    first_at: str
    last_at: str


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of one scene as a release gives them.

    - `residual` (E, H, W) int16 codes, in the order of the scene's levels
    - `touched` (E, H, W) bool, True where an expert's stroke stands; None where nobody corrected
    - `disagreement` (E, H, W) uint16, how far the experts' residuals lie apart (MAD): code / 32640, 65535 = unknown;
      None: unknown everywhere. The array `spread` of a release
    - `reference` (H, W, 3) uint8 where zone edits changed it; None: the base reference
    """

    residual: ResidualCodes
    touched: Validity | None = None
    disagreement: NDArray[np.uint16] | None = None
    reference: EncodedRGB | None = None
    provenance: tuple[Provenance, ...] = field(default=())


LabelsOf = Callable[[StoredScene], Labels]


def base_labels(scene: StoredScene) -> Labels:
    """Return the residuals as they were built, without any correction."""
    return Labels(np.stack([scene.residual(level) for level in scene.levels]))
