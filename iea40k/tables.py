"""Tables as text: CSV as spreadsheets write it, or parquet, with the file line of every row."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd

from iea40k.errors import BadInputError, IEAError, ManifestError, Place
from iea40k.files import AnyPath
from iea40k.parquet import Bounds, read_parquet

_BOUNDS = Bounds(rows=1_000_000, cells=5_000_000, text=1 << 30)
_MOST_BYTES = 1 << 28


@dataclass(frozen=True)
class Table:
    """A table of text as read: `frame` (every cell a str, "" where empty) and the file line of each row."""

    file: Path
    frame: pd.DataFrame
    lines: tuple[int, ...]
    decimal_comma: bool = False


def read_table(file: AnyPath) -> Table:
    """Read a CSV (UTF-8, with or without BOM; comma, semicolon or tab; any line ends) or parquet as text.

    Raises `BadInputError` where the file is missing, empty, not UTF-8 or not a table, and `ManifestError`
    listing every row with too many or too few cells.
    """
    file = Path(file)
    if not file.is_file():
        raise BadInputError("there is no such file", where=file, remedy="check the path of the manifest")
    if file.suffix.lower() == ".parquet":
        return _read_parquet(file)
    return _read_csv(file)


class _Reader(Protocol):
    """What `csv.reader` returns; the standard library does not name the type."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


def _read_parquet(file: Path) -> Table:
    try:
        frame = read_parquet(file, _BOUNDS).to_pandas()
    except Exception as error:  # pyarrow raises many unrelated types for a file that is not parquet
        raise BadInputError("not a parquet file", where=file, got=str(error)) from error
    frame = frame.astype(object).where(frame.notna(), "").astype(str)
    frame.columns = [str(c).strip() for c in frame.columns]
    return Table(file, frame, tuple(range(1, len(frame) + 1)))


def _read_csv(file: Path) -> Table:
    if file.stat().st_size > _MOST_BYTES:
        raise BadInputError(
            "the table is too large",
            where=file,
            expected=f"at most {_MOST_BYTES >> 20} MiB",
            got=f"{file.stat().st_size >> 20} MiB",
            remedy="divide it into several",
        )
    data = file.read_bytes()
    if not data.strip():
        raise BadInputError("the table is empty", where=file, expected="a header line and a row a scene")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BadInputError(
            "the table is UTF-16", where=file, expected="UTF-8", remedy="in Excel, save as 'CSV UTF-8'"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInputError(
            "the table is not UTF-8",
            where=Place(file, data[: error.start].count(b"\n") + 1),
            expected="UTF-8",
            got=f"byte {data[error.start]:#04x}",
            remedy="in Excel, save as 'CSV UTF-8'",
        ) from error
    header = text.lstrip("\r\n").splitlines()[0]
    delimiter = max((",", ";", "\t"), key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    return _rows_to_table(file, reader, delimiter)


def _rows_to_table(file: Path, reader: "_Reader", delimiter: str) -> Table:
    header: list[str] = []
    rows: list[list[str]] = []
    lines: list[int] = []
    problems: list[IEAError] = []
    start = 1
    try:
        for row in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in row):
                continue
            if not header:
                header = [cell.strip() for cell in row]
                if len(header) > _BOUNDS.columns:
                    raise csv.Error(
                        f"it has {len(header)} columns, and more than {_BOUNDS.columns} are not read"
                    )
            elif len(row) != len(header):
                problems.append(_ragged(file, line, header, row))
            else:
                rows.append([cell.strip() for cell in row])
                lines.append(line)
    except csv.Error as error:
        raise BadInputError("the CSV cannot be read", where=Place(file, start), got=str(error)) from error
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise BadInputError("columns appear twice", where=Place(file, 1), got=", ".join(repeated))
    if problems:
        raise ManifestError(file, problems)
    frame = pd.DataFrame(rows, columns=pd.Index(header), dtype=str)
    return Table(file, frame, tuple(lines), decimal_comma=delimiter == ";")


def _ragged(file: Path, line: int, header: list[str], row: list[str]) -> IEAError:
    return BadInputError(
        "the row has another number of cells than the header",
        where=Place(file, line),
        expected=f"{len(header)} cells",
        got=str(len(row)),
        remedy="quote cells that contain the separator",
    )
