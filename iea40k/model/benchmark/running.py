"""The run: every model on every split, a cell at a time; a cell that is there is not measured again."""

import io
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from iea40k.errors import AlreadyExistsError, BadInputError, IEAError
from iea40k.faults import item_fault
from iea40k.files import AnyPath, write_atomic
from iea40k.model.benchmark.contenders import (
    Contender,
    check_labels,
    check_settings,
    training_of,
)
from iea40k.model.benchmark.measuring import Row, ceiling, image_id, measure
from iea40k.model.benchmark.predicting import make_ready, seen_before
from iea40k.model.benchmark.writing import Table, write_benchmark
from iea40k.model.data.release_samples import ReleaseSamples
from iea40k.model.training.config import TrainingConfig
from iea40k.recipe import without_nan
from iea40k.store.release import Release
from iea40k.texts import parse_json

RUN, RESULT, IMAGES = "run.json", "result.json", "images.csv"
_TEXTS = dict.fromkeys(
    ("image_id", "scene_id", "unit", "level", "super_class", "scene_class", "light", "device"), str
)


@dataclass(frozen=True)
class BenchmarkOptions:
    """How models are measured: split schemes and levels that are tested (empty: all), the part, how networks learn."""

    splits: tuple[str, ...] = ()
    part: str = "test"
    levels: tuple[str, ...] = ()
    config: str | None = "benchmark"
    settings: tuple[str, ...] = ()
    device: str = "cpu"


@dataclass(frozen=True)
class Ran:
    """What came of a run: its table, and the models that failed, each with its error."""

    table: Table
    failures: Mapping[str, IEAError] = field(default_factory=dict)


def run_benchmark(
    release: Release,
    contenders: Sequence[Contender],
    out: AnyPath,
    options: BenchmarkOptions | None = None,
    *,
    progress: Callable[[int, int, str], None] = lambda *_: None,
    tell: Callable[[str], None] = lambda _: None,
) -> Ran:
    """Measure every contender on every split, and write `benchmark.md`, `.json`, `.csv`, `.png` into `out`.

    Resumable: what was measured is kept in `out/models`, a training goes on from its checkpoint; models that earlier
    commands measured here stay in the table. A model that fails costs itself. Raises `BadInputError` where no split can
    be tested, `AlreadyExistsError` for a folder with a benchmark of another release or other splits.
    """
    options = options or BenchmarkOptions()
    out, models = Path(out), list(contenders)
    check_labels(models)
    check_settings(options.settings, models)
    tested, words = _tested(release, options)
    _claim(out, release, tested, options)
    units = units_of(release)
    configs = {
        (c.label, split): training_of(c, split, options.config, options.settings)
        for c in models
        if c.kind == "learns"
        for split in tested
    }
    failures: dict[str, IEAError] = {}
    cells: dict[str, dict[str, Any]] = {}
    total = len(models) * len(tested)
    done = 0
    ceilings = pd.concat([ceiling(samples).assign(split=name) for name, samples in tested.items()])
    before = _measured_before(out, {c.folder for c in models}, list(tested))
    cells |= {label: facts for label, (_, facts) in before.items()}
    earlier = {label: rows for label, (rows, _) in before.items()}
    table = Table.of(release, options.part, earlier, dict(cells), ceilings, words, {})
    for contender in models:
        parts: list[pd.DataFrame] = []
        facts: dict[str, dict[str, Any]] = {}
        for split, samples in tested.items():
            cell = out / "models" / contender.folder / split
            config = configs.get((contender.label, split))
            try:
                known = _known(parts, cells.get(contender.label, {}))
                rows, fact = _cell(
                    contender, release, split, samples, units, cell, config, options.device, known, tell
                )
            except Exception as error:
                failures[contender.label] = item_fault(error).located(f"{contender.label}, {split}")
                tell(f"{contender.label} fails on {split}: {failures[contender.label]}")
                done += len(tested) - list(tested).index(split)
                progress(done, total, contender.label)
                break
            parts.append(rows.assign(split=split))
            facts[split] = fact
            cells[contender.label] = facts
            done += 1
            progress(done, total, f"{contender.label}, {split}")
        rows_of = (
            {**table.rows, contender.label: pd.concat(parts)} if len(parts) == len(tested) else table.rows
        )
        wrong = {label: str(error) for label, error in failures.items()}
        table = Table.of(
            release,
            options.part,
            rows_of,
            {k: v for k, v in cells.items() if k in rows_of},
            ceilings,
            words,
            wrong,
        )
        if rows_of:
            write_benchmark(table, out)
    if not table.rows:
        listed = "; ".join(f"{label}: {error}" for label, error in failures.items())
        raise BadInputError("no model could be measured", where=out, got=listed)
    return Ran(table, failures)


def units_of(release: Release) -> dict[str, str]:
    """Return the group of near-twins of each scene, named by its smallest scene: what a bootstrap draws."""
    return {
        str(row["scene_id"]): min(
            [str(row["scene_id"]), *str(row.get("twins") or "").split("|")], key=lambda s: (not s, s)
        )
        for row in release.scenes.to_dict("records")
    }


def _tested(release: Release, options: BenchmarkOptions) -> tuple[dict[str, ReleaseSamples], list[str]]:
    """Return the samples of every split that has some, and what could not be tested, in words."""
    found: dict[str, ReleaseSamples] = {}
    words = []
    for split in options.splits or release.split_schemes:
        rows = release.images_of(split, options.part)
        if rows.empty or (options.levels and not rows["level"].isin(options.levels).any()):
            of = f" of {', '.join(options.levels)}" if options.levels else ""
            words.append(f"{split} has no image{of} in its {options.part} part, and is left out")
            continue
        found[split] = ReleaseSamples(release, split, options.part, options.levels)
    if not found:
        raise BadInputError(
            "no split can be tested",
            where=release.path,
            got="; ".join(words),
            remedy="a release of a handful of scenes can leave parts empty; name another --part",
        )
    return found, words


def _claim(out: Path, release: Release, tested: Mapping[str, Any], options: BenchmarkOptions) -> None:
    """Note what this folder's benchmark is of, or check that it is the same."""
    mine = {
        "release": release.digest,
        "splits": list(tested),
        "part": options.part,
        "levels": list(options.levels),
    }
    file = out / RUN
    if file.is_file():
        there = parse_json(file.read_text(encoding="utf-8"))
        if there != mine:
            raise AlreadyExistsError(
                "this folder holds a benchmark of something else",
                where=out,
                expected=json.dumps(mine),
                got=json.dumps(there),
                remedy="name another folder",
            )
        return
    if out.exists() and any(out.iterdir()):
        raise AlreadyExistsError(
            "this folder is not empty and holds no benchmark", where=out, remedy="name another folder"
        )
    write_atomic(file, json.dumps(mine, indent=1) + "\n")


def _cell(
    contender: Contender,
    release: Release,
    split: str,
    samples: ReleaseSamples,
    units: Mapping[str, str],
    folder: Path,
    config: TrainingConfig | None,
    device: str,
    known: Mapping[str, Row],
    tell: Callable[[str], None],
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a model's rows and facts on a split, from the disk where they are there."""
    identity = contender.identity(config)
    kept = _kept(folder, identity)
    if kept is not None:
        return kept
    mark = folder / "identity.json"
    if folder.exists() and not (mark.is_file() and parse_json(mark.read_text("utf-8")) == identity):
        shutil.rmtree(folder)  # of other weights or settings
    write_atomic(mark, json.dumps(identity))
    ready = make_ready(contender, release, split, folder, config, device, tell)
    rows = measure(
        ready.predict,
        samples,
        units,
        {} if ready.of_split else known,
        lambda done, count: (
            tell(f"{contender.label}, {split}: {done}/{count} images") if done % 50 == 0 else None
        ),
    )
    scenes = {sample.scene_id for sample in samples.samples}
    facts = {
        **ready.facts,
        "label": contender.label,
        "kind": contender.kind,
        "of_split": ready.of_split,
        "seen": seen_before(ready.facts, release, scenes) if contender.kind == "weights" else 0,
    }
    write_atomic(folder / IMAGES, rows.to_csv(index=False))
    write_atomic(
        folder / RESULT, json.dumps(without_nan({"identity": identity, "facts": facts}), indent=1) + "\n"
    )
    # Read back, so that a resumed run has the same numbers as one that was never stopped.
    return _rows(folder), facts


def _measured_before(
    out: Path, named: set[str], splits: Sequence[str]
) -> dict[str, tuple[pd.DataFrame, dict[str, dict[str, Any]]]]:
    """Return rows and facts, by label, of models that earlier commands measured here on every split."""
    found = {}
    for folder in sorted(p for p in (out / "models").glob("*") if p.name not in named):
        kept = {split: _kept(folder / split, None) for split in splits}
        cells = {split: cell for split, cell in kept.items() if cell is not None}
        if len(cells) == len(splits):
            label = str(cells[splits[0]][1].get("label", folder.name))
            rows = pd.concat([rows.assign(split=split) for split, (rows, _) in cells.items()])
            found[label] = rows, {split: facts for split, (_, facts) in cells.items()}
    return found


def _kept(folder: Path, identity: str | None) -> tuple[pd.DataFrame, dict[str, Any]] | None:
    file = folder / RESULT
    if not file.is_file() or not (folder / IMAGES).is_file():
        return None
    try:
        found = parse_json(file.read_text(encoding="utf-8"))
        if identity in (None, found["identity"]):
            return _rows(folder), dict(found["facts"])
    except (ValueError, KeyError, TypeError):
        return None
    return None


def _rows(folder: Path) -> pd.DataFrame:
    text = (folder / IMAGES).read_text(encoding="utf-8")
    numbers = [name for name in text.partition("\n")[0].split(",") if name not in _TEXTS]
    frame: pd.DataFrame = pd.read_csv(
        io.StringIO(text), dtype=_TEXTS, keep_default_na=False, na_values={name: [""] for name in numbers}
    )
    return frame


def _known(parts: Sequence[pd.DataFrame], facts: Mapping[str, Mapping[str, Any]]) -> dict[str, Row]:
    """Return rows of earlier splits that hold for this one too: those of models that no split changes."""
    if any(fact.get("of_split", True) for fact in facts.values()):
        return {}
    rows = (row for part in parts for row in part.drop(columns="split").to_dict("records"))
    return {str(row["image_id"]): {str(k): v for k, v in row.items()} for row in rows}


__all__ = ["BenchmarkOptions", "Ran", "image_id", "run_benchmark", "units_of"]
