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
    names = [str(name) for name in table.frame.columns]
    labels = [(place, name) for place, name in enumerate(names) if is_label(name)]
    pairs = [
        (names.index(column), names.index(sums) if (sums := f"{column}_sha256") in names else None)
        for column in ("exposures", "references")
        if column in names
    ]
    scene_id = names.index("scene_id")
    for cells in zip(
        *(map(str, table.frame[column].tolist()) for column in table.frame.columns), strict=True
    ):
        digests: dict[str, str | None] = {}
        for files, sums_of in pairs:
            listed = split_cell(cells[files])
            noted = split_cell(cells[sums_of]) if sums_of is not None else ()
            given = noted if len(noted) == len(listed) else ("",) * len(listed)
            digests |= {name: sha.lower() or None for name, sha in zip(listed, given, strict=True)}
        yield cells[scene_id], {name: cells[place] for place, name in labels if cells[place]}, digests
