"""One row an image: every figure that the tables are made of."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from iea40k.arrays import EncodedRGB, Residual
from iea40k.metrics import canny_iou, histogram_difference, holistic_score, map_metrics, sobel_iou
from iea40k.model.benchmark.predicting import Predict
from iea40k.model.data import Sample, Samples
from iea40k.model.training.validation import read_labelled
from iea40k.residuals import luma
from iea40k.scene import NO_UNCERTAINTY, UNCERTAINTY_SCALE
from iea40k.zones import ZONE_NAMES, zone_map

ZONES = ZONE_NAMES[:8]
GROUPS = ("super_class", "scene_class", "light", "device")
MEAN_OF_NORMAL = math.sqrt(2 / math.pi)
"""Mean absolute error a standard deviation, of a normal distribution."""

PICTURES: Mapping[str, Callable[[EncodedRGB, EncodedRGB], float]] = {
    "sobel_iou": sobel_iou,
    "canny_iou": canny_iou,
    "histogram_difference": histogram_difference,
}
"""What compares two pictures: the luma that a map makes of the image, and the luma that the label makes of it."""

Row = dict[str, Any]


def image_id(sample: Sample) -> str:
    """Return the id of a sample's image, SCENE_LEVEL."""
    return f"{sample.scene_id}_{sample.level}"


def measure(
    predict: Predict,
    samples: Samples,
    units: Mapping[str, str],
    known: Mapping[str, Row],
    progress: Callable[[int, int], None],
) -> pd.DataFrame:
    """Return a row for every image of `samples`; rows that are `known` by image id are taken as they are.

    `units` names what is drawn in a bootstrap: the group of near-twins that a scene belongs to.
    """
    rows = []
    for number, sample in enumerate(samples.samples):
        name = image_id(sample)
        if name in known:
            rows.append(dict(known[name]))
        else:
            image, label = read_labelled(samples, number)
            begun = time.process_time()
            prediction = predict(sample, image)
            seconds = time.process_time() - begun
            rows.append(
                {
                    "image_id": name,
                    "scene_id": sample.scene_id,
                    "unit": units.get(sample.scene_id, sample.scene_id),
                    "level": sample.level,
                    "ev": sample.ev,
                    **{group: sample.groups.get(group, "") for group in GROUPS},
                    **row_of(image, prediction, label),
                    "seconds": seconds,
                }
            )
        progress(number + 1, len(samples.samples))
    return pd.DataFrame(rows)


def row_of(image: EncodedRGB, prediction: Residual, label: Residual) -> Row:
    """Return every figure of one map: `map_metrics`, `PICTURES`, scores, and errors and pixels by zone as exposed."""
    found: Row = dict(map_metrics(prediction, label))
    made, wanted = (_as_picture(image, residual, label) for residual in (prediction, label))
    found |= {name: compare(made, wanted) for name, compare in PICTURES.items()}
    found |= {"score": holistic_score(prediction), "truth": holistic_score(label)}
    valid = ~(np.isnan(prediction) | np.isnan(label))
    zones = np.rint(zone_map(image)).astype(np.intp)[valid]
    errors = np.abs(prediction - label)[valid].astype(np.float64)
    for zone, total, count in zip(
        ZONES, np.bincount(zones, errors, 8), np.bincount(zones, minlength=8), strict=True
    ):
        found |= {f"error_{zone}": float(total), f"pixels_{zone}": int(count)}
    return found


def _as_picture(image: EncodedRGB, residual: Residual, label: Residual) -> EncodedRGB:
    """Return the grey picture that a residual makes of an image; where nobody knows the label it stays as it is."""
    known = ~(np.isnan(residual) | np.isnan(label))
    grey = luma(image) + np.where(known, residual, 0)
    codes = np.rint(np.clip(grey, 0, 1) * 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(codes[..., None], image.shape))


def ceiling(samples: Samples) -> pd.DataFrame:
    """Return `level` and `mae` for every image whose labels say how sure they are: what another expert would err.

    The mean absolute error of a perfect judge against a label whose standard deviation is its uncertainty; NaN where
    nobody knows it.
    """
    rows = []
    for number, sample in enumerate(samples.samples):
        stored = samples.read(number).uncertainty
        known = stored[stored != NO_UNCERTAINTY] if stored is not None else np.zeros(0)
        mean = float(known.mean()) / UNCERTAINTY_SCALE * MEAN_OF_NORMAL if known.size else math.nan
        rows.append({"image_id": image_id(sample), "level": sample.level, "mae": mean})
    return pd.DataFrame(rows)
