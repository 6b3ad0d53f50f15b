"""The shipped weights on real photographs that they have never seen, against the released weights and plain guesses.

FiveK: 12 pairs of a zeroed rendering and expert C's retouch, made into a ladder by the build. Brackets: real captures
whose reference is their fusion. The authors of the released weights trained on FiveK, on these scenes too, as far as
is known.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks.harness import Figure
from iea40k.arrays import EncodedRGB, Residual, residual_from_codes
from iea40k.manifest import write_manifest
from iea40k.model.evaluate import Predictor, grey_predictor, network_predictor
from iea40k.model.weights import load_weights
from iea40k.store.layout import Store
from pipelines.bracket_manifest import find_brackets
from pipelines.build import build
from pipelines.config import BuildConfig

TITLE = "Shipped weights p_ieanet_s on real photographs never seen: mean absolute error of the residual"
EVS = (-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0)
SHIPPED = "p_ieanet_s"
Labelled = tuple[EncodedRGB, Residual, float]


def run() -> list[Figure]:
    real = os.environ.get("IEA40K_REAL_DATA", "")
    if not real:
        raise SystemExit("set IEA40K_REAL_DATA to the folder of real photographs")
    torch.set_num_threads(1)
    predictors: dict[str, Predictor] = {
        SHIPPED: network_predictor(load_weights(SHIPPED)),
        "released wavelet_net": network_predictor(
            load_weights(Path(real) / "official" / "wavelet_epoch_2.pth")
        ),
        "zero everywhere": lambda image: np.zeros(image.shape[:2], np.float32),
        "0.48 - luma": grey_predictor(),
    }
    figures = []
    for source, make in (("FiveK", _fivek), ("brackets", _brackets)):
        with tempfile.TemporaryDirectory() as folder:
            figures += _figures(source, list(_labelled(make(Path(real), Path(folder)))), predictors)
    return figures


def _figures(source: str, images: list[Labelled], predictors: dict[str, Predictor]) -> list[Figure]:
    errors = {name: [_error(predict, *image[:2]) for image in images] for name, predict in predictors.items()}
    figures = []
    for name, found in errors.items():
        mean = float(np.mean(found))
        aim = "" if name == SHIPPED else f"above {SHIPPED}"
        met = mean > float(np.mean(errors[SHIPPED])) if aim else None
        note = f"{len(images)} images; {_by_stops(found, images)}"
        figures.append(
            Figure(f"{source}: {name}", mean, "MAE", "" if met is None else SHIPPED, aim, met, note)
        )
    return figures


def _error(predict: Predictor, image: EncodedRGB, label: Residual) -> float:
    return float(np.nanmean(np.abs(predict(image) - label)))


def _by_stops(errors: list[float], images: list[Labelled]) -> str:
    """Return the mean error by stops, to the nearest whole stop."""
    rows = pd.Series(errors).groupby([round(ev) for _, _, ev in images]).mean()
    return ", ".join(f"{ev:+d} EV {error:.3f}" for ev, error in rows.items())


def _labelled(store: Path) -> Iterator[Labelled]:
    opened = Store.open(store)
    for scene_id in opened.scene_ids():
        scene = opened.read_scene(scene_id)
        for image, codes, ev in zip(scene.exposures, scene.residual, scene.evs, strict=True):
            yield image, residual_from_codes(codes), ev


def _fivek(real: Path, folder: Path) -> Path:
    rows = []
    for pair in sorted((real / "fivek").glob("pair_*")):
        shutil.copytree(pair, folder / pair.name)
        files = {
            "exposures": f"{pair.name}/input.png",
            "references": f"{pair.name}/expertC.png",
            "experts": "C",
        }
        rows.append({"scene_id": pair.name, "kind": "rendered", "simulation": "ev", **files})
    return _built(pd.DataFrame(rows), folder, BuildConfig(evs=EVS))


def _brackets(real: Path, folder: Path) -> Path:
    shutil.copytree(real / "brackets", folder / "brackets")
    return _built(find_brackets(folder / "brackets", folder).table, folder, BuildConfig())


def _built(table: pd.DataFrame, folder: Path, config: BuildConfig) -> Path:
    write_manifest(table, folder / "manifest.csv")
    build(folder / "manifest.csv", folder / "store", config)
    return folder / "store"
