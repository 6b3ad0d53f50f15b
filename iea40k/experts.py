"""One reference from several experts' retouches: a chosen one, their per-pixel median, and how far they lie apart.

The spread is the mean absolute deviation of the experts' luma from their median luma, per pixel: the scale that
maximum likelihood gives a Laplace distribution, whose loss is the L1 that the networks train with.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, check_encoded, check_same_size
from iea40k.errors import BadInputError
from iea40k.residuals import luma

MEDIAN, MEDIAN_SPREAD = "median", "median-spread"


def chosen(method: str, experts: Sequence[str]) -> tuple[int, ...]:
    """Return the indices of the retouches that a method needs: all for a median, one for an expert's name.

    A single retouch serves any median. Raises `BadInputError` where the named expert has none.
    """
    if not experts:
        raise BadInputError("there is no retouch to choose from", expected="one at least")
    if method in (MEDIAN, MEDIAN_SPREAD):
        return tuple(range(len(experts)))
    if method in experts:
        return (experts.index(method),)
    if experts == ("",):  # one retouch by nobody in particular
        return (0,)
    raise BadInputError(
        "the chosen expert has no retouch of this scene",
        expected=f"expert {method}",
        got=", ".join(name or "unnamed" for name in experts),
        remedy="choose another expert, or 'median' in the build's configuration",
    )


def combine(
    retouches: Sequence[EncodedRGB], experts: Sequence[str], method: str
) -> tuple[EncodedRGB, NDArray[np.float32] | None, dict[str, Any]]:
    """Return the reference (H, W, 3) uint8, the experts' spread (H, W) float32 or None, and the recipe.

    `method` is an expert's name, "median" or "median-spread". The median is taken for each pixel and channel on the
    encoded picture; between two middle values it is their mean, rounded half to even. The spread (see `spread_of`)
    comes with "median-spread" and two experts or more. Raises `ArrayError` where sizes differ.
    """
    kept = chosen(method, experts)
    for index in kept:
        check_encoded(retouches[index], f"retouch by {experts[index] or 'the expert'}")
        check_same_size(
            retouches[kept[0]], retouches[index], ("the first retouch", f"that by {experts[index]}")
        )
    recipe: dict[str, Any] = {"method": method, "experts": [experts[index] for index in kept]}
    if len(kept) == 1:
        return retouches[kept[0]], None, recipe
    stack = np.stack([retouches[index] for index in kept])
    reference = _median(stack)
    if method == MEDIAN:
        return reference, None, recipe
    spread = spread_of(stack)
    recipe["mean_spread"] = round(float(spread.mean()), 6)
    return reference, spread, recipe


def spread_of(stack: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the mean absolute deviation of the lumas of (N, H, W, 3) uint8 from their median: (H, W) in [0, 0.5]."""
    lumas = np.stack([luma(picture) for picture in stack])
    lumas.sort(axis=0)
    # The sum of distances to the median is that of the upper half less that of the lower half.
    half = len(lumas) // 2
    spread: NDArray[np.float32] = (
        lumas[len(lumas) - half :].sum(axis=0) - lumas[:half].sum(axis=0)
    ) / np.float32(len(lumas))
    return spread


def _median(stack: NDArray[np.uint8]) -> EncodedRGB:
    ordered = np.sort(stack, axis=0)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return np.ascontiguousarray(ordered[middle])
    twice = ordered[middle - 1].astype(np.uint16) + ordered[middle]
    median: EncodedRGB = np.rint(twice / np.float32(2)).astype(np.uint8)
    return median
