"""A digest of every row of a release's tables, so that a change names its row: a licence, an EV, a recipe, a split.

`tables/digests.parquet` has a row for each row of the other tables, in their order: `table`, `row` (from 0), `key` (the
image or scene) and `sha256` of the row as JSON: keys sorted, no spaces, numbers as Python writes them, null for none.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from iea40k.errors import CorruptDataError, IEAError, Place
from iea40k.store.release import content

SCHEMA = pa.schema(
    [("table", pa.string()), ("row", pa.int64()), ("key", pa.string()), ("sha256", pa.string())]
)


def row_digest(row: Mapping[str, Any]) -> str:
    """Return the sha256 (64 hex digits) of a table's row."""
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_rows(name: str, table: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield the rows of `tables/digests.parquet` for one table."""
    for number, row in enumerate(_records(table)):
        key = str(row.get("image_id") or row.get("scene_id"))
        yield {"table": name, "row": number, "key": key, "sha256": row_digest(row)}


def row_problems(path: Path, tables: Mapping[str, pa.Table], digests: pa.Table) -> Iterator[IEAError]:
    """Yield an error a row that is not what was published, is missing, or was added. `path` is the release's."""
    if digests.schema.remove_metadata() != SCHEMA:
        yield CorruptDataError(
            "not a table of digests", where=path / content.ROW_DIGESTS, got=str(digests.schema)
        )
        return
    kept = {(row["table"], row["row"]): row for row in digests.to_pylist()}
    for name, table in tables.items():
        file = path / content.TABLES / f"{name}.parquet"
        for found in digest_rows(name, table):
            published = kept.pop((name, found["row"]), None)
            if published is None:
                yield CorruptDataError("a row was added to a table", where=Place(file), got=found["key"])
            elif (published["key"], published["sha256"]) != (found["key"], found["sha256"]):
                yield CorruptDataError(
                    "a row of a table is not what was published",
                    where=Place(file, found["row"] + 1),
                    expected=f"{published['key']}, sha256 {published['sha256']}",
                    got=f"{found['key']}, sha256 {found['sha256']}",
                )
    for (name, number), row in kept.items():
        file = path / content.TABLES / f"{name}.parquet"
        yield CorruptDataError("a row of a table is missing", where=Place(file, number + 1), got=row["key"])


def _records(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=4096):
        yield from batch.to_pylist()
