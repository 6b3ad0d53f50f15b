"""From scenes to disputes: predictions out of fold, signals, a detector that learns from planted errors, regions.

Deterministic: the same scenes and seed give the same disputes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from iea40k.disputes.planting import CLEAN, REASONS, plant
from iea40k.disputes.scenes import Map, SmallScene, folds_by_likeness
from iea40k.disputes.signals import NAMES, Evidence, evidence, expected_errors
from iea40k.disputes.trees import Trees
from iea40k.errors import BadInputError

LEAST_SCENES = 4
"""Scenes without which nothing can be predicted out of fold."""

PLANTED = 4
"""Wrong labels of chance kinds that are made of each image for the detector to learn from."""

DISPUTED = 0.5
"""Score from which an image is disputed."""

_SCENE = NAMES.index("scene_error")
_OF_REGIONS = ("region", "missed")
_LEAST_AREA = 12  # pixels of a region, at the small size

Predict = Callable[[NDArray[np.uint8]], Map]
Fit = Callable[[Sequence[SmallScene], int], Predict]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Region:
    """Where a label is disputed: `box` (top, left, height, width) and `area` in pixels of the full frame."""

    box: tuple[int, int, int, int]
    area: int
    score: float


@dataclass(frozen=True, eq=False)
class Dispute:
    """One image: `score` in [0, 1], the likeliest `kind`, `reason` in words, and regions; `signals` by name.

    `prediction` (h, w) is what was expected out of fold, at the small size; + = underexposed.
    """

    scene_id: str
    level: str
    score: float
    kind: str
    reason: str
    regions: tuple[Region, ...]
    signals: dict[str, float]
    prediction: Map


def fit_trees(scenes: Sequence[SmallScene], seed: int) -> Predict:
    """Learn trees from scenes, and return what predicts a small picture's residual."""
    trees = Trees(pixels=200, seed=seed, rounds=120)
    trees.fit(
        (image, label)
        for scene in scenes
        for image, label in zip(scene.exposures, scene.labels, strict=True)
        if not np.isnan(label).all()
    )
    return trees


def out_of_fold(
    scenes: Sequence[SmallScene],
    folds: int,
    *,
    fit: Fit = fit_trees,
    seed: int = 0,
    progress: Progress = lambda *_: None,
) -> list[Map]:
    """Return a prediction (E, h, w) for every scene by a model that never saw it nor its near-twins."""
    if len(scenes) < LEAST_SCENES:
        raise BadInputError(
            "too few scenes to predict any of them from the others",
            expected=f"{LEAST_SCENES} at least",
            got=str(len(scenes)),
        )
    fold = folds_by_likeness(scenes, min(folds, len(scenes)))
    found: dict[int, Map] = {}
    names = sorted(set(fold))
    if len(names) < 2:
        raise BadInputError("all scenes are alike: none can be predicted from another")
    for done, name in enumerate(names, start=1):
        predict = fit([s for s, f in zip(scenes, fold, strict=True) if f != name], seed + name)
        for number, scene in enumerate(scenes):
            if fold[number] == name:
                found[number] = np.stack([predict(picture) for picture in scene.exposures])
        progress(done, len(names))
    return [found[number] for number in range(len(scenes))]


def find_disputes(
    scenes: Sequence[SmallScene], predictions: Sequence[Map], *, seed: int = 0
) -> list[Dispute]:
    """Return every image with its score, the worst first; `predictions` as `out_of_fold` returns them."""
    scenes, predictions = list(scenes), list(predictions)
    expected = expected_errors(scenes, predictions)
    places = [(s, e) for s, scene in enumerate(scenes) for e in range(len(scene.levels))]
    real = [evidence(scenes[s], e, scenes[s].labels[e], predictions[s][e], expected) for s, e in places]
    of_scene = _scene_errors(places, real)
    values = _with_scene(np.stack([r.values for r in real]), of_scene)
    planted, kinds, planted_places = _planted(scenes, predictions, expected, places, of_scene, seed)
    scores, found = _detect(values, planted, kinds, places, planted_places, seed)
    disputes = [
        _dispute(scenes[s], e, predictions[s][e], real[k], values[k], float(scores[k]), found[k])
        for k, (s, e) in enumerate(places)
    ]
    return sorted(disputes, key=lambda d: (-d.score, d.scene_id, d.level))


def _scene_errors(places: list[tuple[int, int]], real: list[Evidence]) -> NDArray[np.float64]:
    """Return for each image the median error of the others of its scene: a wrong reference shows in all of them."""
    errors = np.array([r.values[0] for r in real])
    scene = np.array([s for s, _ in places])
    found = np.full(len(places), np.nan)
    for k in range(len(places)):
        others = (scene == scene[k]) & (np.arange(len(places)) != k) & ~np.isnan(errors)
        if others.any():
            found[k] = np.median(errors[others])
    return found


def _with_scene(values: NDArray[np.float64], of_scene: NDArray[np.float64]) -> NDArray[np.float64]:
    values = values.copy()
    values[:, _SCENE] = of_scene
    return values


def _planted(
    scenes: list[SmallScene],
    predictions: list[Map],
    expected: dict[tuple[str, int], float],
    places: list[tuple[int, int]],
    of_scene: NDArray[np.float64],
    seed: int,
) -> tuple[NDArray[np.float64], list[str], list[int]]:
    random = np.random.default_rng([seed, 20])
    names = list(REASONS)
    rows, kinds, of = [], [], []
    for k, (s, e) in enumerate(places):
        if np.isnan(scenes[s].labels[e]).all():
            continue
        for kind in random.choice(names, min(PLANTED, len(names)), replace=False):
            other = scenes[(s + 1 + int(random.integers(len(scenes) - 1))) % len(scenes)]
            scene, label = plant(scenes[s], e, str(kind), other, random)
            values = evidence(scene, e, label, predictions[s][e], expected).values
            values[_SCENE] = of_scene[k]
            rows.append(values)
            kinds.append(str(kind))
            of.append(k)
    return np.stack(rows), kinds, of


def _detect(
    values: NDArray[np.float64],
    planted: NDArray[np.float64],
    kinds: list[str],
    places: list[tuple[int, int]],
    planted_places: list[int],
    seed: int,
) -> tuple[NDArray[np.float64], list[str]]:
    """Return the score and the likeliest kind of each image, by detectors that never saw its scene."""
    scene = np.array([s for s, _ in places])
    fold = scene % 3
    scores = np.zeros(len(values))
    found = [CLEAN] * len(values)
    names = np.array(kinds)
    for name in range(3):
        asked = np.flatnonzero(fold == name)
        if not asked.size:
            continue
        own, others = fold != name, fold[planted_places] != name
        inputs = np.concatenate([values[own], planted[others]])
        wrong = np.concatenate([np.zeros(int(own.sum())), np.ones(int(others.sum()))])
        weight = np.where(wrong == 0, max(1.0, wrong.sum() / max(1, (wrong == 0).sum())), 1.0)
        detector = _classifier(seed).fit(inputs, wrong, sample_weight=weight)
        scores[asked] = detector.predict_proba(values[asked])[:, 1]
        scores[asked[np.isnan(values[asked][:, 0])]] = 0  # without a valid pixel there is no label to dispute
        told = _classifier(seed).fit(planted[others], names[others])
        for k, kind in zip(asked, told.predict(values[asked]), strict=True):
            found[int(k)] = str(kind)
    return scores, found


def _classifier(seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=80, learning_rate=0.1, max_leaf_nodes=12, min_samples_leaf=8, l2_regularization=1.0, random_state=seed
    )  # fmt: skip


def _dispute(
    scene: SmallScene,
    number: int,
    prediction: Map,
    found: Evidence,
    values: NDArray[np.float64],
    score: float,
    kind: str,
) -> Dispute:
    score = round(min(max(score, 0.0), 1.0), 6)
    reason = REASONS[kind] if score >= DISPUTED else "nothing speaks against it"
    regions = _regions(scene, found, kind, score) if score >= DISPUTED else ()
    signals = {name: float(v) for name, v in zip(NAMES, values, strict=True)}
    kind = kind if score >= DISPUTED else CLEAN
    return Dispute(scene.scene_id, scene.levels[number], score, kind, reason, regions, signals, prediction)


def _regions(scene: SmallScene, found: Evidence, kind: str, score: float) -> tuple[Region, ...]:
    """Return connected parts in which the label deviates: from the law, or else from what is usual."""
    law = cv2.GaussianBlur(found.law, (0, 0), 1.0)
    if kind == "missed":
        where = found.off_curve > 0.12
    elif (law > 0.015).mean() > 0.001:
        where = law > max(0.01, 0.15 * float(law.max()))
    else:
        where = found.away > max(3.0, 0.5 * float(found.away.max()))
    scale = scene.shape[0] / found.law.shape[0], scene.shape[1] / found.law.shape[1]
    strength = np.maximum(law / 0.05, found.away / 6)
    if kind not in _OF_REGIONS:
        return _whole(where, scale, score)
    closed = cv2.morphologyEx(where.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    out = []
    for part in range(1, count):
        left, top, width, height, area = (int(v) for v in stats[part][:5])
        if area < _LEAST_AREA:
            continue
        # A part of a tenth of the largest is an echo of it.
        share = area / float(stats[1:, cv2.CC_STAT_AREA].max())
        strong = float(np.clip(strength[labels == part].mean(), 0.05, 1)) * min(1.0, share)
        box = (
            round(top * scale[0]), round(left * scale[1]),
            max(1, round(height * scale[0])), max(1, round(width * scale[1])),
        )  # fmt: skip
        out.append(Region(box, round(area * scale[0] * scale[1]), round(score * strong, 6)))
    return tuple(sorted(out, key=lambda r: (-r.score, r.box))[:8])


def _whole(where: NDArray[np.bool_], scale: tuple[float, float], score: float) -> tuple[Region, ...]:
    """Return one region around all that deviates: what is wrong with the map is wrong with all of it."""
    if not where.any():
        return ()
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    box = (
        round(rows[0] * scale[0]), round(columns[0] * scale[1]),
        round((rows[-1] - rows[0] + 1) * scale[0]), round((columns[-1] - columns[0] + 1) * scale[1]),
    )  # fmt: skip
    return (Region(box, round(float(where.sum()) * scale[0] * scale[1]), score),)
