"""From scenes and what is expected of them to disputes: signals, a detector that learns from planted errors, regions.

Deterministic: the same scenes and seed give the same disputes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from iea40k.disputes.expecting import Expectation
from iea40k.disputes.planting import CLEAN, REASONS, painted, plant
from iea40k.disputes.regions import Region, regions_of
from iea40k.disputes.scenes import Map, SmallScene
from iea40k.disputes.signals import NAMES, Evidence, evidence, expected_errors
from iea40k.disputes.trees import few_threads

PLANTED = 4
"""Wrong labels of chance kinds that are made of each image for the detector to learn from."""

DISPUTED = 0.5
"""Score from which an image is disputed."""

_PAINTED = 0.3
"""Of them are painted by somebody: the detector must know wrong labels from right ones there too."""

_ERROR, _SCENE, _SIZE = (NAMES.index(name) for name in ("error", "scene_error", "label_size"))


@dataclass(frozen=True, eq=False)
class Dispute:
    """One image: `score` in [0, 1], the likeliest `kind`, `reason` in words, and regions; `signals` by name.

    `prediction` (h, w) is what was expected out of fold, at the small size; + = underexposed, NaN: nothing.
    `deviation` is the mean of what the model says of its own standard deviation, NaN where it says nothing.
    """

    scene_id: str
    level: str
    score: float
    kind: str
    reason: str
    regions: tuple[Region, ...]
    signals: dict[str, float]
    prediction: Map
    deviation: float = float("nan")


def find_disputes(
    scenes: Sequence[SmallScene], expectations: Sequence[Expectation], *, seed: int = 0
) -> list[Dispute]:
    """Return every image with its score, the worst first; `expectations` as `out_of_fold` returns them."""
    scenes, expectations = list(scenes), list(expectations)
    usual = expected_errors(scenes, expectations)
    places = [(s, e) for s, scene in enumerate(scenes) for e in range(len(scene.levels))]
    real = [evidence(scenes[s], e, scenes[s].labels[e], expectations[s], usual) for s, e in places]
    of_scene = _scene_errors(places, real)
    values = _with_scene(np.stack([r.values for r in real]), of_scene)
    planted, kinds, planted_places = _planted(scenes, expectations, usual, places, of_scene, seed)
    scores, found = _detect(values, planted, kinds, places, planted_places, seed)
    disputes = [
        _dispute(scenes[s], e, expectations[s].residual[e], real[k], values[k], float(scores[k]), found[k])
        for k, (s, e) in enumerate(places)
    ]
    disputes = [
        replace(d, deviation=_mean(expectations[s].deviation[e]))
        for d, (s, e) in zip(disputes, places, strict=True)
    ]
    return sorted(disputes, key=lambda d: (-d.score, d.scene_id, d.level))


def _mean(values: Map) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _scene_errors(places: list[tuple[int, int]], real: list[Evidence]) -> NDArray[np.float64]:
    """Return for each image the median error of the others of its scene: a wrong reference shows in all of them."""
    errors = np.array([r.values[_ERROR] for r in real])
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
    expectations: list[Expectation],
    usual: dict[tuple[str, int], float],
    places: list[tuple[int, int]],
    of_scene: NDArray[np.float64],
    seed: int,
) -> tuple[NDArray[np.float64], list[str], list[int]]:
    """Return the signals of images made wrong, and of right ones that somebody painted; their kinds and places."""
    random = np.random.default_rng([seed, 20])
    rows, kinds, of = [], [], []
    for k, (s, e) in enumerate(places):
        if np.isnan(scenes[s].labels[e]).all():
            continue
        right = painted(scenes[s], e, random, right=True)
        rows.append(evidence(right, e, right.labels[e], expectations[s], usual).values)
        kinds.append(CLEAN)
        of.append(k)
        several = not np.isnan(scenes[s].apart[e]).all()
        names = [kind for kind in REASONS if several or kind != "apart"]
        for kind in random.choice(names, min(PLANTED, len(names)), replace=False):
            other = scenes[(s + 1 + int(random.integers(len(scenes) - 1))) % len(scenes)]
            scene, label = plant(scenes[s], e, str(kind), other, random)
            if random.random() < _PAINTED:
                scene = painted(scene, e, random, right=False)
            rows.append(evidence(scene, e, label, expectations[s], usual).values)
            kinds.append(str(kind))
            of.append(k)
    found = np.stack(rows)
    found[:, _SCENE] = of_scene[of]
    return found, kinds, of


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
    without = np.isnan(values[:, _SIZE])
    names = np.array(kinds)
    # A signal that no image has says nothing, and the trees want a number.
    nowhere = np.isnan(values).all(axis=0) & np.isnan(planted).all(axis=0)
    values, planted = values[:, ~nowhere], planted[:, ~nowhere]
    with few_threads(len(values) + len(planted)):
        return _weighed(values, planted, names, fold, planted_places, without, seed)


def _weighed(
    values: NDArray[np.float64],
    planted: NDArray[np.float64],
    names: NDArray[np.str_],
    fold: NDArray[np.intp],
    planted_places: list[int],
    without: NDArray[np.bool_],
    seed: int,
) -> tuple[NDArray[np.float64], list[str]]:
    scores = np.zeros(len(values))
    found = [CLEAN] * len(values)
    for name in range(3):
        asked = np.flatnonzero(fold == name)
        if not asked.size:
            continue
        own, others = fold != name, fold[planted_places] != name
        inputs = np.concatenate([values[own], planted[others]])
        wrong = np.concatenate([np.zeros(int(own.sum())), (names[others] != CLEAN).astype(np.float64)])
        weight = np.where(wrong == 0, max(1.0, wrong.sum() / max(1, (wrong == 0).sum())), 1.0)
        detector = _classifier(seed).fit(inputs, wrong, sample_weight=weight)
        scores[asked] = detector.predict_proba(values[asked])[:, 1]
        scores[asked[without[asked]]] = 0  # without a valid pixel there is no label to dispute
        others &= names != CLEAN
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
    regions = regions_of(scene, found, kind, score) if score >= DISPUTED else ()
    signals = {name: float(v) for name, v in zip(NAMES, values, strict=True)}
    kind = kind if score >= DISPUTED else CLEAN
    return Dispute(scene.scene_id, scene.levels[number], score, kind, reason, regions, signals, prediction)
