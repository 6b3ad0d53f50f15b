"""Planted wrong labels found by `iea40k validate`: image AUROC by kind, region average precision, plain baselines.

Scenes are finished photographs exposed by the ladder; 5 % of the images are made wrong by `benchmarks.planted_labels`.
Every eighth photograph, from the second on: the detector was written while looking at others.
"""

import os
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.harness import Figure
from benchmarks.planted_labels import KINDS, plant, scene_of
from iea40k.develop import load_encoded
from iea40k.disputes.expecting import out_of_fold
from iea40k.disputes.finding import find_disputes
from iea40k.disputes.scenes import small_scene

TITLE = "Planted wrong labels: found by validate, and by plain signals"
EVS = (-3.0, -1.5, 0.0, 1.5, 3.0)
SHARE = float(os.environ.get("PLANTED_SHARE", "0.05"))


def run(first=1, every=8, seeds=(101, 102, 103)) -> list[Figure]:
    real = Path(os.environ.get("IEA40K_REAL_DATA", ""))
    if not real.name:
        raise SystemExit("set IEA40K_REAL_DATA to the folder of real photographs")
    paths = sorted((real / "photographs").glob("*/*.png"))[first::every]
    full = [scene_of(p.stem, load_encoded(p, short_side=192)[0], EVS) for p in paths]
    rows = {name: [] for name in ("detector", "|error|", "worst |error|", "1 - correlation")}
    wrong, kinds, regions = [], [], []
    for seed in seeds:
        made, plants = plant(full, SHARE, seed)
        small = [small_scene(s.scene_id, s.levels, s.evs, s.exposures, s.reference, s.codes) for s in made]
        predictions = out_of_fold(small, 4)
        found = {(d.scene_id, d.level): d for d in find_disputes(small, predictions)}
        kind_of = {p.place: p for p in plants}
        for s, scene in enumerate(made):
            for e, level in enumerate(scene.levels):
                dispute = found[scene.scene_id, level]
                planted = kind_of.get((s, e))
                wrong.append(planted is not None)
                kinds.append(planted.kind if planted else "")
                error = np.abs(small[s].labels[e] - predictions[s].residual[e])
                rows["detector"].append(dispute.score)
                rows["|error|"].append(float(error.mean()))
                rows["worst |error|"].append(dispute.signals["worst_error"])
                rows["1 - correlation"].append(np.nan_to_num(dispute.signals["unlike"], nan=0.5))
                regions += _regions(dispute, planted)
    wrong, kinds = np.array(wrong), np.array(kinds)
    figures = []
    for name, scores in rows.items():
        scores = np.array(scores)
        by = {k: roc_auc_score(kinds == k, scores, sample_weight=(kinds == k) | ~wrong) for k in KINDS}
        note = f"{wrong.sum()} of {wrong.size} images wrong; " + ", ".join(
            f"{k} {v:.3f}" for k, v in by.items()
        )
        overall = float(roc_auc_score(wrong, scores))
        limits = (">= 0.98; each kind >= 0.93", overall >= 0.98 and min(by.values()) >= 0.93)
        figures.append(Figure(name, overall, "AUROC", "", *(limits if name == "detector" else ()), note=note))
    hits, scores, missed = _sorted(regions)
    precision = float(average_precision_score(hits, scores) * hits.sum() / max(1, hits.sum() + missed))
    note = f"{int(hits.sum())} regions found, {missed} missed; IoU of boxes >= 0.5"
    figures.append(Figure("regions", precision, "AP", "", ">= 0.85", precision >= 0.85, note=note))
    return figures


def _regions(dispute, planted):
    """Yield (hit, score) of each region, and (None, 0) for a planted box that none meets."""
    found, met = [], False
    box = _box(planted.where) if planted is not None else None
    for region in dispute.regions:
        hit = box is not None and not met and _iou(region.box, box) >= 0.5
        met |= hit
        found.append((hit, region.score))
    if box is not None and not met:
        found.append((None, 0.0))
    return found


def _sorted(regions):
    told = [(hit, score) for hit, score in regions if hit is not None]
    hits, scores = np.array([h for h, _ in told]), np.array([s for _, s in told])
    return hits, scores, sum(hit is None for hit, _ in regions)


def _box(mask):
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return rows[0], columns[0], rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


def _iou(one, two):
    height = min(one[0] + one[2], two[0] + two[2]) - max(one[0], two[0])
    width = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    both = max(0, height) * max(0, width)
    return both / (one[2] * one[3] + two[2] * two[3] - both)
