"""Scenes as disputes are sought in: small, with the luma of exposures and reference; and which scenes are alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, ResidualCodes, residual_from_codes
from iea40k.residuals import luma

SIDE = 128
"""Shorter side, in pixels, at which labels are compared."""

ALIKE = 0.92
"""Correlation of small pictures from which two scenes are near-twins and share a fold."""

Map = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SmallScene:
    """One scene. `exposures` (E, h, w, 3) uint8; `grey` (E, h, w) their luma; `reference` (h, w) luma.

    `labels` (E, h, w) residuals, NaN without data; `touched` (E, h, w) bool, where people corrected them. `shape` is
    the full (H, W), `evs` the stops.
    """

    scene_id: str
    levels: tuple[str, ...]
    evs: tuple[float, ...]
    shape: tuple[int, int]
    exposures: NDArray[np.uint8]
    grey: Map
    reference: Map
    labels: Map
    touched: NDArray[np.bool_]


def small_scene(
    scene_id: str,
    levels: Sequence[str],
    evs: Sequence[float],
    exposures: NDArray[np.uint8],
    reference: EncodedRGB,
    codes: ResidualCodes,
    touched: NDArray[np.bool_] | None = None,
) -> SmallScene:
    """Return a scene of exposures (E, H, W, 3) and codes (E, H, W), made small by means over areas."""
    height, width = reference.shape[:2]
    share = min(1.0, SIDE / min(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))

    def small(values: NDArray[np.floating]) -> Map:
        found: Map = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
        return found

    pictures = np.stack([cv2.resize(e, size, interpolation=cv2.INTER_AREA) for e in exposures])
    drawn = np.zeros(codes.shape, np.bool_) if touched is None else touched
    return SmallScene(
        scene_id,
        tuple(levels),
        tuple(float(ev) for ev in evs),
        (height, width),
        pictures.astype(np.uint8),
        np.stack([small(luma(e)) for e in exposures]),
        small(luma(reference)),
        # A mean over an area with a NaN is NaN: a border without data stays without.
        np.stack([small(residual_from_codes(c)) for c in codes]),
        np.stack([small(t.astype(np.float32)) > 0 for t in drawn]),
    )


def folds_by_likeness(scenes: Sequence[SmallScene], folds: int) -> list[int]:
    """Return the fold of each scene: near-twins share one, and folds are about equally large.

    Two scenes are near-twins where their references, at 16x16 pixels, correlate.
    """
    prints = np.stack([_print(scene.reference) for scene in scenes])
    twins = prints @ prints.T >= ALIKE
    group = np.arange(len(scenes))
    for first, second in zip(*np.nonzero(np.triu(twins, 1)), strict=True):
        group[group == group[second]] = group[first]
    found = np.zeros(len(scenes), np.int64)
    filled = np.zeros(folds, np.int64)
    # The largest groups first, each into the emptiest fold; ties by the order of scenes.
    order = sorted(set(group.tolist()), key=lambda g: (-int((group == g).sum()), g))
    for name in order:
        fold = int(filled.argmin())
        found[group == name] = fold
        filled[fold] += int((group == name).sum())
    return [int(fold) for fold in found]


def _print(reference: Map) -> Map:
    tiny = cv2.resize(reference, (16, 16), interpolation=cv2.INTER_AREA).ravel()
    tiny = tiny - tiny.mean()
    found: Map = tiny / max(float(np.linalg.norm(tiny)), 1e-6)
    return found
