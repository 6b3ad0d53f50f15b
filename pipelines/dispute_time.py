"""How long a validation will take, said before it begins: parts of it are tried on a few scenes of the release."""

import itertools
import time

import numpy as np

from iea40k.disputes.expecting import expect_scene, fit_trees
from iea40k.disputes.finding import PLANTED
from iea40k.disputes.signals import evidence, expected_errors
from iea40k.store.release import Release
from pipelines.disputes import read_scenes

TRIED = 3
"""Scenes on which it is tried."""


def seconds_of(
    release: Release, folds: int, *, training: float | None = None, by_folds: bool = True
) -> float:
    """Return about how many seconds a validation takes; `training` seconds where networks are trained by fold."""
    began = time.monotonic()
    scenes = list(itertools.islice(read_scenes(release), TRIED))
    if not scenes:
        return 0.0
    reading = (time.monotonic() - began) / len(scenes)
    began = time.monotonic()
    predict = fit_trees(scenes, 0)
    learning = time.monotonic() - began
    began = time.monotonic()
    expected = expect_scene(scenes[0], predict)
    predicting = time.monotonic() - began
    usual = expected_errors(scenes[:1], [expected])
    began = time.monotonic()
    evidence(scenes[0], 0, scenes[0].labels[0], expected, usual)
    image = time.monotonic() - began
    images, all_scenes = len(release.images), len(release.scenes)
    total = all_scenes * reading + images * image * (1 + PLANTED)
    if training is not None:
        return total + training + all_scenes * predicting
    if by_folds:
        # Trees take as long as there are pixels, from a floor on that trying shows.
        total += folds * learning * max(1.0, np.sqrt(all_scenes * (folds - 1) / folds / len(scenes)))
    return total + all_scenes * predicting


def in_words(seconds: float) -> str:
    """Return a time as people say it."""
    if seconds < 90:
        return "about a minute" if seconds > 45 else "less than a minute"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} minutes"
    return f"about {seconds / 3600:.1f} hours"
