"""What the trainer sees of a dataset: labelled images by number, and the facts of each."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, ResidualCodes

WHOLE = slice(None)


@dataclass(frozen=True)
class Sample:
    """One labelled image: whose it is, its level and stops, its frame (H, W), and what groups it in evaluation."""

    scene_id: str
    level: str
    ev: float
    shape: tuple[int, int]
    groups: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Pixels:
    """Pixels of one sample, all of one height and width.

    `image` (h, w, 3) uint8 sRGB-encoded; `codes` (h, w) int16 residual codes; `uncertainty` (h, w) uint16, the experts'
    disagreement as code / 32640, 65535 = unknown, or None where it is unknown everywhere. `reference` (h, w, 3) uint8,
    where it was asked for.
    """

    image: EncodedRGB
    codes: ResidualCodes
    uncertainty: NDArray[np.uint16] | None
    reference: EncodedRGB | None = None


class Samples(Protocol):
    """A numbered collection of labelled images. May be used after fork, and pickled for spawn."""

    samples: tuple[Sample, ...]

    def read(self, number: int, rows: slice = WHOLE, columns: slice = WHOLE) -> Pixels:
        """Return the pixels of a window of sample `number`. Raises `CorruptDataError` for damaged data."""
        ...
