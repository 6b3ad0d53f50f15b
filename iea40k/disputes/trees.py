"""Boosted trees on 22 features of a pixel: what can be had without a network.

A baseline of every table, and what labels are compared with out of fold.

The features are luma and colour of the pixel, means of luma around it at five scales, quantiles of luma of the whole
picture, and its clipped shares.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from iea40k.arrays import EncodedRGB, Residual
from iea40k.residuals import luma

FEATURES = 22
SIDE = 128
"""Shorter side, in pixels, at which pictures are looked at; maps are enlarged."""

MANY = 300_000
"""Rows from which on more than one thread is worth it."""

_QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
_OF_MEAN = 1.2533  # standard deviation of a normal law, in units of its mean absolute deviation
_SCALES = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4)


def few_threads(rows: int) -> AbstractContextManager[object]:
    """Return a block in which trees of few rows use one thread: more of them wait for each other longer than they work.

    Where other programs are at work on the machine, that is many times as long.
    """
    limits: AbstractContextManager[object] = threadpool_limits(1 if rows < MANY else None, user_api="openmp")
    return limits


class Trees:
    """Gradient-boosted trees (absolute error) from a pixel's features to its residual; deterministic."""

    def __init__(self, pixels: int = 300, seed: int = 0, rounds: int = 300) -> None:
        self.pixels = pixels
        self._random = np.random.default_rng(seed)
        self._trees = HistGradientBoostingRegressor(
            loss="absolute_error",
            max_iter=rounds,
            learning_rate=0.06,
            max_leaf_nodes=31,
            min_samples_leaf=60,
            l2_regularization=1.0,
            random_state=seed,
        )

    def fit(self, examples: Iterable[tuple[EncodedRGB, Residual]]) -> "Trees":
        """Learn from pictures and labels (NaN = no data): `pixels` random pixels of each."""
        inputs, outputs = [], []
        for image, label in examples:
            small, wanted = small_picture(image), _small_label(label)
            found = features(small).reshape(-1, FEATURES)
            chosen = self._random.permutation(np.flatnonzero(~np.isnan(wanted.ravel())))[: self.pixels]
            inputs.append(found[chosen])
            outputs.append(wanted.ravel()[chosen])
        return self.learn(np.concatenate(inputs), np.concatenate(outputs))

    def learn(self, inputs: NDArray[np.float32], residuals: Residual) -> "Trees":
        """Learn from the `features` (N, 22) of some pixels and their residuals (N,)."""
        with few_threads(len(inputs)):
            self._trees.fit(inputs, residuals)
        return self

    def of(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the residuals (N,) of pixels by their `features` (N, 22)."""
        with few_threads(len(inputs)):
            found: NDArray[np.float64] = self._trees.predict(inputs)
        return found

    @property
    def start(self) -> float:
        """What the trees' values are added to."""
        return float(np.ravel(self._trees._baseline_prediction)[0])

    def nodes(self) -> list[NDArray[Any]]:
        """Return the nodes of each tree as scikit-learn keeps them: feature_idx, num_threshold, left, right, value,
        is_leaf."""
        return [found.nodes for (found,) in self._trees._predictors]

    def __call__(self, image: EncodedRGB) -> Residual:
        """Return the residual map (H, W) float32 of a picture (H, W, 3) uint8."""
        small = small_picture(image)
        found = self.of(features(small).reshape(-1, FEATURES)).reshape(small.shape[:2])
        size = (image.shape[1], image.shape[0])
        out: Residual = cv2.resize(found.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        return out


class DeviationTrees:
    """How far trees are off, as a standard deviation, from the same features; deterministic."""

    def __init__(self, pixels: int = 100, seed: int = 0) -> None:
        self.pixels = pixels
        self._random = np.random.default_rng([seed, 1])
        self._trees = HistGradientBoostingRegressor(
            max_iter=60, learning_rate=0.1, max_leaf_nodes=15, min_samples_leaf=60, random_state=seed
        )

    def fit(
        self, trees: Callable[[EncodedRGB], Residual], examples: Iterable[tuple[EncodedRGB, Residual]]
    ) -> "DeviationTrees":
        """Learn from pictures and labels that `trees`, or whatever predicts, have not seen."""
        inputs, outputs = [], []
        for image, label in examples:
            small, wanted = small_picture(image), _small_label(label)
            away = np.abs(wanted - trees(small)).ravel()
            chosen = self._random.permutation(np.flatnonzero(~np.isnan(away)))[: self.pixels]
            inputs.append(features(small).reshape(-1, FEATURES)[chosen])
            outputs.append(away[chosen])
        with few_threads(sum(map(len, inputs))):
            self._trees.fit(np.concatenate(inputs), np.concatenate(outputs))
        return self

    def __call__(self, image: EncodedRGB) -> Residual:
        """Return the standard deviation (H, W) float32 of a picture (H, W, 3) uint8."""
        small = small_picture(image)
        with few_threads(small.shape[0] * small.shape[1]):
            found = self._trees.predict(features(small).reshape(-1, FEATURES)).reshape(small.shape[:2])
        size = (image.shape[1], image.shape[0])
        sd = np.maximum(found * _OF_MEAN, 1 / 255).astype(np.float32)
        out: Residual = cv2.resize(sd, size, interpolation=cv2.INTER_LINEAR)
        return out


def features(image: EncodedRGB) -> NDArray[np.float32]:
    """Return (H, W, 22) of a picture (H, W, 3) uint8."""
    grey = luma(image)
    extremes = image.max(2), image.min(2)
    local = [cv2.GaussianBlur(grey, (0, 0), max(grey.shape) * scale) for scale in _SCALES]
    own = [grey, extremes[0] / np.float32(255), extremes[1] / np.float32(255), *local]
    whole = [*np.quantile(grey, _QUANTILES), grey.mean(), grey.std()]
    whole += [float((extremes[0] >= 254).mean()), float((extremes[1] <= 1).mean())]
    same = [np.full(grey.shape, value, np.float32) for value in whole]
    return np.stack([*own, *same], 2).astype(np.float32)


def small_picture(image: EncodedRGB) -> EncodedRGB:
    """Return a picture as the trees look at it, its shorter side at most `SIDE`."""
    small: EncodedRGB = cv2.resize(image, _size(image.shape[:2]), interpolation=cv2.INTER_AREA).astype(
        np.uint8
    )
    return small


def _small_label(label: Residual) -> Residual:
    small: Residual = cv2.resize(label, _size(label.shape), interpolation=cv2.INTER_AREA)
    return small


def _size(shape: tuple[int, ...]) -> tuple[int, int]:
    share = min(1.0, SIDE / min(shape))
    return max(1, round(shape[1] * share)), max(1, round(shape[0] * share))
