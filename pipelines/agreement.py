"""Agreement of a store's experts: replay their maps, image by image, and tally them by level and scene class."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.agreement import (
    Agreement,
    Deviation,
    PersonFigures,
    Tally,
    deviations,
    mean_difference,
    person_figures,
)
from iea40k.arrays import RESIDUAL_SCALE, ResidualCodes, Validity, validity_from_codes
from iea40k.raters import RatedPixels, Rater, fit_raters, sample_pixels, without_bias
from iea40k.recipe import digest
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger
from iea40k.store.ledger.corrected import (
    UNQUEUED,
    SceneRecord,
    corrected_reference,
    read_record,
    residual_base,
)
from iea40k.store.ledger.entries import MapKey
from iea40k.store.ledger.replay import Replayed, replay
from iea40k.store.scenes import StoredScene
from iea40k.zones import zone_map

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
class PairRow:
    """Two people in one group of images, over the pixels that one expert at least painted.

    `mae` is the mean absolute difference in [0, 2], `sign_area` the share of pixels with opposed signs.
    """

    group: str
    value: str
    first: str
    second: str
    mae: float
    sign_area: float
    pixels: int


@dataclass(frozen=True)
class PersonRow:
    """One person against the others in one group of images."""

    group: str
    value: str
    figures: PersonFigures


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
    """All figures of `measure`; each table holds all images first, then group by group.

    `deviations` are those of all images. `raters` is each person as the model of `iea40k.raters` sees them; `as_drawn`
    and `without_bias` are the agreement on the same painted pixels before and after their biases are taken out. Left
    out were the scenes `skipped`, which the store no longer holds, and the maps `stale`, which have strokes on a base
    that has since been rebuilt.
    """

    rows: list[Row] = field(default_factory=list)
    pairs: list[PairRow] = field(default_factory=list)
    people: list[PersonRow] = field(default_factory=list)
    consistency: list[Consistency] = field(default_factory=list)
    against_adjudicator: list[Consistency] = field(default_factory=list)
    deviations: list[Deviation] = field(default_factory=list)
    raters: list[Rater] = field(default_factory=list)
    as_drawn: Agreement | None = None
    without_bias: Agreement | None = None
    skipped: list[str] = field(default_factory=list)
    stale: list[MapKey] = field(default_factory=list)


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

    Scenes that the store no longer holds are named in `skipped`, maps with stale strokes in `stale`.
    """
    ledger.check_sees_all()
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
        self._deviations: dict[tuple[str, str], list[Deviation]] = {}
        self._repeats: dict[str, list[float]] = {}
        self._gold: dict[str, list[float]] = {}
        self._rated: list[RatedPixels] = []

    def add_scene(self, scene: StoredScene, record: SceneRecord) -> None:
        reference = corrected_reference(scene, record)
        for level in scene.levels:
            map_keys = record.counted(level, "expert", HANDED_IN)
            repeats = record.counted(level, "repeat", HANDED_IN)
            judges = [
                map_key
                for map_key in record.counted(level, "adjudication", HANDED_IN)
                if record.work(map_key).verdict != "consensus is right"
            ]
            if len(map_keys) < 2 and not repeats and not judges:
                continue
            base = residual_base(scene, level, record, reference)
            valid = validity_from_codes(base)
            maps = self._replay(base, record, map_keys)
            if len(maps) > 1:
                times = {map_key.annotator: _days(record, map_key) for map_key in map_keys}
                self._tally(scene, level, maps, valid, times)
            again = self._replay(base, record, repeats)
            gold = next(iter(self._replay(base, record, judges[-1:]).values()), None)
            for name, own in maps.items():
                if name in again:
                    _compare(self._repeats, name, own, again[name], valid)
                if gold is not None:
                    _compare(self._gold, name, own, gold, valid)

    def finish(self) -> Report:
        report = self.report
        report.rows = [
            Row(*key, tally.agreement()) for key, tally in sorted(self._tallies.items(), key=_order)
        ]
        for (group, value, region), tally in sorted(self._tallies.items(), key=_order):
            if region == "painted":
                found = tally.pairs().items()
                report.pairs += [PairRow(group, value, a, b, *figures) for (a, b), figures in found]
                people = person_figures(self._deviations[group, value])
                report.people += [PersonRow(group, value, person) for person in people]
        report.deviations = self._deviations.get(("all", ""), [])
        self._model(report)
        report.consistency = _averages(self._repeats)
        report.against_adjudicator = _averages(self._gold)
        return report

    def _model(self, report: Report) -> None:
        if not self._rated:
            return
        model = fit_raters(self._rated)
        report.raters = list(model.raters.values())
        drawn = [dict(zip(pixels.people, pixels.maps, strict=True)) for pixels in self._rated]
        report.as_drawn = _agreement_of(drawn)
        report.without_bias = _agreement_of([without_bias(model, pixels) for pixels in self._rated])

    def _replay(
        self, base: ResidualCodes, record: SceneRecord, map_keys: list[MapKey]
    ) -> dict[str, Replayed]:
        replayed = {map_key: replay(base, record.corrections.get(map_key, ())) for map_key in map_keys}
        self.report.stale += [map_key for map_key, each in replayed.items() if each.stale]
        return {map_key.annotator: each for map_key, each in replayed.items() if not each.stale}

    def _tally(
        self,
        scene: StoredScene,
        level: str,
        maps: dict[str, Replayed],
        valid: Validity,
        times: dict[str, float],
    ) -> None:
        codes = {name: each.codes for name, each in maps.items()}
        painted = np.any([each.touched for each in maps.values()], axis=0) & valid
        away = deviations(codes, painted, times)
        zones = np.rint(zone_map(scene.exposure(level))).astype(np.int64)
        touched = {name: each.touched for name, each in maps.items()}
        seed = int(digest([scene.scene_id, level])[:8], 16)
        rated = sample_pixels(codes, touched, zones, level, painted, seed=seed)
        self._rated += [] if rated is None else [rated]
        values = {"level": level, **scene.attributes}
        groups = [("all", ""), *((name, str(values[name])) for name in self._group_by if values.get(name))]
        for group, value in groups:
            for region, mask in (("everywhere", valid), ("painted", painted)):
                self._tallies.setdefault((group, value, region), Tally()).add(codes, mask)
            self._deviations.setdefault((group, value), []).extend(away)


def _agreement_of(images: Sequence[Mapping[str, NDArray[np.float64]]]) -> Agreement:
    tally = Tally()
    for maps in images:
        codes = {name: np.rint(row * RESIDUAL_SCALE).astype(np.int16)[None] for name, row in maps.items()}
        tally.add(codes, np.ones((1, next(iter(maps.values())).size), np.bool_))
    return tally.agreement()


def _days(record: SceneRecord, map_key: MapKey) -> float:
    strokes = record.corrections.get(map_key, ())
    painted = strokes[-1].server_time if strokes else 0
    return (record.work(map_key).submitted or painted) / _DAY


def _compare(
    into: dict[str, list[float]], name: str, own: Replayed, other: Replayed, valid: Validity
) -> None:
    difference = mean_difference(own.codes, other.codes, (own.touched | other.touched) & valid)
    if difference is not None:
        into.setdefault(name, []).append(difference)


def _averages(found: dict[str, list[float]]) -> list[Consistency]:
    return [Consistency(name, len(values), float(np.mean(values))) for name, values in sorted(found.items())]


def _order(item: tuple[tuple[str, str, str], Any]) -> tuple[bool, str, str, bool]:
    (group, value, region), _ = item
    return (group != "all", group, value, region != "painted")
