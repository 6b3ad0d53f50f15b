"""Alignment and estimated EVs: planted warps across exposures and noise, and real brackets where they are here."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from benchmarks.harness import Figure
from iea40k.alignment.geometry import Homography, move, normal
from iea40k.alignment.pair import Limits, register
from iea40k.alignment.structure import View
from iea40k.brackets.response import Response, estimate_evs
from iea40k.capture import read_capture, relative_evs
from iea40k.errors import BadInputError
from iea40k.scene import Scene, SourceFile
from pipelines.brackets import build_bracket
from tests.planted import PHOTOGRAPHS, exposed, hand_shake, photograph

TITLE = "Alignment of brackets, and EVs estimated from pixels"

EVS, SEEDS = (-4.0, -2.0, 2.0, 4.0), range(2)

KNOWN_STEPS = {
    "banterle_handheld_3": None,  # EXIF
    "banterle_room_7": None,
    "bbonik_A_5": None,
    "stlouis_arch_4": None,
    "memorial_16": [-float(i) for i in range(16)],
    "pixls_cabin_5": [0.0, -1.0, -2.0, -3.0, -4.0],
}

Aligner = Callable[[np.ndarray, np.ndarray], Homography | None]


def run() -> list[Figure]:
    figures = (*_planted_warps(), *_strangers(), *_planted_steps(), *_real())
    # NumPy's own bool and float are no JSON.
    return [replace(f, value=float(f.value), met=None if f.met is None else bool(f.met)) for f in figures]


# ---------------------------------------------------------------- warps


def ours(fixed: np.ndarray, moving: np.ndarray) -> Homography | None:
    found = register(View.of(fixed), View.of(moving), Limits())
    return found.homography if found.reason is None else None


def ecc(fixed: np.ndarray, moving: np.ndarray) -> Homography | None:
    """OpenCV's enhanced correlation on luma, from the identity, as is usual."""
    grey = [cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in (fixed, moving)]
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 100, 1e-5)
    try:
        _, found = cv2.findTransformECC(
            *grey, np.eye(3, dtype=np.float32), cv2.MOTION_HOMOGRAPHY, stop, None, 5
        )
    except cv2.error:
        return None
    return normal(np.linalg.inv(found.astype(np.float64)))


def features(fixed: np.ndarray, moving: np.ndarray) -> Homography | None:
    """SIFT on luma and a homography by RANSAC, as is usual."""
    grey = [cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in (fixed, moving)]
    (points, words), (others, other_words) = (cv2.SIFT.create(3000).detectAndCompute(g, None) for g in grey)
    if words is None or other_words is None or len(points) < 8:
        return None
    pairs = cv2.BFMatcher().knnMatch(other_words, words, k=2)
    kept = [p[0] for p in pairs if len(p) == 2 and p[0].distance < 0.75 * p[1].distance]
    if len(kept) < 8:
        return None
    there = np.float32([others[m.queryIdx].pt for m in kept])
    here = np.float32([points[m.trainIdx].pt for m in kept])
    found, _ = cv2.findHomography(there, here, cv2.RANSAC, 2.0)
    return found


def _planted_warps() -> Iterator[Figure]:
    for name, aligner in (("ours", ours), ("ECC", ecc), ("SIFT + RANSAC", features)):
        errors, seconds, given_up, total = [], [], 0, 0
        for fixed, moving, planted in _cases():
            start = time.perf_counter()
            found = aligner(fixed, moving)
            seconds.append(time.perf_counter() - start)
            total += 1
            if found is None:
                given_up += 1
            else:
                errors.append(_errors(found, planted, fixed.shape[1::-1]))
        median = np.array([np.median(e) for e in errors])
        corner = np.array([e.max() for e in errors])
        against = f"{total} planted hand-held warps at EV -4, -2, +2, +4 with noise"
        is_ours = name == "ours"
        within = float((median < 1).sum()) / total
        yield Figure(
            f"{name}: within a pixel", within, "share", against, "0.98", within >= 0.98 if is_ours else None
        )
        yield Figure(f"{name}: error, median", float(np.median(median)), "px", "of the pixels of a frame")
        yield Figure(
            f"{name}: error at the worst corner, 90 %",
            float(np.quantile(corner, 0.9)),
            "px",
            "of those accepted",
        )
        wild = float((median > 2).sum()) / total
        yield Figure(
            f"{name}: warped wildly",
            wild,
            "share",
            "accepted, but off by more than 2 px",
            "0",
            wild == 0 if is_ours else None,
        )
        yield Figure(f"{name}: refused", given_up / total, "share", against)
        yield Figure(
            f"{name}: time a frame",
            1000 * float(np.median(seconds)),
            "ms",
            "about 0.15 Mpx; one thread for ours",
        )


def _cases() -> Iterator[tuple[np.ndarray, np.ndarray, Homography]]:
    for name in PHOTOGRAPHS:
        fixed = exposed(name, noise=1, seed=99)
        size = fixed.shape[1::-1]
        for ev in EVS:
            for seed in SEEDS:
                planted = hand_shake(
                    seed * 7 + int(ev) + 50, size, shift=0.05 * size[0], turn=3, scale=0.02, bend=4
                )
                yield fixed, exposed(name, ev, planted, noise=1, seed=seed), planted


def _errors(found: Homography, planted: Homography, size: tuple[int, int]) -> np.ndarray:
    x, y = np.meshgrid(np.linspace(0, size[0] - 1, 9), np.linspace(0, size[1] - 1, 9))
    points = np.stack((x.ravel(), y.ravel()), axis=1)
    return np.linalg.norm(move(found, points) - move(planted, points), axis=1)


def _strangers() -> Iterator[Figure]:
    frames = [exposed(name)[:200, :350] for name in PHOTOGRAPHS]
    pairs = [(a, b) for i, a in enumerate(frames) for j, b in enumerate(frames) if i != j]
    accepted = sum(ours(a, b) is not None for a, b in pairs)
    yield Figure(
        "another photograph is accepted",
        accepted / len(pairs),
        "share",
        f"{len(pairs)} pairs",
        "0",
        accepted == 0,
    )


# ---------------------------------------------------------------- steps


def plain_gamma(frames: list[np.ndarray], validity: np.ndarray) -> float:
    """The total of the steps by the median ratio under gamma 2.2."""
    total = 0.0
    for (a, va), (b, vb) in pairwise(zip(frames, validity, strict=True)):
        good = va & vb & ((np.minimum(a, b) > 10) & (np.maximum(a, b) < 245)).all(axis=2)
        if good.any():
            total += float(np.median(2.2 * np.log2(b[good].astype(float) / a[good])))
    return total


def _planted_steps() -> Iterator[Figure]:
    camera = Response(1.0, 0.35).log_light()

    def by_a_camera(name: str, ev: float) -> np.ndarray:
        stops = np.log2(np.maximum(photograph(name) * 2.0**ev, 2.0**-14))
        return np.rint(np.interp(stops, camera, np.arange(256))).astype(np.uint8)

    def in_linear_light(name: str, ev: float) -> np.ndarray:
        return exposed(name, ev, noise=0.5, seed=1)

    def by_another_curve(name: str, ev: float) -> np.ndarray:
        return exposed(name, ev, noise=0.5, seed=1, contrast=0.3)

    kinds = (
        ("linear light", in_linear_light),
        ("the family's own camera curve", by_a_camera),
        ("an S-curve outside the family", by_another_curve),
    )
    for kind, make in kinds:
        ratios = []
        for name in PHOTOGRAPHS:
            for evs in ((-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0), (-3.0, -1.0)):
                frames = [make(name, ev) for ev in evs]
                valid = np.ones((len(evs), *frames[0].shape[:2]), bool)
                found, _ = estimate_evs(frames, valid)
                truth = evs[-1] - evs[0]
                ratios.append((found[-1] / truth, plain_gamma(frames, valid) / truth))
        yield from _step_figures(f"planted, {kind}", ratios)


def _step_figures(kind: str, ratios: list[tuple[float, float]]) -> Iterator[Figure]:
    mine, gamma = np.array(ratios).T
    against = f"gamma 2.2: {np.median(np.abs(gamma - 1)):.3f}, at worst {np.abs(gamma - 1).max():.3f}"
    error = np.abs(mine - 1)
    yield Figure(
        f"{kind}: error of EVs, median",
        float(np.median(error)),
        "share",
        against,
        "<= 0.1",
        bool(np.median(error) <= 0.1),
    )
    yield Figure(
        f"{kind}: error of EVs, worst", float(error.max()), "share", against, note=f"{len(ratios)} brackets"
    )


def _real() -> Iterator[Figure]:
    folder = Path(os.environ.get("IEA40K_REAL_DATA", "")) / "brackets"
    if not os.environ.get("IEA40K_REAL_DATA") or not folder.is_dir():
        return
    totals = []
    pairs: list[tuple[float, float]] = []
    for name, known in KNOWN_STEPS.items():
        frames, validity, truth = _real_bracket(folder / name, known)
        order = np.argsort(truth)
        frames, validity, truth = [frames[i] for i in order], validity[order], truth[order]
        found, _ = estimate_evs(frames, validity)
        span = truth[-1] - truth[0]
        gamma = plain_gamma(frames, validity) / span
        totals.append((found[-1] / span, gamma))
        yield Figure(
            f"{name}: estimated / true EVs",
            found[-1] / span,
            "x",
            f"gamma 2.2: {gamma:.2f}",
            "0.9 ... 1.1",
            abs(found[-1] / span - 1) <= 0.1,
        )
        if name != "memorial_16":
            pairs += _pairs(frames, validity, truth)
    yield from _step_figures("real brackets", totals)
    yield from _step_figures("two frames alone, of cameras", pairs)


def _pairs(frames: list[np.ndarray], validity: np.ndarray, truth: np.ndarray) -> list[tuple[float, float]]:
    ratios = []
    for i, j in pairwise(range(len(frames))):
        two, valid, step = [frames[i], frames[j]], validity[[i, j]], truth[j] - truth[i]
        try:
            ratios.append((estimate_evs(two, valid)[0][1] / step, plain_gamma(two, valid) / step))
        except BadInputError:
            continue
    return ratios


def _real_bracket(folder: Path, known: list[float] | None) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    truth = np.array(known if known is not None else relative_evs([read_capture(p) for p in paths]))
    scene = Scene(
        folder.name, "bracket", tuple(SourceFile(p, p.name) for p in paths), evs=tuple(truth - truth.max())
    )
    built = build_bracket(scene, 512)
    return list(built.exposures), built.validity, np.array(built.evs)
