"""From rows of images to the figures of the table: pure functions of what was measured."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from iea40k.metrics import METRICS, accuracy, lcc, mean_and_sd, srcc
from iea40k.model.benchmark.measuring import GROUPS, PICTURES, ZONES

MEANS = (*METRICS, *PICTURES)
SCORES = ("acc", "lcc", "srcc")

Figures = dict[str, Any]


def model_figures(rows: pd.DataFrame) -> Figures:
    """Return a model's figures of `rows` (all images, column `split`).

    `figures`: name -> {mean, sd} over splits, None where a figure is undefined; `levels`, `zones`, `classes`: MAE, over
    all images; `undefined`: why, in words; `images_per_second` of processor time.
    """
    by_split = {str(name): part for name, part in rows.groupby("split", sort=True)}
    per_split = [_of_split(part) for part in by_split.values()]
    undefined = _undefined(by_split)
    figures = {}
    for name, (mean, sd) in mean_and_sd(per_split).items():
        figures[name] = {"mean": _known(mean), "sd": _known(sd)}
    seconds = float(rows["seconds"].median())
    return {
        "figures": figures,
        "splits": {
            name: {k: _known(v) for k, v in f.items()} for name, f in zip(by_split, per_split, strict=True)
        },
        "levels": _levels(rows),
        "zones": _zones(rows),
        "classes": {name: _classes(rows, name) for name in GROUPS if rows[name].astype(bool).any()},
        "undefined": undefined,
        "images": int(rows["image_id"].nunique()),
        "images_per_second": 1 / seconds if seconds > 0 else None,
    }


def _of_split(rows: pd.DataFrame) -> dict[str, float]:
    # An infinite PSNR (a perfect map) would hide every other image.
    finite = rows[list(MEANS)].replace([np.inf, -np.inf], np.nan)
    found = {name: float(finite[name].mean()) for name in MEANS}
    score, truth = rows["score"].to_numpy(), rows["truth"].to_numpy()
    return {**found, "acc": accuracy(score, truth), "lcc": lcc(score, truth), "srcc": srcc(score, truth)}


def _undefined(by_split: Mapping[str, pd.DataFrame]) -> list[str]:
    said = []
    for name, rows in by_split.items():
        if len(rows) < 2:
            said.append(f"{name}: LCC and SRCC of one image are undefined")
        elif np.ptp(rows["score"]) < 1e-9:
            said.append(f"{name}: it gives every image the same score, so LCC and SRCC are undefined")
        elif np.ptp(rows["truth"]) < 1e-9:
            said.append(f"{name}: every label has the same score, so LCC and SRCC are undefined")
        perfect = int(np.isinf(rows["psnr_range1"]).sum())
        if perfect:
            said.append(f"{name}: {perfect} maps equal their labels; their PSNR is infinite, and left out")
        unsigned = int(rows["sign"].isna().sum())
        if unsigned:
            said.append(f"{name}: {unsigned} labels have no sign anywhere, and are left out of its mean")
    return said


def _levels(rows: pd.DataFrame) -> dict[str, Figures]:
    groups = rows.groupby("level")
    order = groups["ev"].mean().sort_values(kind="stable").index
    return {
        str(level): {
            "mae": _known(float(groups.get_group(level)["mae"].mean())),
            "sign": _known(float(groups.get_group(level)["sign"].mean())),
            "images": int(groups.get_group(level)["image_id"].nunique()),
        }
        for level in order
    }


def _zones(rows: pd.DataFrame) -> dict[str, Figures]:
    found = {}
    for zone in ZONES:
        pixels = int(rows[f"pixels_{zone}"].sum())
        found[zone] = {
            "mae": float(rows[f"error_{zone}"].sum()) / pixels if pixels else None,
            "pixels": pixels,
        }
    return found


def _classes(rows: pd.DataFrame, name: str) -> dict[str, Figures]:
    named = rows[rows[name].astype(bool)]
    return {
        str(key): {"mae": _known(float(part["mae"].mean())), "scenes": int(part["scene_id"].nunique())}
        for key, part in named.groupby(name, sort=True)
    }


def lonely_classes(figures: Figures) -> list[str]:
    """Return in words the classes of which one scene was tested: they say nothing of the class."""
    said = []
    for name, classes in figures["classes"].items():
        alone = [key for key, found in classes.items() if found["scenes"] == 1]
        if alone:
            said.append(
                f"{name.replace('_', ' ')}: one scene was tested of {', '.join(alone)}; its figure is the scene's"
            )
    return said


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
