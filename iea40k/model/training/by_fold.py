"""Training by fold: a network learns from all scenes but those of one fold, and says what it expects of these."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from iea40k.arrays import EncodedRGB, Residual
from iea40k.errors import BadInputError
from iea40k.model.data import Samples
from iea40k.model.data.release_samples import ReleaseSamples
from iea40k.model.devices import pick_device
from iea40k.model.inference import predict_with_scale
from iea40k.model.networks import build, describe
from iea40k.model.predict import PredictOptions, predict_image
from iea40k.model.training.config import TrainingConfig
from iea40k.model.training.loop import CHECKPOINT, train
from iea40k.model.training.record import Teller
from iea40k.model.training.run import WEIGHTS, TrainingData
from iea40k.model.weights import Weights, load_weights
from iea40k.store.release import Release

CHECKED = 0.1
"""Share of the scenes to learn from on which the best epoch is chosen, and where a network's errors are seen."""

_OF_LAPLACE = float(np.sqrt(2))  # standard deviation of a Laplace distribution, in units of its scale


_LOOK_SECONDS = 0.1
"""About what a baseline takes for an image that it looks at once."""


@dataclass(frozen=True, eq=False)
class FoldNetwork:
    """A network that never saw its fold. `checked`: scenes outside the fold that it did not learn from either."""

    weights: Weights
    checked: tuple[str, ...]
    device: str

    def __call__(self, image: EncodedRGB) -> Residual:
        """Return the residual (H, W) of a picture (H, W, 3)."""
        return predict_image(self.weights, image, PredictOptions(device=self.device)).residual

    def with_deviation(self, image: EncodedRGB) -> tuple[Residual, Residual] | None:
        """Return the residual and its standard deviation, both (H, W); None for a network that has no scale."""
        found = predict_with_scale(self.weights.network, image, device=torch.device(self.device))
        return None if found is None else (found[0], np.float32(_OF_LAPLACE) * found[1])


def train_fold(
    release: Release,
    groups: Sequence[Collection[str]],
    fold: Collection[str],
    run: Path,
    config: TrainingConfig,
    tell: Teller | None = None,
) -> FoldNetwork:
    """Train a network on all scenes but those of `fold`, in the folder `run`; a run that was stopped goes on there.

    `groups` are the scenes, those together that may not be divided. Raises `BadInputError` where too few are left.
    """
    learn, check = divided([group for group in groups if not set(group) & set(fold)])
    resume = (run / CHECKPOINT).exists() or (run / WEIGHTS).exists()
    done = train(_data(release, learn, check, config), run, config, resume=resume, tell=tell)
    weights = load_weights(done.weights)
    device = pick_device(config.device)
    weights.network.to(device)
    return FoldNetwork(weights, tuple(sorted(check)), device)


def divided(groups: Sequence[Collection[str]]) -> tuple[set[str], set[str]]:
    """Return the scenes to learn from and those to check on, whole groups, evenly from all over."""
    if len(groups) < 2:
        raise BadInputError(
            "too few scenes to train a network by fold", expected="two groups outside each fold"
        )
    every = max(2, round(1 / CHECKED))
    check = {name for group in groups[::every] for name in group}
    return {name for group in groups for name in group} - check, check


def training_seconds(release: Release, config: TrainingConfig, folds: int) -> float:
    """Return about how long a training by folds will take: two steps of it are run."""
    images = len(release.images) * (folds - 1) / folds
    if config.data.per_scene:
        images = min(images, config.data.per_scene * len(release.scenes) * (folds - 1) / folds)
    if describe(config.network).fitted:
        return folds * images * _LOOK_SECONDS
    steps = config.epochs * -(-int(images) // config.batch)
    if config.max_steps is not None:
        steps = min(steps, config.max_steps)
    return folds * steps * _step_seconds(config)


def _step_seconds(config: TrainingConfig) -> float:
    device = torch.device(pick_device(config.device))
    network = build(config.network, config.network_config).to(device)
    side = describe(config.network).fixed_side or config.data.size
    batch = config.batch // config.accumulate
    pictures = torch.rand((batch, 3, side, side), device=device)
    threads = torch.get_num_threads()
    if config.threads:
        torch.set_num_threads(config.threads)
    began = time.monotonic()
    try:
        for number in range(3):
            if number == 1:
                began = time.monotonic()
            network(pictures).abs().mean().backward()
            if device.type == "cuda":
                torch.cuda.synchronize()
    finally:
        torch.set_num_threads(threads)
    return (time.monotonic() - began) / 2 * config.accumulate


def _data(release: Release, learn: set[str], check: set[str], config: TrainingConfig) -> TrainingData:
    def samples(scenes: set[str], part: str, *, references: bool = False) -> Samples:
        return ReleaseSamples(
            release,
            "by fold",
            part,
            config.data.levels,
            references=references,
            scenes=scenes,
            pictures=part == "learn" and describe(config.network).learns_pictures,
        )

    valid = samples(check, "check")
    identity = {"release": release.digest, "learn": sorted(learn), "check": sorted(check)}
    words = f"{len(learn)} scenes of release {release.version}, trained by fold"
    return TrainingData(
        samples(learn, "learn", references=config.data.render is not None), valid, identity, words
    )
