"""The vocabularies of scene classes, lights and devices: read, checked against, and mapped from FiveK's categories.

The tables lie in `manifests/taxonomies`. What the FiveK metadata cannot honestly tell stays empty, for people to fill
through a table of labels that a spreadsheet opens.
"""

import csv
import difflib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pandas as pd

from iea40k.errors import BadInputError, IEAError, ManifestError, Place
from iea40k.files import write_atomic
from iea40k.manifest import Manifest
from iea40k.tables import read_table

LABELS = ("super_class", "scene_class", "light", "device")


@dataclass(frozen=True)
class Taxonomy:
    """The allowed words. `scene_classes` gives each class its super-class; `fivek` maps category pairs to labels."""

    super_classes: tuple[str, ...]
    scene_classes: Mapping[str, str]
    lights: tuple[str, ...]
    devices: tuple[str, ...]
    fivek: tuple[tuple[Mapping[str, str], Mapping[str, str]], ...]

    def from_fivek(self, categories: Mapping[str, str]) -> dict[str, str]:
        """Return the labels that FiveK's categories support, "" where they support none."""
        labels = {"super_class": "", "scene_class": "", "light": ""}
        for needs, gives in self.fivek:
            if all(categories.get(name) == value for name, value in needs.items()):
                labels.update(gives)
        return labels

    def faults(self, cells: Mapping[str, str]) -> dict[str, str]:
        """Return what is wrong with a row's labels: column -> what was expected. Empty cells are never wrong."""
        wrong: dict[str, str] = {}
        allowed = {
            "super_class": self.super_classes,
            "scene_class": tuple(self.scene_classes),
            "light": self.lights,
        }
        for column, words in allowed.items():
            if cells.get(column, "") not in ("", *words):
                wrong[column] = "one of " + ", ".join(words)
        owner = self.scene_classes.get(cells.get("scene_class", ""))
        if owner and cells.get("super_class", "") not in ("", owner):
            wrong["scene_class"] = (
                f"a class of '{cells['super_class']}' ('{cells['scene_class']}' is of '{owner}')"
            )
        return wrong


def load_taxonomy() -> Taxonomy:
    """Return the taxonomy that ships with the project."""
    classes = _rows("scene_classes.csv")
    mapping = [
        (
            {name: row[name] for name in ("location", "time", "light", "subject") if row[name]},
            {name: row[f"gives_{name}"] for name in ("super_class", "light") if row[f"gives_{name}"]},
        )
        for row in _rows("fivek_categories.csv")
    ]
    return Taxonomy(
        tuple(dict.fromkeys(row["super_class"] for row in classes)),
        {row["scene_class"]: row["super_class"] for row in classes},
        tuple(row["light"] for row in _rows("lights.csv")),
        tuple(row["device"] for row in _rows("devices.csv")),
        tuple(mapping),
    )


def unknown_words(manifest: Manifest, taxonomy: Taxonomy) -> list[IEAError]:
    """Return an error for each label of a manifest that the taxonomy does not have, with the nearest word of it."""
    found: list[IEAError] = []
    for scene in manifest.scenes:
        for column, expected in taxonomy.faults(scene.attributes).items():
            got = scene.attributes.get(column, "")
            near = difflib.get_close_matches(got, expected.removeprefix("one of ").split(", "), n=1)
            found.append(
                BadInputError(
                    "the taxonomy does not know the word",
                    where=Place(manifest.file, manifest.lines.get(scene.scene_id), column),
                    expected=expected,
                    got=repr(got),
                    remedy=f"write '{near[0]}'"
                    if near
                    else "see manifests/taxonomies, or leave the cell empty",
                )
            )
    return found


def write_labels(manifest: Path, file: Path) -> int:
    """Write a table of labels for people to fill, a row a scene with its hints; return the number of rows.

    UTF-8 with a byte order mark, so that spreadsheets read it rightly. Columns: scene_id, the labels, then whatever own
    columns (`x_…`) the manifest has, as hints.
    """
    frame = read_table(manifest).frame
    _need_ids(frame, manifest)
    hints = [str(c) for c in frame.columns if str(c).startswith("x_")]
    table = frame.reindex(columns=["scene_id", *LABELS, *hints], fill_value="")
    write_atomic(file, table.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig"))
    return len(table)


def apply_labels(manifest: Path, labels: Path, taxonomy: Taxonomy) -> pd.DataFrame:
    """Return the manifest's rows with the labels of a filled table; an empty cell changes nothing.

    A scene class fills its super-class in. Raises `ManifestError` with every wrong cell: an unknown word, a class under
    another super-class, a scene that the manifest does not have, a scene twice.
    """
    rows, table = read_table(manifest).frame, read_table(labels)
    for frame, file in ((rows, manifest), (table.frame, labels)):
        _need_ids(frame, file)
    index = {str(scene_id): i for i, scene_id in enumerate(rows["scene_id"])}
    problems: list[IEAError] = []
    seen: set[str] = set()
    new = [column for column in LABELS if column not in rows.columns]
    labelled = rows.reindex(columns=[*rows.columns, *new], fill_value="")
    for line, cells in zip(table.lines, table.frame.to_dict("records"), strict=True):
        scene_id = str(cells["scene_id"])
        given = {c: str(cells.get(c, "")) for c in LABELS if cells.get(c, "")}
        if scene_id not in index or scene_id in seen:
            expected = "each scene once" if scene_id in seen else f"a scene of {manifest.name}"
            problems.append(_wrong(labels, line, "scene_id", expected, scene_id))
            continue
        seen.add(scene_id)
        faults = taxonomy.faults(given)
        problems += [_wrong(labels, line, column, want, given[column]) for column, want in faults.items()]
        if not faults and given.get("scene_class"):
            given["super_class"] = taxonomy.scene_classes[given["scene_class"]]
        for column, value in given.items():
            labelled.loc[labelled.index[index[scene_id]], column] = value
    if problems:
        raise ManifestError(labels, problems, remedy="correct the cells named below; no label was taken over")
    return labelled


def _need_ids(frame: pd.DataFrame, file: Path) -> None:
    if "scene_id" not in frame.columns:
        raise BadInputError(
            "a column is missing", where=Place(file, 1, "scene_id"), got=", ".join(frame.columns)
        )


def _wrong(file: Path, line: int, column: str, expected: str, got: str) -> IEAError:
    return BadInputError(
        "the cell is not usable", where=Place(file, line, column), expected=expected, got=repr(got)
    )


def _rows(name: str) -> list[dict[str, str]]:
    text = files("manifests.taxonomies").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))
