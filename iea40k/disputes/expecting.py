"""What is expected of a label by a model that never saw its scene nor its near-twins: a map, and how sure it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iea40k.disputes.scenes import Map, SmallScene, folds_by_likeness
from iea40k.disputes.trees import DeviationTrees, Trees
from iea40k.errors import BadInputError

LEAST_SCENES = 4
"""Scenes without which nothing can be predicted out of fold."""

_EVERY = 4  # of the scenes that trees learn from, each so many-th shows how far they are off


@dataclass(frozen=True, eq=False)
class Expectation:
    """A prediction (h, w), or of a scene (E, h, w): `residual`, + = underexposed, and its standard `deviation`.

    NaN where nothing is known.
    """

    residual: Map
    deviation: Map

    @classmethod
    def alone(cls, residual: Map) -> "Expectation":
        """Return a prediction that does not say how far it may be off."""
        return cls(residual, np.broadcast_to(np.float32(np.nan), residual.shape))

    @classmethod
    def nothing(cls, scene: SmallScene) -> "Expectation":
        """Return what is known of a scene whose model failed."""
        return cls.alone(np.full(scene.labels.shape, np.nan, np.float32))


Predict = Callable[[NDArray[np.uint8]], Expectation]
"""What predicts a small picture (h, w, 3)."""

Fit = Callable[[Sequence[SmallScene], int], Predict]
"""What learns from scenes, with a seed."""


def fit_trees(scenes: Sequence[SmallScene], seed: int) -> Predict:
    """Learn boosted trees; how far they are off is learnt where other trees had not seen the scene."""
    trees = Trees(pixels=200, seed=seed, rounds=120).fit(_examples(scenes))
    apart = scenes[::_EVERY]
    rest = [scene for number, scene in enumerate(scenes) if number % _EVERY]
    if not rest:
        return lambda picture: Expectation.alone(trees(picture))
    blind = Trees(pixels=100, seed=seed, rounds=80).fit(_examples(rest))
    deviation = DeviationTrees(seed=seed).fit(blind, _examples(apart))
    return lambda picture: Expectation(trees(picture), deviation(picture))


def folds_of(scenes: Sequence[SmallScene], folds: int) -> list[int]:
    """Return the fold of each scene. Raises `BadInputError` where none can be predicted from the others."""
    if len(scenes) < LEAST_SCENES:
        raise BadInputError(
            "too few scenes to predict any of them from the others",
            expected=f"{LEAST_SCENES} at least",
            got=str(len(scenes)),
        )
    found = folds_by_likeness(scenes, min(folds, len(scenes)))
    if len(set(found)) < 2:
        raise BadInputError("all scenes are alike: none can be predicted from another")
    return found


def expect_fold(
    scenes: Sequence[SmallScene], fold_of: Sequence[int], fold: int, *, fit: Fit = fit_trees, seed: int = 0
) -> dict[int, Expectation]:
    """Return what is expected of each scene of a fold, by its number, from the scenes of the others."""
    predict = fit([s for s, f in zip(scenes, fold_of, strict=True) if f != fold], seed + fold)
    return {
        number: expect_scene(scene, predict) for number, scene in enumerate(scenes) if fold_of[number] == fold
    }


def expect_scene(scene: SmallScene, predict: Predict) -> Expectation:
    """Return what is expected of a scene (E, h, w)."""
    found = [predict(picture) for picture in scene.exposures]
    return Expectation(np.stack([f.residual for f in found]), np.stack([f.deviation for f in found]))


def out_of_fold(
    scenes: Sequence[SmallScene],
    folds: int,
    *,
    fit: Fit = fit_trees,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> list[Expectation]:
    """Return what is expected of every scene by a model that never saw it nor its near-twins."""
    fold_of = folds_of(scenes, folds)
    found: dict[int, Expectation] = {}
    names = sorted(set(fold_of))
    for done, name in enumerate(names, start=1):
        found |= expect_fold(scenes, fold_of, name, fit=fit, seed=seed)
        progress(done, len(names))
    return [found[number] for number in range(len(scenes))]


def _examples(scenes: Sequence[SmallScene]) -> list[tuple[NDArray[np.uint8], Map]]:
    return [
        (image, label)
        for scene in scenes
        for image, label in zip(scene.exposures, scene.labels, strict=True)
        if not np.isnan(label).all()
    ]
