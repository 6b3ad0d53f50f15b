"""Predictions out of fold, fold by fold: each is kept as it is done, so that a run that was stopped goes on there."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from iea40k.disputes.expecting import (
    Expectation,
    Fit,
    Predict,
    expect_fold,
    expect_scene,
    fit_trees,
    folds_of,
)
from iea40k.disputes.scenes import SmallScene, groups_by_likeness
from iea40k.errors import BadInputError
from iea40k.faults import item_fault
from iea40k.files import write_atomic, write_file_with
from iea40k.recipe import digest

if TYPE_CHECKING:
    from iea40k.model.training.config import TrainingConfig
    from iea40k.store.release import Release

FOLDS = "folds"
_PLAN = "plan.json"

Tell = Callable[[str], None]


class Predictor(Protocol):
    """What predicts a fold."""

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the predictions, beside scenes, folds and seed."""
        ...

    def __call__(
        self, scenes: Sequence[SmallScene], fold_of: Sequence[int], fold: int, seed: int
    ) -> dict[int, Expectation]:
        """Return what is expected of the scenes of a fold, by their number."""
        ...


@dataclass
class ByTrees:
    """Boosted trees; `fit` takes their place in tests."""

    fit: Fit = fit_trees

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the predictions, beside scenes, folds and seed."""
        return {"model": "trees"}

    def __call__(
        self, scenes: Sequence[SmallScene], fold_of: Sequence[int], fold: int, seed: int
    ) -> dict[int, Expectation]:
        """Return what is expected of the scenes of a fold."""
        return expect_fold(scenes, fold_of, fold, fit=self.fit, seed=seed)


@dataclass
class ByNetwork:
    """A network of the registry, trained anew for every fold, in folders below `runs`."""

    release: "Release"
    config: "TrainingConfig"
    runs: Path
    tell: Tell

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the predictions, beside scenes, folds and seed."""
        return {"model": self.config.network, "config": digest(self.config.model_dump(mode="json"))}

    def __call__(
        self, scenes: Sequence[SmallScene], fold_of: Sequence[int], fold: int, seed: int
    ) -> dict[int, Expectation]:
        """Train without a fold, and return what is expected of its scenes."""
        from iea40k.disputes.trees import DeviationTrees
        from iea40k.model.training.by_fold import train_fold

        names = [s.scene_id for s, f in zip(scenes, fold_of, strict=True) if f == fold]
        config = self.config.model_copy(update={"seed": self.config.seed + seed + fold})
        run = self.runs / f"network_{fold}"
        network = train_fold(self.release, groups_by_likeness(scenes), names, run, config, self.tell)
        checked = [scene for scene in scenes if scene.scene_id in network.checked]
        probe = network.with_deviation(checked[0].exposures[0])
        if probe is not None:

            def predict(picture: Any) -> Expectation:
                found = network.with_deviation(picture)
                assert found is not None
                return Expectation(*found)
        else:
            pairs = [pair for s in checked for pair in zip(s.exposures, s.labels, strict=True)]
            deviation = DeviationTrees(seed=seed).fit(network, pairs)

            def predict(picture: Any) -> Expectation:
                return Expectation(network(picture), deviation(picture))

        return {n: expect_scene(s, predict) for n, s in enumerate(scenes) if fold_of[n] == fold}


def expect_all(
    scenes: Sequence[SmallScene],
    out: Path,
    predictor: Predictor,
    identity: dict[str, Any],
    *,
    folds: int,
    seed: int,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> tuple[list[Expectation], dict[int, str]]:
    """Return what is expected of every scene, and the folds that failed with the reason.

    Folds that stand in `out` from an earlier run are taken from there; another release, model, number of folds or seed
    is refused. The scenes of a fold that failed have no expectation; the next run tries it again.
    """
    fold_of = folds_of(scenes, folds)
    names = sorted(set(fold_of))
    plan = {
        **identity, **predictor.identity, "seed": seed,
        "folds": {scene.scene_id: fold for scene, fold in zip(scenes, fold_of, strict=True)},
    }  # fmt: skip
    folder = out / FOLDS
    _begin(folder, plan)
    found: dict[int, Expectation] = {}
    failed: dict[int, str] = {}
    for done, name in enumerate(names, start=1):
        file = folder / f"{name}.npz"
        if file.exists():
            found |= _read(file, scenes)
        else:
            try:
                predicted = predictor(scenes, fold_of, name, seed)
            except Exception as error:
                failed[name] = str(item_fault(error))
                predicted = {}
            else:
                write_file_with(file, partial(_write, predicted))
            found |= predicted
        progress(done, len(names))
    return [found.get(n) or Expectation.nothing(scene) for n, scene in enumerate(scenes)], failed


def expect_by(scenes: Sequence[SmallScene], predict: Predict) -> list[Expectation]:
    """Return what a model expects that never saw any of the scenes."""
    return [expect_scene(scene, predict) for scene in scenes]


def finish(out: Path) -> None:
    """Remove what was kept for going on: all folds are in the tables."""
    shutil.rmtree(out / FOLDS, ignore_errors=True)


def _begin(folder: Path, plan: dict[str, Any]) -> None:
    text = json.dumps(plan, indent=1, sort_keys=True) + "\n"
    file = folder / _PLAN
    if file.exists() and file.read_text(encoding="utf-8") != text:
        raise BadInputError(
            "a validation of something else was begun in this folder",
            where=folder,
            expected="the same release, model, folds and seed as then",
            remedy="name another folder, or remove this one",
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(file, text)


def _write(predicted: dict[int, Expectation], path: Path) -> None:
    arrays: dict[str, Any] = {}
    for number, each in predicted.items():
        arrays[f"residual_{number}"] = each.residual.astype(np.float32)
        arrays[f"deviation_{number}"] = np.array(each.deviation, np.float32)
    with path.open("wb") as file:
        np.savez(file, **arrays)


def _read(file: Path, scenes: Sequence[SmallScene]) -> dict[int, Expectation]:
    found = {}
    with np.load(file, allow_pickle=False) as kept:
        for name in kept.files:
            kind, _, number = name.partition("_")
            if kind == "residual" and kept[name].shape == scenes[int(number)].labels.shape:
                found[int(number)] = Expectation(kept[name], kept[f"deviation_{number}"])
    return found
