"""Evidence against a level's label, a map each: from its own pictures, the scene's other levels, and structure."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import Luma, Validity
from iea40k.outliers.lawful import SLACK, Expected, Law, beyond
from iea40k.outliers.seen import WITNESSES, Seen

ALLOWED = 6 / 255
"""Luma by which a picture may differ for noise and compression."""

GAP = 4 / 255
GAP_SPREAD = 5.0
"""A label that differs from its pictures by less, or by so many times what it usually does, is theirs."""

GUILTY = 0.35
"""What the witnesses against a pixel must know together, each at most 1."""

KNOWN = 0.4
"""Width of bounds from which a witness knows nothing."""

WINDOW = 11
STRUCTURE = 5 / 255
"""Standard deviation of luma in the window below which there is nothing to compare."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Maps (H, W) of one level.

    - `gap` float32: the label minus what its pictures say, 0 within noise
    - `beyond` float32: by how much the exposure lies above or below what the scene's other levels and the reference
      allow, 0 where most of them allow it
    - `lawful` float32: the luma that they expect, NaN where they know nothing; `unsure`: half the width of their bounds
    - `agrees` float32: how well the structure of exposure and reference agree, -1 ... 1; NaN where there is none
    """

    gap: NDArray[np.float32]
    beyond: NDArray[np.float32]
    lawful: Luma
    unsure: Luma
    agrees: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Laws:
    """How a level follows from the nearest levels of its scene, and from the reference, which comes last."""

    all: tuple[Law, ...]

    @classmethod
    def of(cls, view: Seen) -> "Laws":
        """Read them from a level, or from a smaller picture of it."""
        sources = (*(w.exposure for w in view.witnesses[:WITNESSES]), view.reference)
        return cls(tuple(Law.between(source, view.exposure, view.valid) for source in sources))

    def expect(self, view: Seen) -> tuple[Expected, ...]:
        """Return what each expects of a level, or of a part of it."""
        sources = (*(w.exposure for w in view.witnesses[:WITNESSES]), view.reference)
        return tuple(law.expect(source) for law, source in zip(self.all, sources, strict=True))


def evidence(view: Seen, laws: Laws) -> Evidence:
    """Return the evidence against a level's label."""
    expected = laws.expect(view)
    lawful, unsure = together(expected)
    return Evidence(
        _gap(view), _odd(view, expected), lawful, unsure, agreement(view.wanted, view.light, view.valid)
    )


def together(expected: Sequence[Expected]) -> tuple[Luma, Luma]:
    """Return the luma that all expect together, NaN where they know nothing, and half the width of the bounds."""
    middle, known = np.zeros_like(expected[0].middle), np.zeros_like(expected[0].middle)
    width = np.ones_like(middle)
    for found in expected:
        trust = (np.maximum(1 - found.width, np.float32(0.02)) ** 8).astype(np.float32)
        middle += trust * found.middle
        known += trust
        width = np.minimum(width, found.width).astype(np.float32)
    lawful: Luma = (middle / np.maximum(known, np.float32(1e-12))).astype(np.float32)
    lawful[width >= KNOWN] = np.nan
    return lawful, width / np.float32(2)


def _gap(view: Seen) -> NDArray[np.float32]:
    gap = np.where(view.valid, view.label - view.difference, 0).astype(np.float32)
    seen = np.abs(gap[view.valid])
    usual = 1.48 * float(np.median(seen)) if seen.size else 0.0
    # Compression leaves more in texture than elsewhere, and changes its sign from pixel to pixel.
    near = cv2.boxFilter(np.minimum(np.abs(gap), 3 * usual + 1e-6), -1, (WINDOW, WINDOW))
    limit = np.maximum(GAP, GAP_SPREAD * np.maximum(usual, near * 0.8))
    steady = np.abs(cv2.blur(gap, (3, 3))) > np.maximum(GAP, 2.5 * usual)
    result: NDArray[np.float32] = np.where((np.abs(gap) > limit) | steady, gap, 0).astype(np.float32)
    return result


def _odd(view: Seen, expected: Sequence[Expected]) -> NDArray[np.float32]:
    """Return by how much the exposure is beyond what the others allow; the majority of what they know counts."""
    fault, fine, size = (np.zeros(view.shape, np.float32) for _ in range(3))
    for found in expected:
        weight = np.clip(1 - cv2.dilate(found.width, SLACK) / KNOWN, 0, 1)
        off = beyond(view.light, found, ALLOWED)
        odd = off != 0
        fault += np.where(odd, weight, 0)
        fine += np.where(odd, 0, weight)
        size += weight * off
    guilty = (fault > GUILTY) & (fault > 2 * fine) & view.valid
    result: NDArray[np.float32] = np.where(guilty, size / np.maximum(fault, 1e-6), 0).astype(np.float32)
    return result


def agreement(reference: Luma, exposure: Luma, valid: Validity) -> NDArray[np.float32]:
    """Return the local correlation of two pictures, blind to gain and offset: the best within one pixel.

    (H, W) float32 in [-1, 1], NaN where either has no structure.
    """

    def mean(image: NDArray[np.float32]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = cv2.blur(image, (WINDOW, WINDOW), borderType=cv2.BORDER_REFLECT_101)
        return result.reshape(image.shape)

    mean_e = mean(exposure)
    var_e = np.maximum(mean(exposure * exposure) - mean_e * mean_e, 0)
    best = np.full(exposure.shape, -1, np.float32)
    for dy, dx in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)):
        moved = np.roll(reference, (dy, dx), (0, 1))
        mean_r = mean(moved)
        var_r = np.maximum(mean(moved * moved) - mean_r * mean_r, 0)
        score = (mean(moved * exposure) - mean_r * mean_e) / np.sqrt(np.maximum(var_r * var_e, 1e-12))
        if (dy, dx) == (0, 0):
            plain = (var_r < STRUCTURE**2) | (var_e < STRUCTURE**2)
        best = np.maximum(best, score)
    whole = cv2.erode(valid.astype(np.uint8), np.ones((WINDOW, WINDOW), np.uint8), borderValue=1).astype(bool)
    best[plain | ~whole] = np.nan
    return best
