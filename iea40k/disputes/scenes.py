"""Scenes as disputes are sought in: small, with the luma of exposures and reference; and which scenes share a fold."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, ResidualCodes, residual_from_codes, validity_from_codes
from iea40k.fusion.masks import filled
from iea40k.likeness import Sketch, find_twins, groups_of, sketch_of
from iea40k.residuals import luma

SIDE = 128
"""Shorter side, in pixels, at which labels are compared."""

Map = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SmallScene:
    """One scene. `exposures` (E, h, w, 3) uint8; `grey` (E, h, w) their luma; `reference` (h, w) luma.

    `labels` (E, h, w) residuals, NaN without data; `touched` (E, h, w) bool, where people corrected them; `budget` and
    `apart` (E, h, w), the labels' standard deviation and how far the experts lie apart, NaN where unknown. `shape` is
    the full (H, W), `evs` the stops. Scenes of one `composition`, where it is not "", share a fold, and so do scenes
    whose sketches are near-twins.
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
    budget: Map
    apart: Map
    sketch: Sketch
    composition: str = ""


def small_scene(
    scene_id: str,
    levels: Sequence[str],
    evs: Sequence[float],
    exposures: NDArray[np.uint8],
    reference: EncodedRGB,
    codes: ResidualCodes,
    touched: NDArray[np.bool_] | None = None,
    *,
    budget: Map | None = None,
    apart: Map | None = None,
    composition: str = "",
) -> SmallScene:
    """Return a scene of exposures (E, H, W, 3) and codes (E, H, W), made small by means over areas.

    `budget` and `apart` (E, H, W) as in `SmallScene`; None: unknown everywhere.
    """
    height, width = reference.shape[:2]
    share = min(1.0, SIDE / min(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))

    def small(values: NDArray[np.floating]) -> Map:
        found: Map = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
        return found

    drawn = np.zeros(codes.shape, np.bool_) if touched is None else touched
    exposures = np.stack([_filled(e, code) for e, code in zip(exposures, codes, strict=True)])
    pictures = np.stack([cv2.resize(e, size, interpolation=cv2.INTER_AREA) for e in exposures])
    unknown = np.broadcast_to(np.float32(np.nan), (len(codes), size[1], size[0]))
    as_shot = min(range(len(evs)), key=lambda k: (abs(evs[k]), evs[k]))
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
        unknown if budget is None else np.stack([small(b) for b in budget]),
        unknown if apart is None else np.stack([small(a) for a in apart]),
        sketch_of(exposures[as_shot]),
        composition,
    )


def _filled(exposure: EncodedRGB, codes: ResidualCodes) -> EncodedRGB:
    """Return an exposure whose black border, where a warp left no data, continues what lies beside it.

    What merely moved is invalid too, but it is there to be seen.
    """
    empty = ~validity_from_codes(codes) & (exposure.max(axis=2) == 0)
    if not empty.any() or empty.all():
        return exposure
    return np.rint(filled(exposure.astype(np.float32), ~empty)).astype(np.uint8)


def groups_by_likeness(scenes: Sequence[SmallScene]) -> list[list[str]]:
    """Return the ids of scenes that belong together: near-twins (`iea40k.likeness`), and scenes of one composition."""
    pairs = [(twin.first, twin.second) for twin in find_twins({s.scene_id: s.sketch for s in scenes})]
    first: dict[str, str] = {}
    pairs += [
        (first.setdefault(scene.composition, scene.scene_id), scene.scene_id)
        for scene in scenes
        if scene.composition
    ]
    heads = groups_of([scene.scene_id for scene in scenes], pairs)
    members: dict[str, list[str]] = {}
    for scene in scenes:
        members.setdefault(heads[scene.scene_id], []).append(scene.scene_id)
    return [members[name] for name in sorted(members)]


def folds_by_likeness(scenes: Sequence[SmallScene], folds: int) -> list[int]:
    """Return the fold of each scene: those that belong together share one, and folds are about equally large."""
    fold_of: dict[str, int] = {}
    filled = [0] * folds
    # The largest groups first, each into the emptiest fold; ties by name.
    for group in sorted(groups_by_likeness(scenes), key=len, reverse=True):
        fold = filled.index(min(filled))
        filled[fold] += len(group)
        fold_of |= dict.fromkeys(group, fold)
    return [fold_of[scene.scene_id] for scene in scenes]
