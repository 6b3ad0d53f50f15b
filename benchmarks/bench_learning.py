"""How error falls with the number of scenes: boosted trees, `p_ieanet_s`, `curve_net`, on photographs held out for it.

The photographs of `manifests/photographs/public.csv`; 8, 26, 80 and all of its training part, and of its validation
part every third photograph: the ladder, and one dull rendering a photograph, as a converter shows it before anybody
touched it. Short runs of equal length: they say how much scenes help, not where a network ends.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.baselines import EVS, ladder
from benchmarks.harness import Figure
from iea40k.arrays import EncodedRGB, Residual
from iea40k.develop import load_encoded
from iea40k.disputes.trees import Trees
from iea40k.model.data import Pixels, Sample
from iea40k.model.data.dataset import captures_of
from iea40k.model.data.rendering import Rendering
from iea40k.model.data.samples import WHOLE
from iea40k.model.evaluate import Predictor, network_predictor
from iea40k.model.training.config import load_config
from iea40k.model.training.loop import train
from iea40k.model.training.run import TrainingData
from iea40k.model.weights import load_weights
from iea40k.residuals import luma

TITLE = "Learning curve: mean of six levels on held-out photographs, by the number of scenes learnt from"
SCENES = (8, 26, 80, 210)
STEPS = 200
SIDE = 160
LIST = Path(__file__).parent.parent / "manifests" / "photographs" / "public.csv"
COMMON: dict[str, Any] = {
    "batch": 8,
    "epochs": 1000,
    "max_steps": STEPS,
    "threads": 1,
    "pictures": 0,
    "validate_every": 10_000,
    "valid_images": 2,
    "ema": 0.98,
}
RENDER = {"stops": 5, "plain": 0.55, "whole": 0.7, "dull": 0.2}
NETWORKS: dict[str, dict[str, Any]] = {
    "p_ieanet_s": {"network": "p_ieanet_s", "optimizer": {"rate": 0.004, "warmup_steps": 20}},
    "curve_net": {
        "network": "curve_net",
        "network_config": {"look": 64, "widths": [16, 24, 32, 48]},
        "optimizer": {"rate": 0.004, "warmup_steps": 20, "weight_decay": 0.05},
        "loss": {"kind": "l1", "scale": 0.02, "every": 2},
    },
}
Labelled = tuple[EncodedRGB, Residual, str]


class Finished:
    """Implements `Samples`: finished photographs, each its own reference."""

    def __init__(self, pictures: Mapping[str, EncodedRGB]) -> None:
        self._pictures = list(pictures.values())
        self.samples = tuple(
            Sample(name, "P0", 0.0, picture.shape[:2], {"kind": "rendered"})
            for name, picture in pictures.items()
        )

    def read(self, number: int, rows: slice = WHOLE, columns: slice = WHOLE) -> Pixels:
        """Return the pixels of a window of photograph `number`."""
        picture = self._pictures[number][rows, columns]
        return Pixels(picture, np.zeros(picture.shape[:2], np.int16), None)


def run() -> list[Figure]:
    real = Path(os.environ.get("IEA40K_REAL_DATA", ""))
    if not real.name:
        raise SystemExit("set IEA40K_REAL_DATA to the folder of real photographs")
    table = pd.read_csv(LIST)
    parts = {
        part: {
            path: load_encoded(real / "photographs" / path, short_side=SIDE)[0]
            for path in sorted(rows["path"])
        }
        for part, rows in table.groupby("split_photographs")
    }
    order = np.random.default_rng(0).permutation(sorted(parts["train"]))
    held_out = Finished({path: parts["valid"][path] for path in sorted(parts["valid"])[::3]})
    tests = list(_tests(held_out))
    figures = []
    for count in SCENES:
        learnt = {str(path): parts["train"][str(path)] for path in order[:count]}
        predictors: dict[str, Predictor] = {
            "boosted trees": Trees(pixels=150).fit(ladder(list(learnt.values())))
        }
        for name, settings in NETWORKS.items():
            predictors[name] = _trained(Finished(learnt), held_out, settings)
        for name, predict in predictors.items():
            figure = _figure(f"{name}, {count} scenes", predict, tests)
            print(figure, flush=True)
            figures.append(figure)
    return figures


def _trained(learnt: Finished, held_out: Finished, settings: dict[str, Any]) -> Predictor:
    shown = {"view": "zoom", "size": 128, "render": RENDER, "spread_scale": None}
    config = load_config(None, {**COMMON, **settings, "data": shown})
    with tempfile.TemporaryDirectory() as folder:
        data = TrainingData(learnt, held_out, {}, "photographs")
        done = train(data, Path(folder) / "run", config)
        return network_predictor(load_weights(done.weights))


def _tests(held_out: Finished) -> Iterator[Labelled]:
    how = Rendering(**RENDER)
    for number, sample in enumerate(held_out.samples):
        pixels = held_out.read(number)
        for ev, (image, label) in zip(EVS, ladder([pixels.image]), strict=True):
            yield image, label, f"{ev:+.0f} EV"
        for dull in captures_of(pixels, sample, how, 1):
            yield dull.image, luma(pixels.image) - luma(dull.image), "dull"


def _figure(name: str, predict: Predictor, tests: list[Labelled]) -> Figure:
    errors = pd.Series([float(np.abs(predict(image) - label).mean()) for image, label, _ in tests])
    by_level = errors.groupby([level for _, _, level in tests], sort=False).mean()
    note = ", ".join(f"{level} {error:.3f}" for level, error in by_level.items())
    steps = "" if name.startswith("boosted") else f"; {STEPS} steps of 8"
    return Figure(name, float(by_level.mean()), "MAE", "held-out photographs", note=note + steps)
