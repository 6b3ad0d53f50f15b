"""Manifests: one row a scene, as CSV or parquet; every bad cell of a file is reported at once.

Cells that hold several values separate them by `|`, which no file name may contain on Windows. Paths are relative to
the manifest's root and may not leave it, symlinks included: its own folder, or the one that the column `root` names.
Columns are listed in
`manifests/README.md`; a column of the user's own is carried along when its name starts with `x_`, and one whose name
starts with `split_` gives each scene its split (train, valid, test) in a scheme of that name.
"""

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pandas as pd

from iea40k.errors import BadInputError, IEAError, ManifestError, Place
from iea40k.files import AnyPath, inside, sha256_file, write_file_with
from iea40k.manifest_columns import (
    COLUMNS,
    cell_problems,
    column_problems,
    duplicates,
    no_rows,
)
from iea40k.roots import SEPARATOR, recorded_root
from iea40k.scene import Kind, Scene, SourceFile
from iea40k.tables import Table, read_table

_SHA256 = re.compile(r"^[0-9a-f]{64}$")


@dataclass(frozen=True)
class Manifest:
    """A parsed manifest: its root, scenes in the file's order, the line of each, and what is wrong with other rows."""

    file: Path
    root: Path
    scenes: tuple[Scene, ...]
    lines: dict[str, int] = field(default_factory=dict)
    problems: tuple[IEAError, ...] = ()


def read_manifest(
    file: AnyPath, *, root: AnyPath | None = None, check_digests: bool = False, keep_going: bool = False
) -> Manifest:
    """Read and check a manifest; return its scenes.

    `root` takes the place of the recorded one, where the files have moved. With `check_digests`, every file with a
    given sha256 is read and compared now; a build compares each when it comes to it. Raises `ManifestError` with one
    entry a bad cell: file, line, column, expected, got. With `keep_going`, bad rows are left out of `scenes` and named
    in `problems` instead; a wrong header or a root that is not there still raises.
    """
    file = Path(file)
    table = read_table(file)
    problems = column_problems(table)
    if problems or table.frame.empty:
        raise ManifestError(file, problems or [no_rows(table)])
    base = root_of(table) if root is None else Path(root)
    problems = cell_problems(table) + duplicates(table)
    judged = {(p.where.line, p.where.column) for p in problems if isinstance(p.where, Place)}
    scenes: dict[int, Scene] = {}
    for line, cells in zip(table.lines, table.frame.to_dict("records"), strict=True):
        row = _Row(table, base, line, {str(k): str(v) for k, v in cells.items()})
        sources = row.sources(check_digests)
        problems += [p for p in row.problems if (line, _column(p)) not in judged]
        if not row.problems and all(line != judged_line for judged_line, _ in judged):
            scenes[line] = row.scene(*sources)
    problems.sort(key=_order)
    if problems and not keep_going:
        raise ManifestError(file, problems)
    lines = {scene.scene_id: line for line, scene in scenes.items()}
    return Manifest(file, base, tuple(scenes.values()), lines, tuple(problems))


def write_manifest(rows: pd.DataFrame, file: AnyPath, *, root: str = "") -> None:
    """Write rows as CSV (UTF-8, comma, LF) or parquet by suffix, whole or not at all, columns in a fixed order.

    `root` is what `iea40k.roots.root_for` records; "" where the paths are relative to the manifest's folder.
    """
    file = Path(file)
    if root:
        rows = rows.assign(root=root)
    own = sorted(c for c in rows.columns if c not in COLUMNS)
    ordered = rows.reindex(columns=[*(c for c in COLUMNS if c in rows.columns), *own]).fillna("").astype(str)
    if file.suffix.lower() == ".parquet":
        write_file_with(file, lambda path: ordered.to_parquet(path, index=False))
    else:
        write_file_with(file, lambda path: ordered.to_csv(path, index=False, lineterminator="\n"))


def checked_digest(source: SourceFile) -> str:
    """Return the sha256 of a source file. Raises `BadInputError` where its manifest gives another."""
    found = sha256_file(source.path)
    if source.sha256 not in (None, found):
        raise BadInputError(
            "the file is not the one the manifest describes",
            where=source.path,
            expected=f"sha256 {source.sha256}",
            got=f"sha256 {found}",
            remedy="fetch the file again, or make the manifest anew if the change is meant",
        )
    return found


def split_cell(cell: str) -> tuple[str, ...]:
    """Return the values of a cell: "a|b" -> ("a", "b"), "" -> ()."""
    return tuple(part.strip() for part in cell.split(SEPARATOR)) if cell.strip() else ()


def root_of(table: Table) -> Path:
    """Return the folder that a manifest's paths are relative to: its own, or the one that the column `root` names."""
    cells = [str(cell) for cell in table.frame["root"]] if "root" in table.frame.columns else [""]
    odd = next((i for i, cell in enumerate(cells) if cell != cells[0]), None)
    if odd is not None:
        raise BadInputError(
            "the rows name two roots",
            where=Place(table.file, table.lines[odd], "root"),
            expected=f"{cells[0]!r}, as in line {table.lines[0]}",
            got=repr(cells[odd]),
            remedy="make one manifest for each root",
        )
    return recorded_root(table.file, cells[0], table.lines[0]) if cells[0] else table.file.parent


class _Row:
    """One row while it is parsed: collects its problems instead of stopping at the first."""

    def __init__(self, table: Table, root: Path, line: int, cells: dict[str, str]) -> None:
        self.table, self.root, self.line, self.cells = table, root, line, cells
        self.problems: list[IEAError] = []

    def sources(self, check_digests: bool) -> tuple[tuple[SourceFile, ...], tuple[SourceFile, ...]]:
        """Return the exposure and reference files, and note every problem of the row's cells."""
        exposures = self._files("exposures", "exposures_sha256", check_digests)
        references = self._files("references", "references_sha256", check_digests)
        kind = self.cells["kind"]
        if kind in ("raw", "rendered") and len(exposures) > 1:
            self._note("exposures", f"one file for kind '{kind}'", f"{len(exposures)} files")
        if kind == "bracket" and len(exposures) == 1:
            self._note("exposures", "two captures or more for kind 'bracket'", "one")
        if kind == "bracket" and self.cells.get("simulation"):
            self._note("simulation", "nothing for kind 'bracket'", self.cells["simulation"])
        self._count("evs", len(self._evs() or ()), len(exposures) if kind == "bracket" else 0)
        self._count("experts", len(split_cell(self.cells.get("experts", ""))), len(references))
        return exposures, references

    def scene(self, exposures: tuple[SourceFile, ...], references: tuple[SourceFile, ...]) -> Scene:
        """Return the parsed scene of a row without problems."""
        parsed = {
            "scene_id",
            "kind",
            "exposures",
            "evs",
            "exposures_sha256",
            "references",
            "references_sha256",
            "root",
        }
        kind = cast("Kind", self.cells["kind"])
        return Scene(
            scene_id=self.cells["scene_id"],
            kind=kind,
            exposures=exposures,
            evs=self._evs(),
            references=references,
            experts=split_cell(self.cells.get("experts", "")) or ("",) * len(references),
            simulation=self.cells.get("simulation", "") or ("" if kind == "bracket" else "ev"),
            attributes={k: v for k, v in self.cells.items() if k not in parsed and v},
        )

    def _evs(self) -> tuple[float, ...] | None:
        parts = split_cell(self.cells.get("evs", ""))
        values: list[float] = []
        for part in parts:
            try:
                values.append(float(part.replace(",", ".") if self.table.decimal_comma else part))
            except ValueError:
                values.append(math.nan)
            if not -20 <= values[-1] <= 20:
                self._note("evs", "stops between -20 and 20, separated by '|'", repr(part))
        return tuple(values) or None

    def _files(self, column: str, digests: str, check_digests: bool) -> tuple[SourceFile, ...]:
        names = split_cell(self.cells.get(column, ""))
        sums = split_cell(self.cells.get(digests, ""))
        self._count(digests, len(sums), len(names))
        found: list[SourceFile] = []
        for index, name in enumerate(names):
            sha256 = sums[index].lower() if len(sums) == len(names) and sums[index] else None
            if sha256 is not None and not _SHA256.fullmatch(sha256):
                self._note(digests, "64 hex digits", repr(sha256))
                sha256 = None
            try:
                source = SourceFile(_existing(self.root, name), name, sha256)
                if check_digests and sha256 is not None:
                    checked_digest(source)
            except IEAError as error:
                error.where = Place(self.table.file, self.line, column)
                error.args = (str(error),)
                self.problems.append(error)
            else:
                found.append(source)
        repeated = {n for n in names if names.count(n) > 1}
        if repeated:
            self._note(column, "each file once", ", ".join(sorted(repeated)))
        return tuple(found) if len(found) == len(names) else tuple(found[:1]) * len(names)

    def _count(self, column: str, got: int, expected: int) -> None:
        if got not in (0, expected):
            self._note(column, f"{expected} values separated by '|', or nothing", f"{got} values")

    def _note(self, column: str, expected: str, got: str) -> None:
        self.problems.append(
            BadInputError(
                "the cell is not usable",
                where=Place(self.table.file, self.line, column),
                expected=expected,
                got=got,
            )
        )


def _existing(root: Path, name: str) -> Path:
    path = inside(root, name)
    try:
        there = path.is_file()
    except OSError:  # a name that is too long for the file system
        there = False
    if not there:
        raise BadInputError(
            "there is no such file",
            expected=f"a file below {root}",
            got=name,
            remedy="correct the path, add --root FOLDER where all files have moved, or take the row out for now",
        )
    return path


def _column(problem: IEAError) -> str | None:
    return problem.where.column if isinstance(problem.where, Place) else None


def _order(problem: IEAError) -> tuple[int, str]:
    line = problem.where.line if isinstance(problem.where, Place) else None
    return line or 0, _column(problem) or ""
