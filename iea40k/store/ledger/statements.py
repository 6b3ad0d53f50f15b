"""The queue's statements, built once: building one anew costs more than SQLite takes to run it.

Parameters: `who` an annotator, `this` an assignment's number; `now` and `expires` by the ledger's clock, `ttl` in
microseconds; `without` scenes whose images are given to nobody, a JSON list of their ids (see `listed`).
"""

import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from iea40k.store.ledger.schema import annotators, assignments, events, heads, tasks

_A, _T = assignments.c, tasks.c
_HEAD = heads.c.seq.label("head_seq"), heads.c.hash.label("head_hash")
_IS_HEAD = (heads.c.journal == sa.literal_column(f"'{events.name}'"),)
_WORK = sa.select(
    _A.assignment, _A.annotator, _A.state, _A.token, _A.expires, _A.comment,
    _T.task, _T.scene_id, _T.level, _T.purpose, _T.reason, _T.priority, *_HEAD,
).select_from(
    assignments.join(tasks, _T.task == _A.task).outerjoin(
        heads, sa.and_(*_IS_HEAD, heads.c.scene_id == _T.scene_id, heads.c.level == _T.level)
    )
)  # fmt: skip
"""Somebody's work, with the head of the image's chain of events: what follows needs no further query for it."""

_WHO = sa.bindparam("who", type_=sa.Text)
_PURPOSES: sa.BindParameter[Any] = sa.bindparam("purposes", expanding=True)
_GLANCE = (
    sa.select(sa.func.count())
    .where(_A.annotator == _WHO, _A.state == "leased")
    .scalar_subquery()
    .label("held"),
    sa.select(annotators.c.active).where(annotators.c.name == _WHO).scalar_subquery().label("active"),
    sa.exists()
    .where(_A.state == "leased", _A.expires < sa.bindparam("now", type_=sa.BigInteger))
    .label("late"),
)
"""How many leases this person holds, whether a curator has ended their work, whether some lease ran out."""


def listed(scenes: Iterable[str]) -> str:
    """Return the value of the parameter `without`: one, however many scenes there are, since databases limit them."""
    return json.dumps(sorted(scenes))


def is_given(dialect: str) -> sa.ColumnElement[bool]:
    """Return whether a task's scene is none of `without`."""
    without = sa.bindparam("without", type_=sa.Text)
    if dialect == "sqlite":
        names = sa.func.json_each(without).table_valued("value")
    else:
        names = sa.func.json_array_elements_text(sa.cast(without, sa.JSON)).table_valued("value")
    return _T.scene_id.not_in(sa.select(names.c.value))


def _next_statement(dialect: str) -> sa.Select[Any]:
    had, own, original = assignments.alias("had"), assignments.alias("own"), tasks.alias("original")
    mapped = (
        sa.select(sa.literal(1))
        .select_from(original.join(own, own.c.task == original.c.task))
        .where(
            original.c.scene_id == _T.scene_id,
            original.c.level == _T.level,
            original.c.purpose == "expert",
            own.c.annotator == _WHO,
            own.c.state.in_(("submitted", "in_review", "accepted")),
        )
        .exists()
    )
    shown = (_T.task, _T.scene_id, _T.level, _T.purpose, _T.reason, _T.priority)
    # A scalar subquery and no join: PostgreSQL would join and sort every open task to find the first of them.
    state = sa.select(had.c.state).where(had.c.task == _T.task, had.c.annotator == _WHO).scalar_subquery()
    first_free = (
        sa.select(*shown)
        .where(
            _T.free
            > sa.literal_column("0"),  # as a parameter it would keep the partial index from being used
            _T.purpose.in_(_PURPOSES),
            is_given(dialect),
            sa.func.coalesce(state, "expired") == "expired",
            sa.or_(_T.purpose != "repeat", mapped),
        )
        .order_by(_T.priority.desc(), _T.task)
        .limit(1)
        .subquery("first_free")
    )
    before = assignments.alias("before")
    mine_before = before.c.task == first_free.c.task, before.c.annotator == _WHO
    free = sa.select(
        first_free,
        sa.select(before.c.assignment).where(*mine_before).scalar_subquery().label("assignment"),
        sa.select(before.c.comment).where(*mine_before).scalar_subquery().label("comment"),
        sa.literal(1).label("turn"),
    )
    turn = sa.case((_A.state == "returned", 0), else_=1).label("turn")
    mine = (
        sa.select(*shown, _A.assignment, _A.comment, turn)
        .join_from(assignments, tasks, _T.task == _A.task)
        .where(_A.annotator == _WHO, _A.state.in_(("returned", "assigned")), _T.purpose.in_(_PURPOSES))
        .where(is_given(dialect))
        .order_by(turn, _T.priority.desc(), _T.task)
        .limit(1)
        .subquery("own_work")
    )
    both = sa.union_all(sa.select(mine), free).subquery("both")
    first = (
        sa.select(both).order_by(both.c.turn, both.c.priority.desc(), both.c.task).limit(1).subquery("work")
    )
    one = sa.select(sa.literal(1).label("one")).subquery("one_row")
    return sa.select(*_GLANCE, first, *_HEAD).select_from(
        one.outerjoin(first, sa.true()).outerjoin(
            heads, sa.and_(*_IS_HEAD, heads.c.scene_id == first.c.scene_id, heads.c.level == first.c.level)
        )
    )


NEXT_WORK = {dialect: _next_statement(dialect) for dialect in ("sqlite", "postgresql")}
"""By dialect. One row always: the glance, and the work to do next, all NULL where there is none."""

_THIS = _A.assignment == sa.bindparam("this", type_=sa.BigInteger)
_NOW = sa.bindparam("now", type_=sa.BigInteger)

WORK_BY_NUMBER = _WORK.where(_THIS)
WORK_LEASED = _WORK.where(_A.annotator == _WHO, _A.state == "leased").order_by(_A.token)
WORK_OF_MAP = _WORK.where(
    _T.scene_id == sa.bindparam("scene", type_=sa.Text),
    _T.level == sa.bindparam("level", type_=sa.Text),
    _T.purpose == sa.bindparam("purpose", type_=sa.Text),
    _A.annotator == _WHO,
)
LATE = (
    _WORK.where(_A.state == "leased", _A.expires < _NOW)
    .order_by(_A.expires)
    .limit(sa.bindparam("most", type_=sa.Integer))
)

EXTEND_SQLITE = assignments.update().where(_THIS).values(expires=sa.bindparam("expires"))
EXTEND_POSTGRESQL = sa.select(
    sa.func.ledger_heartbeat(
        sa.bindparam("this", type_=sa.BigInteger),
        sa.bindparam("token", type_=sa.BigInteger),
        sa.bindparam("ttl", type_=sa.BigInteger),
    )
)
