"""Parquet from anywhere, within bounds: a file of some kilobytes can stand for more than fits into memory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from iea40k.files import refuse_special


@dataclass(frozen=True)
class Bounds:
    """What a table may hold, at most: rows, columns, cells, and bytes of text with every cell written out."""

    rows: int = 10_000_000
    columns: int = 2_000
    cells: int = 200_000_000
    text: int = 4 << 30


def read_parquet(file: Path, bounds: Bounds | None = None) -> pa.Table:
    """Return a parquet file as a table. Raises `ValueError` where it holds more than `bounds`, `pa.ArrowException`,
    `OSError` or `ValueError` where it is damaged."""
    bounds = bounds or Bounds()
    refuse_special(file)
    # ParquetFile rather than read_table: the latter guesses partitions from folder names with "=" in them.
    with pq.ParquetFile(file) as found:
        rows, columns = found.metadata.num_rows, found.metadata.num_columns
        _refuse("rows", rows, bounds.rows)
        _refuse("columns", columns, bounds.columns)
        _refuse("cells", rows * columns, bounds.cells)
        wide = [field.name for field in found.schema_arrow if _is_text(field.type)]
    # Texts stay as they are stored, each once, until it is known what they come to.
    with pq.ParquetFile(file, read_dictionary=wide) as found:
        table = found.read()
    _refuse("bytes of text", sum(_text_bytes(column) for column in table.columns), bounds.text)
    fields = [_plain(field) for field in table.schema]
    plain = table.cast(pa.schema(fields, metadata=table.schema.metadata))
    plain.validate(full=True)  # a text that is no UTF-8 is told now, and not by whoever reads that cell
    return plain


def _refuse(what: str, found: int, most: int) -> None:
    if found > most:
        raise ValueError(f"it holds {found} {what}, and more than {most} are not read")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind))


def _plain(field: pa.Field) -> pa.Field:
    return field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field


def _text_bytes(column: pa.ChunkedArray) -> int:
    total = 0
    for chunk in column.chunks:
        if pa.types.is_dictionary(chunk.type) and _is_text(chunk.type.value_type):
            sizes: Any = pc.binary_length(chunk.dictionary).take(chunk.indices)
            total += pc.sum(sizes.cast(pa.int64())).as_py() or 0
    return total
