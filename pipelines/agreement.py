"""Agreement of a store's experts: fold their maps, image by image, and tally them by level and scene class."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from iea40k.agreement import Agreement, Deviation, PersonFigures, Tally, deviations, person_figures
from iea40k.arrays import RESIDUAL_SCALE, ResidualCodes, Validity, validity_from_codes
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger
from iea40k.store.ledger.corrected import (
    UNQUEUED,
    SceneRecord,
    corrected_reference,
    read_record,
    residual_base,
)
from iea40k.store.ledger.entries import Lane
from iea40k.store.ledger.fold import replay
from iea40k.store.scenes import StoredScene

HANDED_IN: tuple[str, ...] = ("submitted", "in_review", "accepted", UNQUEUED)
"""Maps that are compared: whoever handed one in has spoken, reviewed or not."""

_DAY = 86_400e6


@dataclass(frozen=True)
class Row:
    """Agreement in one group of images: `group` is "all", "level" or a column's name, `value` which one.

    `region` is "everywhere" (every valid pixel; most are untouched and agree because they share the base) or "painted"
    (pixels that one expert at least painted: the figure that says how far experts agree).
    """

    group: str
    value: str
    region: str
    agreement: Agreement


@dataclass(frozen=True)
class Consistency:
    """One person against themselves on hidden repeats, or against an adjudicator's map.

    `mae` is the mean absolute difference in [0, 2] over the pixels that either painted, averaged over `images`.
    """

    annotator: str
    images: int
    mae: float


@dataclass
class Report:
    """All figures of `measure`."""

    rows: list[Row] = field(default_factory=list)
    pairs: dict[tuple[str, str], tuple[float, float, int]] = field(default_factory=dict)
    people: list[PersonFigures] = field(default_factory=list)
    consistency: list[Consistency] = field(default_factory=list)
    against_adjudicator: list[Consistency] = field(default_factory=list)
    deviations: list[Deviation] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Maps:
    codes: dict[str, ResidualCodes]
    touched: Validity
    valid: Validity


def measure(
    store: Store,
    ledger: Ledger,
    *,
    group_by: Sequence[str] = ("level", "scene_class"),
    sample: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int, str], object] = lambda *_: None,
) -> Report:
    """Compare the maps of every image that two or more people handed in; `sample` limits the scenes, drawn at random.

    Scenes that the store no longer holds are named in `skipped`.
    """
    scenes = ledger.shared_scenes()
    if sample is not None and sample < len(scenes):
        scenes = sorted(np.random.default_rng(seed).choice(scenes, sample, replace=False).tolist())
    work = _Work(tuple(group_by))
    known = set(store.scene_ids())
    for number, scene_id in enumerate(scenes):
        progress(number, len(scenes), scene_id)
        if scene_id in known:
            work.add_scene(store.open_scene(scene_id), read_record(ledger, scene_id))
        else:
            work.report.skipped.append(scene_id)
    progress(len(scenes), len(scenes), "")
    return work.finish()


class _Work:
    def __init__(self, group_by: tuple[str, ...]) -> None:
        self.report = Report()
        self._group_by = group_by
        self._tallies: dict[tuple[str, str, str], Tally] = {}
        self._repeats: dict[str, list[float]] = {}
        self._gold: dict[str, list[float]] = {}

    def add_scene(self, scene: StoredScene, record: SceneRecord) -> None:
        reference = corrected_reference(scene, record)
        for level in scene.levels:
            lanes = record.counted(level, "expert", HANDED_IN)
            repeats = record.counted(level, "repeat", HANDED_IN)
            judges = [
                lane
                for lane in record.counted(level, "adjudication", HANDED_IN)
                if record.work(lane).verdict != "consensus is right"
            ]
            if len(lanes) < 2 and not repeats and not judges:
                continue
            base = residual_base(scene, level, record, reference)
            maps = _fold(base, record, lanes)
            if len(maps.codes) > 1:
                self._tally(scene, level, maps)
                times = {lane.annotator: record.work(lane).submitted / _DAY for lane in lanes}
                self.report.deviations += deviations(maps.codes, maps.touched & maps.valid, times)
            again, judged = _fold(base, record, repeats), _fold(base, record, judges[-1:])
            for name in sorted(set(maps.codes) & set(again.codes)):
                _compare(self._repeats, name, maps, again, again.codes[name])
            for name in maps.codes:
                for gold in judged.codes.values():
                    _compare(self._gold, name, maps, judged, gold)

    def finish(self) -> Report:
        report = self.report
        report.rows = [
            Row(*key, tally.agreement()) for key, tally in sorted(self._tallies.items(), key=_order)
        ]
        painted = self._tallies.get(("all", "", "painted"))
        report.pairs = painted.pairs() if painted else {}
        report.people = person_figures(report.deviations)
        report.consistency = _averages(self._repeats)
        report.against_adjudicator = _averages(self._gold)
        return report

    def _tally(self, scene: StoredScene, level: str, maps: _Maps) -> None:
        values = {"level": level, **scene.attributes}
        groups = [("all", ""), *((name, str(values[name])) for name in self._group_by if values.get(name))]
        for group, value in groups:
            for region, mask in (("everywhere", maps.valid), ("painted", maps.touched & maps.valid)):
                self._tallies.setdefault((group, value, region), Tally()).add(maps.codes, mask)


def _compare(
    into: dict[str, list[float]], name: str, first: _Maps, second: _Maps, other: ResidualCodes
) -> None:
    mask = (first.touched | second.touched) & first.valid
    if mask.any():
        difference = first.codes[name][mask].astype(np.int32) - other[mask]
        into.setdefault(name, []).append(float(np.abs(difference).mean()) / RESIDUAL_SCALE)


def _averages(found: dict[str, list[float]]) -> list[Consistency]:
    return [Consistency(name, len(values), float(np.mean(values))) for name, values in sorted(found.items())]


def _fold(base: ResidualCodes, record: SceneRecord, lanes: list[Lane]) -> _Maps:
    codes: dict[str, ResidualCodes] = {}
    touched = np.zeros(base.shape, np.bool_)
    for lane in lanes:
        folded = replay(base, record.corrections.get(lane, ()))
        if not folded.stale:
            codes[lane.annotator] = folded.codes
            touched |= folded.touched
    return _Maps(codes, touched, validity_from_codes(base))


def _order(item: tuple[tuple[str, str, str], Any]) -> tuple[bool, str, str, bool]:
    (group, value, region), _ = item
    return (group != "all", group, value, region != "painted")
