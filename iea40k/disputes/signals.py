"""What speaks against a label: signals that share no weakness, each a number an image, and maps of where.

- *Prediction*: how far the label lies from an out-of-fold prediction, in units of the error that the predictor usually
  makes at that level and zone, of the deviation that it says itself, and of the label's own error budget; the
  correlation of both; the area of opposed signs.
- *Law*: a label is luma(reference) - luma(exposure) where nobody painted. What deviates from it, from the same of
  another level of the scene, and from a tone curve between neighbouring exposures (between reference and exposure where
  there is one exposure alone). Where people painted, what deviates is told apart: they may know better.
- *Structure*: what the label makes of the exposure must have the exposure's edges, and lie where they lie.
- *People*: how far the experts lie apart.

A signal that cannot be had is NaN: that of a prediction that failed, of experts where there is one, of a constant map.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.disputes.expecting import Expectation
from iea40k.disputes.scenes import Map, SmallScene
from iea40k.metrics import lcc

ZONES = 8
_LEAST = 0.01  # of an expected error, in luma
_WHITE = 0.97  # luma from which a pixel of a small picture counts as white
_NOTHING = float("nan")

NAMES = (
    "error", "worst_error", "signed_error", "unlike", "opposed", "law", "worst_law", "law_bias", "law_share",
    "other_level", "edges", "speckle", "off_curve", "white_and_ideal", "scene_error", "beyond_deviation",
    "beyond_budget", "displaced", "experts_apart", "always_white", "painted", "painted_law", "label_size",
)  # fmt: skip
"""The signals, in the order of `Evidence.values`; + = more suspicious, but for `painted`, a share, and `label_size`,
which only qualify."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Signals of one image, and maps (h, w): `away`, error over expected error; `law`, deviation from the law in luma;
    `off_curve`, luma that no tone curve explains."""

    values: NDArray[np.float64]
    away: Map
    law: Map
    off_curve: Map


def zones_of(grey: Map) -> NDArray[np.intp]:
    """Return the eighth of luma that each pixel lies in, 0 ... 7."""
    found: NDArray[np.intp] = np.clip((grey * ZONES).astype(np.intp), 0, ZONES - 1)
    return found


def expected_errors(
    scenes: Sequence[SmallScene], expectations: Sequence[Expectation]
) -> dict[tuple[str, int], float]:
    """Return by level and zone the median over images of the predictions' mean absolute error."""
    rows: dict[tuple[str, int], list[float]] = {}
    for scene, expected in zip(scenes, expectations, strict=True):
        for number, level in enumerate(scene.levels):
            error = np.abs(scene.labels[number] - expected.residual[number])
            zones = zones_of(scene.grey[number])
            for zone in range(ZONES):
                there = (zones == zone) & ~np.isnan(error)
                if there.mean() > 0.01:
                    rows.setdefault((level, zone), []).append(float(error[there].mean()))
    return {key: max(_LEAST, float(np.median(found))) for key, found in rows.items()}


def evidence(
    scene: SmallScene,
    number: int,
    label: Map,
    expectation: Expectation,
    usual: Mapping[tuple[str, int], float],
) -> Evidence:
    """Return what speaks against `label` (h, w) for exposure `number`; it may be another than the scene's own."""
    known = ~np.isnan(label)
    if not known.any():
        nothing = np.zeros(label.shape, np.float32)
        return Evidence(np.full(len(NAMES), _NOTHING), nothing, nothing, nothing)
    predicted, away = _against_prediction(scene, number, label, expectation, usual)
    lawful, law, off = _against_law(scene, number, label)
    people = scene.apart[number][known & ~np.isnan(scene.apart[number])]
    found = {
        **predicted,
        **lawful,
        "scene_error": _NOTHING,  # filled by who knows the scene's other images
        "experts_apart": float(np.quantile(people, 0.99)) if people.size else _NOTHING,
        "label_size": float(np.abs(label[known]).mean()),
    }
    return Evidence(np.array([found[name] for name in NAMES]), away, np.abs(law), np.abs(off))


def _against_prediction(
    scene: SmallScene,
    number: int,
    label: Map,
    expectation: Expectation,
    usual_errors: Mapping[tuple[str, int], float],
) -> tuple[dict[str, float], Map]:
    predicted, deviation = expectation.residual[number], expectation.deviation[number]
    known = ~np.isnan(label) & ~np.isnan(predicted)
    if not known.any():
        names = (
            "error", "worst_error", "signed_error", "unlike", "opposed", "beyond_deviation", "beyond_budget",
        )  # fmt: skip
        return dict.fromkeys(names, _NOTHING), np.zeros(label.shape, np.float32)
    usual = _usual(scene.levels[number], scene.grey[number], usual_errors)
    error = np.where(known, label - predicted, 0).astype(np.float32)
    away = _blur((np.abs(error) / usual).astype(np.float32))
    turned = (np.sign(label) != np.sign(predicted)) & (np.minimum(np.abs(label), np.abs(predicted)) > 0.05)
    found = {
        "error": float((np.abs(error) / usual)[known].mean()),
        "worst_error": float(np.quantile(away, 0.99)),
        "signed_error": abs(float((error / usual)[known].mean())),
        "unlike": 1 - _correlation(label[known], predicted[known]),
        "opposed": float((known & turned).sum() / known.sum()),
        "beyond_deviation": _beyond(error, deviation, known),
        "beyond_budget": _beyond(error, scene.budget[number], known),
    }
    return found, away


def _beyond(error: Map, deviation: Map, known: NDArray[np.bool_]) -> float:
    """Return the mean |error| in units of a standard deviation, over the pixels that have one."""
    there = known & ~np.isnan(deviation)
    return (
        float((np.abs(error[there]) / np.maximum(deviation[there], _LEAST)).mean())
        if there.any()
        else _NOTHING
    )


def _against_law(scene: SmallScene, number: int, label: Map) -> tuple[dict[str, float], Map, Map]:
    grey, reference = scene.grey[number], scene.reference
    known = ~np.isnan(label)
    free, painted = known & ~scene.touched[number], known & scene.touched[number]
    law = np.where(free, label - (reference - grey), 0).astype(np.float32)
    off = np.where(known, _off_curve(scene, number), 0).astype(np.float32)
    others = [k for k in range(len(scene.levels)) if k != number]
    elsewhere = [
        float(np.abs(label - (reference - scene.grey[k]))[free].mean()) for k in others if free.any()
    ]
    own = float(np.abs(law)[free].mean()) if free.any() else _NOTHING
    wanted = np.where(known, label + grey, grey)
    ideal = known & (np.abs(np.nan_to_num(label)) < 0.05)
    away = np.abs(label - (reference - grey))[painted]
    found = {
        "law": own,
        "worst_law": float(np.quantile(_blur(np.abs(law)), 0.99)),
        "law_bias": abs(float(np.median(law[free]))) if free.any() else _NOTHING,
        "law_share": float((np.abs(law) > 0.02)[free].mean()) if free.any() else _NOTHING,
        "other_level": own - min(elsewhere) if elsewhere else _NOTHING,
        "edges": 1 - _edges(wanted, grey),
        "speckle": float(np.abs(law - cv2.medianBlur(law, 5)).mean()),
        "off_curve": float(np.quantile(np.abs(off), 0.995)),
        "white_and_ideal": float((ideal & (off > 0.15)).mean()),
        "always_white": float((ideal & _always_white(scene)).mean()) if others else _NOTHING,
        "painted": float(painted.sum() / known.sum()),
        "painted_law": float(away.mean()) if away.size else _NOTHING,
        "displaced": _displaced(
            np.where(known, label, 0).astype(np.float32), np.where(known, reference - grey, 0)
        ),
    }
    return found, law, off


def _displaced(one: Map, two: Map) -> float:
    """Return by how many pixels of the small size a label lies beside what its pictures say; NaN without structure."""
    if min(one.shape) < 16 or one.std() < 1e-3 or two.std() < 1e-3:
        return _NOTHING
    window = cv2.createHanningWindow(one.shape[::-1], cv2.CV_32F)
    (x, y), response = cv2.phaseCorrelate(one, two.astype(np.float32), window)
    # Where nothing answers, the maps are not each other's: other signals say so.
    return float(np.hypot(x, y)) if response > 0.1 else _NOTHING


def _usual(level: str, grey: Map, expected: Mapping[tuple[str, int], float]) -> Map:
    overall = float(np.median(list(expected.values()))) if expected else 0.1
    table = np.array([expected.get((level, zone), overall) for zone in range(ZONES)], np.float32)
    found: Map = table[zones_of(grey)]
    return found


def _always_white(scene: SmallScene) -> NDArray[np.bool_]:
    """Return the pixels (h, w) that are white in every exposure: a lamp, the sun, a logo."""
    found: NDArray[np.bool_] = np.min(scene.grey, axis=0) > _WHITE
    return found


def _off_curve(scene: SmallScene, number: int) -> Map:
    """Return what no tone curve explains, from the exposures next to this one; both must be surprised.

    One neighbour alone may be clipped there, and one without data (beside a warp) is surprised by nothing. Exposures
    of a camera are one curve of each other under any light. A reference is none of them: fused or retouched, it has
    another curve in every corner, and is asked only by a scene of one exposure.
    """
    grey = scene.grey[number]
    order = sorted(range(len(scene.evs)), key=lambda k: scene.evs[k])
    place = order.index(number)
    beside = [order[k] for k in (place - 1, place + 1) if 0 <= k < len(order)]
    off = [np.where(np.isnan(scene.labels[k]), 0, grey - _curve(scene.grey[k], grey)) for k in beside]
    off = off or [grey - _curve(scene.reference, grey)]
    least = off[0] if len(off) == 1 else np.where(np.abs(off[0]) < np.abs(off[1]), *off)
    out: Map = least.astype(np.float32)
    return out


def _curve(reference: Map, grey: Map) -> Map:
    """Return the exposure's luma by a tone curve of the reference's: medians in 32 bins of it."""
    bins = np.clip((reference * 32).astype(np.intp), 0, 31)
    found = np.full(32, np.nan)
    for k in range(32):
        there = bins == k
        if there.any():
            found[k] = np.median(grey[there])
    known = ~np.isnan(found)
    filled = np.interp(np.arange(32), np.flatnonzero(known), found[known])
    # Never below the running maximum: exposing keeps the order of lumas, and a lamp cannot bend it.
    smooth = np.minimum.accumulate(filled[::-1])[::-1]
    out: Map = np.interp(reference * 32 - 0.5, np.arange(32), smooth).astype(np.float32)
    return out


def _blur(values: Map) -> Map:
    found: Map = cv2.GaussianBlur(values, (0, 0), 2.0)
    return found


def _correlation(one: Map, two: Map) -> float:
    return lcc(one, two) if one.size > 1 else _NOTHING


def _edges(one: Map, two: Map) -> float:
    gradients = [
        [cv2.Sobel(cv2.GaussianBlur(p, (0, 0), 1.0), cv2.CV_32F, *axes, ksize=3) for axes in ((1, 0), (0, 1))]
        for p in (one.astype(np.float32), two)
    ]
    (ax, ay), (bx, by) = gradients
    sizes = float((np.hypot(ax, ay) * np.hypot(bx, by)).sum())
    return float((ax * bx + ay * by).sum() / sizes) if sizes > 1e-9 else _NOTHING
