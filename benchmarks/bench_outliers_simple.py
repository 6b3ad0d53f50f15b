"""What simple ways find of the faults planted on real brackets: what the detector's figures are to be held against.

The same brackets, seeds and scores as in `bench_outliers`, and the same regions count for and against nobody: those
that the detector has there before anything is planted. Each simple way is told the kind of whatever it finds by the
truth, which the detector is not. How much of a label it takes is chosen on the tuning half.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np

from benchmarks.bench_outliers import BRACKETS, REAL, regions_before
from benchmarks.harness import RESULTS, Figure
from benchmarks.outlier_scores import matches, score
from benchmarks.planted_outliers.faults import SCALE, Planted
from benchmarks.planted_outliers.real_brackets import TIMES, captured
from iea40k.outliers.kinds import Kind
from iea40k.outliers.proposals import LEAST, MOST, Proposal
from iea40k.outliers.regions import closed, pieces

TITLE = "Outliers on real brackets: simple ways"
SHARES = (0.003, 0.01, 0.03, 0.1)
"""Shares of a label's pixels that a simple way may take."""

AROUND = 31
"""Pixels a side over which the label's middle is taken."""

DRAWS = 5

Way = Callable[[Planted], np.ndarray]


def run() -> list[Figure]:
    cv2.setNumThreads(1)
    tuning, test = _with_known("tuning"), _with_known("test")
    if not tuning or not test:
        return []  # the brackets are not here
    found: dict[str, dict[str, float]] = {}
    for name, way in (
        ("largest |residual|", _large),
        ("largest |residual less its median around|", _sticking_out),
    ):
        tried = {share: _precision(tuning, lambda p, w=way, s=share: _regions(w(p), s)) for share in SHARES}
        best = max(tried, key=lambda share: np.mean(list(tried[share].values())))
        found[f"{name}, {best:.1%} of a label"] = _precision(test, lambda p, w=way, s=best: _regions(w(p), s))
    draws = [_precision(test, lambda p, d=draw: _anywhere(p, d)) for draw in range(DRAWS)]
    found[f"discs anywhere, mean of {DRAWS} draws"] = {
        kind: float(np.mean([draw[kind] for draw in draws])) for kind in draws[0]
    }
    return list(_figures(found, f"{len(test)} plantings in brackets of Empa's set, {TIMES} each"))


def _with_known(part: str) -> list[tuple[Planted, np.ndarray]]:
    return [(made.planted, regions_before(made)) for made in captured(part, BRACKETS)]


def _large(made: Planted) -> np.ndarray:
    return np.abs(made.codes[made.index].astype(np.float32)) / SCALE


def _sticking_out(made: Planted) -> np.ndarray:
    label = made.codes[made.index].astype(np.float32) / SCALE
    # The median filter takes 8 bits where it is this wide: a step is 1/127, and faults are larger.
    middle = cv2.medianBlur(np.rint(label * 127 + 128).astype(np.uint8), AROUND).astype(np.float32)
    return np.abs(label - (middle - 128) / 127)


def _regions(strength: np.ndarray, share: float) -> list[Proposal]:
    """The pixels of greatest strength, as regions; those that hold most come first."""
    level = float(np.quantile(strength, 1 - share))
    found = [
        _proposal(
            top,
            left,
            mask,
            float(strength[top : top + mask.shape[0], left : left + mask.shape[1]][mask].mean()),
        )
        for top, left, mask in pieces(closed(strength > level, 1), LEAST)
    ]
    return sorted(found, key=lambda p: -p.cost)[:MOST]


def _anywhere(made: Planted, draw: int) -> list[Proposal]:
    """Discs of the sizes that are planted, at places drawn by chance."""
    height, width = made.codes.shape[1:]
    rng = np.random.default_rng([draw, height, width, made.index])
    found = []
    for _ in range(MOST):
        radius = math.sqrt(math.exp(rng.uniform(math.log(200), math.log(6000))) / math.pi)
        y, x = np.mgrid[0:height, 0:width]
        disc = (y - rng.uniform(0, height)) ** 2 + (x - rng.uniform(0, width)) ** 2 <= radius**2
        if disc.any():
            found.append(_proposal(0, 0, disc, float(rng.random())))
    return found


def _proposal(top: int, left: int, mask: np.ndarray, error: float) -> Proposal:
    return Proposal(Kind.BRIGHTNESS, top, left, mask, error, 1.0, "")


def _precision(
    made: Sequence[tuple[Planted, np.ndarray]], way: Callable[[Planted], list[Proposal]]
) -> dict[str, float]:
    """Average precision by kind; of each region the truth says which kind it is, where it is one."""
    told: dict[str, list[tuple[Planted, tuple[Proposal, ...]]]] = {}
    kinds = sorted({fault.kind for planted, _ in made for fault in planted.counting()})
    for planted, _ in made:
        proposals, wrong = way(planted), planted.wrong()
        on = [{f.kind for f in planted.counting() if matches(p, f, wrong)} for p in proposals]
        for kind in kinds:
            mine = [
                replace(p, kind=Kind(kind)) for p, is_ in zip(proposals, on, strict=True) if not is_ - {kind}
            ]
            told.setdefault(kind, []).append((planted, tuple(mine)))
    known = {id(planted): regions for planted, regions in made}
    precision = {}
    for kind in kinds:
        tally = score(told[kind], known=known).get(kind)
        if tally is not None and tally.faults:
            precision[kind] = tally.average_precision()
    return precision


def _figures(found: dict[str, dict[str, float]], where: str) -> Iterator[Figure]:
    published = json.loads((RESULTS / "outliers.json").read_text(encoding="utf-8"))["figures"]
    detector = {f["name"]: f["value"] for f in published}
    for kind in sorted({kind for by_kind in found.values() for kind in by_kind}):
        own = detector.get(REAL + kind)
        for name, by_kind in found.items():
            value = by_kind.get(kind, float("nan"))
            yield Figure(
                f"{kind}: {name}",
                value,
                "",
                "" if own is None else f"the detector, {own:.2f}",
                "" if own is None else "below the detector",
                None if own is None else bool(value < own),
                f"{where}; kinds told by the truth",
            )
