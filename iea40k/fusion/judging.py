"""Whether a reference is a good photograph: one number, and words that say what is wrong with it.

Every fault counts as the share of what would be plainly bad, and the number is `exp(-sum)`: 1 for a reference
without fault. It puts the references that most deserve a look first; it does not say that a picture is beautiful.

| fault | nothing to say up to | plainly bad |
|---|---|---|
| brighter, or darker, than any frame shows (fusions) | 1 % | 10 % |
| clipped: two channels at white, or all at black | 2 % | 12 % |
| the subject's mean luma, from where experts put it | 1.5 standard deviations (0.165) | 3 |
| frames left out | none | half of them |
| fewer than three frames | | two are half as bad |
| frames disagree on the light, mean (fusions) | 0.15 stops | 0.5 stops |
| nearly black, though a frame shows it well (of the meaningful area; fusions of captures) | 20 % | 40 % |
| exposed beyond what any frame was (fusions of captures) | 0.25 stops | 1.25 |
| frames lie beside each other, where several tell (fusions of captures) | 6 % | 26 % |
| what experts might admissibly have made otherwise, mean; or their spread, where several did it | 0.10 | 0.20 |
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Validity
from iea40k.clipping import blown, crushed
from iea40k.fusion.curve import Curve, brightness
from iea40k.fusion.fusing import Fusion
from iea40k.fusion.masks import filled
from iea40k.fusion.placing import EXPERTS, areas
from iea40k.residuals import luma

UNSHOWN = (0.01, 0.10)
CLIPPED = (0.02, 0.12)
SUBJECT = (1.5, 3.0)
LEFT_OUT = (0.0, 0.5)
DISAGREEMENT = (0.15, 0.5)
KEPT_DARK = (0.20, 0.40)
BEYOND = (0.25, 1.25)
DOUBLED = (0.06, 0.26)
OTHERWISE = (0.10, 0.20)
FEW_FRAMES, FEW = 3, 0.5
GOOD = "no fault found"

REVISION = 2
"""Of what is asked of a reference; it stands beside each judgement. 1: neither double contours, nor what is kept dark,
nor an exposure beyond all frames."""

NEARLY_BLACK = 0.10
"""Luma of the darkest zone that still has a trace of texture, `placing.LOW`."""

SHOWN_WELL = (0.25, 0.75)
"""Luma between which a frame shows a place well."""

BOTH, BRIGHT_END, DARK_END, NEITHER = (
    "both",
    "bright end not shown",
    "dark end not shown",
    "neither end shown",
)


@dataclass(frozen=True)
class Judgement:
    """`quality` in [0, 1], 1 = no fault found; `words`, the worst first; and the `numbers` they rest on.

    `ends` says whether the frames show the scene's darkest and brightest light; "" where there is just one picture.
    """

    quality: float
    words: str
    ends: str
    numbers: Mapping[str, float]


def judge(
    reference: EncodedRGB,
    covered: Validity | None = None,
    *,
    fusion: Fusion | None = None,
    otherwise: NDArray[np.float32] | None = None,
    captures: NDArray[np.uint8] | None = None,
    evs: Sequence[float] | None = None,
    doubled: float | None = None,
    frames: int | None = None,
    given: int | None = None,
) -> Judgement:
    """Judge a reference (H, W, 3) uint8 where it is `covered` (H, W).

    `fusion` is given where it is one; `otherwise` (H, W) is how far (luma) other experts would
    have made it otherwise: the standard deviation of admissible fusions, or the spread of several; NaN where unknown.
    `captures` (E, H, W, 3) are the aligned frames of a fusion, 0 where they have no data, at `evs` stops, and
    `doubled` is the share of it in which they lie beside each other (`iea40k.alignment.doubled`). `frames` of `given`
    are the captures that were used.
    """
    covered = np.ones(reference.shape[:2], np.bool_) if covered is None else covered
    if not covered.any():
        return Judgement(0.0, "no pixel has data", "", {})
    numbers = {**_clipping(reference, covered), "subject_luma": _subject(reference, covered)}
    faults = [
        (_share(numbers["clipped_high"], CLIPPED), f"{numbers['clipped_high']:.0%} blown"),
        (_share(numbers["clipped_low"], CLIPPED), f"{numbers['clipped_low']:.0%} black"),
        _exposure(numbers["subject_luma"]),
    ]
    ends = ""
    if fusion is not None:
        shown = _shown(fusion)
        numbers |= shown
        ends = _ends(shown)
        faults += [
            (
                _share(shown["too_bright"], UNSHOWN),
                f"{shown['too_bright']:.0%} brighter than any frame shows",
            ),
            (_share(shown["too_dark"], UNSHOWN), f"{shown['too_dark']:.0%} darker than any frame shows"),
            (
                _share(shown["disagreement"], DISAGREEMENT),
                f"frames disagree by {shown['disagreement']:.2f} stops",
            ),
        ]
        if captures is not None:
            dark = numbers["kept_dark"] = _kept_dark(reference, captures, fusion)
            faults.append((_share(dark, KEPT_DARK), f"{dark:.0%} nearly black, though a frame shows it well"))
        if evs is not None:
            k = fusion.placing.exposure
            brighter, darker = k - max(evs), min(evs) - k
            beyond = numbers["beyond_frames"] = max(brighter, darker, 0.0)
            than = f"{'brighter' if brighter > darker else 'darker'} than any frame was"
            faults.append((_share(beyond, BEYOND), f"exposed {beyond:.1f} stops {than}"))
    if doubled is not None:
        numbers["doubled"] = doubled
        faults.append((_share(doubled, DOUBLED), f"double contours: {doubled:.0%} lie beside each other"))
    known = np.zeros(0, np.float32) if otherwise is None else otherwise[covered & ~np.isnan(otherwise)]
    if known.size:
        mean = numbers["spread"] = float(known.mean())  # the name that stores have for it
        faults.append((_share(mean, OTHERWISE), f"could be {mean:.2f} otherwise"))
    if frames is not None and given is not None:
        numbers |= {"frames": float(frames), "frames_given": float(given)}
        faults.append((_share(1 - frames / given, LEFT_OUT), f"{given - frames} of {given} frames left out"))
        faults.append((FEW if frames < FEW_FRAMES else 0.0, f"{frames} frames only"))
    total = sum(fault for fault, _ in faults)
    said = [words for fault, words in sorted(faults, key=lambda f: -f[0]) if fault > 0]
    rounded = {name: round(value, 4) for name, value in numbers.items()}
    return Judgement(round(math.exp(-total), 4), "; ".join(said) or GOOD, ends, rounded)


def _share(value: float, bounds: tuple[float, float]) -> float:
    return max(0.0, value - bounds[0]) / (bounds[1] - bounds[0])


def _clipping(reference: EncodedRGB, covered: Validity) -> dict[str, float]:
    pixels = reference[covered]
    return {"clipped_high": float(blown(pixels).mean()), "clipped_low": float(crushed(pixels).mean())}


def _subject(reference: EncodedRGB, covered: Validity) -> float:
    """Return the mean luma of the meaningful area, in [0, 1]."""
    light = filled(Curve().light(reference), covered)
    weight = areas(brightness(light), covered).meaning
    return float((luma(reference) * weight).sum() / weight.sum())


def _exposure(subject: float) -> tuple[float, str]:
    apart = (subject - EXPERTS.mean) / EXPERTS.mean_spread
    return _share(
        abs(apart), SUBJECT
    ), f"the subject is {'dark' if apart < 0 else 'bright'} (luma {subject:.2f})"


def _shown(fusion: Fusion) -> dict[str, float]:
    covered, meaning = fusion.covered, fusion.found.meaning
    low, high = fusion.placing.ends
    return {
        "too_bright": float(fusion.light.too_bright[covered].mean()),
        "too_dark": float(fusion.light.too_dark[covered].mean()),
        "disagreement": float((fusion.light.disagreement * meaning).sum() / meaning.sum()),
        "range_stops": high - low,
    }


def _kept_dark(reference: EncodedRGB, captures: NDArray[np.uint8], fusion: Fusion) -> float:
    """Return the share of the meaningful area that is nearly black in the reference, and well shown by a frame."""
    shown = np.zeros(reference.shape[:2], np.bool_)
    for frame in captures:
        light = luma(frame)
        shown |= (light > SHOWN_WELL[0]) & (light < SHOWN_WELL[1])
    dark = shown & (luma(reference) < NEARLY_BLACK)
    meaning = fusion.found.meaning
    return float(meaning[dark].sum() / max(float(meaning.sum()), 1e-9))


def _ends(shown: Mapping[str, float]) -> str:
    bright, dark = shown["too_bright"] > UNSHOWN[0], shown["too_dark"] > UNSHOWN[0]
    return NEITHER if bright and dark else BRIGHT_END if bright else DARK_END if dark else BOTH
