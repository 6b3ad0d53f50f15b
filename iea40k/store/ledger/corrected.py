"""A scene as the ledger leaves it at a cursor: its reference with zone edits, and every level's corrected residual.

First the zone edits make the reference; the residuals of that reference are the base that corrections are drawn on.
What counts: the maps whose work is accepted at the cursor, and maps painted without the queue that have standing
strokes. Of several experts the median counts, or what a model of them says; an adjudicator's map overrides it. Strokes
drawn on a base that has since been rebuilt change nothing and are listed as stale.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, ResidualCodes, Validity, validity_from_codes
from iea40k.raters import RaterModel
from iea40k.residuals import residual_codes
from iea40k.scene import NO_UNCERTAINTY
from iea40k.store.ledger.consensus import Consensus, consensus, weighed_consensus
from iea40k.store.ledger.entries import REFERENCE, Correction, MapKey, ZoneEdit
from iea40k.store.ledger.events import read_details
from iea40k.store.ledger.journal import read_scene_corrections, read_scene_zone_edits
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.replay import Replayed, Undoable, history, replay
from iea40k.store.ledger.schema import events
from iea40k.store.ledger.zone_replay import replay_zones
from iea40k.store.scenes import StoredScene
from iea40k.zones import ShiftMap, apply_shift, zone_map

ACCEPTED = "accepted"
UNQUEUED = "unqueued"
"""The state of a map that was painted without the queue."""

Stroke = TypeVar("Stroke", Correction, ZoneEdit)

COUNTED: tuple[str, ...] = (ACCEPTED, UNQUEUED)


@dataclass(frozen=True)
class Work:
    """A map at a cursor: its last state, and the verdict and time of its last submission ("" and 0 without one).

    `submitted` is in microseconds since 1970 UTC, by the ledger's clock.
    """

    state: str
    verdict: str = ""
    submitted: int = 0


@dataclass(frozen=True)
class SceneRecord:
    """All that the ledger holds of one scene up to a cursor."""

    scene_id: str
    works: Mapping[MapKey, Work]
    corrections: Mapping[MapKey, tuple[Correction, ...]]
    zone_edits: Mapping[MapKey, tuple[ZoneEdit, ...]]

    def counted(self, level: str, purpose: str, states: tuple[str, ...] = COUNTED) -> list[MapKey]:
        """Return the keys of the maps of a level that count, by annotator."""
        strokes: Mapping[MapKey, Sequence[Undoable]]
        strokes = self.zone_edits if level == REFERENCE else self.corrections
        everyone = {*self.works, *strokes}
        map_keys = {key for key in everyone if key.level == level and key.purpose == purpose}
        found = [
            map_key
            for map_key in map_keys
            if self.work(map_key).state in states
            and (map_key in self.works or history(strokes[map_key]).standing)
        ]
        return sorted(found, key=lambda map_key: map_key.annotator)

    def work(self, map_key: MapKey) -> Work:
        """Return a map's state and verdict."""
        return self.works.get(map_key, Work(UNQUEUED))


@dataclass(frozen=True, eq=False)
class CorrectedReference:
    """The reference with the zone edits that count: (H, W, 3) uint8, and who made it so."""

    picture: EncodedRGB
    touched: Validity
    experts: tuple[str, ...]
    adjudicator: str | None
    stale: tuple[ZoneEdit, ...]

    @property
    def changed(self) -> bool:
        """Whether any edit has weight."""
        return bool(self.touched.any())


@dataclass(frozen=True, eq=False)
class CorrectedResidual:
    """One level's residual with the corrections that count.

    - `codes` (H, W) int16; `base` (H, W) int16, what the strokes were drawn on
    - `disagreement` (H, W) uint16 in 1/32640: the median absolute deviation of the experts, `NO_UNCERTAINTY` where
      fewer than two mapped the image
    - `touched` (H, W) bool: True where any expert whose map counts has a standing stroke
    """

    level: str
    codes: ResidualCodes
    base: ResidualCodes
    disagreement: NDArray[np.uint16]
    touched: Validity
    experts: tuple[str, ...]
    adjudicator: str | None
    strokes: tuple[Correction, ...]
    stale: tuple[Correction, ...]


def read_record(
    ledger: Ledger, scene_id: str, cursor: int | None = None, *, level: str | None = None
) -> SceneRecord:
    """Return what the ledger holds of a scene up to entry `cursor`; with `level`, corrections of that level only.

    The same cursor gives the same record for ever.
    """
    with ledger.database.read() as connection:
        corrections = read_scene_corrections(connection, scene_id, cursor, level)
        zone_edits = read_scene_zone_edits(connection, scene_id, cursor)
        works = _works(connection, scene_id, cursor)
    return SceneRecord(scene_id, works, _by_map(corrections), _by_map(zone_edits))


def corrected_reference(scene: StoredScene, record: SceneRecord) -> CorrectedReference:
    """Return the scene's reference with the zone edits that count: the median of the experts' shifts, a pixel each."""
    reference = scene.reference()
    judges = record.counted(REFERENCE, "adjudication")
    override = [j for j in judges if record.work(j).verdict != "consensus is right"][-1:]
    map_keys = override or record.counted(REFERENCE, "expert")
    replayed = [replay_zones(reference, record.zone_edits.get(map_key, ())) for map_key in map_keys]
    shift = middle_shift([f.shift for f in replayed], reference)
    return CorrectedReference(
        picture=apply_shift(reference, shift),
        touched=_any(reference.shape[:2], [f.touched for f in replayed]),
        experts=tuple(map_key.annotator for map_key in map_keys),
        adjudicator=override[0].annotator if override else None,
        stale=tuple(edit for f in replayed for edit in f.stale),
    )


def corrected_residual(
    scene: StoredScene,
    level: str,
    record: SceneRecord,
    reference: CorrectedReference | None = None,
    model: RaterModel | None = None,
) -> CorrectedResidual:
    """Return a level's residual with the corrections that count; `reference` saves replaying it for each level.

    `model` weighs the experts; without it their median counts.
    """
    base = residual_base(scene, level, record, reference)
    judges = record.counted(level, "adjudication")
    override = [j for j in judges if record.work(j).verdict != "consensus is right"][-1:]
    experts = record.counted(level, "expert")
    map_keys = [*experts, *override]
    replayed = {map_key: replay(base, record.corrections.get(map_key, ())) for map_key in map_keys}
    maps = {key.annotator: replayed[key] for key in experts if not _only_stale(replayed[key])}
    agreed = _agreed(scene, level, maps, model) if maps else None
    codes = agreed.codes if agreed else base
    if override and not _only_stale(replayed[override[0]]):
        codes = replayed[override[0]].codes
    return CorrectedResidual(
        level=level,
        codes=codes,
        base=base,
        disagreement=agreed.disagreement if agreed else np.full(base.shape, NO_UNCERTAINTY, np.uint16),
        touched=_any(base.shape, [f.touched for f in replayed.values()]),
        experts=tuple(map_key.annotator for map_key in experts),
        adjudicator=override[0].annotator if override else None,
        strokes=tuple(stroke for f in replayed.values() for stroke in f.applied),
        stale=tuple(stroke for f in replayed.values() for stroke in f.stale),
    )


def _agreed(
    scene: StoredScene, level: str, maps: Mapping[str, Replayed], model: RaterModel | None
) -> Consensus:
    codes = {name: each.codes for name, each in maps.items()}
    if model is None or len(maps) < 2:
        return consensus(list(codes.values()))
    zones = np.rint(zone_map(scene.exposure(level))).astype(np.int64)
    return weighed_consensus(codes, {name: each.touched for name, each in maps.items()}, level, zones, model)


def residual_base(
    scene: StoredScene, level: str, record: SceneRecord, reference: CorrectedReference | None = None
) -> ResidualCodes:
    """Return what strokes on a level are drawn on: the built residual, or that of the reference with its zone edits."""
    built = scene.residual(level)
    if not any(map_key.level == REFERENCE for map_key in record.zone_edits):
        return built
    reference = corrected_reference(scene, record) if reference is None else reference
    if not reference.changed:
        return built
    exposure = scene.exposure(level)
    base: ResidualCodes = residual_codes(reference.picture, exposure[None], validity_from_codes(built))[0]
    return base


def middle_shift(shifts: list[ShiftMap], reference: EncodedRGB) -> ShiftMap:
    """Return the per-pixel median of several people's shifts of a reference (H, W, 3); 0 where there are none."""
    if not shifts:
        return np.zeros(reference.shape[:2], np.int32)
    # Of an even number the lower middle and the upper middle are averaged, rounded down: whole numbers throughout.
    ordered = np.sort(np.stack(shifts), axis=0)
    low, high = ordered[(len(shifts) - 1) // 2], ordered[len(shifts) // 2]
    middle: ShiftMap = ((low.astype(np.int64) + high) // 2).astype(np.int32)
    return middle


def _works(connection: sa.Connection, scene_id: str, cursor: int | None) -> dict[MapKey, Work]:
    e = events.c
    query = sa.select(e.level, e.annotator, e.purpose, e.event, e.state, e.details, e.server_time).where(
        e.scene_id == scene_id, e.state.is_not(None)
    )
    if cursor is not None:
        query = query.where(e.entry <= cursor)
    works: dict[MapKey, Work] = {}
    for row in connection.execute(query.order_by(e.entry)):
        map_key = MapKey(scene_id, row.level, row.annotator, row.purpose)
        work = replace(works.get(map_key, Work("")), state=row.state)
        if row.event == "submit":
            verdict = str(read_details(row.details).get("verdict", ""))
            work = replace(work, verdict=verdict, submitted=row.server_time)
        works[map_key] = work
    return works


def _by_map(strokes: list[Stroke]) -> dict[MapKey, tuple[Stroke, ...]]:
    found: dict[MapKey, list[Stroke]] = {}
    for stroke in strokes:
        found.setdefault(stroke.map_key, []).append(stroke)
    return {map_key: tuple(mine) for map_key, mine in found.items()}


def _only_stale(replayed: Replayed) -> bool:
    return bool(replayed.stale) and not replayed.applied


def _any(shape: tuple[int, ...], masks: list[Validity]) -> Validity:
    touched = np.zeros(shape, np.bool_)
    for mask in masks:
        touched |= mask
    return touched
