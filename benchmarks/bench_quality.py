"""Does the quality of a reference fall where it should? Sound brackets against double contours and two lights, planted.

Finished photographs are exposed, shaken and made noisy (`benchmarks.planted_brackets`). In faulty ones something near
slides against the rest by a little a frame, so that frames pass and contours are double; or a part is lit by so many
stops less, and the reference (the frame that is right for the rest) leaves it in the dark although another frame shows
it. What is asked: how many of them the words name, and how many sound ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.harness import Figure
from benchmarks.planted_brackets import HEIGHT, WIDTH, bracket, photographs
from iea40k.alignment import align
from iea40k.brackets.response import fit_known
from iea40k.errors import AlignmentError
from iea40k.fusion import MIDDLE_OF_BRACKET, Curve, fuse
from pipelines.reference_judging import QUALITY, WORDS, Captures, judged

TITLE = "References judged: planted double contours and scenes of two lights, against sound brackets"

EVS = (-3.0, -1.5, 0.0, 1.5, 3.0)
LIGHT_EVS = (*EVS, 4.5, 6.0, 7.5)
LEFT_DARK = "part left dark"
TUNING, HELD_OUT = (0, 900), (7, 400)
"""Photographs from here on, and seeds from here on."""

_COUNT = 12
_TRAVELS = (1.0, 1.5, 2.0)
_LIGHTS = ((6.0, 0.3), (8.0, 1.0), (8.0, 0.3))
"""Stops by which a part is lit less, and the exponent of its contrast."""


@dataclass(frozen=True)
class Judged:
    """A planted reference: what was planted in it, its quality and words, and the numbers behind."""

    planted: str
    quality: float
    words: str
    doubled: float
    kept_dark: float


def run(part: tuple[int, int] = HELD_OUT) -> list[Figure]:
    rows = list(looked_at(part))
    good = [row for row in rows if row.planted in ("sound", "both lights shown")]
    wronged = [row for row in good if "double" in row.words or "nearly black" in row.words]
    figures = [
        Figure(
            "sound references said to have one of the two faults",
            len(wronged),
            f"of {len(good)}",
            f"median quality {np.median([row.quality for row in good]):.2f}",
            "0",
            not wronged,
        )
    ]
    for planted, word in (("contours", "double"), (LEFT_DARK, "nearly black")):
        found = [row for row in rows if row.planted == planted]
        named = sum(word in row.words for row in found)
        middle = f"{np.median([row.quality for row in found]):.2f}" if found else "none"
        figures.append(
            Figure(
                f"planted {planted}: named",
                named / max(len(found), 1),
                "",
                f"{named} of {len(found)}; median quality {middle}",
                ">= 0.9",
                named >= 0.9 * len(found),
            )
        )
    return figures


def looked_at(part: tuple[int, int]) -> Iterator[Judged]:
    """Judge sound and faulty references of photographs and seeds from `part` on."""
    start, seed = part
    for index, picture in enumerate(photographs(_COUNT, start)):
        travel, (stops, contrast) = _TRAVELS[index % 3], _LIGHTS[index % 3]
        at = seed + index
        yield from _judge("sound", bracket(picture, at, EVS, shake=0.5).frames, EVS)
        yield from _judge("contours", near_slides(picture, at, EVS, travel), EVS)
        frames = two_lights(picture, at, LIGHT_EVS, stops, contrast)
        yield from _judge("both lights shown", frames, LIGHT_EVS)
        yield from _judge(LEFT_DARK, frames, LIGHT_EVS)


def near_slides(picture: np.ndarray, seed: int, evs: Sequence[float], travel: float) -> list[np.ndarray]:
    """Return a shaken bracket in which the middle of a photograph slides by `travel` pixels a frame."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    radius = np.hypot((x / width - 0.5) / 0.38, (y / height - 0.5) / 0.38)
    near = np.clip((1 - radius) / 0.1, 0, 1) * max(width / WIDTH, height / HEIGHT)
    frames = []
    for index in range(len(evs)):
        there = x + np.float32(travel * (index - len(evs) // 2)) * near
        slid = cv2.remap(picture, there, y, cv2.INTER_CUBIC, None, cv2.BORDER_REFLECT)
        frames.append(bracket(slid, seed, evs, shake=0.5).frames[index])
    return frames


def two_lights(
    picture: np.ndarray, seed: int, evs: Sequence[float], stops: float, contrast: float = 1.0
) -> list[np.ndarray]:
    """Return frames of a photograph whose left part is lit by `stops` less, sharply parted."""
    rng = np.random.default_rng(seed)
    scale = max(WIDTH / picture.shape[1], HEIGHT / picture.shape[0])
    whole = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:HEIGHT, :WIDTH]
    value = whole.astype(np.float32) / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    dark = int(WIDTH * rng.uniform(0.35, 0.55))
    middle = np.exp(np.log(light[:, :dark] + 1e-3).mean())
    light[:, :dark] = middle * (light[:, :dark] / middle) ** contrast * 2.0**-stops
    frames = []
    for ev in evs:
        shown = light * 2.0**ev
        shown = np.clip(shown + rng.normal(size=shown.shape) * np.sqrt(shown / 2000 + 1e-6), 0, 1)
        code = np.where(shown <= 0.0031308, 12.92 * shown, 1.055 * shown ** (1 / 2.4) - 0.055)
        frames.append(np.rint(code * 255).astype(np.uint8))
    return frames


def _judge(planted: str, frames: list[np.ndarray], evs: Sequence[float]) -> Iterator[Judged]:
    """Judge the reference of frames; nothing where they do not lie on each other.

    Where a part is to be left dark, the frame at EV 0 is the reference.
    """
    try:
        found = align(frames, [f"{ev:+.1f}" for ev in evs])
    except AlignmentError:
        return
    kept = [evs[index] for index in found.kept]
    curve = Curve(fit_known(found.frames, found.validity, kept)[0].log_light())
    fusion = fuse(found.frames, found.validity, evs=kept, curve=curve, as_shot=MIDDLE_OF_BRACKET)
    captures = Captures(found.frames, found.validity, kept, 255.0, len(frames))
    reference = found.frames[kept.index(0.0)] if planted == LEFT_DARK else fusion.reference
    said = judged(reference, fusion.covered, fusion=fusion, captures=captures)
    yield Judged(
        planted,
        said[QUALITY],
        said[WORDS],
        said["reference_doubled"],
        said["reference_kept_dark"],
    )
