"""FiveK scenes: what the tone match does to residuals, how exactly retouches are placed, how far experts agree."""

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.harness import Figure, median_seconds
from iea40k.colour import decode_srgb, encode_srgb
from iea40k.develop import load_linear
from iea40k.errors import AlignmentError
from iea40k.experts import spread_of
from iea40k.registration import register
from iea40k.residuals import luma
from iea40k.scene import LADDER
from iea40k.tone import Tone, expose_with_contrast, fit_tone

TITLE = "FiveK: tone match, placing of retouches, experts' spread"

Floats = NDArray[np.floating[Any]]


def run() -> list[Figure]:
    folder = os.environ.get("IEA40K_REAL_DATA", "")
    if not folder:
        raise SystemExit("set IEA40K_REAL_DATA to the folder of real photographs")
    pairs = [_pair(place) for place in sorted((Path(folder) / "fivek").glob("pair_*"))]
    return [*_tone(pairs), *_placing(pairs), *_ladder(pairs), *_experts(Path(folder) / "fivek")]


def _pair(place: Path) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    return decode_srgb(_rgb(place / "input.png")), _rgb(place / "expertC.png")


def _rgb(file: Path) -> NDArray[np.uint8]:
    with Image.open(file) as picture:
        return np.array(picture.convert("RGB"))


def _tone(pairs: list[tuple[NDArray[np.float32], NDArray[np.uint8]]]) -> list[Figure]:
    tones = [fit_tone(light, retouch) for light, retouch in pairs]
    count = f"{len(pairs)} pairs, zeroed rendering and expert C"

    def each(measure: Any, *, matched: bool) -> Floats:
        return np.array([measure(*pair, tone, matched) for pair, tone in zip(pairs, tones, strict=True)])

    def against(name: str, measure: Any, unit: str, note: str = "") -> Figure:
        plain, with_match = each(measure, matched=False), each(measure, matched=True)
        low, high = _bootstrap(with_match - plain)
        change = (
            f"change {(with_match - plain).mean():+.4f}, paired bootstrap 95 %: {low:+.4f} ... {high:+.4f}"
        )
        said = f"{note}; {change}" if note else change
        return Figure(name, float(with_match.mean()), unit, f"without a match {plain.mean():.4g}", note=said)

    return [
        against("mean absolute residual at EV 0", _at_zero, "luma", count),
        against("mean absolute residual at the best exposure", _at_best, "luma", "in steps of 0.1 stops"),
        against(
            "of the pixels at EV 0, residual against the expert's exposure",
            _wrong_sign,
            "share",
            "beyond 0.02, in scenes that the expert moved by 0.3 stops or more",
        ),
        against(
            "rise of the residual at EV 0 from black to white", _rise, "luma", "a tone curve in the label"
        ),
        against("EV 0 moved from the photograph as shot", _moved, "luma", "kept beside it in the store"),
        Figure(
            "the expert's exposure, mean", float(np.mean([t.stops for t in tones])), "stops", "0 = as shot"
        ),
        Figure(
            "the expert's contrast, mean",
            float(np.mean([t.contrast for t in tones])),
            "",
            "1 = no tone curve",
        ),
    ]


def _bootstrap(differences: Floats) -> tuple[float, float]:
    rng = np.random.default_rng(60)
    means = differences[rng.integers(0, len(differences), (10_000, len(differences)))].mean(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def _moved(light: NDArray[np.float32], _retouch: NDArray[np.uint8], tone: Tone, matched: bool) -> float:
    """Return by how much the match moves the luma of EV 0 from the photograph as shot."""
    plain, now = (expose_with_contrast(light, [0.0], c)[0] for c in (1.0, tone.contrast if matched else 1.0))
    return float(np.abs(luma(now) - luma(plain)).mean())


def _residual(light: NDArray[np.float32], retouch: NDArray[np.uint8], contrast: float, ev: float) -> Floats:
    return luma(retouch) - luma(expose_with_contrast(light, [ev], contrast)[0])


def _at_zero(light: NDArray[np.float32], retouch: NDArray[np.uint8], tone: Tone, matched: bool) -> float:
    return float(np.abs(_residual(light, retouch, tone.contrast if matched else 1.0, 0.0)).mean())


def _at_best(light: NDArray[np.float32], retouch: NDArray[np.uint8], tone: Tone, matched: bool) -> float:
    contrast = tone.contrast if matched else 1.0
    return min(
        float(np.abs(_residual(light, retouch, contrast, ev)).mean()) for ev in np.arange(-1, 3.01, 0.1)
    )


def _wrong_sign(light: NDArray[np.float32], retouch: NDArray[np.uint8], tone: Tone, matched: bool) -> float:
    if abs(tone.stops) < 0.3:
        return 0.0
    residual = _residual(light, retouch, tone.contrast if matched else 1.0, 0.0)
    return float((residual * np.sign(tone.stops) < -0.02).mean())


def _rise(light: NDArray[np.float32], retouch: NDArray[np.uint8], tone: Tone, matched: bool) -> float:
    exposure = expose_with_contrast(light, [0.0], tone.contrast if matched else 1.0)[0]
    residual = luma(retouch) - luma(exposure)
    return float(abs(np.polyfit(luma(exposure).ravel(), residual.ravel(), 1)[0]))


def _placing(pairs: list[tuple[NDArray[np.float32], NDArray[np.uint8]]]) -> list[Figure]:
    errors, scores, still = [], [], []
    for light, retouch in pairs:
        whole, cut = decode_srgb(retouch), decode_srgb(retouch[1:, 2:])
        found = register(light, cut)
        errors.append(float(np.abs(found.matrix[:, 2] - [-2, -1]).max()))
        scores.append(found.score)
        still.append(register(light, whole).movement)
    others = 0
    for (light, _), (_, retouch) in pairwise(pairs):
        try:
            register(light, decode_srgb(retouch))
            others += 1
        except AlignmentError:
            continue
    light, retouch = pairs[0]
    seconds = median_seconds(lambda: register(light, decode_srgb(retouch)))
    return [
        Figure(
            "a retouch cut by 2 and 1 pixels is placed within",
            max(errors),
            "px",
            "worst of all pairs",
            "0.2",
            max(errors) < 0.2,
        ),
        Figure(
            "movement found between equal frames",
            max(still),
            "px",
            "worst of all pairs; 0 = none",
            "0.25",
            max(still) < 0.25,
        ),
        Figure("agreement of structure, least", min(scores), "", "accepted from 0.6"),
        Figure("other scenes' retouches accepted", others, "pairs", f"of {len(pairs) - 1}", "0", others == 0),
        Figure("to place one retouch, 512x341", seconds * 1e3, "ms", "one thread or two"),
    ]


def _ladder(pairs: list[tuple[NDArray[np.float32], NDArray[np.uint8]]]) -> list[Figure]:
    worst = 0.0
    for light, _ in pairs:
        for dark, bright in pairwise(expose_with_contrast(light, LADDER, 1.0)):
            unclipped = (bright.max(axis=2) < 255) & (dark.min(axis=2) > 20)
            if unclipped.sum() > 1000:
                ratio = decode_srgb(bright)[unclipped].sum() / decode_srgb(dark)[unclipped].sum()
                worst = max(worst, abs(float(ratio) / 2 - 1))
    return [
        Figure(
            "unclipped light doubles with each stop within",
            worst * 100,
            "%",
            "all pairs and steps",
            "1 %",
            worst < 0.01,
        )
    ]


def _experts(folder: Path) -> list[Figure]:
    to_median, to_c = [], []
    for place in sorted(folder.glob("experts_*")):
        stack = np.stack([_small(place, expert) for expert in "ABCDE"])
        lumas = np.stack([luma(picture) for picture in stack])
        to_median.append(float(spread_of(stack).mean()))
        to_c.append(np.abs(np.delete(lumas, 2, axis=0) - lumas[2]).mean())
    return [
        Figure(
            "luma of expert C to the other four", float(np.mean(to_c)), "luma", "2 photographs, 5 experts"
        ),
        Figure(
            "luma of an expert to the median of five",
            float(np.mean(to_median)),
            "luma",
            "the same: the stored spread",
        ),
    ]


def _small(place: Path, expert: str) -> NDArray[np.uint8]:
    (file,) = place.glob(f"*_{expert}.jpg")
    return encode_srgb(load_linear(file, short_side=256).pixels)[:, :380]
