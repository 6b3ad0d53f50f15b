"""Boosted trees as a few arrays: fitted by scikit-learn, read without it.

A node is five numbers: feature, threshold, left, right, value. A leaf's children are itself, so that a pixel that has
arrived stays. Unused nodes of a tree are leaves of value 0.
"""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Residual
from iea40k.baselines.base import Baseline, Example, Numbers

ROUNDS, LEAVES = 120, 31
_NODES = 2 * LEAVES - 1
_FEATURE, _THRESHOLD, _LEFT, _RIGHT, _VALUE = range(5)


def _fit(examples: Iterable[Example]) -> dict[str, NDArray[np.float64]]:
    from iea40k.disputes.trees import Trees

    trees = Trees(pixels=200, rounds=ROUNDS).fit(examples)
    nodes = np.zeros((ROUNDS, _NODES, 5))
    nodes[..., _LEFT] = nodes[..., _RIGHT] = np.arange(_NODES)
    nodes[..., _THRESHOLD] = np.inf
    for tree, found in enumerate(trees.nodes()):
        inner = found["is_leaf"] == 0
        count = len(found)
        nodes[tree, :count, _VALUE] = found["value"]
        for place, name in (
            (_FEATURE, "feature_idx"),
            (_THRESHOLD, "num_threshold"),
            (_LEFT, "left"),
            (_RIGHT, "right"),
        ):
            nodes[tree, :count, place][inner] = found[name][inner]
    return {"nodes": nodes, "start": np.array(trees.start)}


def _predict(numbers: Numbers, image: EncodedRGB) -> Residual:
    from iea40k.disputes.trees import FEATURES, features, small_picture

    small = small_picture(image)
    inputs = features(small).reshape(-1, FEATURES)
    found = (float(numbers["start"]) + _leaves(numbers["nodes"], inputs)).reshape(small.shape[:2])
    size = (image.shape[1], image.shape[0])
    out: Residual = cv2.resize(found.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    return out


def _leaves(nodes: NDArray[np.float64], inputs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the sum over trees of the value of the leaf that each row of inputs (N, F) arrives at."""
    total = np.zeros(len(inputs))
    rows = np.arange(len(inputs)) * inputs.shape[1]
    flat = inputs.ravel()
    for tree in nodes:
        feature = tree[:, _FEATURE].astype(np.intp)
        children = tree[:, [_RIGHT, _LEFT]].astype(np.intp).ravel()
        threshold = tree[:, _THRESHOLD]
        at = np.zeros(len(inputs), np.intp)
        while True:
            left = flat.take(rows + feature.take(at)) <= threshold.take(at)
            following = children.take(2 * at + left)
            if np.array_equal(following, at):
                break
            at = following
        total += tree[:, _VALUE].take(at)
    return total


TREES = Baseline(
    "trees",
    "boosted trees on 22 features of a pixel and its picture",
    _predict,
    _fit,
    {"nodes": (ROUNDS, _NODES, 5), "start": ()},
)
