"""How good a network's maps and scores are on a split of a release: by band, level, zone, scene class, device."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from iea40k.arrays import EncodedRGB, Residual
from iea40k.errors import BadInputError
from iea40k.metrics import METRICS, accuracy, banded_mae, both_valid, holistic_score, lcc, map_metrics, srcc
from iea40k.model.data import Samples
from iea40k.model.head import ScoreHead, map_features
from iea40k.model.predict import PredictOptions, predict_image
from iea40k.model.training.validation import read_labelled
from iea40k.model.weights import Weights
from iea40k.zones import ZONE_NAMES, zone_map

GROUPED_BY = ("level", "super_class", "scene_class", "light", "device")
"""Facts of an image by which its metrics are averaged."""

Predictor = Callable[[EncodedRGB], Residual]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was measured. `images`: one row an image; the others are JSON-able.

    - `overall`: means over images of `iea40k.metrics.map_metrics`
    - `bands`, `zones`: mean absolute error and pixels by |label| and by the Adams zone of the pixel as exposed
    - `groups`: by level, scene class ...: mean metrics and number of images
    - `holistic`: ACC, LCC, SRCC of 10 (1 - mean |r|), and of the fitted head where one was asked for
    """

    images: pd.DataFrame
    overall: dict[str, float]
    bands: dict[str, dict[str, float]]
    zones: dict[str, dict[str, float]]
    groups: dict[str, dict[str, dict[str, float]]]
    holistic: dict[str, dict[str, float]]

    def as_json(self) -> dict[str, Any]:
        """Return everything but the table of images."""
        return {name: getattr(self, name) for name in ("overall", "bands", "zones", "groups", "holistic")}


def network_predictor(weights: Weights, device_name: str = "cpu") -> Predictor:
    """Return how `iea40k predict` assesses a picture: at the size that the weights know, the map at the picture's."""
    options = PredictOptions(device=device_name)
    return lambda image: predict_image(weights, image, options).residual


def evaluate(
    predictor: Predictor,
    samples: Samples,
    *,
    head_from: Samples | None = None,
    progress: Progress = lambda *_: None,
) -> Evaluation:
    """Measure a predictor (EncodedRGB -> Residual) on every sample, at the label's size.

    `head_from`: scored samples, of other scenes, to which a head on the map is fitted (the paper's fine-tuning);
    the score to be met is 10 (1 - mean |label|).
    """
    total = len(samples.samples) + (len(head_from.samples) if head_from else 0)
    rows, features = [], []
    tones = _Tones()
    for number, sample in enumerate(samples.samples):
        image, label = read_labelled(samples, number)
        prediction = predictor(image)
        tones.add(image, prediction, label)
        rows.append(
            {
                "scene_id": sample.scene_id,
                "ev": sample.ev,
                **{name: sample.groups.get(name, "") for name in GROUPED_BY},
                "level": sample.level,
                **map_metrics(prediction, label),
                "score": holistic_score(prediction),
                "truth": holistic_score(label),
            }
        )
        features.append(map_features(prediction))
        progress(number + 1, total)
    images = pd.DataFrame(rows)
    scores = {"without fine-tuning": images["score"].to_numpy()}
    if head_from is not None:
        _check_apart(samples, head_from)
        offset = len(samples.samples)
        head = _fit_head(predictor, head_from, lambda done: progress(offset + done, total))
        scores["fine-tuned head"] = head.predict(np.stack(features))
        images["head_score"] = scores["fine-tuned head"]
    truth = images["truth"].to_numpy()
    return Evaluation(
        images,
        _means(images),
        tones.bands(),
        tones.zones(),
        {name: _by(images, name) for name in GROUPED_BY if images[name].astype(bool).any()},
        {name: _holistic(found, truth) for name, found in scores.items()},
    )


class _Tones:
    """Sums of absolute error and pixels, by band of |label| and by zone."""

    def __init__(self) -> None:
        self._bands: dict[str, list[float]] = {}
        self._zones: dict[str, list[float]] = {}

    def add(self, image: EncodedRGB, prediction: Residual, label: Residual) -> None:
        for band, (error, pixels) in banded_mae(prediction, label).items():
            _sum(self._bands, band, error * pixels if pixels else 0.0, pixels)
        valid = both_valid(prediction, label)
        zones = np.rint(zone_map(image)).astype(np.intp)[valid]
        errors = np.abs(prediction - label)[valid].astype(np.float64)
        sums, counts = np.bincount(zones, errors, 8), np.bincount(zones, minlength=8)
        for zone, (error, pixels) in enumerate(zip(sums, counts, strict=True)):
            _sum(self._zones, ZONE_NAMES[zone], float(error), int(pixels))

    def bands(self) -> dict[str, dict[str, float]]:
        return _finished(self._bands)

    def zones(self) -> dict[str, dict[str, float]]:
        return _finished(self._zones)


def _sum(sums: dict[str, list[float]], key: str, error: float, pixels: int) -> None:
    entry = sums.setdefault(key, [0.0, 0])
    entry[0] += error
    entry[1] += pixels


def _finished(sums: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    return {key: {"mae": error / n if n else float("nan"), "pixels": n} for key, (error, n) in sums.items()}


def _means(images: pd.DataFrame) -> dict[str, float]:
    # An infinite PSNR (a perfect map) would hide every other image.
    finite = images[list(METRICS)].replace([np.inf, -np.inf], np.nan)
    return {**{name: float(finite[name].mean()) for name in METRICS}, "images": len(images)}


def _by(images: pd.DataFrame, name: str) -> dict[str, dict[str, float]]:
    groups = images.groupby(name, sort=False)
    found = {str(key): _means(rows) | {"ev": float(rows["ev"].mean())} for key, rows in groups}
    order = sorted(found, key=lambda key: (found[key]["ev"], key) if name == "level" else (0, key))
    return {key: {k: v for k, v in found[key].items() if k != "ev"} for key in order}


def _holistic(scores: Any, truth: Any) -> dict[str, float]:
    return {"acc": accuracy(scores, truth), "lcc": lcc(scores, truth), "srcc": srcc(scores, truth)}


def _fit_head(predictor: Predictor, samples: Samples, progress: Callable[[int], None]) -> ScoreHead:
    features, scores = [], []
    for number in range(len(samples.samples)):
        image, label = read_labelled(samples, number)
        features.append(map_features(predictor(image)))
        scores.append(holistic_score(label))
        progress(number + 1)
    return ScoreHead(np.stack(features), np.array(scores))


def _check_apart(samples: Samples, head_from: Samples) -> None:
    shared = {s.scene_id for s in samples.samples} & {s.scene_id for s in head_from.samples}
    if shared:
        raise BadInputError(
            "a head may not be fitted to scenes on which it is judged", got=", ".join(sorted(shared)[:5])
        )
