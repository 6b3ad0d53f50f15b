"""What a tree in the published layout holds: which scenes can be read, from which files, and what is wrong."""

import math
import os
from dataclasses import dataclass, field
from pathlib import Path

from iea40k.errors import BadInputError, IEAError, ManifestError, Place
from iea40k.scene import ev_of_level
from iea40k.tables import read_table
from pipelines.official.names import (
    IMAGES,
    LABELS,
    REFERENCES,
    TABLES,
    composed,
    image_id,
    official_split,
    parse_image_id,
    reference_id,
)


@dataclass
class OfficialExposure:
    """One exposure: its files, its score as the tables give it (None where they do not), which tables list it, and the
    text of the score in each of them."""

    image: Path
    label: Path
    score: float | None = None
    tables: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()


@dataclass
class OfficialScene:
    """One scene: its reference, its exposures by level, and its published split ("" where unknown)."""

    scene_id: str
    reference: Path
    exposures: dict[str, OfficialExposure] = field(default_factory=dict)
    split: str = ""

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels, darkest first."""
        return tuple(sorted(self.exposures, key=ev_of_level))


@dataclass(frozen=True)
class OfficialTree:
    """The scenes whose files are all there, and a problem for everything else."""

    scenes: tuple[OfficialScene, ...]
    problems: tuple[IEAError, ...]


@dataclass(frozen=True)
class _Row:
    place: Place
    table: str
    score: float
    cell: str


def read_tree(root: Path) -> OfficialTree:
    """Return the scenes of a tree in the published layout, whose folders may lie anywhere below `root`.

    An image without its label, a label without its image, a row without either, and a scene without its reference are
    problems and cost just themselves. Raises `BadInputError` where a folder of the layout is absent or there twice.
    """
    folders, tables = find_folders(root)
    problems: list[IEAError] = []
    rows = _read_tables(tables, problems)
    images = _images(folders[IMAGES], problems)
    labels = {
        composed(p.stem): p
        for p in sorted(folders[LABELS].iterdir())
        if p.suffix == ".npy" and not p.name.startswith(".")
    }
    references = {composed(p.name): p for p in sorted(folders[REFERENCES].iterdir())}
    scenes: dict[str, OfficialScene] = {}
    for name in sorted({*images, *rows}):
        scene_id, level = parse_image_id(name)
        stem, given = name.removesuffix(".png"), rows.get(name, [])
        lacking = [
            what for what, there in (("image", name in images), ("label", stem in labels)) if not there
        ]
        if lacking:
            problems.append(_incomplete(name, lacking, given, folders))
            continue
        exposure = OfficialExposure(images[name], labels[stem])
        if given:
            cells = {row.table: row.cell for row in reversed(given)}
            exposure.score, exposure.tables = given[0].score, tuple(sorted(cells))
            exposure.cells = tuple(cells[table] for table in exposure.tables)
        reference = reference_id(scene_id)
        scene = scenes.setdefault(
            scene_id, OfficialScene(scene_id, references.get(reference, folders[REFERENCES] / reference))
        )
        scene.exposures[level] = exposure
    seen = {name.removesuffix(".png") for name in {*images, *rows}}
    problems += [_orphan(labels[stem]) for stem in sorted(labels.keys() - seen)]
    kept = [scene for scene in scenes.values() if _judge(scene, problems)]
    return OfficialTree(tuple(kept), tuple(problems))


def find_folders(root: Path) -> tuple[dict[str, Path], list[Path]]:
    """Return the three folders of a tree in the published layout, and its tables; raises as `read_tree` does."""
    names = {table for tables in TABLES.values() for table in tables}
    folders: dict[str, list[Path]] = {IMAGES: [], LABELS: [], REFERENCES: []}
    found: list[Path] = []
    for parent, inner, files in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in set(inner) & set(folders):
            folders[name].append(Path(parent) / name)
        inner[:] = [name for name in inner if name not in folders]
        found += [Path(parent) / name for name in sorted(files) if name in names]
    for name, places in folders.items():
        if len(places) != 1:
            raise BadInputError(
                f"the published layout has one folder '{name}'",
                where=root,
                expected=f"{IMAGES}/, label/{LABELS}/, label/{REFERENCES}/",
                got=", ".join(map(str, places)) or "none",
            )
    return {name: places[0] for name, places in folders.items()}, found


def _read_tables(files: list[Path], problems: list[IEAError]) -> dict[str, list[_Row]]:
    rows: dict[str, list[_Row]] = {}
    for file in files:
        try:
            table = read_table(file)
        except ManifestError as error:
            problems += error.problems
            continue
        absent = {"img_id", "ref_id", "score"} - set(map(str, table.frame.columns))
        if absent:
            raise BadInputError(
                "columns are missing", where=Place(file, 1), expected=", ".join(sorted(absent))
            )
        for line, cells in zip(table.lines, table.frame.to_dict("records"), strict=True):
            try:
                name, score = _parse_row(cells["img_id"], cells["ref_id"], cells["score"])
            except BadInputError as error:
                problems.append(error.located(Place(file, line)))
                continue
            row = _Row(Place(file, line), file.name.removesuffix(".csv"), score, cells["score"])
            known = rows.setdefault(name, [])
            if known and known[0].score != score:
                problems.append(_conflict(name, known[0], row))
            else:
                known.append(row)
    return rows


def _parse_row(name: str, reference: str, score: str) -> tuple[str, float]:
    scene_id, _ = parse_image_id(name)
    if composed(reference) != reference_id(scene_id):
        raise BadInputError(
            "the reference is another scene's", expected=reference_id(scene_id), got=reference[:200]
        )
    try:
        value = float(score)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 10:
        raise BadInputError("not a score", expected="a number from 0 to 10", got=score[:200])
    return composed(name), value


def _images(folder: Path, problems: list[IEAError]) -> dict[str, Path]:
    names: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        if file.name.startswith(".") or file.suffix.lower() != ".png":
            continue
        try:
            parse_image_id(file.name)
            names[composed(file.name)] = file
        except BadInputError as error:
            problems.append(error.located(file))
    return names


def _judge(scene: OfficialScene, problems: list[IEAError]) -> bool:
    if not scene.reference.is_file():
        problems.append(
            BadInputError(
                f"{scene.scene_id}: the reference is missing, so the scene is left out",
                where=scene.reference,
                got=f"{len(scene.exposures)} exposures without it",
            )
        )
        return False
    splits = {table.split("_")[0] for exposure in scene.exposures.values() for table in exposure.tables}
    if len(splits) > 1:
        problems.append(
            BadInputError(
                f"{scene.scene_id}: a scene is in two splits, so it is left out",
                expected="all its exposures in one split",
                got=" and ".join(sorted(splits)),
                remedy="correct the tables: a model would be judged by what it has learnt from",
            )
        )
        return False
    scene.split = splits.pop() if splits else official_split(scene.scene_id)
    return True


def _incomplete(name: str, lacking: list[str], rows: list[_Row], folders: dict[str, Path]) -> IEAError:
    scene_id, level = parse_image_id(name)
    return BadInputError(
        f"{image_id(scene_id, level)}: its {' and its '.join(lacking)} is missing, so the exposure is left out",
        where=rows[0].place if rows else folders[IMAGES] / name,
        expected=f"{folders[IMAGES].name}/{name} and {folders[LABELS].name}/{name.removesuffix('.png')}.npy",
    )


def _orphan(file: Path) -> IEAError:
    return BadInputError("a label without its image is left out", where=file)


def _conflict(name: str, first: _Row, second: _Row) -> IEAError:
    return BadInputError(
        f"{name}: two rows give different scores; the first counts",
        where=second.place,
        expected=f"{first.score:g}, as in {first.place}",
        got=f"{second.score:g}",
    )
