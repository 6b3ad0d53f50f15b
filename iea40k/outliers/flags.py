"""Outlier flags: why a pixel of a residual deserves a person's look, a bit each; and a review priority an exposure.

What is clipped is read from the pixels; the other flags are those of the regions that are proposed
(`iea40k.outliers.proposals`). One blown channel alone is a vivid colour, not missing light. Pixels without valid data
carry no flag: their code says so already.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntFlag

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import (
    EncodedRGB,
    OutlierFlags,
    ResidualCodes,
    Validity,
    check_encoded,
    check_same_size,
    validity_from_codes,
)
from iea40k.clipping import BELOW_WHITE, CRUSHED, WHITE, blown, crushed
from iea40k.outliers.evidence import ALLOWED, GAP
from iea40k.outliers.kinds import Kind
from iea40k.outliers.lights import LIGHT
from iea40k.outliers.picture_faults import SHIFT_LEAVES
from iea40k.outliers.proposals import LEAST, LEAST_COST, MOST, Proposal
from iea40k.residuals import luma


class Outlier(IntFlag):
    """The bits of an outlier map, one row each: a new flag is a new row and the rule in `outlier_flags` that sets it.

    A member is its bit. Single bits also have `suggested`: whether it suggests a repair, as what is blown or crushed
    alone does not; `colour` of its outlines on screen; `words`: what it says, for people.

    A pixel may have several; a bit is tested with `&`:

    >>> flags = np.array([[0, 1, 3]], np.uint8)
    >>> flags & Outlier.CLIPPED_LOW > 0
    array([[False, False,  True]])
    """

    suggested: bool
    colour: str
    words: str

    def __new__(cls, bit: int, suggested: bool = False, colour: str = "", words: str = "") -> "Outlier":
        """Make one row's member."""
        member = int.__new__(cls, bit)
        member._value_ = bit
        member.suggested, member.colour, member.words = suggested, colour, words
        return member

    CLIPPED_HIGH = 1, False, "#ff9f1c", "the exposure is blown: two channels or more at 254 or 255"
    CLIPPED_LOW = 2, False, "#38a3ff", "the exposure is crushed: all three channels at 0 or 1"
    CLIPPED_BOTH = (
        4,
        True,
        "#ffe14d",
        "exposure and reference are blown: a lamp, the sun, a white logo; overexposed although the residual is 0",
    )
    ISOLATED = (
        8,
        True,
        "#ff4fd8",
        "speckle: dots that are neither in the reference nor at the scene's other levels",
    )
    MISALIGNED = (
        16,
        True,
        "#49e36b",
        "the exposure shows something else than the reference and the other levels: displaced, or moved",
    )
    CONTRADICTED = (
        32,
        False,
        "#c58bff",
        "darker than a frame that was exposed less: something moved, or the frames' EVs are wrong",
    )
    UNEXPLAINED = 64, True, "#ff6b4a", "the label is not reference minus exposure"

    @property
    def title(self) -> str:
        """Return the flag's name as people read it: `clipped high`."""
        return str(self.name).lower().replace("_", " ")


CONTRADICTION = 16 / 255
"""Luma by which a brighter exposure may be darker than a darker one: noise, JPEG, half a pixel of edge."""

PARAMETERS: Mapping[str, float] = {
    "blown": WHITE - BELOW_WHITE,
    "crushed": CRUSHED,
    "contradiction": CONTRADICTION,
    "allowed": ALLOWED,
    "label_gap": GAP,
    "least_pixels": LEAST,
    "least_cost": LEAST_COST,
    "most": MOST,
    "light": LIGHT,
    "shift_leaves": SHIFT_LEAVES,
}

FLAG_OF: Mapping[Kind, Outlier] = {
    Kind.SPECKLE: Outlier.ISOLATED,
    Kind.DISPLACED: Outlier.MISALIGNED,
    Kind.MOVED: Outlier.MISALIGNED,
    Kind.BRIGHTNESS: Outlier.MISALIGNED,
    Kind.SIGN: Outlier.UNEXPLAINED,
    Kind.LEVEL: Outlier.UNEXPLAINED,
    Kind.GAIN: Outlier.UNEXPLAINED,
}
"""The flag of the pixels of a proposal; lights and what is clipped have theirs from the pixels."""


def outlier_flags(
    reference: EncodedRGB,
    exposure: EncodedRGB,
    codes: ResidualCodes,
    proposals: Iterable[Proposal] = (),
    *,
    white: float = WHITE,
) -> OutlierFlags:
    """Return the flags (H, W) uint8 of one exposure with its residual codes (H, W) and what is proposed for it.

    `white` is the white level of the exposure's camera in codes.
    """
    check_encoded(reference, "reference", least=1)
    check_encoded(exposure, "exposure", least=1)
    check_same_size(reference, exposure, ("reference", "exposure"))
    white_here = blown(exposure, white)
    flags = np.zeros(codes.shape, np.uint8)
    flags[white_here] |= np.uint8(Outlier.CLIPPED_HIGH)
    flags[crushed(exposure)] |= np.uint8(Outlier.CLIPPED_LOW)
    flags[white_here & blown(reference, white)] |= np.uint8(Outlier.CLIPPED_BOTH)
    for proposal in proposals:
        if proposal.kind in FLAG_OF:
            flags[proposal.box][proposal.mask] |= np.uint8(FLAG_OF[proposal.kind])
    flags[~validity_from_codes(codes)] = 0
    return flags


def contradicted(
    exposures: NDArray[np.uint8], validity: Validity | None, flags: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return flags (E, H, W) with `CONTRADICTED` where an exposure is darker than the one before it.

    `exposures` (E, H, W, 3) uint8 lie in order of their EVs, the darkest first. More light cannot make a
    darker picture, so one of the two labels is wrong there. The brighter one is marked; pixels without data in
    either are not looked at.
    """
    marked = flags.copy()
    lumas = [cv2.blur(luma(exposure), (3, 3)) for exposure in exposures]
    for index in range(1, len(lumas)):
        wrong = lumas[index] < lumas[index - 1] - np.float32(CONTRADICTION)
        if validity is not None:
            wrong &= validity[index] & validity[index - 1]
        marked[index][wrong] |= np.uint8(Outlier.CONTRADICTED)
    return marked


def review_priority(proposals: Sequence[Proposal], codes: ResidualCodes) -> float:
    """Return how soon a person should look at an exposure: 0 (nothing proposed) towards 1.

    `1 - exp(-(100 * cost + missing))`: the label error that the proposals hold, a valid pixel, and the share without
    data.

    >>> review_priority((), np.array([[0, 0], [0, -32768]], np.int16))
    0.221199
    """
    count = int(validity_from_codes(codes).sum())
    if count == 0:
        return 1.0
    total = 100 * sum(p.cost for p in proposals) / count + (1 - count / codes.size)
    return round(float(1 - np.exp(-total)), 6)
