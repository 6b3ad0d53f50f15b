"""What a manifest says of scenes that are built already: their labels and digests, without their photographs."""

from collections.abc import Iterator
from pathlib import Path

from iea40k.errors import IEAError, ManifestError
from iea40k.files import AnyPath
from iea40k.label_names import is_label
from iea40k.manifest import split_cell
from iea40k.manifest_columns import cell_problems, column_problems, duplicates, no_rows
from iea40k.tables import read_table


def read_rows(file: AnyPath) -> Iterator[tuple[str, dict[str, str], dict[str, str | None]]]:
    """Yield of every row: the scene's id, its labels that are not empty, and the sha256 of its files by name.

    A file whose sha256 is not given has None. Raises `ManifestError` with every cell that cannot be used.
    """
    file = Path(file)
    table = read_table(file)
    problems: list[IEAError] = column_problems(table)
    if not problems:
        problems = [no_rows(table)] if table.frame.empty else cell_problems(table) + duplicates(table)
    if problems:
        raise ManifestError(file, problems, remedy="correct the cells named below")
    for cells in table.frame.to_dict("records"):
        row = {str(name): str(cell) for name, cell in cells.items()}
        labels = {name: cell for name, cell in row.items() if is_label(name) and cell}
        digests: dict[str, str | None] = {}
        for column in ("exposures", "references"):
            names, sums = split_cell(row.get(column, "")), split_cell(row.get(f"{column}_sha256", ""))
            given = sums if len(sums) == len(names) else ("",) * len(names)
            digests |= {name: sha.lower() or None for name, sha in zip(names, given, strict=True)}
        yield row["scene_id"], labels, digests
