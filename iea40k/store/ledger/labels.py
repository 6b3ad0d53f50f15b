"""What a release takes from the ledger: a scene's labels at a cursor, and the facts that pin the cursor down."""

import datetime as dt
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import sqlalchemy as sa

from iea40k.errors import StaleBaseError
from iea40k.raters import RaterModel
from iea40k.recipe import canonical_json
from iea40k.store.ledger.corrected import (
    CorrectedReference,
    CorrectedResidual,
    SceneRecord,
    corrected_reference,
    corrected_residual,
    read_record,
)
from iea40k.store.ledger.database import Database
from iea40k.store.ledger.entries import REFERENCE, Correction, MapKey, ZoneEdit
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.replay import history
from iea40k.store.ledger.schema import JOURNALS, heads
from iea40k.store.ledger.seals import root_digest
from iea40k.store.release.labels import Labels, LabelsOf, Provenance, base_labels
from iea40k.store.scenes import StoredScene

ZONES = "reference"
"""The purpose under which the provenance of every level of a scene names who edited its reference."""


def ledger_facts(ledger: Ledger, cursor: int | None = None) -> dict[str, Any]:
    """Return what a release notes of the ledger: its seal (`ledger_id`, `cursor`, `root`), and `chains`.

    `chains` is the digest of the last links there, as releases before seals noted it. Raises `BadInputError` for a
    cursor that the ledger has not reached, and `LedgerError` for a login that does not see every row.
    """
    seal = root_digest(ledger, cursor)
    return {
        "ledger_id": seal.ledger_id,
        "cursor": seal.cursor,
        "root": seal.root,
        "chains": chains_digest(ledger, seal.cursor),
    }


def chains_digest(ledger: Ledger, cursor: int) -> str:
    """Return the sha256 over the last link of every chain up to entry `cursor`: it changes if any row before does."""
    hasher = hashlib.sha256()
    with ledger.database.read() as connection:
        for table in JOURNALS:
            t = table.c
            last = (
                sa.select(t.scene_id, t.level, sa.func.max(t.seq).label("seq"))
                .where(t.entry <= cursor)
                .group_by(t.scene_id, t.level)
                .subquery()
            )
            links = sa.select(t.scene_id, t.level, t.seq, t.hash).join(
                last, sa.and_(t.scene_id == last.c.scene_id, t.level == last.c.level, t.seq == last.c.seq)
            )
            # Sorted here: databases do not agree on the order of text.
            for link in sorted(tuple(row) for row in connection.execute(links)):
                hasher.update(canonical_json([table.name, *link]).encode() + b"\n")
    return hasher.hexdigest()


def ledger_labels(
    ledger: Ledger, cursor: int, *, leave_out_stale: bool = False, model: RaterModel | None = None
) -> LabelsOf:
    """Return the function that gives a scene's labels with all that counts up to entry `cursor`.

    The same cursor gives the same labels for ever. Strokes that were drawn on a base that has since been rebuilt raise
    `StaleBaseError` as the scene comes up, or with `leave_out_stale` stay out of the labels. `model` weighs the experts
    (`iea40k.store.ledger.rated`); without it their median counts.
    """
    return _LedgerLabels(ledger, cursor, leave_out_stale, model)


class _LedgerLabels:
    """See `ledger_labels`. In another process it opens the ledger there."""

    def __init__(
        self, ledger: Ledger, cursor: int, leave_out_stale: bool, model: RaterModel | None = None
    ) -> None:
        self._ledger, self._cursor, self._leave_out_stale = ledger, cursor, leave_out_stale
        self._model = model
        self._known = known_scenes(ledger)

    def __reduce__(self) -> tuple[object, ...]:
        text = "" if self._model is None else self._model.as_text()
        return _labels_here, (self._ledger.database.url, self._cursor, self._leave_out_stale, text)

    def __call__(self, scene: StoredScene) -> Labels:
        if scene.scene_id not in self._known:
            return base_labels(scene)
        labels, stale = _labels(scene, read_record(self._ledger, scene.scene_id, self._cursor), self._model)
        if stale and not self._leave_out_stale:
            raise _stale(scene.scene_id, stale)
        return labels


@lru_cache(maxsize=1)
def _labels_here(url: sa.URL, cursor: int, leave_out_stale: bool, model: str = "") -> _LedgerLabels:
    known = RaterModel.of_text(model) if model else None
    return _LedgerLabels(Ledger(Database(url)), cursor, leave_out_stale, known)


def _labels(
    scene: StoredScene, record: SceneRecord, model: RaterModel | None
) -> tuple[Labels, list[Correction | ZoneEdit]]:
    reference = corrected_reference(scene, record)
    images = [corrected_residual(scene, level, record, reference, model) for level in scene.levels]
    touched = np.stack([image.touched | reference.touched for image in images])
    stale: list[Correction | ZoneEdit] = [*reference.stale, *(s for image in images for s in image.stale)]
    labels = Labels(
        residual=np.stack([image.codes for image in images]),
        touched=touched if touched.any() else None,
        disagreement=np.stack([image.disagreement for image in images])
        if any(i.experts for i in images)
        else None,
        reference=reference.picture if reference.changed else None,
        provenance=tuple(_provenance(record, reference, images)),
    )
    return labels, stale


def _provenance(
    record: SceneRecord, reference: CorrectedReference, images: Iterable[CorrectedResidual]
) -> Iterable[Provenance]:
    for image in images:
        if reference.changed:
            for map_key in _map_keys(record, REFERENCE, reference.experts, reference.adjudicator):
                yield from _entry(
                    image.level, ZONES, map_key, history(record.zone_edits.get(map_key, ())).standing
                )
        for map_key in _map_keys(record, image.level, image.experts, image.adjudicator):
            strokes = [s for s in image.strokes if s.map_key == map_key]
            yield from _entry(image.level, map_key.purpose, map_key, strokes)


def _map_keys(
    record: SceneRecord, level: str, experts: Iterable[str], adjudicator: str | None
) -> list[MapKey]:
    map_keys = [MapKey(record.scene_id, level, name) for name in experts]
    if adjudicator is not None:
        map_keys.append(MapKey(record.scene_id, level, adjudicator, "adjudication"))
    return map_keys


def _entry(
    level: str, purpose: str, map_key: MapKey, strokes: Iterable[Correction] | Iterable[ZoneEdit]
) -> Iterable[Provenance]:
    drawn: list[Correction | ZoneEdit] = [*strokes]
    if not drawn:
        return
    touched = np.zeros(drawn[0].image_shape, np.bool_)
    for stroke in drawn:
        if isinstance(stroke, Correction) and stroke.patch is not None:
            stroke.patch.touch(touched)
        elif isinstance(stroke, ZoneEdit) and stroke.weights is not None:
            stroke.weights.touch(touched)
        else:
            touched[...] = False
    times = [stroke.server_time for stroke in drawn]
    yield Provenance(
        level, map_key.annotator, purpose, len(drawn), int(touched.sum()), _iso(min(times)), _iso(max(times))
    )


def known_scenes(ledger: Ledger) -> set[str]:
    """Return the scenes of which the ledger holds anything."""
    with ledger.database.read() as connection:
        return set(connection.execute(sa.select(heads.c.scene_id).distinct()).scalars())


def _stale(scene_id: str, stale: list[Correction | ZoneEdit]) -> StaleBaseError:
    people = ", ".join(sorted({f"{s.map_key.annotator} ({s.map_key.level})" for s in stale}))
    return StaleBaseError(
        f"{len(stale)} strokes were drawn on a base that has since been rebuilt",
        where=scene_id,
        got=people,
        remedy="`iea40k queue STORE stale --offer` sends them back for another look; "
        "`--leave-out-stale` makes the release without them",
    )


def _iso(microseconds: int) -> str:
    return dt.datetime.fromtimestamp(microseconds / 1e6, dt.UTC).isoformat(timespec="seconds")
