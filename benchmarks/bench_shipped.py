"""The shipped weights on real photographs that they have never seen, against the released weights and plain baselines.

FiveK: 12 pairs; a zeroed rendering ("as shot") against expert C, and expert C's picture at -4 ... +4 EV. Brackets: real
captures whose reference is their fusion. The authors of the released weights trained on FiveK, on these scenes too, as
far as is known. Experts differ by 0.097 in luma from one another: no figure as shot can be much below.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks.baselines import EVS, fitted
from benchmarks.harness import RESULTS, Figure
from iea40k.arrays import EncodedRGB, Residual, residual_from_codes
from iea40k.colour import decode_srgb, encode_srgb
from iea40k.develop import load_encoded
from iea40k.manifest import write_manifest
from iea40k.metrics import ssim
from iea40k.model.evaluate import Predictor, network_predictor
from iea40k.model.inference import predict_with_scale
from iea40k.model.looking import SCALES_90
from iea40k.model.weights import load_weights
from iea40k.residuals import luma
from iea40k.store.layout import Store
from pipelines.bracket_manifest import find_brackets
from pipelines.build import build
from pipelines.config import BuildConfig

TITLE = "Shipped weights on real photographs never seen: mean absolute error of the residual"
SHIPPED = "curve_net"
CEILING = "experts differ by 0.097"
Labelled = tuple[EncodedRGB, Residual, str]


def run() -> list[Figure]:
    real = Path(os.environ.get("IEA40K_REAL_DATA", ""))
    if not real.name:
        raise SystemExit("set IEA40K_REAL_DATA to the folder of real photographs")
    torch.set_num_threads(1)
    if os.environ.get("ONLY") == SHIPPED:
        return _with_those_there(_measured_on(real, {SHIPPED: network_predictor(load_weights(SHIPPED))}))
    predictors: dict[str, Predictor] = {
        SHIPPED: network_predictor(load_weights(SHIPPED)),
        "p_ieanet_s": network_predictor(load_weights("p_ieanet_s")),
        "released wavelet_net": network_predictor(load_weights(real / "official" / "wavelet_epoch_2.pth")),
        **fitted(sorted((real / "photographs").glob("*/*.png"))),
    }
    return _measured_on(real, predictors)


def _with_those_there(fresh: list[Figure]) -> list[Figure]:
    """Return the figures of the results that are there, with fresh ones in their places."""
    there = json.loads((RESULTS / "shipped.json").read_text(encoding="utf-8"))["figures"]
    known = {(figure.name, figure.unit): figure for figure in fresh}
    return [known.get((old["name"], old["unit"]), Figure(**old)) for old in there]


def _measured_on(real: Path, predictors: dict[str, Predictor]) -> list[Figure]:
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for source, images in (
            ("FiveK", list(_fivek(real))),
            ("brackets", list(_labelled(_brackets(real, Path(folder))))),
        ):
            figures += _figures(source, images, predictors)
            figures.append(_coverage(source, images))
    return figures


def _figures(source: str, images: list[Labelled], predictors: dict[str, Predictor]) -> list[Figure]:
    figures = []
    levels = [level for _, _, level in images]
    for name, predict in predictors.items():
        table = pd.DataFrame([_measured(predict, *image[:2]) for image in images])
        by_level = table.groupby(levels, sort=False).mean()
        # Levels count alike on FiveK; brackets have as many captures as they have.
        mean = (by_level if source == "FiveK" else table).mean()
        note = f"{len(images)} images; {_listed(by_level['mae'])}"
        figures.append(Figure(f"{source}: {name}", float(mean["mae"]), "MAE", CEILING, note=note))
        if source == "FiveK":
            note = f"where |label| > 0.1; {_listed(by_level['sign'])}"
            figures.append(Figure(f"{source}: {name}", float(mean["sign"]), "sign", "", note=note))
            note = f"range 1; {_listed(by_level['ssim'])}"
            figures.append(Figure(f"{source}: {name}", float(mean["ssim"]), "SSIM", "", note=note))
    return figures


def _listed(by_level: "pd.Series[float]") -> str:
    return ", ".join(f"{level} {value:.3f}" for level, value in by_level.items())


def _measured(predict: Predictor, image: EncodedRGB, label: Residual) -> dict[str, float]:
    found = predict(image)
    plain = np.abs(label) > 0.1
    return {
        "mae": float(np.nanmean(np.abs(found - label))),
        "sign": float((np.sign(found) == np.sign(label))[plain].mean()) if plain.any() else np.nan,
        "ssim": ssim(found, label, data_range=1.0),
    }


def _coverage(source: str, images: list[Labelled]) -> Figure:
    network = load_weights(SHIPPED).network
    shares = []
    for image, label, _ in images:
        found = predict_with_scale(network, image)
        assert found is not None
        valid = ~np.isnan(label)
        shares.append(float((np.abs(found[0] - label) <= SCALES_90 * found[1])[valid].mean()))
    mean = float(np.mean(shares))
    return Figure(
        f"{source}: pixels within {SHIPPED}'s band of 90 %",
        mean,
        "share",
        "0.9",
        "0.88 to 0.92",
        0.88 <= mean <= 0.92,
    )


def _labelled(store: Path) -> Iterator[Labelled]:
    opened = Store.open(store)
    for scene_id in opened.scene_ids():
        scene = opened.read_scene(scene_id)
        for image, codes, ev in zip(scene.exposures, scene.residual, scene.evs, strict=True):
            yield image, residual_from_codes(codes), f"{round(ev):+d} EV"


def _fivek(real: Path) -> Iterator[Labelled]:
    for pair in sorted((real / "fivek").glob("pair_*")):
        shot, retouch = (
            load_encoded(pair / f"{name}.png", short_side=None)[0] for name in ("input", "expertC")
        )
        yield shot, luma(retouch) - luma(shot), "as shot"
        light = decode_srgb(retouch)
        for ev in EVS:
            image = encode_srgb(light * np.float32(2.0**ev))
            yield image, luma(retouch) - luma(image), f"{ev:+.0f} EV"


def _brackets(real: Path, folder: Path) -> Path:
    shutil.copytree(real / "brackets", folder / "brackets")
    return _built(find_brackets(folder / "brackets", folder).table, folder, BuildConfig())


def _built(table: pd.DataFrame, folder: Path, config: BuildConfig) -> Path:
    write_manifest(table, folder / "manifest.csv")
    build(folder / "manifest.csv", folder / "store", config)
    return folder / "store"
