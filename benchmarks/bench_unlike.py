"""Pictures unlike those learnt from: how many are told, how wide their bands are, and false alarms.

Photographs of the validation part of `manifests/photographs/public.csv`, which set no limit, plain and at -4 … +4 EV;
odd pictures of `benchmarks.odd_pictures`.

A photograph at +4 EV may be white nearly everywhere. Such a picture is to be told, as one of one colour is, so it is no
false alarm: it is counted apart, with the share of its pixels in which any channel is left. Until 2026-11-27 it was
counted as one.
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
    blown: dict[str, list[float]] = defaultdict(list)

    def take(kind: str, picture: EncodedRGB) -> None:
        facts = predict_image(weights, picture).facts
        clipped = any(reason.startswith("clipped") for reason in facts["unlike"])
        if clipped and kind.startswith("photograph"):
            blown[kind].append(_left(picture))
        told[kind].append(bool(facts["unlike"]) and not (clipped and kind.startswith("photograph")))
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
    every = [name for name in told if name.startswith("photograph")]
    told["photographs at every level"] = [found for name in every for found in told[name]]
    bands["photographs at every level"] = [band for name in every for band in bands[name]]
    return [_figure(kind, shares, bands[kind], blown[kind]) for kind, shares in told.items()]


def _left(picture: EncodedRGB) -> float:
    """Return the share of pixels in which a channel is neither black nor white."""
    return float(((picture > 1) & (picture < 254)).any(2).mean())


def _figure(kind: str, told: list[bool], bands: list[float], blown: list[float]) -> Figure:
    share = float(np.mean(told))
    photograph = kind.startswith("photograph")
    met = share <= 0.02 if photograph else share == 1
    note = f"{len(told)} pictures; half-width of the 90 % band {np.median(bands):.2f}, least {min(bands):.2f}"
    if blown:
        left = ", ".join(f"{share:.3f}" for share in blown)
        note += f"; {len(blown)} more told to be clipped nearly everywhere, rightly: pixels with a channel left: {left}"
    aim = "at most 0.02" if photograph else "1"
    return Figure(kind, share, "told", "held-out photographs" if photograph else "", aim, met, note)
