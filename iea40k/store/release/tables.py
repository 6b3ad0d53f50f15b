"""The tables of a release, as Parquet: images, scenes, splits, and who corrected what.

Columns and types are fixed, so that tables of different releases can be joined. What a manifest carries beyond them
follows in columns of its own, sorted by name: an attribute with one value a level becomes a column of `images`, any
other a column of `scenes`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from iea40k.files import write_file_with
from iea40k.store.release import content
from iea40k.store.release.division import Division
from iea40k.store.release.plan import Plan, PlannedScene
from iea40k.store.release.rows import SCHEMA as ROW_DIGESTS
from iea40k.store.release.rows import digest_rows

FROM_MANIFEST = ("device", "super_class", "scene_class", "light", "source", "kind", "simulation")
"""Attributes of a scene that every release has as columns, empty where the manifest has none."""

IMAGES = pa.schema(
    [
        ("image_id", pa.string()),
        ("scene_id", pa.string()),
        ("level", pa.string()),
        ("ev", pa.float64()),
        ("frame", pa.string()),
        ("index", pa.int64()),
        ("scene_index", pa.int64()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("licence", pa.string()),
        *((name, pa.string()) for name in FROM_MANIFEST),
        ("suspicion", pa.float64()),
        ("mean_abs_residual", pa.float64()),
        ("score", pa.float64()),
        ("uncertainty", pa.float64()),
        ("valid_fraction", pa.float64()),
        ("touched_fraction", pa.float64()),
        ("sha256_exposure", pa.string()),
        ("sha256_residual", pa.string()),
    ]
)
SCENES = pa.schema(
    [
        ("scene_id", pa.string()),
        ("frame", pa.string()),
        ("index", pa.int64()),
        ("images", pa.int32()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("licence", pa.string()),
        *((name, pa.string()) for name in FROM_MANIFEST),
        ("composition", pa.string()),
        ("has_uncertainty", pa.bool_()),
        ("recipe_digest", pa.string()),
        ("recipe", pa.string()),
        ("sha256_reference", pa.string()),
    ]
)
PROVENANCE = pa.schema(
    [
        ("image_id", pa.string()),
        ("scene_id", pa.string()),
        ("level", pa.string()),
        ("annotator", pa.string()),
        ("purpose", pa.string()),
        ("corrections", pa.int64()),
        ("pixels", pa.int64()),
        ("first_at", pa.string()),
        ("last_at", pa.string()),
    ]
)

_PLACED = ("licence", "composition", *FROM_MANIFEST)

Row = Mapping[str, Any]


def write_tables(
    release: Path, plan: Plan, division: Division, image_rows: Iterable[Row], scene_rows: Iterable[Row]
) -> dict[str, list[dict[str, Any]]]:
    """Write the four tables and the digests of their rows below `release`; return the rows by table name."""
    measured = {(row["scene_id"], row["level"]): row for row in image_rows}
    found = {row["scene_id"]: row for row in scene_rows}
    images = [
        _image(s, i, measured[s.scene_id, s.levels[i]]) for s in plan.scenes for i in range(len(s.levels))
    ]
    scenes = [_scene(scene, division, found[scene.scene_id]) for scene in plan.scenes]
    provenance = [
        {"image_id": image_id(scene.scene_id, level), "scene_id": scene.scene_id, **entry}
        for scene in plan.scenes
        for level in scene.levels
        for entry in measured[scene.scene_id, level]["provenance"]
    ]
    splits = split_rows(plan, division)
    split_schema = pa.schema([(name, pa.string()) for name in splits[0]])
    tables = {
        "images": (images, IMAGES),
        "scenes": (scenes, SCENES),
        "splits": (splits, split_schema),
        "provenance": (provenance, PROVENANCE),
    }
    digests: list[dict[str, Any]] = []
    for name, (rows, schema) in tables.items():
        table = pa.Table.from_pylist(rows, _with_extras(schema, rows))
        digests += digest_rows(name, table)
        _write_table(release / content.TABLES / f"{name}.parquet", table)
    _write_table(release / content.ROW_DIGESTS, pa.Table.from_pylist(digests, ROW_DIGESTS))
    return {name: rows for name, (rows, _) in tables.items()}


def image_id(scene_id: str, level: str) -> str:
    """Return the id of an exposure: scene "a0001" at level "N1" is "a0001_N1"."""
    return f"{scene_id}_{level}"


def split_rows(plan: Plan, division: Division) -> list[dict[str, str]]:
    """Return one row a scene: its id, its split in every random scheme, and in those its manifest names."""
    return [
        {"scene_id": scene.scene_id, **{name: of[scene.scene_id] for name, of in division.splits.items()}}
        for scene in plan.scenes
    ]


# ---------------------------------------------------------------- private


def _write_table(file: Path, table: pa.Table) -> None:
    write_file_with(file, lambda path: pq.write_table(table, path))


def _image(scene: PlannedScene, position: int, measured: Row) -> dict[str, Any]:
    level = scene.levels[position]
    extras = {
        _free(name, IMAGES): value[level]
        for name, value in scene.attributes.items()
        if name not in _PLACED and _by_level(scene, value)
    }
    return {
        **extras,
        "image_id": image_id(scene.scene_id, level),
        "scene_id": scene.scene_id,
        "level": level,
        "ev": scene.evs[position],
        "frame": scene.frame,
        "index": scene.first_image + position,
        "scene_index": scene.index,
        "height": scene.shape[0],
        "width": scene.shape[1],
        "licence": scene.licence,
        **_from_manifest(scene),
        "suspicion": scene.review_priority[position],
        **{k: v for k, v in measured.items() if k in IMAGES.names},
    }


def _scene(scene: PlannedScene, division: Division, found: Row) -> dict[str, Any]:
    extras = {
        _free(name, SCENES): _cell(value)
        for name, value in scene.attributes.items()
        if name not in _PLACED and not name.startswith("split_") and not _by_level(scene, value)
    }
    return {
        **extras,
        **({} if scene.fusion is None else {"fusion_revision": scene.fusion}),
        "twins": "|".join(division.twins_of(scene.scene_id)),
        "scene_id": scene.scene_id,
        "frame": scene.frame,
        "index": scene.index,
        "images": len(scene.levels),
        "height": scene.shape[0],
        "width": scene.shape[1],
        "licence": scene.licence,
        **_from_manifest(scene),
        "composition": division.groups[scene.scene_id],
        "has_uncertainty": scene.has_uncertainty,
        "recipe_digest": scene.recipe_digest,
        "recipe": found["recipe"],
        "sha256_reference": found["sha256_reference"],
    }


def _from_manifest(scene: PlannedScene) -> dict[str, str]:
    return {name: str(scene.attributes.get(name) or "") for name in FROM_MANIFEST}


def _free(name: str, schema: pa.Schema) -> str:
    """Return a column's name for an attribute: its own, or "given_..." where the table has that name already."""
    return f"given_{name}" if name in schema.names else name


def _by_level(scene: PlannedScene, value: object) -> bool:
    return isinstance(value, Mapping) and set(value) == set(scene.levels)


def _cell(value: object) -> object:
    return value if isinstance(value, str | bool | int | float) or value is None else json.dumps(value)


def _with_extras(schema: pa.Schema, rows: Sequence[Row]) -> pa.Schema:
    """Return the schema with a column for each further key: numbers as float64, all else as text."""
    extras = sorted({key for row in rows for key in row} - set(schema.names))
    for name in extras:
        kinds = {type(row[name]) for row in rows if row.get(name) is not None}
        numeric = bool(kinds) and kinds <= {int, float}
        schema = schema.append(pa.field(name, pa.float64() if numeric else pa.string()))
        if not numeric:
            _as_text(rows, name)
    return schema


def _as_text(rows: Sequence[Row], name: str) -> None:
    for row in rows:
        value = row.get(name)
        if value is not None and not isinstance(value, str):
            row[name] = json.dumps(value)  # type: ignore[index]
