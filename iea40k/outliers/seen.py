"""What the search for outliers sees of a level: its label, its pictures, and the scene's other levels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import (
    INVALID_CODE,
    RESIDUAL_SCALE,
    EncodedRGB,
    Luma,
    ResidualCodes,
    Validity,
    check_encoded,
    check_same_size,
    validity_from_codes,
)
from iea40k.clipping import WHITE
from iea40k.errors import ArrayError
from iea40k.residuals import luma

WITNESSES = 3
"""Other levels that are asked what a level should be: the nearest in stops. The rest say what else a label may be."""


@dataclass(frozen=True, eq=False)
class Witness:
    """Another level of the scene: `exposure` (H, W, 3) uint8 and its `ev` in stops."""

    exposure: EncodedRGB
    ev: float


@dataclass(frozen=True, eq=False)
class Seen:
    """A level: `exposure` and `reference` (H, W, 3) uint8, its label `codes` (H, W) int16, its `ev` in stops.

    `witnesses` are other levels of the scene, none where it has one level only. `white` is the exposures' white level
    in codes. Raises `ArrayError` where shapes differ.
    """

    exposure: EncodedRGB
    reference: EncodedRGB
    codes: ResidualCodes
    ev: float = 0.0
    witnesses: tuple[Witness, ...] = ()
    white: float = WHITE

    def __post_init__(self) -> None:
        check_encoded(self.reference, "reference", least=1)
        for name, picture in (("exposure", self.exposure), *(("level", w.exposure) for w in self.witnesses)):
            check_encoded(picture, name, least=1)
            check_same_size(self.reference, picture, ("reference", name))
        if self.codes.shape != self.reference.shape[:2] or self.codes.dtype != np.int16:
            raise ArrayError(
                "a label has a code for each pixel of its picture",
                expected=f"{self.reference.shape[:2]} int16",
                got=f"{self.codes.shape} {self.codes.dtype}",
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.codes.shape[0], self.codes.shape[1]

    @cached_property
    def valid(self) -> Validity:
        """The pixels that have data."""
        return validity_from_codes(self.codes)

    @cached_property
    def label(self) -> NDArray[np.float32]:
        """The label in luma, 0 where there is no data."""
        known: NDArray[np.float32] = np.where(self.codes == INVALID_CODE, 0, self.codes).astype(np.float32)
        return known / np.float32(RESIDUAL_SCALE)

    @cached_property
    def light(self) -> Luma:
        """Luma of the exposure."""
        return luma(self.exposure)

    @cached_property
    def wanted(self) -> Luma:
        """Luma of the reference."""
        return luma(self.reference)

    @cached_property
    def difference(self) -> NDArray[np.float32]:
        """Reference minus exposure, in luma: what the label should be where the pictures are right."""
        return self.wanted - self.light

    def part(self, box: tuple[slice, slice]) -> Self:
        """Return a box of the level, with the same box of its witnesses."""

        def cut(picture: EncodedRGB) -> EncodedRGB:
            return np.ascontiguousarray(picture[box])

        others = tuple(Witness(cut(w.exposure), w.ev) for w in self.witnesses)
        return replace(
            self,
            exposure=cut(self.exposure),
            reference=cut(self.reference),
            codes=np.ascontiguousarray(self.codes[box]),
            witnesses=others,
        )

    def smaller(self, pixels: int) -> "tuple[Self, int]":
        """Return the level with at most about `pixels` pixels, and by what whole factor it was reduced."""
        factor = int(np.ceil(np.sqrt(self.codes.size / pixels)))
        if factor <= 1:
            return self, 1
        size = (max(self.shape[1] // factor, 1), max(self.shape[0] // factor, 1))

        def less(picture: EncodedRGB) -> EncodedRGB:
            reduced: EncodedRGB = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            return reduced

        label = cv2.resize(self.label, size, interpolation=cv2.INTER_AREA)
        codes = np.rint(np.clip(label, -1, 1) * RESIDUAL_SCALE).astype(np.int16)
        whole = cv2.resize(self.valid.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        codes[whole < 0.999] = INVALID_CODE
        others = tuple(Witness(less(w.exposure), w.ev) for w in self.witnesses)
        made = replace(
            self, exposure=less(self.exposure), reference=less(self.reference), codes=codes, witnesses=others
        )
        return made, factor


def seen(
    reference: EncodedRGB,
    exposures: Sequence[EncodedRGB] | NDArray[np.uint8],
    codes: ResidualCodes,
    evs: Sequence[float],
    index: int,
    white: float = WHITE,
) -> Seen:
    """Return level `index` of a scene whose exposures lie in `evs`, with its label `codes` (H, W)."""
    others = nearest(evs, index)
    return Seen(
        np.asarray(exposures[index]),
        reference,
        codes,
        float(evs[index]),
        tuple(Witness(np.asarray(exposures[i]), float(evs[i])) for i in others),
        white,
    )


def nearest(evs: Sequence[float], index: int) -> list[int]:
    """Return the other levels, the nearest in stops to level `index` first.

    >>> nearest((-2, -1, 0, 1), 1)
    [0, 2, 3]
    """
    others = (i for i in range(len(evs)) if i != index)
    return sorted(others, key=lambda i: (abs(evs[i] - evs[index]), i))
