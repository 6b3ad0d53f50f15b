"""Outlier flags: why a pixel of a residual deserves a person's look, a bit each; and a review priority an exposure.

One blown channel alone is a vivid colour, not missing light. Pixels without valid data carry no flag: their code
says so already. Thresholds are constants below and part of every build's recipe.
"""

import math
from collections.abc import Mapping
from enum import IntFlag

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import (
    RESIDUAL_SCALE,
    EncodedRGB,
    OutlierFlags,
    ResidualCodes,
    Validity,
    check_encoded,
    check_same_size,
    validity_from_codes,
)
from iea40k.clipping import BELOW_WHITE, CRUSHED, WHITE, blown, crushed
from iea40k.residuals import luma


class Outlier(IntFlag):
    """The bits of an outlier map, one row each: a new flag is a new row and the rule in `outlier_flags` that sets it.

    A member is its bit. Single bits also have:

    - `weight`: of a flag's share of valid pixels in the review priority. What only people can repair weighs most
    - `suggested`: whether it suggests a repair; blown or crushed pixels alone are what an exposure error looks like
    - `patchy`: whether it marks only the structure of what is wrong, so that the flat parts between belong to it
    - `colour`: of its outlines on screen
    - `words`: what it says, for people

    A pixel may have several; a bit is tested with `&`:

    >>> flags = np.array([[0, 1, 3]], np.uint8)
    >>> flags & Outlier.CLIPPED_LOW > 0
    array([[False, False,  True]])
    """

    weight: float
    suggested: bool
    patchy: bool
    colour: str
    words: str

    def __new__(
        cls,
        bit: int,
        weight: float = 0.0,
        suggested: bool = False,
        patchy: bool = False,
        colour: str = "",
        words: str = "",
    ) -> "Outlier":
        """Make one row's member."""
        member = int.__new__(cls, bit)
        member._value_ = bit
        member.weight, member.suggested, member.patchy = weight, suggested, patchy
        member.colour, member.words = colour, words
        return member

    CLIPPED_HIGH = (
        1,
        0.3,
        False,
        False,
        "#ff9f1c",
        "the exposure is blown: two channels or more at 254 or 255",
    )
    CLIPPED_LOW = 2, 0.3, False, False, "#38a3ff", "the exposure is crushed: all three channels at 0 or 1"
    CLIPPED_BOTH = (
        4,
        6.0,
        True,
        False,
        "#ffe14d",
        (
            "exposure and reference are blown: a lamp, the sun, a white logo; overexposed although the residual is 0"
        ),
    )
    ISOLATED = (
        8,
        40.0,
        True,
        False,
        "#ff4fd8",
        ("a speckle of at most 12 pixels whose residual stands apart from its neighbourhood"),
    )
    MISALIGNED = (
        16,
        8.0,
        True,
        True,
        "#49e36b",
        ("structure of exposure and reference disagrees: a displaced edge, or something that moved"),
    )

    CONTRADICTED = (
        32,
        8.0,
        False,
        False,
        "#c58bff",
        ("darker than a frame that was exposed less: something moved, or the frames' EVs are wrong"),
    )

    @property
    def title(self) -> str:
        """Return the flag's name as people read it: `clipped high`."""
        return str(self.name).lower().replace("_", " ")


CONTRADICTION = 16 / 255
"""Luma by which a brighter exposure may be darker than a darker one: noise, JPEG, half a pixel of edge."""

SPECKLE_AREA = 12
SPECKLE_STEP = 20 / 255  # a smaller deviation is noise of an 8-bit picture
SPECKLE_SPREAD = 6.0  # in units of the neighbourhood's median absolute deviation
WINDOW = 11
STRUCTURE = 6 / 255  # standard deviation of luma in the window below which there is nothing to compare
AGREEMENT = 0.6  # correlation below which structures disagree

PARAMETERS: Mapping[str, float] = {
    "blown": WHITE - BELOW_WHITE,
    "crushed": CRUSHED,
    "speckle_area": SPECKLE_AREA,
    "speckle_step": SPECKLE_STEP,
    "speckle_spread": SPECKLE_SPREAD,
    "window": WINDOW,
    "structure": STRUCTURE,
    "agreement": AGREEMENT,
    "contradiction": CONTRADICTION,
}


def outlier_flags(
    reference: EncodedRGB,
    exposure: EncodedRGB,
    codes: ResidualCodes,
    *,
    captured: bool = True,
    white: float = WHITE,
) -> OutlierFlags:
    """Return the flags (H, W) uint8 of one exposure with its residual codes (H, W).

    `captured` is False for exposures simulated from the reference's own file: they are registered by construction,
    so `MISALIGNED` is not looked for. `white` is the white level of the exposure's camera in codes.
    """
    check_encoded(reference, "reference", least=1)
    check_encoded(exposure, "exposure", least=1)
    check_same_size(reference, exposure, ("reference", "exposure"))
    valid = validity_from_codes(codes)
    white_here = blown(exposure, white)
    flags = np.zeros(codes.shape, np.uint8)
    flags[white_here] |= np.uint8(Outlier.CLIPPED_HIGH)
    flags[crushed(exposure)] |= np.uint8(Outlier.CLIPPED_LOW)
    flags[white_here & blown(reference, white)] |= np.uint8(Outlier.CLIPPED_BOTH)
    flags[_speckles(codes, valid)] |= np.uint8(Outlier.ISOLATED)
    if captured:
        flags[_disagreeing(luma(reference), luma(exposure), valid) & ~white_here] |= np.uint8(
            Outlier.MISALIGNED
        )
    flags[~valid] = 0
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


def review_priority(flags: OutlierFlags, codes: ResidualCodes) -> float:
    """Return how soon a person should look at an exposure: 0 (nothing flagged) towards 1.

    `1 - exp(-sum(weight * share))` over the flags' shares of the valid pixels, plus the share without data.

    >>> review_priority(np.zeros((2, 2), np.uint8), np.array([[0, 0], [0, -32768]], np.int16))
    0.221199
    """
    valid = validity_from_codes(codes)
    count = int(valid.sum())
    if count == 0:
        return 1.0
    shares = {bit: float(((flags & bit) != 0).sum()) / count for bit in Outlier}
    total = sum(bit.weight * share for bit, share in shares.items()) + (1 - count / codes.size)
    return round(1 - math.exp(-total), 6)


def _speckles(codes: ResidualCodes, valid: Validity) -> NDArray[np.bool_]:
    residual = np.where(valid, codes, 0).astype(np.float32) / np.float32(RESIDUAL_SCALE)
    deviation = np.abs(residual - cv2.medianBlur(residual, 5))
    spread = cv2.medianBlur(deviation, 5)
    apart = (deviation > np.maximum(SPECKLE_STEP, SPECKLE_SPREAD * spread)) & valid
    # A pixel beside a hole would be compared with the zeros that fill the hole.
    apart &= cv2.erode(valid.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=1).astype(bool)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(apart.astype(np.uint8), connectivity=8)
    small = stats[:, cv2.CC_STAT_AREA] <= SPECKLE_AREA
    small[0] = False  # label 0 is everything else
    found: NDArray[np.bool_] = small[labels]
    return found


def _disagreeing(
    reference: NDArray[np.float32], exposure: NDArray[np.float32], valid: Validity
) -> NDArray[np.bool_]:
    """Local zero-mean normalised correlation: blind to gain and offset, so exposure itself does not count."""

    def mean(image: NDArray[np.float32]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = cv2.blur(image, (WINDOW, WINDOW), borderType=cv2.BORDER_REFLECT_101)
        return result.reshape(image.shape)

    mean_r, mean_e = mean(reference), mean(exposure)
    var_r = np.maximum(mean(reference * reference) - mean_r * mean_r, 0)
    var_e = np.maximum(mean(exposure * exposure) - mean_e * mean_e, 0)
    covariance = mean(reference * exposure) - mean_r * mean_e
    structured = (var_r > STRUCTURE**2) & (var_e > STRUCTURE**2)
    whole = cv2.erode(valid.astype(np.uint8), np.ones((WINDOW, WINDOW), np.uint8), borderValue=1).astype(bool)
    apart = covariance < AGREEMENT * np.sqrt(var_r * var_e)
    found: NDArray[np.bool_] = structured & whole & apart
    return found
