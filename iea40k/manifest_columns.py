"""The columns of a manifest, and what is wrong with a table's header, its cells one by one, and its ids together."""

from collections.abc import Callable
from typing import TYPE_CHECKING, get_args

from iea40k.errors import BadInputError, IEAError, Place
from iea40k.scene import Kind, check_scene_id
from iea40k.tables import Table

if TYPE_CHECKING:
    import pandera.pandas as pa

REQUIRED = ("scene_id", "kind", "exposures")
OPTIONAL = (
    "evs",
    "exposures_sha256",
    "references",
    "experts",
    "references_sha256",
    "simulation",
    "licence",
    "device",
    "super_class",
    "scene_class",
    "light",
    "source",
    "generator",
    "missing",
    "root",
)
COLUMNS = (*REQUIRED, *OPTIONAL)
KINDS: tuple[str, ...] = get_args(Kind)
SIMULATIONS = ("", "ev", "messias")


def _valid_scene_id(cell: str) -> bool:
    try:
        check_scene_id(cell)
    except BadInputError:
        return False
    return True


_CELLS: dict[str, tuple[Callable[[str], bool], str]] = {
    "scene_id": (_valid_scene_id, "letters, digits, spaces and . _ ( ) + , @ = -; at most 128"),
    "kind": (KINDS.__contains__, f"one of {', '.join(KINDS)}"),
    "exposures": (bool, "at least one path"),
    "simulation": (SIMULATIONS.__contains__, "'ev', 'messias' or nothing"),
}
"""Column -> whether a cell may stand in it, and what should."""


def _schema() -> "pa.DataFrameSchema":
    import pandera.pandas as pa  # a second, and only bad manifests want it

    return pa.DataFrameSchema(
        {
            name: pa.Column(
                str, pa.Check(allowed, element_wise=True, error=expected), required=name in REQUIRED
            )
            for name, (allowed, expected) in _CELLS.items()
        }
    )


def column_problems(table: Table) -> list[IEAError]:
    """Return what is wrong with the header: without the right columns no row can be judged."""
    missing: list[IEAError] = [
        BadInputError(
            "a column is missing",
            where=Place(table.file, 1, name),
            expected=f"at least the columns {', '.join(REQUIRED)}",
            got=", ".join(map(str, table.frame.columns)) or "none",
        )
        for name in REQUIRED
        if name not in table.frame.columns
    ]
    return missing + [_unknown_column(table, str(c)) for c in table.frame.columns if not _known(str(c))]


def cell_problems(table: Table) -> list[IEAError]:
    """Return what is wrong with cells, each by itself."""
    present = ((name, allowed) for name, (allowed, _) in _CELLS.items() if name in table.frame.columns)
    if all(allowed(cell) for name, allowed in present for cell in table.frame[name].tolist()):
        return []
    from pandera.errors import SchemaErrors

    try:
        _schema().validate(table.frame, lazy=True)
    except SchemaErrors as error:
        return [
            BadInputError(
                "the cell is not usable",
                where=Place(table.file, table.lines[int(case["index"])], str(case["column"])),
                expected=str(case["check"]),
                got=repr(case["failure_case"]),
            )
            for case in error.failure_cases.to_dict("records")
        ]
    return []


def no_rows(table: Table) -> IEAError:
    """Return the error for a table without rows."""
    return BadInputError("the table has no rows", where=Place(table.file), expected="a row a scene")


def _known(column: str) -> bool:
    return column in COLUMNS or column.startswith(("x_", "split_"))


def _unknown_column(table: Table, column: str) -> IEAError:
    return BadInputError(
        "the column is unknown",
        where=Place(table.file, 1, column),
        expected=", ".join(COLUMNS),
        remedy=f"correct its name, or call it 'x_{column}' to carry it along",
    )


def duplicates(table: Table) -> list[IEAError]:
    """Return an error for each row of scenes whose ids are one."""
    first: dict[str, int] = {}
    problems: list[IEAError] = []
    for line, scene_id in zip(table.lines, table.frame["scene_id"], strict=True):
        # Windows and macOS fold case in file names, so two ids that differ by case alone are one folder.
        earlier = first.setdefault(str(scene_id).casefold(), line)
        if earlier != line:
            # Neither row is built: which of them is meant only the curator knows.
            problems += [_twice(table, a, b, str(scene_id)) for a, b in ((line, earlier), (earlier, line))]
    return problems


def _twice(table: Table, line: int, other: int, scene_id: str) -> IEAError:
    return BadInputError(
        "two rows have the same scene id (upper and lower case count as equal)",
        where=Place(table.file, line, "scene_id"),
        expected="an id of its own",
        got=f"{scene_id!r}, as in line {other}",
    )
