"""The shipped `curve_net` on our own held-out photographs and brackets: what is chosen is chosen here.

The validation parts of `manifests/photographs`: each of 34 photographs at five exposures of the ladder, and as 4 dull
and 4 other captures that it could have come from; the captures of 9 real brackets, whose reference is their fusion.
Where `BEFORE` names weights, the difference to them has its interval of 95 %: paired, drawn over scenes. The sign's
ceiling is how often somebody who wants another level of the whole picture, as far off as experts are from one
another, agrees in sign where |residual| > 0.1.

The judge: of the finished photograph, CLAHE, a gamma of 1/2.2 and the capture itself, which is nearest to what the
network wants of the capture. Captures are the dull and other ones, and the ladder's at -4, -2 and +2 EV.
"""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from math import erf, pi, sqrt
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from benchmarks.baselines import EVS, fitted, ladder
from benchmarks.bench_shipped import SHIPPED
from benchmarks.harness import Figure
from iea40k.arrays import EncodedRGB, Residual, residual_from_codes
from iea40k.develop import load_encoded
from iea40k.model.data.rendering import Kind, Rendering, render
from iea40k.model.evaluate import Predictor, network_predictor
from iea40k.model.inference import predict_with_scale
from iea40k.model.looking import SCALES_90
from iea40k.model.paired import bootstrap_interval
from iea40k.model.weights import load_weights
from iea40k.residuals import luma
from iea40k.store.layout import Store
from pipelines.build import build
from pipelines.config import read_config
from pipelines.listed import write_listed

TITLE = "The shipped curve_net on our own held-out photographs and brackets: what is chosen is chosen here"
LISTS = Path(__file__).parent.parent / "manifests" / "photographs"
SPLIT = "split_photographs"
DIFFER = 0.097
"""By how much experts differ in the mean of luma, as far as two photographs tell."""
CAPTURES: tuple[Kind, ...] = ("dull", "captured")
EACH = 4
LEVELS = ("dull", *(f"{ev:+.0f} EV" for ev in EVS))
JUDGED = ("dull", "captured", "-4 EV", "-2 EV", "+2 EV")
Errors = pd.DataFrame


@dataclass(frozen=True, eq=False)
class Shown:
    """A held-out image with its label, its scene and kind, and the finished photograph where there is one."""

    image: EncodedRGB
    label: Residual
    scene: str
    kind: str
    finished: EncodedRGB | None = None


def run() -> list[Figure]:
    real = Path(os.environ.get("IEA40K_REAL_DATA", ""))
    if not real.name:
        raise SystemExit("set IEA40K_REAL_DATA to the folder of real photographs")
    torch.set_num_threads(1)
    shown = [*_photographs(real), *_brackets(real)]
    table = pd.read_csv(LISTS / "public.csv", dtype=str)
    learnt = [real / "photographs" / path for path in table[table[SPLIT] == "train"]["path"]]
    predictors: dict[str, Predictor] = {
        SHIPPED: network_predictor(load_weights(SHIPPED)),
        "p_ieanet_s": network_predictor(load_weights("p_ieanet_s")),
        **fitted(learnt),
    }
    before = os.environ.get("BEFORE")
    if before:
        predictors["the weights before"] = network_predictor(load_weights(before))
    errors = {name: _errors(predict, shown) for name, predict in predictors.items()}
    figures = [_error(name, found) for name, found in errors.items()]
    if before:
        figures += _differences(errors[SHIPPED], errors["the weights before"])
    return [
        *figures,
        *_signs(shown, predictors[SHIPPED]),
        _coverage(shown),
        *_judge(shown, predictors[SHIPPED]),
    ]


def _photographs(real: Path) -> Iterator[Shown]:
    table = pd.read_csv(LISTS / "public.csv", dtype=str)
    for path in sorted(table[table[SPLIT] == "valid"]["path"]):
        photograph = load_encoded(real / "photographs" / path, short_side=256)[0]
        scene = Path(path).with_suffix("").as_posix()
        for ev, (image, label) in zip(EVS, ladder([photograph]), strict=True):
            yield Shown(image, label, scene, f"{ev:+.0f} EV", photograph)
        for number in range(2 * EACH):
            kind = CAPTURES[number % 2]
            random = np.random.default_rng([100 + number, *scene.encode()])
            image = render(photograph, random, Rendering(), kind)
            yield Shown(image, luma(photograph) - luma(image), scene, kind, photograph)


def _brackets(real: Path) -> Iterator[Shown]:
    table = pd.read_csv(LISTS / "brackets.csv", dtype=str)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table[table[SPLIT] == "valid"].to_csv(folder / "list.csv", index=False)
        write_listed([folder / "list.csv"], real, folder / "manifest.csv")
        build(folder / "manifest.csv", folder / "store", read_config(LISTS / "build.yaml"))
        opened = Store.open(folder / "store")
        for scene_id in opened.scene_ids():
            scene = opened.read_scene(scene_id)
            for image, codes in zip(scene.exposures, scene.residual, strict=True):
                yield Shown(image, residual_from_codes(codes), scene_id, "bracket")


def _errors(predict: Predictor, shown: list[Shown]) -> Errors:
    rows = [(s.scene, s.kind, float(np.nanmean(np.abs(predict(s.image) - s.label)))) for s in shown]
    return pd.DataFrame(rows, columns=["scene", "kind", "error"])


def _error(name: str, errors: Errors) -> Figure:
    by_kind = errors.groupby("kind", sort=False)["error"].mean()
    note = ", ".join(f"{kind} {value:.3f}" for kind, value in by_kind.items())
    return Figure(
        f"{name}: mean of dull and five levels", float(by_kind[list(LEVELS)].mean()), "MAE", "", note=note
    )


def _differences(now: Errors, before: Errors) -> Iterator[Figure]:
    for name, kinds in (
        ("mean of dull and five levels", LEVELS),
        ("dull", ("dull",)),
        ("captures of chance", ("captured",)),
        ("brackets", ("bracket",)),
    ):
        means = [
            errors[errors["kind"].isin(kinds)]
            .groupby(["scene", "kind"])["error"]
            .mean()
            .groupby("scene")
            .mean()
            for errors in (now, before)
        ]
        off = (means[0] - means[1]).to_numpy()
        low, high = bootstrap_interval(off)
        note = f"{low:+.4f} to {high:+.4f}, {len(off)} scenes"
        yield Figure(
            f"{name}: against the weights before", float(off.mean()), "MAE", "the weights before", note=note
        )


def _signs(shown: list[Shown], predict: Predictor) -> Iterator[Figure]:
    sd = DIFFER * sqrt(pi / 2)
    for kind in dict.fromkeys(s.kind for s in shown):
        right, could, count = 0.0, 0.0, 0
        for s in shown:
            plain = np.abs(s.label) > 0.1
            if s.kind != kind or not plain.any():
                continue
            label = s.label[plain]
            right += float((np.sign(predict(s.image)[plain]) == np.sign(label)).mean())
            codes = np.rint(np.abs(label) * 255).astype(int)
            could += float(_agreeing(sd)[codes].mean())
            count += 1
        if count:
            note = f"{count} images with |residual| > 0.1; ceiling {could / count:.3f}"
            yield Figure(f"sign, {kind}", right / count, "share", f"ceiling {could / count:.3f}", note=note)


def _agreeing(sd: float) -> NDArray[np.float64]:
    """Return, by code of |residual|, how often a level that is off by a normal `sd` leaves the sign as it is."""
    return np.array([(1 + erf(code / 255 / sd / sqrt(2))) / 2 for code in range(256)])


def _coverage(shown: list[Shown]) -> Figure:
    network = load_weights(SHIPPED).network
    shares = []
    for s in shown:
        if s.kind in ("bracket", *CAPTURES):
            found = predict_with_scale(network, s.image)
            assert found is not None
            valid = ~np.isnan(s.label)
            shares.append(float((np.abs(found[0] - s.label) <= SCALES_90 * found[1])[valid].mean()))
    mean = float(np.mean(shares))
    met = 0.88 <= mean <= 0.92
    return Figure("captures: pixels within the band of 90 %", mean, "share", "0.9", "0.88 to 0.92", met)


def _judge(shown: list[Shown], predict: Predictor) -> Iterator[Figure]:
    rows = []
    for s in shown:
        if s.finished is None or s.kind not in JUDGED:
            continue
        wanted = np.clip(luma(s.image) + predict(s.image), 0, 1)
        off = {name: float(np.abs(luma(made) - wanted).mean()) for name, made in _made(s.image).items()}
        own = float(np.abs(luma(s.finished) - wanted).mean())
        rows.append({"scene": s.scene, "kind": s.kind, **{name: own < value for name, value in off.items()}})
    table = pd.DataFrame(rows)
    table["best"] = table[["CLAHE", "gamma 1/2.2", "identity"]].all(axis=1)
    for kind in (*JUDGED, "all"):
        part = table if kind == "all" else table[table["kind"] == kind]
        best = part.groupby("scene")["best"].mean().to_numpy(float)
        low, high = bootstrap_interval(best)
        beaten = ", ".join(f"{name} {part[name].mean():.2f}" for name in ("CLAHE", "gamma 1/2.2", "identity"))
        mean = float(part["best"].mean())
        note = f"{low:.2f} to {high:.2f}, {len(part)} pairs of {len(best)} scenes; beats {beaten}"
        yield Figure(
            f"judge, {kind}: the finished photograph is best", mean, "share", "", "0.9", mean >= 0.9, note
        )


def _made(image: EncodedRGB) -> dict[str, EncodedRGB]:
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(2.0, (8, 8)).apply(lab[..., 0])
    gamma = np.rint((np.arange(256) / 255) ** (1 / 2.2) * 255).astype(np.uint8)
    clahe = np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)
    return {"CLAHE": clahe, "gamma 1/2.2": gamma[image], "identity": image}
