"""One annotator against themselves on hidden repeats, and against the adjudicator on gold images; for their own eyes.

Means over several images and a count, never which images: a repeat stays hidden, a gold image unknown. Everything is
read with the annotator's own rights. On PostgreSQL those end at their own strokes; of an adjudicator's map they are
given that of an image whose own map has been accepted, by functions that `install_roles` makes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from iea40k.agreement import Deviation, mean_difference, person_figures
from iea40k.arrays import RESIDUAL_SCALE, validity_from_codes
from iea40k.errors import StoreError
from iea40k.store.layout import Store
from iea40k.store.ledger.corrected import read_record, residual_base
from iea40k.store.ledger.entries import REFERENCE, Correction, MapKey, check_annotator
from iea40k.store.ledger.events import read_details
from iea40k.store.ledger.journal import corrections_of_rows, read_corrections
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.logins import login_person
from iea40k.store.ledger.migrations.rules import GOLD_IMAGES
from iea40k.store.ledger.replay import replay
from iea40k.store.ledger.schema import assignments, tasks

MOST_IMAGES = 20
"""How many repeats, and how many gold images, are compared: the latest."""

_DAY = 86_400e6
_HANDED_IN = ("submitted", "in_review", "accepted")


@dataclass(frozen=True)
class Consistency:
    """Mean |difference| of two maps in residual units, [0, 2], over the pixels that either painted; mean over images.

    - `repeats` images mapped twice without knowing it: `repeat_difference` from the first map to the second
    - `gold` images with an accepted adjudication: `gold_difference` from the own accepted map to the adjudicator's;
      `gold_bias` the same with its sign, + = this person calls it more underexposed; `gold_drift` by how much the bias
      changes in 30 days, over `iea40k.agreement.DRIFT_DAYS` at least

    A figure is None where there is too little for it.
    """

    annotator: str
    repeats: int
    repeat_difference: float | None
    gold: int
    gold_difference: float | None
    gold_bias: float | None = None
    gold_drift: float | None = None


@dataclass(frozen=True)
class _Pair:
    """Two maps of one image to compare: the annotator's own strokes, and the other map's."""

    scene_id: str
    level: str
    own: list[Correction]
    other: list[Correction]


def own_consistency(ledger: Ledger, store: Store, annotator: str, *, most: int = MOST_IMAGES) -> Consistency:
    """Return how close an annotator's latest maps are to their own repeats and to the adjudicated ones.

    At most `most` images of each kind are read and replayed, some 20 ms an image: call it between images, off the
    window's thread. Images whose strokes are stale, or whose scene is gone, are not counted. An adjudicator's verdict
    "consensus is right" makes no gold image. Raises `LedgerUnavailableError`, and `BadInputError` for a name that
    nobody has.
    """
    check_annotator(annotator)
    with ledger.database.read() as connection:
        repeats = [_repeat(connection, annotator, row) for row in _repeats(connection, annotator, most)]
        gold = _gold(connection, annotator, most)
    bases = _Bases(ledger, store)
    own, judged = _differences(bases, repeats, annotator), _differences(bases, gold, annotator)
    figures = person_figures(judged)
    bias, drift = (figures[0].bias, figures[0].drift) if figures else (None, None)
    return Consistency(annotator, len(own), _mean(own), len(judged), _mean(judged), bias, drift)


class _Bases:
    """The scenes' residuals as strokes on them are drawn, read once a scene and level."""

    def __init__(self, ledger: Ledger, store: Store) -> None:
        self._ledger, self._store = ledger, store
        self._known: dict[tuple[str, str], Any] = {}

    def base(self, scene_id: str, level: str) -> Any | None:
        """Return (H, W) int16 codes, None where the store has no such image."""
        if (scene_id, level) not in self._known:
            self._known[scene_id, level] = self._read(scene_id, level)
        return self._known[scene_id, level]

    def _read(self, scene_id: str, level: str) -> Any | None:
        try:
            scene = self._store.open_scene(scene_id)
        except StoreError:
            return None
        if level not in scene.levels:
            return None
        # Zone edits only: they decide the base. Other people's strokes are none of ours.
        return residual_base(scene, level, read_record(self._ledger, scene_id, level=REFERENCE))


def _differences(bases: _Bases, pairs: Sequence[_Pair], annotator: str) -> list[Deviation]:
    found: list[Deviation] = []
    for pair in pairs:
        base = bases.base(pair.scene_id, pair.level)
        if base is None:
            continue
        own, other = replay(base, pair.own), replay(base, pair.other)
        if own.stale or other.stale:
            continue
        painted = (own.touched | other.touched) & validity_from_codes(base)
        difference = mean_difference(own.codes, other.codes, painted)
        if difference is not None:
            away = own.codes[painted].astype(np.int64) - other.codes[painted]
            days = pair.own[-1].server_time / _DAY if pair.own else 0.0
            found.append(Deviation(annotator, days, float(away.mean()) / RESIDUAL_SCALE, difference))
    return found


def _repeats(connection: sa.Connection, annotator: str, most: int) -> Sequence[Any]:
    again, first, first_task = assignments.c, assignments.alias("first"), tasks.alias("first_task")
    mapped = (
        sa.select(sa.literal(1))
        .select_from(first.join(first_task, first_task.c.task == first.c.task))
        .where(
            first_task.c.scene_id == tasks.c.scene_id,
            first_task.c.level == tasks.c.level,
            first_task.c.purpose == "expert",
            first.c.annotator == annotator,
            first.c.state.in_(_HANDED_IN),
        )
        .exists()
    )
    query = (
        sa.select(tasks.c.scene_id, tasks.c.level)
        .join_from(assignments, tasks, tasks.c.task == again.task)
        .where(again.annotator == annotator, again.state.in_(_HANDED_IN), tasks.c.purpose == "repeat", mapped)
        .order_by(again.token.desc())
        .limit(most)
    )
    return connection.execute(query).all()


def _repeat(connection: sa.Connection, annotator: str, row: Any) -> _Pair:
    first = read_corrections(connection, MapKey(row.scene_id, row.level, annotator))
    again = read_corrections(connection, MapKey(row.scene_id, row.level, annotator, "repeat"))
    return _Pair(row.scene_id, row.level, first, again)


def _gold(connection: sa.Connection, annotator: str, most: int) -> list[_Pair]:
    by_function = _restricted(connection, annotator)
    images = "SELECT * FROM ledger_gold_images()" if by_function else GOLD_IMAGES.format(s="", who=":who")
    judges: dict[tuple[str, str], str] = {}
    for row in connection.execute(sa.text(images), {} if by_function else {"who": annotator}):
        if read_details(row.details).get("verdict") != "consensus is right":
            judges[row.scene_id, row.level] = row.annotator  # of several, the last by name, as in a release
    pairs: list[_Pair] = []
    for (scene_id, level), judge in list(judges.items())[:most]:
        if by_function:
            rows: Sequence[Mapping[Any, Any]] = (
                connection.execute(
                    sa.text("SELECT * FROM ledger_gold_strokes(:scene, :level, :judge)"),
                    {"scene": scene_id, "level": level, "judge": judge},
                )
                .mappings()
                .all()
            )
            gold = corrections_of_rows(rows)
        else:
            gold = read_corrections(connection, MapKey(scene_id, level, judge, "adjudication"))
        pairs.append(
            _Pair(scene_id, level, read_corrections(connection, MapKey(scene_id, level, annotator)), gold)
        )
    return pairs


def _restricted(connection: sa.Connection, annotator: str) -> bool:
    """Whether this login is the annotator by row-level security, and the functions for gold images are there."""
    return login_person(connection) == annotator and bool(
        connection.execute(sa.text("SELECT to_regprocedure('ledger_gold_images()') IS NOT NULL")).scalar_one()
    )


def _mean(found: Sequence[Deviation]) -> float | None:
    return float(np.mean([each.difference for each in found])) if found else None
