"""How much of a zone edit each pixel takes: a box of weights, packed without loss."""

import zlib
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import Validity, bounding_box
from iea40k.errors import ArrayError
from iea40k.store.ledger.patch import inflate


@dataclass(frozen=True)
class PackedWeights:
    """A feathered block: (height, width) uint8 weights, 255 = the whole edit, 0 = none; deflated row by row."""

    top: int
    left: int
    height: int
    width: int
    pixels: int
    data: bytes

    @classmethod
    def of(cls, weights: NDArray[np.uint8], at: tuple[int, int] = (0, 0)) -> Self:
        """Pack the weights (H, W) uint8 of an image, or of a part whose top left pixel is `at`: the box around those
        above 0 is kept."""
        if weights.ndim != 2 or weights.dtype != np.uint8:
            raise ArrayError("weights: wrong shape or dtype", expected="(H, W) uint8", got=f"{weights.dtype}")
        found = bounding_box(weights)
        if found is None:
            raise ArrayError("a zone edit touches one pixel at least", got="weights that are all 0")
        box = weights[found]
        return cls(
            top=found[0].start + at[0],
            left=found[1].start + at[1],
            height=box.shape[0],
            width=box.shape[1],
            pixels=int(np.count_nonzero(box)),
            data=zlib.compress(box.tobytes(), 6),
        )

    @property
    def box(self) -> tuple[slice, slice]:
        """Where the weights lie in the image: their rows and columns."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def unpack(self) -> NDArray[np.uint8]:
        """Return the box's weights, (height, width) uint8; raises `CorruptDataError` for other bytes."""
        return np.frombuffer(inflate(self.data, self.height * self.width), np.uint8).reshape(
            self.height, self.width
        )

    def touch(self, touched: Validity) -> None:
        """Set the pixels with weight in `touched` (H, W) bool in place."""
        touched[self.box] |= self.unpack() > 0
