"""A manifest of brackets from a table of one row a capture, for brackets whose files do not say their exposures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from iea40k.brackets.evs import FrameEvs, stated_evs
from iea40k.brackets.grouping import GroupingRules, group
from iea40k.capture import Capture, parse_time, read_capture
from iea40k.errors import BadInputError, IEAError, ManifestError, Place
from iea40k.files import inside
from iea40k.isolation import guarded
from iea40k.manifest_columns import OPTIONAL
from iea40k.roots import name_below
from iea40k.scene import check_scene_id
from iea40k.tables import Table, read_table
from pipelines.bracket_likeness import Likeness
from pipelines.bracket_rows import Found, add_scene, name_scenes

SETTINGS = ("exposure_time", "f_number", "iso")
COLUMNS = ("file", "scene_id", "ev", *SETTINGS, "reference")
_CARRIED = tuple(
    c for c in OPTIONAL if c not in ("evs", "exposures_sha256", "references", "references_sha256")
)


@dataclass(frozen=True)
class Row:
    """One row: its line, its capture with the table's settings in place of the file's, and its other cells."""

    line: int
    capture: Capture
    ev: float | None
    scene_id: str
    reference: Path | None
    set_here: bool
    carried: dict[str, str]


def brackets_of_table(
    file: Path, base: Path, rules: GroupingRules | None = None, *, digests: bool = True
) -> Found:
    """Return the brackets of a table of captures, with paths relative to `base`, the manifest's root.

    Columns: `file` (relative to the table's folder) and, each optional, `scene_id` (without it the captures are
    grouped as those of a folder are), `ev` in stops, or `exposure_time` ("1/60"), `f_number` and `iso` that take the
    place of the file's own, `reference` (a retouch of the scene), and the manifest's descriptive columns. Raises
    `ManifestError` with one entry a bad cell, and `BadInputError` where the table cannot be read.
    """
    rows = _rows(read_table(file))
    found = Found()
    by_path = {row.capture.path: row for row in rows}
    for captures in _scenes(rows, rules, found, base):
        scene = [by_path[c.path] for c in captures]

        def evs_of(kept: Sequence[Capture]) -> FrameEvs | None:
            return _evs([by_path[c.path] for c in kept])

        cells = add_scene(captures, _references(scene), base, found, digests=digests, evs_of=evs_of)
        if cells is not None:
            cells.update(_first_of_each(scene))
            if scene[0].scene_id:
                cells["scene_id"] = check_scene_id(scene[0].scene_id)
    name_scenes(found, file.parent, base)
    return found


def _scenes(
    rows: list[Row], rules: GroupingRules | None, found: Found, base: Path
) -> list[Sequence[Capture]]:
    named: dict[str, list[Capture]] = {}
    for row in rows:
        if row.scene_id:
            named.setdefault(row.scene_id, []).append(row.capture)
    grouped = group((row.capture for row in rows if not row.scene_id), rules, Likeness())
    found.left_out += [(name_below(base, c.path), reason) for c, reason in grouped.left_out]
    return [*named.values(), *grouped.scenes]


def _references(scene: list[Row]) -> list[Path]:
    return list(dict.fromkeys(row.reference for row in scene if row.reference is not None))


def _evs(scene: list[Row]) -> FrameEvs | None:
    table = [row.ev for row in scene if row.ev is not None]
    found = stated_evs([row.capture for row in scene], table if len(table) == len(scene) else None)
    return replace(found, source="table") if found and any(row.set_here for row in scene) else found


def _first_of_each(scene: list[Row]) -> dict[str, str]:
    cells: dict[str, str] = {}
    for row in scene:
        for column, value in row.carried.items():
            cells.setdefault(column, value)
    return cells


def _rows(table: Table) -> list[Row]:
    known = [*COLUMNS, *_CARRIED]
    columns = [str(c) for c in table.frame.columns]
    problems: list[IEAError] = [
        BadInputError(
            "the column is unknown",
            where=Place(table.file, 1, column),
            expected=", ".join(known),
            remedy=f"correct its name, or call it 'x_{column}' to carry it along",
        )
        for column in columns
        if column not in known and not column.startswith("x_")
    ]
    if "file" not in columns:
        problems.append(BadInputError("a column is missing", where=Place(table.file, 1), expected="'file'"))
    if problems:
        raise ManifestError(table.file, problems)
    rows = []
    for line, cells in zip(table.lines, table.frame.to_dict("records"), strict=True):
        reader = _Cells(table, line, {str(k): str(v) for k, v in cells.items()})
        row = reader.row()
        problems += reader.problems
        if row is not None:
            rows.append(row)
    problems += _disagreements(table, rows)
    if problems:
        raise ManifestError(table.file, problems)
    return rows


def _disagreements(table: Table, rows: list[Row]) -> list[IEAError]:
    problems: list[IEAError] = []
    first: dict[Path, int] = {}
    stated: dict[str, set[bool]] = {}
    for row in rows:
        earlier = first.setdefault(row.capture.path, row.line)
        if earlier != row.line:
            where = Place(table.file, row.line, "file")
            problems.append(
                BadInputError("the file is there already", where=where, got=f"as in line {earlier}")
            )
        stated.setdefault(row.scene_id, set()).add(row.ev is None)
    for row in rows:
        if row.ev is None and row.scene_id and len(stated[row.scene_id]) == 2:
            where = Place(table.file, row.line, "ev")
            problems.append(
                BadInputError(
                    "other captures of the scene have an EV, this one has none", where=where, expected="stops"
                )
            )
    return problems


class _Cells:
    """The cells of one row while they are parsed; collects problems instead of stopping at the first."""

    def __init__(self, table: Table, line: int, cells: dict[str, str]) -> None:
        self.table, self.line, self.cells = table, line, cells
        self.problems: list[IEAError] = []

    def row(self) -> Row | None:
        capture = self._capture()
        ev = self._number("ev", -20, 20)
        time = self._time()
        f_number, iso = self._number("f_number", 0.1, 1000), self._number("iso", 1, 1e7)
        reference = self._path("reference")
        if capture is None or self.problems:
            return None
        capture = replace(
            capture,
            exposure_time=time or capture.exposure_time,
            f_number=f_number or capture.f_number,
            iso=iso or capture.iso,
        )
        carried = {c: v for c, v in self.cells.items() if v and (c in _CARRIED or c.startswith("x_"))}
        return Row(
            self.line,
            capture,
            ev,
            self.cells.get("scene_id", ""),
            reference,
            any((time, f_number, iso)),
            carried,
        )

    def _capture(self) -> Capture | None:
        path = self._path("file")
        if path is None:
            if not self.cells["file"]:
                self._note("file", BadInputError("the cell is empty", expected="a file"))
            return None
        try:
            capture: Capture = guarded(read_capture, path)
        except IEAError as error:
            self._note("file", error)
            return None
        return capture

    def _path(self, column: str) -> Path | None:
        name = self.cells.get(column, "")
        if not name:
            return None
        try:
            path = inside(self.table.file.parent, name)
            if not path.is_file():
                raise BadInputError(
                    "there is no such file", expected=f"a file below {self.table.file.parent}", got=name
                )
        except IEAError as error:
            self._note(column, error)
            return None
        return path

    def _time(self) -> float | None:
        text = self.cells.get("exposure_time", "")
        try:
            return parse_time(text) if text else None
        except IEAError as error:
            self._note("exposure_time", error)
            return None

    def _number(self, column: str, least: float, most: float) -> float | None:
        text = self.cells.get(column, "")
        if not text:
            return None
        try:
            value = float(text.replace(",", ".") if self.table.decimal_comma else text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            self._note(
                column, BadInputError("not usable", expected=f"{least:g} ... {most:g}", got=repr(text))
            )
            return None
        return value

    def _note(self, column: str, error: IEAError) -> None:
        error.where = Place(self.table.file, self.line, column)
        error.args = (str(error),)
        self.problems.append(error)
