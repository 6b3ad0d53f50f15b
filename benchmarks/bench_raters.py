"""Consensus of ten planted experts of whom three are wrong on purpose: the rater model, and what is simpler.

Maps are painted whole by `benchmarks.planted_experts`, on photographs at five exposures. The model learns from a sample
of the pixels, as in a release, and weighs whole maps. Agreement is told before and after the people's biases are
taken out. `python -m benchmarks raters`; the seeds below were looked at once; 501, another, while it was written.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from benchmarks.harness import Figure
from benchmarks.planted_experts import GROUPS, HONEST, PEOPLE, WRONG, codes_of, seen
from iea40k.agreement import Tally
from iea40k.arrays import RESIDUAL_SCALE
from iea40k.colour import decode_srgb, encode_srgb
from iea40k.develop import load_encoded
from iea40k.raters import fit_raters, sample_pixels
from iea40k.residuals import residual_codes
from iea40k.scene import level_name
from iea40k.store.ledger.consensus import weighed_consensus
from iea40k.zones import zone_map

TITLE = "Ten planted experts, three wrong on purpose: consensus and agreement"
EVS = (-3.0, -1.5, 0.0, 1.5, 3.0)
IMAGES = 30
SEEDS = range(601, 611)
Maps = Mapping[str, np.ndarray]


def run(seeds=SEEDS) -> list[Figure]:
    real = Path(os.environ.get("IEA40K_REAL_DATA", ""))
    if not real.name:
        raise SystemExit("set IEA40K_REAL_DATA to the folder of real photographs")
    paths = sorted((real / "photographs").glob("*/*.png"))[3::8]
    images = [
        (path.stem, *image) for path in paths for image in _ladder(load_encoded(path, short_side=96)[0])
    ]
    figures = []
    for group in GROUPS:
        for at_once in (10, 4):
            figures += _measured(images, group, at_once, seeds)
    return figures


def _ladder(reference):
    light = decode_srgb(reference)
    for ev in EVS:
        exposure = encode_srgb(light * np.float32(2.0**ev))
        yield exposure, level_name(ev), residual_codes(reference, exposure[None])[0] / RESIDUAL_SCALE


def _measured(images, group, at_once, seeds):
    rows, people, agreements = [], [], []
    for seed in seeds:
        found = _one(images, GROUPS[group], at_once, seed)
        rows.append(found[0])
        people.append(found[1])
        agreements.append(found[2])
    median = [row["median"] for row in rows]
    where = f"{group}, {at_once} of 10 an image"
    figures = []
    for name in rows[0]:
        errors = [row[name] for row in rows]
        ratio = float(np.median(np.divide(errors, median)))
        note = f"{ratio:.2f} of the plain median's; worst seed {max(errors):.4f}"
        value = float(np.median(errors))
        ours = name == "rater model"
        aim = "<= 0.02 and <= 0.7 of the plain median's" if ours and at_once == 10 else ""
        met = value <= 0.02 and ratio <= 0.7 if aim else None
        figures.append(Figure(f"{where}: {name}", value, "MAE", "", aim, met, note))
    named = float(np.mean([len(set(found) & set(WRONG)) for found in people]))
    figures.append(
        Figure(f"{where}: wrong people among the three noisiest or most biased", named, "of 3", "")
    )
    for word, k in (("ICC(2,1)", 0), ("alpha", 1)):
        before, after = (float(np.median([a[when][k] for a in agreements])) for when in (0, 1))
        figures.append(
            Figure(f"{where}: {word} when biases are taken out", after, word, f"{before:.3f} before")
        )
    return figures


def _one(images, wrong, at_once, seed):
    random = np.random.default_rng([seed, 31])
    chosen = random.choice(len(images), IMAGES, replace=False)
    rated, kept = [], []
    for number in chosen:
        name, exposure, level, truth = images[number]
        others = [t for n, _, _, t in images if n != name]
        image = seen(exposure, truth, others[random.integers(len(others))], random)
        who = sorted(random.choice(10, at_once, replace=False))
        hands = [(*HONEST, *wrong)[k] for k in who]
        maps = {PEOPLE[k]: codes_of(hand(image, random)) for k, hand in zip(who, hands, strict=True)}
        zones = np.rint(zone_map(exposure)).astype(np.int64)
        drawn = {name: np.ones(truth.shape, bool) for name in maps}
        rated.append(sample_pixels(maps, drawn, zones, level, np.ones(truth.shape, bool), seed=int(number)))
        kept.append((maps, drawn, level, zones, truth))
    model = fit_raters(rated)
    ways = _simple([k[0] for k in kept])
    errors = {name: [] for name in (*ways, "rater model")}
    before, after = Tally(), Tally()
    for maps, drawn, level, zones, truth in kept:
        for name, way in ways.items():
            errors[name].append(np.abs(way(maps) - truth).mean())
        ours = weighed_consensus(maps, drawn, level, zones, model).codes / RESIDUAL_SCALE
        errors["rater model"].append(np.abs(ours - truth).mean())
        everywhere = np.ones(truth.shape, bool)
        before.add(maps, everywhere)
        after.add(
            {
                name: codes_of(each / RESIDUAL_SCALE - model.rater(name).bias_at(level, zones))
                for name, each in maps.items()
            },
            everywhere,
        )
    size = {name: np.hypot(model.rater(name).noise, model.rater(name).bias) for name in PEOPLE}
    worst = sorted(PEOPLE, key=lambda name: -size[name])[:3]
    told = [(t.icc, t.alpha) for t in (before.agreement(), after.agreement())]
    return {name: float(np.mean(e)) for name, e in errors.items()}, worst, told


def _simple(images: list[Maps]) -> dict[str, Callable[[Maps], np.ndarray]]:
    """Return the plain ways to a consensus, each from an image's maps; people's figures from all images."""
    bias, noise = {}, {}
    away: dict[str, list[np.ndarray]] = {name: [] for name in PEOPLE}
    for maps in images:
        middle = np.median(list(maps.values()), axis=0)
        for name, each in maps.items():
            away[name].append(((each - middle) / RESIDUAL_SCALE).ravel())
    for name, parts in away.items():
        every = np.concatenate(parts) if parts else np.zeros(1)
        bias[name], noise[name] = float(every.mean()), float(every.var()) + 1e-4
    stacked = lambda maps: np.stack(list(maps.values())) / RESIDUAL_SCALE  # noqa: E731
    unbiased = lambda maps: stacked(maps) - np.array([bias[n] for n in maps])[:, None, None]  # noqa: E731

    def trimmed(maps):
        values = np.sort(stacked(maps), axis=0)
        cut = max(1, len(values) // 5) if len(values) > 2 else 0
        return values[cut : len(values) - cut].mean(axis=0)

    def weighted(maps):
        weights = np.array([1 / noise[n] for n in maps])
        return np.tensordot(weights / weights.sum(), unbiased(maps), 1)

    return {
        "mean": lambda maps: stacked(maps).mean(axis=0),
        "median": lambda maps: np.median(stacked(maps), axis=0),
        "mean without the highest and lowest fifth": trimmed,
        "median, a mean bias a person taken out": lambda maps: np.median(unbiased(maps), axis=0),
        "mean by inverse variance about the median, bias taken out": weighted,
    }
