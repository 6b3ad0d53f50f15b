"""Append to a journal and read from it: rows to strokes and back. The only code that writes these tables."""

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from iea40k.errors import BadInputError, LedgerError
from iea40k.recipe import canonical_json
from iea40k.store.ledger.chain import FIRST, row_hash
from iea40k.store.ledger.database import Database
from iea40k.store.ledger.entries import (
    REFERENCE,
    Correction,
    CorrectionDraft,
    MapKey,
    Purpose,
    ZoneDraft,
    ZoneEdit,
)
from iea40k.store.ledger.patch import PackedPatch
from iea40k.store.ledger.schema import corrections, heads, zone_edits
from iea40k.store.ledger.weights import PackedWeights

_WHICH = (
    heads.c.journal == sa.bindparam("j"),
    heads.c.scene_id == sa.bindparam("s"),
    heads.c.level == sa.bindparam("l"),
)
_INSERT = {table.name: table.insert() for table in (corrections, zone_edits)}
_BY_ID = {
    table.name: table.select().where(table.c.stroke_id == sa.bindparam("stroke"))
    for table in (corrections, zone_edits)
}
_MARKS = {
    table.name: sa.select(table.c.stroke_id, table.c.undoes, table.c.supersedes, table.c.pixels)
    .where(
        table.c.scene_id == sa.bindparam("s"),
        table.c.level == sa.bindparam("l"),
        table.c.annotator == sa.bindparam("a"),
        table.c.lane == sa.bindparam("p"),
    )
    .order_by(table.c.seq)
    for table in (corrections, zone_edits)
}
_HEAD = sa.select(heads.c.seq, heads.c.hash).where(*_WHICH)


@dataclass(frozen=True)
class Mark:
    """A recorded stroke without its pixels: enough for `history`. `pixels` is how many it touches."""

    stroke_id: str
    undoes: str | None
    supersedes: str | None
    pixels: int


def append_draft(
    database: Database, connection: sa.Connection, draft: CorrectionDraft | ZoneDraft, token: int | None
) -> Correction | ZoneEdit:
    """Record a stroke that is not there yet, and return it.

    Raises `LedgerError` where what it undoes or supersedes is not in its map.
    """
    table = _table(draft)
    _check_targets(connection, table, draft)
    row = next_place(database, connection, table.name, draft.map_key.scene_id, draft.map_key.level)
    row |= {"token": token, "server_time": database.now(connection), **_columns(draft)}
    row["hash"] = row_hash(table.name, row)
    connection.execute(_INSERT[table.name], row)
    return _stroke(table, row)


def find_recorded(
    connection: sa.Connection, draft: CorrectionDraft | ZoneDraft
) -> Correction | ZoneEdit | None:
    """Return the row of a stroke that was recorded before, None for a new one.

    Raises `BadInputError` where its id was recorded with other content.
    """
    table = _table(draft)
    row = connection.execute(_BY_ID[table.name], {"stroke": draft.stroke_id}).mappings().first()
    if row is None:
        return None
    found, given = _stroke(table, row), _columns(draft)
    if any(value != given[name] for name, value in _columns(found).items()):
        raise BadInputError("this stroke's id was used before, for another stroke", got=draft.stroke_id)
    return found


def next_place(
    database: Database, connection: sa.Connection, journal: str, scene_id: str, level: str
) -> dict[str, Any]:
    """Give out the next entry number; return it as `entry`, with `seq` and `previous` of the image's next row.

    Other writers wait until this transaction ends.
    """
    head = connection.execute(_HEAD, {"j": journal, "s": scene_id, "l": level}).first()
    seq, link = (0, FIRST) if head is None else head
    return place_after(database.next_entry(connection), scene_id, level, seq, link)


def place_after(entry: int, scene_id: str, level: str, seq: int, link: str) -> dict[str, Any]:
    """Return the place after an image's last row, which was number `seq` with the hash `link`."""
    return {"entry": entry, "scene_id": scene_id, "level": level, "seq": seq + 1, "previous": link}


def read_corrections(
    connection: sa.Connection, map_key: MapKey, cursor: int | None = None
) -> list[Correction]:
    """Return a map's corrections in the order recorded, up to entry `cursor`."""
    return cast("list[Correction]", _read(connection, corrections, _of_map(corrections, map_key, cursor)))


def read_zone_edits(connection: sa.Connection, map_key: MapKey, cursor: int | None = None) -> list[ZoneEdit]:
    """Return a map's zone edits in the order recorded, up to entry `cursor`."""
    return cast("list[ZoneEdit]", _read(connection, zone_edits, _of_map(zone_edits, map_key, cursor)))


def read_marks(connection: sa.Connection, map_key: MapKey) -> list[Mark]:
    """Return a map's strokes without their pixels, in the order recorded."""
    table = zone_edits if map_key.level == REFERENCE else corrections
    values = {"s": map_key.scene_id, "l": map_key.level, "a": map_key.annotator, "p": map_key.purpose}
    return [Mark(*row) for row in connection.execute(_MARKS[table.name], values)]


def read_scene_corrections(
    connection: sa.Connection, scene_id: str, cursor: int | None = None, level: str | None = None
) -> list[Correction]:
    """Return everybody's corrections of a scene, level by level in the order recorded, up to entry `cursor`."""
    where = _in_scene(corrections, scene_id, cursor)
    if level is not None:
        where.append(corrections.c.level == level)
    return cast("list[Correction]", _read(connection, corrections, where))


def read_scene_zone_edits(
    connection: sa.Connection, scene_id: str, cursor: int | None = None
) -> list[ZoneEdit]:
    """Return everybody's zone edits of a scene in the order recorded, up to entry `cursor`."""
    return cast("list[ZoneEdit]", _read(connection, zone_edits, _in_scene(zone_edits, scene_id, cursor)))


def corrections_of_rows(rows: Iterable[Mapping[Any, Any]]) -> list[Correction]:
    """Return corrections from rows that hold every column of the table, in their order."""
    return [cast("Correction", _stroke(corrections, row)) for row in rows]


def _read(
    connection: sa.Connection, table: sa.Table, where: Sequence[sa.ColumnElement[bool]]
) -> list[Correction | ZoneEdit]:
    rows = connection.execute(table.select().where(*where).order_by(table.c.level, table.c.seq)).mappings()
    return [_stroke(table, row) for row in rows]


def _of_map(table: sa.Table, map_key: MapKey, cursor: int | None) -> list[sa.ColumnElement[bool]]:
    where = [
        table.c.scene_id == map_key.scene_id,
        table.c.level == map_key.level,
        table.c.annotator == map_key.annotator,
        table.c.lane == map_key.purpose,
    ]
    return where if cursor is None else [*where, table.c.entry <= cursor]


def _in_scene(table: sa.Table, scene_id: str, cursor: int | None) -> list[sa.ColumnElement[bool]]:
    where = [table.c.scene_id == scene_id]
    return where if cursor is None else [*where, table.c.entry <= cursor]


def _check_targets(connection: sa.Connection, table: sa.Table, draft: CorrectionDraft | ZoneDraft) -> None:
    for what, target in (("undoes", draft.undoes), ("supersedes", draft.supersedes)):
        if target is None:
            continue
        where = [*_of_map(table, draft.map_key, None), table.c.stroke_id == target]
        if connection.execute(sa.select(table.c.entry).where(*where)).first() is None:
            raise LedgerError(
                f"the stroke that this one {what} is not there",
                where=f"{draft.map_key.scene_id} {draft.map_key.level}",
                expected="a stroke of the same person on the same image",
                got=target,
            )


def _table(draft: CorrectionDraft | ZoneDraft) -> sa.Table:
    return corrections if isinstance(draft, CorrectionDraft) else zone_edits


def _columns(draft: CorrectionDraft | ZoneDraft) -> dict[str, Any]:
    box = draft.patch if isinstance(draft, CorrectionDraft) else draft.weights
    row: dict[str, Any] = {
        "scene_id": draft.map_key.scene_id,
        "level": draft.map_key.level,
        "annotator": draft.map_key.annotator,
        "lane": draft.map_key.purpose,
        "stroke_id": draft.stroke_id,
        "kind": draft.kind,
        "image_height": draft.image_shape[0],
        "image_width": draft.image_shape[1],
        "base_digest": draft.base_digest,
        "undoes": draft.undoes,
        "supersedes": draft.supersedes,
        "tool": canonical_json(draft.tool),
        "client_time": draft.client_time,
        "pixels": 0 if box is None else box.pixels,
    }
    for name in ("top", "left", "height", "width"):
        row[name] = None if box is None else getattr(box, name)
    if isinstance(draft, CorrectionDraft):
        for name in ("mask", "old_codes", "new_codes"):
            row[name] = None if draft.patch is None else getattr(draft.patch, name)
    else:
        row |= {"weights": None if draft.weights is None else draft.weights.data}
        row |= {"old_zone": draft.old_zone, "new_zone": draft.new_zone}
    return row


@functools.lru_cache(maxsize=1024)
def _map_key(scene_id: str, level: str, annotator: str, purpose: Purpose) -> MapKey:
    return MapKey(scene_id, level, annotator, purpose)


def _stroke(table: sa.Table, row: Mapping[Any, Any]) -> Correction | ZoneEdit:
    common: dict[str, Any] = {
        "map_key": _map_key(row["scene_id"], row["level"], row["annotator"], row["lane"]),
        "image_shape": (row["image_height"], row["image_width"]),
        "tool": json.loads(row["tool"]),
    }
    for name in ("base_digest", "kind", "undoes", "supersedes", "client_time", "stroke_id"):
        common[name] = row[name]
    for name in ("entry", "seq", "token", "server_time", "previous", "hash"):
        common[name] = row[name]
    whole = row["top"] is not None
    box = {name: row[name] for name in ("top", "left", "height", "width", "pixels")}
    if table is corrections:
        packed: dict[str, Any] = (
            {n: bytes(row[n]) for n in ("mask", "old_codes", "new_codes")} if whole else {}
        )
        return Correction(patch=PackedPatch(**box, **packed) if whole else None, **common)
    return ZoneEdit(
        weights=PackedWeights(**box, data=bytes(row["weights"])) if whole else None,
        old_zone=row["old_zone"],
        new_zone=row["new_zone"],
        **common,
    )
