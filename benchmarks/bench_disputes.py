"""Planted wrong labels found by `iea40k validate`: image AUROC by kind, region average precision, plain baselines.

Two releases of which nothing was tuned on: finished photographs exposed by a ladder (every eighth, from the second on;
the detector was written while looking at others), and the real brackets of EMPA. 5 % of the images are made wrong by
`benchmarks.planted_labels`, which shares neither code nor seeds with what the detector learns from. cleanlab's scores
for regression (Zhou et al. 2023) see the same predictions.

`DISPUTES_PART=tuning` takes other photographs and seeds, and no brackets: what the detector may be changed by.

`python -m benchmarks disputes`; DISPUTES_STORE names a store of EMPA's brackets that is built already, DISPUTES_SHEETS
a folder for the contact sheets of the fifty most disputed images without a planted error, to be judged by eye.
"""

import os
import tempfile
from pathlib import Path

import numpy as np
from cleanlab.regression.rank import get_label_quality_scores
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.harness import Figure
from benchmarks.planted_labels import KINDS, Full, plant, scene_of
from iea40k.develop import load_encoded
from iea40k.disputes.expecting import out_of_fold
from iea40k.disputes.finding import find_disputes
from iea40k.disputes.scenes import small_scene
from iea40k.store.layout import Store

TITLE = "Planted wrong labels: found by validate, and by plain signals"
EVS = (-3.0, -1.5, 0.0, 1.5, 3.0)
SHARE = float(os.environ.get("PLANTED_SHARE", "0.05"))
_PIXELS = 200  # of an image, that cleanlab's scores are taken of
_ALL_PIXELS = 10_000  # of all images: its "outre" takes memory and time by the square of them, 0.8 GB here


def run(photographs=range(101, 105), brackets=range(201, 205)) -> list[Figure]:
    real = Path(os.environ.get("IEA40K_REAL_DATA", ""))
    if not real.name:
        raise SystemExit("set IEA40K_REAL_DATA to the folder of real photographs")
    tuning = os.environ.get("DISPUTES_PART") == "tuning"
    paths = sorted((real / "photographs").glob("*/*.png"))[0 if tuning else 1 :: 8]
    if tuning:
        photographs, brackets = range(151, 154), ()
    figures = []
    full = [scene_of(p.stem, load_encoded(p, short_side=192)[0], EVS) for p in paths]
    figures += _measured("photographs", full, photographs)
    if tuning:
        return figures
    full = list(_brackets(real / "empa"))
    figures += _measured("EMPA", full, brackets)
    if "DISPUTES_SHEETS" in os.environ:
        _judge_by_eye(full, Path(os.environ["DISPUTES_SHEETS"]))
    return figures


def _brackets(folder):
    kept = os.environ.get("DISPUTES_STORE")
    with tempfile.TemporaryDirectory() as made:
        store = Store.open(kept) if kept else _built(folder, Path(made))
        for scene_id in store.scene_ids():
            scene = store.open_scene(scene_id)
            exposures = np.stack([scene.exposure(level) for level in scene.levels])
            codes = np.stack([scene.residual(level) for level in scene.levels])
            yield Full(scene_id, tuple(scene.evs), exposures, scene.reference(), codes, tuple(scene.levels))


def _built(folder, made):
    from pipelines.cli.program import run as iea40k

    (made / "config.yaml").write_text("short_side: 192\n", encoding="utf-8")
    iea40k(["manifest", "brackets", str(folder), "-o", str(made / "manifest.csv")])
    iea40k(["build", str(made / "manifest.csv"), str(made / "store"), "--config", str(made / "config.yaml")])
    return Store.open(made / "store")


def _small(scenes):
    return [small_scene(s.scene_id, s.levels, s.evs, s.exposures, s.reference, s.codes) for s in scenes]


def _measured(name, full, seeds):
    full = list(full)
    rows = {
        n: []
        for n in (
            "detector",
            "|error|",
            "99 % of |error|",
            "1 - correlation",
            "cleanlab outre",
            "cleanlab residual",
        )
    }
    wrong, kinds, regions = [], [], []
    for seed in seeds:
        made, plants = plant(full, SHARE, seed)
        small = _small(made)
        predictions = out_of_fold(small, 4)
        found = {(d.scene_id, d.level): d for d in find_disputes(small, predictions)}
        kind_of = {p.place: p for p in plants}
        places = [(s, e) for s, scene in enumerate(made) for e in range(len(scene.levels))]
        places = [(s, e) for s, e in places if not np.isnan(small[s].labels[e]).all()]
        for s, e in places:
            dispute = found[made[s].scene_id, made[s].levels[e]]
            planted = kind_of.get((s, e))
            wrong.append(planted is not None)
            kinds.append(planted.kind if planted else "")
            error = np.abs(small[s].labels[e] - predictions[s].residual[e])
            rows["detector"].append(dispute.score)
            rows["|error|"].append(float(np.nanmean(error)))
            rows["99 % of |error|"].append(dispute.signals["worst_error"])
            rows["1 - correlation"].append(np.nan_to_num(dispute.signals["unlike"], nan=0.5))
            regions += _regions(dispute, planted)
        rows["cleanlab outre"] += _cleanlab(small, predictions, places, "outre")
        rows["cleanlab residual"] += _cleanlab(small, predictions, places, "residual")
    wrong, kinds = np.array(wrong), np.array(kinds)
    count = ", ".join(f"{k} {int((kinds == k).sum())}" for k in KINDS)
    figures = []
    for row, scores in rows.items():
        scores = np.array(scores)
        by = {
            k: roc_auc_score(kinds == k, scores, sample_weight=(kinds == k) | ~wrong)
            for k in KINDS
            if (kinds == k).any()
        }
        note = ", ".join(f"{k} {v:.3f}" for k, v in by.items())
        overall = float(roc_auc_score(wrong, scores))
        limits = (">= 0.98; each kind >= 0.93", overall >= 0.98 and min(by.values()) >= 0.93)
        figures.append(
            Figure(f"{name}: {row}", overall, "AUROC", "", *(limits if row == "detector" else ()), note=note)
        )
    hits, scores, missed = _sorted(regions)
    precision = float(average_precision_score(hits, scores) * hits.sum() / max(1, hits.sum() + missed))
    note = f"{int(hits.sum())} regions found, {missed} missed; IoU of boxes >= 0.5; "
    note += f"{wrong.sum()} of {wrong.size} images: {count}"
    figures.append(Figure(f"{name}: regions", precision, "AP", "", ">= 0.85", precision >= 0.85, note=note))
    for figure in figures:  # the run is long: what is measured is said before the rest is
        print(f"{figure.name}: {figure.value:.4f} {figure.unit}; {figure.note}", flush=True)
    return figures


def _cleanlab(small, predictions, places, method):
    """Return for each image 1 - the mean of its pixels' label quality."""
    random = np.random.default_rng(7)
    labels, predicted, of = [], [], []
    pixels = min(_PIXELS, _ALL_PIXELS // len(places))
    for number, (s, e) in enumerate(places):
        label, expected = small[s].labels[e].ravel(), predictions[s].residual[e].ravel()
        chosen = random.permutation(np.flatnonzero(~np.isnan(label)))[:pixels]
        labels.append(label[chosen])
        predicted.append(expected[chosen])
        of.append(np.full(len(chosen), number))
    quality = get_label_quality_scores(
        np.concatenate(labels).astype(float), np.concatenate(predicted).astype(float), method=method
    )
    sums = np.bincount(np.concatenate(of), 1 - quality, len(places))
    return (sums / np.bincount(np.concatenate(of), minlength=len(places))).tolist()


def _judge_by_eye(full, folder):
    from pipelines.dispute_files import LIST, write_files

    small = _small(full)
    found = find_disputes(small, out_of_fold(small, 4))
    write_files(folder, found[:50], small, set())
    print(f"the fifty most disputed of {len(found)} images without a planted error: {folder / LIST}")


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
