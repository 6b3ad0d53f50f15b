"""Whole brackets of nine frames brought into register, against the usual ways; and brackets in which things move."""

import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.harness import Figure
from benchmarks.planted_brackets import HEIGHT, WIDTH, Planted, bracket, photographs
from iea40k.alignment import align
from iea40k.alignment.geometry import move
from iea40k.errors import AlignmentError

TITLE = "Brackets of nine frames of 512x768 brought into register, and what moves in them"
EVS = tuple(float(ev) for ev in range(-4, 5))
PICTURES = 12

Motions = dict[int, np.ndarray]
"""The homographies of the frames that were accepted, to the middle one."""


def run() -> list[Figure]:
    cv2.setNumThreads(1)
    return [*_against_others(1.0), *_against_others(3.0), *_moving(), *_refused()]


# ---------------------------------------------------------------- against the usual ways


def ours(frames: Sequence[np.ndarray]) -> Motions:
    try:
        found = align(frames, [str(i) for i in range(len(frames))], anchor=len(frames) // 2)
    except AlignmentError:
        return {len(frames) // 2: np.eye(3)}
    return dict(zip(found.kept, found.homographies, strict=True))


def sift_clahe(frames: Sequence[np.ndarray]) -> Motions:
    """SIFT on contrast-limited equalised luma, RANSAC, chained from neighbour to neighbour."""
    equal = cv2.createCLAHE(3.0, (8, 8))
    seen = [
        cv2.SIFT.create(2000).detectAndCompute(equal.apply(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY)), None)
        for f in frames
    ]
    return _chained(len(frames), lambda fixed, moving: _matched(seen[fixed], seen[moving], cv2.NORM_L2, 0.75))


def orb_ecc(frames: Sequence[np.ndarray]) -> Motions:
    """ORB as a first guess, refined by enhanced correlation (ECC), chained from neighbour to neighbour."""
    grey = [cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in frames]
    seen = [cv2.ORB.create(2000).detectAndCompute(g, None) for g in grey]
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 50, 1e-4)

    def pair(fixed: int, moving: int) -> np.ndarray | None:
        guess = _matched(seen[fixed], seen[moving], cv2.NORM_HAMMING, 0.8)
        start = np.linalg.inv(np.eye(3) if guess is None else guess).astype(np.float32)
        start /= start[2, 2]
        try:
            _, found = cv2.findTransformECC(
                grey[fixed], grey[moving], start, cv2.MOTION_HOMOGRAPHY, stop, None, 5
            )
        except cv2.error:
            return guess
        return np.linalg.inv(found.astype(np.float64))

    return _chained(len(frames), pair)


def _matched(one, other, norm: int, ratio: float) -> np.ndarray | None:
    (points, words), (others, other_words) = one, other
    if words is None or other_words is None or min(len(points), len(others)) < 8:
        return None
    pairs = cv2.BFMatcher(norm).knnMatch(other_words, words, k=2)
    kept = [p[0] for p in pairs if len(p) == 2 and p[0].distance < ratio * p[1].distance]
    if len(kept) < 8:
        return None
    there = np.float32([others[m.queryIdx].pt for m in kept])
    here = np.float32([points[m.trainIdx].pt for m in kept])
    return cv2.findHomography(there, here, cv2.RANSAC, 2.0)[0]


def _chained(count: int, pair: Callable[[int, int], np.ndarray | None]) -> Motions:
    middle = count // 2
    found: Motions = {middle: np.eye(3)}
    for side in (range(middle + 1, count), range(middle - 1, -1, -1)):
        before = middle
        for index in side:
            step = pair(before, index)
            if step is not None:
                found[index] = found[before] @ step
                before = index
    return found


def hugin(frames: Sequence[np.ndarray]) -> Motions:
    """`align_image_stack` of hugin, chained by itself; its motion is read off by a picture of coordinates."""
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for index, frame in enumerate(frames):
            names.append(str(Path(folder) / f"{index}.png"))
            cv2.imwrite(names[-1], frame[..., ::-1])
        middle = len(frames) // 2
        order = [middle, *(i for i in range(len(frames)) if i != middle)]
        project = str(Path(folder) / "out.pto")
        command = ["align_image_stack", "-p", project, "-m", "-d", "-i", "-x", "-y", "-z"]
        command += [names[i] for i in order]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode or not Path(project).exists():
            return {middle: np.eye(3)}
        return _of_project(Path(project), order)


def _of_project(project: Path, order: Sequence[int]) -> Motions:
    """Return hugin's motions, each measured as the homography that carries a grid of points as its warp does."""
    grid = np.stack(np.meshgrid(np.linspace(40, WIDTH - 40, 6), np.linspace(40, HEIGHT - 40, 5)), -1).reshape(
        -1, 2
    )
    found: Motions = {}
    for slot, index in enumerate(order):
        to_scene = _transformed(project, slot, grid)
        anchor = _transformed(project, 0, grid)
        if to_scene is None or anchor is None:
            continue
        own, _ = cv2.findHomography(grid.astype(np.float32), to_scene.astype(np.float32))
        first, _ = cv2.findHomography(grid.astype(np.float32), anchor.astype(np.float32))
        if own is not None and first is not None:
            found[index] = np.linalg.inv(first) @ own
    return found


def _transformed(project: Path, slot: int, points: np.ndarray) -> np.ndarray | None:
    text = "\n".join(f"{x} {y}" for x, y in points)
    done = subprocess.run(
        ["pano_trafo", str(project), str(slot)], input=text, capture_output=True, text=True, check=False
    )
    rows = [line.split()[:2] for line in done.stdout.splitlines() if len(line.split()) >= 2]
    return np.array(rows, float) if len(rows) == len(points) else None


def _against_others(shake: float) -> Iterator[Figure]:
    ways: dict[str, Callable[[Sequence[np.ndarray]], Motions]] = {
        "ours": ours,
        "SIFT + CLAHE, chained": sift_clahe,
        "ORB + ECC, chained": orb_ecc,
    }
    if shutil.which("align_image_stack") and shutil.which("pano_trafo"):
        ways["align_image_stack"] = hugin
    planted = [bracket(p, 100 + i, EVS, shake=shake) for i, p in enumerate(photographs(PICTURES))]
    against = f"{len(planted)} brackets, shaken {shake:g} x 20 px"
    for name, way in ways.items():
        errors, refused, seconds = [], 0, []
        for one in planted:
            start = _seconds()
            found = way(one.frames)
            seconds.append(_seconds() - start)
            refused += len(EVS) - len(found)
            errors += [_error(found[i], one.motions[i]) for i in found if i != len(EVS) // 2]
        total = len(planted) * (len(EVS) - 1)
        mine = name == "ours"
        within = float(np.sum(np.array(errors) < 1)) / total
        yield Figure(
            f"{name}: within a pixel", within, "share", against, "0.979", within >= 0.979 if mine else None
        )
        yield Figure(
            f"{name}: accepted, but off by more than 1.4 px",
            float((np.array(errors) > 1.4).sum()) / total,
            "share",
            against,
        )
        yield Figure(f"{name}: refused", refused / total, "share", against)
        aim = 1.5 if shake == 1 else 3.0
        cost = float(np.median(seconds))
        yield Figure(
            f"{name}: time of nine frames",
            cost,
            "s",
            against,
            f"<= {aim:g}",
            cost <= aim if mine else None,
            "one core, processor time",
        )


def _error(found: np.ndarray, planted: np.ndarray) -> float:
    x, y = np.meshgrid(np.linspace(0, WIDTH - 1, 9), np.linspace(0, HEIGHT - 1, 9))
    points = np.stack((x.ravel(), y.ravel()), axis=1)
    return float(np.median(np.linalg.norm(move(found, points) - move(planted, points), axis=1)))


def _seconds() -> float:
    """Return the processor time of this process and of those that it waited for."""
    own, others = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


# ---------------------------------------------------------------- what moves


def _moving() -> Iterator[Figure]:
    evs = (-2.0, -1.0, 0.0, 1.0, 2.0)
    pictures = photographs(8, start=3)
    for mover in ("clouds", "waves", "people"):
        refused = wrong = total = 0
        seen, found_area, false_area, still_area = 0.0, 0.0, 0.0, 0.0
        for number, picture in enumerate(pictures):
            for travel in (2.0, 6.0, 12.0):
                other = pictures[(number + 3) % len(pictures)]
                one = bracket(picture, 900 + number, evs, shake=0.5, mover=mover, travel=travel, other=other)
                counts, areas = _of_bracket(one)
                refused, wrong, total = refused + counts[0], wrong + counts[1], total + counts[2]
                seen, found_area, false_area, still_area = (
                    a + b for a, b in zip((seen, found_area, false_area, still_area), areas, strict=True)
                )
        against = f"{total} frames; {mover}, 2 to 12 px a frame"
        share, false = refused / total, wrong / total
        yield Figure(f"{mover}: good frames refused", share, "share", against, "<= 0.02", share <= 0.02)
        yield Figure(
            f"{mover}: accepted, but off by more than 1.4 px",
            false,
            "share",
            against,
            "<= 0.01",
            false <= 0.01,
        )
        yield Figure(f"{mover}: of what moved, left out", found_area / max(seen, 1), "of pixels", against)
        yield Figure(
            f"{mover}: of what stood still, left out", false_area / max(still_area, 1), "of pixels", against
        )


def _of_bracket(one: Planted) -> tuple[tuple[int, int, int], tuple[float, float, float, float]]:
    middle, count = len(one.frames) // 2, len(one.frames)
    try:
        found = align(one.frames, [str(i) for i in range(count)], anchor=middle)
    except AlignmentError:
        return (count - 1, 0, count - 1), (0.0, 0.0, 0.0, 0.0)
    wrong, seen, hit, false, still = 0, 0.0, 0.0, 0.0, 0.0
    for slot, index in enumerate(found.kept):
        if index == middle:
            continue
        wrong += _error(found.homographies[slot], one.motions[index]) > 1.4
        truth = (
            cv2.warpPerspective(one.moved[index].astype(np.uint8), found.homographies[slot], (WIDTH, HEIGHT))
            > 0
        )
        near = cv2.dilate(truth.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
        ghost = found.moved[slot]
        seen, hit = seen + truth.sum(), hit + (truth & ghost).sum()
        still, false = still + (~near).sum(), false + (ghost & ~near).sum()
    return (count - len(found.kept), wrong, count - 1), (seen, hit, false, still)


def _refused() -> Iterator[Figure]:
    """Three frames from three places (real ones, where they are here) against three that lie on each other."""
    real = os.environ.get("IEA40K_REAL_DATA", "")
    folder = Path(real) / "brackets" / "darioloi_crusader_7"
    if not real or not folder.is_dir():
        return
    frames = []
    for path in sorted(folder.iterdir())[:3]:
        picture = cv2.imread(str(path))
        scale = 512 / min(picture.shape[:2])
        frames.append(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[..., ::-1])
    good = bracket(photographs(1)[0], 5, (-2.0, 0.0, 2.0)).frames
    cost = {}
    for name, three in (("refused", [np.ascontiguousarray(f) for f in frames]), ("aligned", good)):
        start = time.process_time()
        for _ in range(3):
            ours(three)
        cost[name] = (time.process_time() - start) / 3
    ratio = cost["refused"] / cost["aligned"]
    yield Figure(
        "three frames refused, against three aligned",
        ratio,
        "x",
        f"{cost['aligned']:.2f} s",
        "< 1",
        ratio < 1,
    )
