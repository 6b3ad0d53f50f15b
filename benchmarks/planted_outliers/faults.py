"""Faults planted in one level of a scene, and what its label should have been.

The label belongs to the exposure as stored. A displaced region therefore has the residual of what it shows, which lies
displaced as well; where something else stands there, the residual of the scene without it counts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from benchmarks.planted_outliers.masks import blob, dots, letters
from benchmarks.planted_outliers.scenes import Clean, encoded, light_of
from iea40k.residuals import residual_codes

LIGHT = -0.35
"""The residual of a light source: docs/words.md. A halo has its share of it."""

SCALE = 32640
VISIBLE = 8 / 255
LEAST = 12
"""A fault counts where at least so many pixels of the label are wrong by more than `VISIBLE`."""


@dataclass(frozen=True)
class Fault:
    """One planted fault: its kind, its region (H, W) bool, and how strong it is (pixels of displacement, or 0).

    `shown`: False where the exposure shows nothing of it, as where something wholly white is displaced.
    """

    kind: str
    region: np.ndarray
    size: float = 0.0
    shown: bool = True


@dataclass
class Planted:
    """A scene with faults in its level `index`. `truth` (H, W) int16 is what the label should be.

    `still` is the same in the geometry of the reference: where a region is displaced it differs from `truth`.
    """

    scene: Clean
    index: int
    codes: np.ndarray
    truth: np.ndarray
    still: np.ndarray
    faults: list[Fault] = field(default_factory=list)

    def wrong(self) -> np.ndarray:
        """Return where the label is visibly wrong, (H, W) bool."""
        return np.abs(self.codes[self.index].astype(int) - self.truth) > VISIBLE * SCALE

    def counting(self) -> list[Fault]:
        """Return the faults that make the label visibly wrong in `LEAST` pixels, and that the exposure shows."""
        wrong = self.wrong()
        return [f for f in self.faults if f.shown and int((wrong & f.region).sum()) >= LEAST]


class _Work:
    """A scene in the making: floats, so that faults may be laid over each other's neighbourhood."""

    def __init__(self, clean: Clean, index: int, rng: np.random.Generator, other: np.ndarray) -> None:
        self.rng, self.index, self.other, self.clean = rng, index, other, clean
        self.reference, self.exposures = clean.reference.copy(), clean.exposures.copy()
        self.shape = clean.reference.shape[:2]
        self.taken = np.zeros(self.shape, np.bool_)
        self.flow = np.zeros((*self.shape, 2), np.float32)
        self.still_exposure = clean.exposures[index].copy()
        self.light = np.zeros(self.shape, np.float32)  # the share of a light's residual that a pixel has
        self.label: list[Callable[[np.ndarray], None]] = []

    def room(self, make: Callable[[], np.ndarray]) -> np.ndarray | None:
        """Return a shape that keeps clear of the others, None where none was found."""
        for _ in range(25):
            found = make()
            if not (
                cv2.dilate((found > 0).astype(np.uint8), np.ones((25, 25))).astype(bool) & self.taken
            ).any():
                self.taken |= found > 0
                return found
        return None


def planted(clean: Clean, index: int, kinds: list[str], seed: int, other: np.ndarray) -> Planted:
    """Return a scene with faults of `kinds` in its level `index`; `other` (H, W, 3) uint8 gives what moves."""
    rng = np.random.default_rng(seed)
    work = _Work(clean, index, rng, other)
    # Lights are in the scene before anything is displaced; labels are spoilt when all pictures are done.
    made = [_MAKERS[kind](work) for kind in sorted(kinds, key=list(_MAKERS).index)]
    reference = _warped(work.reference, work.flow)
    still = residual_codes(work.reference, work.still_exposure[None])[0].astype(np.float32) / SCALE
    own = (
        residual_codes(reference, _warped(work.still_exposure, work.flow)[None])[0].astype(np.float32) / SCALE
    )
    # A pixel that is a light by half is over by half of what a light is.
    truth, still = (r + work.light * (np.minimum(r, LIGHT) - r) for r in (own, still))
    codes = residual_codes(work.reference, work.exposures)
    for spoil in work.label:
        spoil(codes)
    if clean.jpeg:
        # As in published sets: the label is that of the pictures before they were compressed.
        work.exposures = np.stack([_jpeg(e, clean.jpeg) for e in work.exposures])
    codes[index] = np.clip(codes[index], -SCALE, SCALE)
    scene = replace(clean, reference=work.reference, exposures=work.exposures)
    to_codes = lambda r: np.rint(r * SCALE).astype(np.int16)  # noqa: E731
    return Planted(scene, index, codes, to_codes(truth), to_codes(still), [f for f in made if f is not None])


# ------------------------------------------------------------ faults in the pictures


def _logo(work: _Work) -> Fault | None:
    cover = work.room(lambda: letters(work.shape, int(work.rng.integers(20, 60)), work.rng))
    if cover is None:
        return None
    for frame in (work.reference, *work.exposures, work.still_exposure):
        frame[...] = np.rint(frame * (1 - cover[..., None]) + 255 * cover[..., None]).astype(np.uint8)
    work.light = np.maximum(work.light, np.where(cover > 0.5, 1, 0))
    return Fault("light", cover > 0.5)


def _lamp(work: _Work) -> Fault | None:
    rng = work.rng
    core = work.room(lambda: blob(work.shape, rng.uniform(40, 500), rng))
    if core is None:
        return None
    away = cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, 5)
    radius = np.sqrt(core.sum() / np.pi)
    shine = 2.0 ** rng.uniform(4, 6) / (1 + (away / (radius * rng.uniform(0.5, 0.9))) ** 2) ** 2
    shine[away > 6 * radius] = 0
    colour = np.array([1, rng.uniform(0.85, 1), rng.uniform(0.7, 1)], np.float32)

    def lit(frame: np.ndarray, ev: float) -> np.ndarray:
        return encoded(light_of(frame) + (shine * 2.0**ev)[..., None] * colour)

    work.reference = lit(work.reference, 0)
    evs = work.clean.evs
    work.exposures = np.stack([lit(e, ev) for e, ev in zip(work.exposures, evs, strict=True)])
    work.still_exposure = lit(work.still_exposure, evs[work.index])
    share = np.clip(shine * 2.0 ** evs[work.index], 0, 1)
    work.light = np.maximum(work.light, share)
    region = share > 0.5
    work.taken |= share > 0.05
    return Fault("light", region | core)


def _speckle(work: _Work) -> Fault | None:
    rng = work.rng
    area = work.room(lambda: blob(work.shape, rng.uniform(400, 4000), rng))
    if area is None:
        return None
    found = dots(area, int(rng.integers(8, 60)), rng)
    frame = work.exposures[work.index]
    for number in range(1, int(found.max()) + 1):
        at = found == number
        if at.any():
            mean = float(frame[at].mean())
            goal = rng.uniform(mean + 40, 256) if mean < 128 else rng.uniform(0, mean - 40)
            frame[at] = np.clip(frame[at].astype(float) - mean + goal, 0, 255).astype(np.uint8)
    return Fault("speckle", found > 0)


def _displaced(work: _Work) -> Fault | None:
    rng = work.rng
    region = work.room(lambda: blob(work.shape, rng.uniform(500, 6000), rng))
    if region is None:
        return None
    distance, angle = float(np.exp(rng.uniform(np.log(0.5), np.log(12)))), rng.uniform(0, 2 * np.pi)
    inner = cv2.erode(region.astype(np.uint8), np.ones((3, 3))).astype(np.float32)
    share = cv2.GaussianBlur(inner, (0, 0), 1.2)
    flow = share[..., None] * distance * np.array([np.cos(angle), np.sin(angle)], np.float32)
    before = work.exposures[work.index].copy()
    after = work.exposures[work.index] = _warped(before, flow)
    work.flow += flow
    changed = np.abs(after.astype(np.int32) - before).max(axis=2) > VISIBLE * 255
    return Fault("displaced", region, distance, bool((changed & region).sum() >= LEAST))


def _moved(work: _Work) -> Fault | None:
    rng = work.rng
    region = work.room(lambda: blob(work.shape, rng.uniform(300, 5000), rng))
    if region is None:
        return None
    other = cv2.resize(work.other, work.shape[::-1], interpolation=cv2.INTER_AREA)
    other = encoded(
        light_of(np.roll(other, rng.integers(0, 400, 2), (0, 1))) * 2.0 ** work.clean.evs[work.index]
    )
    cover = cv2.GaussianBlur(region.astype(np.float32), (0, 0), 0.8)[..., None]
    frame = work.exposures[work.index]
    frame[...] = np.rint(frame * (1 - cover) + other * cover).astype(np.uint8)
    return Fault("moved", region)


# ------------------------------------------------------------ faults in the label alone


def _sign(work: _Work) -> Fault | None:
    region = work.room(lambda: blob(work.shape, work.rng.uniform(200, 5000), work.rng))
    if region is None:
        return None

    def spoil(codes: np.ndarray) -> None:
        codes[work.index][region] *= -1

    work.label.append(spoil)
    return Fault("sign", region)


def _level(work: _Work) -> Fault | None:
    region = work.room(lambda: blob(work.shape, work.rng.uniform(200, 5000), work.rng))
    if region is None:
        return None
    others = [i for i in range(len(work.clean.evs)) if i != work.index]
    wrong = int(work.rng.choice(others))

    def spoil(codes: np.ndarray) -> None:
        codes[work.index][region] = codes[wrong][region]

    work.label.append(spoil)
    return Fault("level", region)


def _gain(work: _Work) -> Fault | None:
    rng = work.rng
    region = work.room(lambda: blob(work.shape, rng.uniform(400, 6000), rng))
    if region is None:
        return None
    share = cv2.GaussianBlur(region.astype(np.float32), (0, 0), 2)
    factor, offset = (
        rng.choice([-1, 1]) * rng.uniform(0.3, 0.7),
        rng.choice([-1, 1]) * rng.uniform(0.04, 0.12),
    )

    def spoil(codes: np.ndarray) -> None:
        values = codes[work.index].astype(np.float32)
        spoilt = values + share * (values * factor + offset * SCALE)
        codes[work.index] = np.rint(np.clip(spoilt, -SCALE, SCALE)).astype(np.int16)

    work.label.append(spoil)
    return Fault("gain", region)


_MAKERS: dict[str, Callable[[_Work], Fault | None]] = {
    "logo": _logo,
    "lamp": _lamp,
    "displaced": _displaced,
    "moved": _moved,
    "speckle": _speckle,
    "sign": _sign,
    "level": _level,
    "gain": _gain,
}
KINDS = tuple(_MAKERS)


def _warped(frame: np.ndarray, flow: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[0 : frame.shape[0], 0 : frame.shape[1]].astype(np.float32)
    moved = cv2.remap(frame, x + flow[..., 0], y + flow[..., 1], cv2.INTER_CUBIC, None, cv2.BORDER_REFLECT)
    return np.where((flow != 0).any(axis=2)[..., None], moved, frame)


def _jpeg(frame: np.ndarray, quality: int) -> np.ndarray:
    _, data = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].copy()
