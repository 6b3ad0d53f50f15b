"""Pictures unlike those learnt from: how many are told, how wide their bands are, and false alarms.

Photographs of the validation part of `manifests/photographs/public.csv`, which set no limit, plain and at -4 … +4 EV;
odd pictures of `benchmarks.odd_pictures`.
"""

import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.baselines import EVS, ladder
from benchmarks.harness import Figure
from benchmarks.odd_pictures import odd_photographs, odd_pictures
from iea40k.arrays import EncodedRGB
from iea40k.develop import load_encoded
from iea40k.model.loading import load_predictor
from iea40k.model.predict import predict_image

TITLE = "Pictures unlike those learnt from: told in words, with a band that is wide"
LIST = Path(__file__).parent.parent / "manifests" / "photographs" / "public.csv"
SEEDS = range(6)


def run() -> list[Figure]:
    real = Path(os.environ.get("IEA40K_REAL_DATA", ""))
    if not real.name:
        raise SystemExit("set IEA40K_REAL_DATA to the folder of real photographs")
    weights = load_predictor("curve_net")
    table = pd.read_csv(LIST)
    valid = sorted(table[table["split_photographs"] == "valid"]["path"])
    told: dict[str, list[bool]] = defaultdict(list)
    bands: dict[str, list[float]] = defaultdict(list)

    def take(kind: str, picture: EncodedRGB) -> None:
        facts = predict_image(weights, picture).facts
        told[kind].append(bool(facts["unlike"]))
        bands[kind].append(facts["band_90"])

    for number, path in enumerate(valid):
        picture = load_encoded(real / "photographs" / path, short_side=512)[0]
        for ev, (exposed, _) in zip(EVS, ladder([picture]), strict=True):
            take(f"photograph at {ev:+.0f} EV", exposed)
        if number in SEEDS:
            for kind, odd in odd_photographs(picture, number):
                take(f"of a photograph: {kind}", odd)
    for seed in SEEDS:
        for kind, odd in odd_pictures(seed):
            take(kind, odd)
    return [_figure(kind, shares, bands[kind]) for kind, shares in told.items()]


def _figure(kind: str, told: list[bool], bands: list[float]) -> Figure:
    share = float(np.mean(told))
    photograph = kind.startswith("photograph")
    met = share <= 0.02 if photograph else share == 1
    note = f"{len(told)} pictures; half-width of the 90 % band {np.median(bands):.2f}, least {min(bands):.2f}"
    aim = "at most 0.02" if photograph else "1"
    return Figure(kind, share, "told", "held-out photographs" if photograph else "", aim, met, note)
