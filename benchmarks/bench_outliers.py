"""Outliers: what is proposed against what was planted, what repairs leave, and what they do to clean photographs.

Tuned on the tuning half of photographs and seeds alone; each run on the test half is a look, counted in
`benchmarks/planted_outliers/looks.json`. The baseline is the flags of single pixels that were proposed before.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.harness import Figure
from benchmarks.outlier_scores import Tally, by_scene, interval, matches, together
from benchmarks.planted_outliers.faults import Planted
from benchmarks.planted_outliers.real_brackets import TIMES, Captured, captured
from benchmarks.planted_outliers.scenes import exposed, pictures
from benchmarks.planted_outliers.sets import SEEDS, looked, scenes
from iea40k.outliers.proposals import Findings, Proposal, find
from iea40k.outliers.repairs import RefusedError, repair
from iea40k.outliers.seen import seen
from iea40k.residuals import residual_codes

TITLE = "Outliers: planted faults, real brackets judged by eye, clean photographs"
SCENES = int(os.environ.get("IEA40K_BENCH_SCENES", "120"))
AIMS = {"speckle": 0.9, "light": 0.9, "displaced": 0.9, "sign": 0.8, "moved": 0.8}
BRACKETS = int(os.environ.get("IEA40K_BENCH_BRACKETS", "16"))
REAL = "average precision on real brackets: "
JUDGED = Path(__file__).parent / "judged_regions.json"


def run() -> list[Figure]:
    cv2.setNumThreads(1)
    looks = looked(f"{SCENES} scenes")
    made = [(planted, _find(planted)) for planted in scenes("test", SCENES)]
    return [*_precision(made, looks), *_repairs(made), *_captured(), *_clean(), *_judged()]


def _captured() -> Iterator[Figure]:
    """Faults planted on real brackets: those of the test half."""
    looks = looked(f"brackets of Empa's set, {TIMES} times each")
    made = [(c.planted, _find(c.planted), regions_before(c)) for c in captured("test", BRACKETS)]
    names = sorted({planted.scene.name for planted, _, _ in made})
    where = f"{len(names)} brackets of Empa's set, {TIMES} times each"
    for kind, tallies in by_scene([(p, f.proposals) for p, f, _ in made], {id(p): k for p, _, k in made}):
        strict = dict(by_scene([(p, f.proposals) for p, f, _ in made]))[kind]
        whole = together(tallies)
        note = f"; {whole.left_out} more lie where the bracket has a region before anything is planted"
        if whole.faults:
            note += f": were they false, {together(strict).average_precision():.2f}"
            yield _figure(f"{REAL}{kind}", kind, tallies, f"{where}; look {looks} at the test seeds", note)
        elif whole.found or whole.left_out:
            false = sum(not true for _, true in whole.found)
            yield Figure(
                f"on real brackets, where none was planted: {kind}", false, "regions", where, note=note[2:]
            )


def regions_before(made: Captured) -> np.ndarray:
    """Return where the detector has a region before anything is planted, (H, W) bool: a fault of the bracket, or not.

    Nobody planted them and nobody judged them, so that they count for and against nobody.
    """
    clean, index = made.clean, made.planted.index
    found = find(seen(clean.reference, clean.exposures, made.codes, clean.evs, index))
    known = np.zeros(made.codes.shape, np.bool_)
    for proposal in found.proposals:
        known[proposal.box] |= proposal.mask
    return known


def _find(made: Planted) -> Findings:
    s = made.scene
    return find(seen(s.reference, s.exposures, made.codes[made.index], s.evs, made.index))


def _precision(made: list[tuple[Planted, Findings]], looks: int) -> Iterator[Figure]:
    for kind, tallies in by_scene([(p, f.proposals) for p, f in made]):
        whole = together(tallies)
        if whole.faults:
            name = f"average precision: {kind}{', 2 px and more' if kind == 'displaced' else ''}"
            yield _figure(name, kind, tallies, f"{len(made)} scenes; look {looks} at the test seeds")
        elif whole.found:
            yield Figure(
                f"proposed where none was planted: {kind}", len(whole.found), "regions", f"{len(made)} scenes"
            )


def _figure(name: str, kind: str, tallies: list[Tally], where: str, note: str = "") -> Figure:
    whole, (low, high) = together(tallies), interval(tallies)
    found, aim = whole.average_precision(), AIMS.get(kind)
    false = sum(not true for _, true in whole.found)
    return Figure(
        name,
        found,
        "",
        f"{whole.faults} planted on {where}",
        f">= {aim}" if aim else "",
        None if aim is None else found >= aim,
        f"{low:.2f} to {high:.2f} in 95 % of draws of scenes; recall {whole.recall():.2f}, {false} false{note}",
    )


def _repairs(made: list[tuple[Planted, Findings]]) -> Iterator[Figure]:
    sums: dict[str, np.ndarray] = {}
    for planted, found in made:
        codes, wrong = planted.codes[planted.index], planted.wrong()
        for proposal in found.proposals:
            if not any(f.kind == proposal.kind and matches(proposal, f, wrong) for f in planted.counting()):
                continue
            try:
                done = repair(found, proposal)
            except RefusedError:
                sums.setdefault(proposal.kind, np.zeros(7))[6] += 1
                continue
            box, mask = proposal.box, proposal.mask
            flat = _filled_flat(codes, proposal)
            row = [
                float(np.abs(values[mask].astype(np.float64) - truth[box][mask]).sum())
                for values, truth in (
                    (codes[box], planted.truth),
                    (done.after, planted.truth),
                    (flat, planted.truth),
                    (codes[box], planted.still),
                    (done.after, planted.still),
                )
            ]
            sums.setdefault(proposal.kind, np.zeros(7))[:6] += [*row, 1]
    for kind, (before, after, flat, before_still, after_still, count, refused) in sorted(sums.items()):
        note = f"{count:.0f} repaired, {refused:.0f} refused"
        if kind == "displaced":
            note += f"; in the reference's geometry {after_still / before_still:.2f}"
        yield Figure(
            f"error left by the repair: {kind}",
            after / max(before, 1),
            "x",
            f"filled flat with the mean around it {flat / max(before, 1):.2f}",
            "below the flat fill",
            bool(after < flat),
            note,
        )


def _filled_flat(codes: np.ndarray, proposal: Proposal) -> np.ndarray:
    """The plain way: a region set to the mean of the label in a ring around it."""
    whole = proposal.whole(codes.shape).astype(np.uint8)
    ring = cv2.dilate(whole, np.ones((9, 9), np.uint8)).astype(bool) & (whole == 0)
    value = codes[ring].mean() if ring.any() else 0
    return np.where(proposal.mask, np.int16(round(value)), codes[proposal.box])


def _clean() -> Iterator[Figure]:
    """Everything of every kind done at once on photographs in which nothing was planted."""
    count = harmed = proposed = pixels = 0
    for number, (name, picture) in enumerate(pictures("test", SCENES)):
        scene = exposed(name, picture, SEEDS["test"] + 50_000 + number)
        codes = residual_codes(scene.reference, scene.exposures)
        index = 1 + number % (len(scene.evs) - 2)
        found = find(seen(scene.reference, scene.exposures, codes[index], scene.evs, index))
        worse = np.zeros(codes[index].shape, np.bool_)
        for proposal in found.proposals:
            proposed += 1
            try:
                done = repair(found, proposal)
            except RefusedError:
                continue
            worse[proposal.box] |= np.abs(done.after.astype(int) - codes[index][proposal.box]) > 128
        count += 1
        harmed += bool(worse.any())
        pixels += int(worse.sum())
    share = 1 - harmed / count
    yield Figure(
        "clean photographs that taking everything leaves as they are",
        share,
        "share",
        f"{count} photographs, one level each",
        ">= 0.99",
        share >= 0.99,
        f"{proposed} proposals, {pixels} pixels worsened by more than 1/255",
    )


def _judged() -> Iterator[Figure]:
    """The regions that were shown on real brackets and judged by eye."""
    if not JUDGED.exists():
        return
    rows = json.loads(JUDGED.read_text(encoding="utf-8"))["regions"]
    true = [row["verdict"] == "true" for row in rows]
    share = float(np.mean(true))
    kinds = sorted({row["kind"] for row in rows})
    by_kind = ", ".join(
        f"{kind} {sum(t for t, r in zip(true, rows, strict=True) if r['kind'] == kind)} of "
        f"{sum(r['kind'] == kind for r in rows)}"
        for kind in kinds
    )
    yield Figure(
        "precision of what is shown on real brackets, judged by eye",
        share,
        "share",
        f"{len(rows)} regions of {len({r['scene'] for r in rows})} scenes; the flags before: 0.05 to 0.34",
        ">= 0.6",
        share >= 0.6,
        f"{by_kind}; by the rules of the first look, before the last changes",
    )
