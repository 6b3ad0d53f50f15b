"""Which manifests a store was built from, what their rows said last, and what changed since.

    STORE/manifests.json   the manifests' places, and of every scene the labels that its row had when last read
    STORE/changes.jsonl    a line a change: when, which scene, what it was and is; each holds the digest of the last

The manifest is the list of what may go out: a scene that is in none of a store's manifests any more is withdrawn.
Labels (licence, device, classes, light, given splits, own columns) are taken from it when a release is cut, so that
correcting one needs no rebuild.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iea40k.errors import CorruptDataError, NotThereError, Place
from iea40k.files import disk_errors, write_atomic
from iea40k.label_names import is_label
from iea40k.sealed import parse_sealed, sealed_json
from iea40k.store.layout import Store
from iea40k.store.locks import held
from iea40k.store.scenes import StoredScene
from iea40k.texts import parse_json

FILE = "manifests.json"
CHANGES = "changes.jsonl"
LOCK = f".{FILE}.lock"
"""Held while either is written: of two builds at once, the second to write would forget the first's manifest."""

FORMAT = "iea40k-manifests"

Labels = Mapping[str, str]
"""The labels of a scene: column -> cell, those that are not empty."""


def labelled(scene: StoredScene, labels: Mapping[str, Labels]) -> dict[str, Any]:
    """Return a scene's attributes with the labels that it has now; a scene without any has those of its build."""
    if scene.scene_id not in labels:
        return dict(scene.attributes)
    kept = {name: value for name, value in scene.attributes.items() if not is_label(name)}
    return {**kept, **labels[scene.scene_id]}


@dataclass(frozen=True)
class Change:
    """What became of a scene between two readings of a store's manifests.

    `what`: "added", "withdrawn", "back", or the label's column, with its old and new cell ("" for none).
    """

    scene_id: str
    what: str
    old: str = ""
    new: str = ""

    @property
    def words(self) -> str:
        """What a person reads."""
        if self.what in ("added", "withdrawn", "back"):
            return f"{self.scene_id}: {self.what}"
        return f"{self.scene_id}: {self.what} {self.old or 'none'} -> {self.new or 'none'}"


@dataclass(frozen=True)
class Row:
    """What a manifest says of a scene now: its labels, and the sha256 of its files by name, None where not given."""

    labels: Labels
    files: Mapping[str, str | None]


@dataclass
class Record:
    """What a store remembers of its manifests: their places; and the last labels of scenes by id.

    A scene in `withdrawn` was in a manifest once. `changes` is the sha256 of the last line of the changes by then.
    """

    places: list[dict[str, str]] = field(default_factory=list)
    scenes: dict[str, dict[str, str]] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)
    changes: str = ""


def read_record(store: Store) -> Record | None:
    """Return what the store remembers, None where it was never built from a manifest, or by an earlier version."""
    file = store.path / FILE
    try:
        found = parse_sealed(FORMAT, file.read_bytes())
        return Record(
            [{way: str(place[way]) for way in ("absolute", "relative")} for place in found["manifests"]],
            {
                str(scene): {str(name): str(cell) for name, cell in labels.items()}
                for scene, labels in found["scenes"].items()
            },
            [str(scene) for scene in found["withdrawn"]],
            str(found.get("changes", "")),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptDataError(
            "the store's record of its manifests cannot be read",
            where=file,
            got=str(error),
            remedy="restore it from a copy, or name the manifests anew: `iea40k release STORE OUT --manifest FILE`",
        ) from error


def manifest_files(store: Store, record: Record) -> list[Path]:
    """Return where the store's manifests lie now: beside it as they did, or where they were.

    Raises `NotThereError` where one is gone.
    """
    found = []
    for place in record.places:
        near = Path(os.path.normpath(store.path / place["relative"])) if place["relative"] else None
        candidates = [path for path in (near, Path(place["absolute"])) if path is not None]
        there = next((path for path in candidates if path.is_file()), None)
        if there is None:
            raise NotThereError(
                "the manifest that this store was built from is gone, so what may go out is not known",
                where=place["absolute"],
                expected="the list of the scenes that may be released, with their licences",
                remedy="put it back; or say where it is now with --manifest FILE; or release every scene of the "
                "store as it was built with --as-built",
            )
        found.append(there)
    return found


def read_sources(files: Iterable[Path]) -> dict[str, Row]:
    """Return what manifests say of their scenes; of one that is in two, what the last says.

    The photographs need not be there. Raises `ManifestError` with every row that cannot be used.
    """
    from iea40k.manifest_labels import read_rows  # pandas and pandera take long to import

    rows: dict[str, Row] = {}
    for file in files:
        rows |= {scene_id: Row(labels, digests) for scene_id, labels, digests in read_rows(file)}
    return rows


def note_build(store: Store, manifest: Path, rows: Mapping[str, Row]) -> list[Change]:
    """Remember that the store was built from this manifest, and return what changed since it was last read.

    Scenes that the manifest has no longer are told and stay remembered: a release withdraws them.
    """
    with _alone(store):
        record = read_record(store) or Record()
        place = _place(store, manifest)
        # A store that was moved together with its manifest finds it where it lay beside it: that is no second one.
        same = [
            known for known in record.places if any(place[way] and place[way] == known[way] for way in place)
        ]
        record.places = [known for known in record.places if known not in same] + [place]
        changes = _changes(record, rows)
        record.scenes |= {scene_id: dict(row.labels) for scene_id, row in rows.items()}
        record.withdrawn = sorted(set(record.withdrawn) - set(rows))
        _write(store, record, changes)
    return changes


def note_release(store: Store, files: Sequence[Path], rows: Mapping[str, Row]) -> list[Change]:
    """Remember what the manifests said when a release was cut, and which scenes it withdrew; return what changed."""
    with _alone(store):
        record = read_record(store) or Record()
        record.places = [_place(store, file) for file in files]
        changes = _changes(record, rows)
        gone = sorted(set(record.scenes) - set(rows) - set(record.withdrawn))
        changes += [Change(scene_id, "withdrawn") for scene_id in gone]
        record.scenes |= {scene_id: dict(row.labels) for scene_id, row in rows.items()}
        record.withdrawn = sorted((set(record.withdrawn) | set(gone)) - set(rows))
        _write(store, record, changes)
    return changes


@contextlib.contextmanager
def _alone(store: Store) -> Iterator[None]:
    with disk_errors(store.path), held(store.path / LOCK, "noting what this store was built from"):
        yield


def read_changes(store: Store) -> list[dict[str, Any]]:
    """Return the store's recorded changes, the oldest first. Raises `CorruptDataError` where the chain is broken."""
    file = store.path / CHANGES
    record = read_record(store)  # before the lines: who writes both writes it last
    lines = _lines(file)
    found, previous, heads = [], "", {""}
    for number, line in enumerate(lines, 1):
        try:
            entry = parse_json(line)
            if entry["previous"] != previous:
                raise ValueError("a line before it was changed or taken away")
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptDataError(
                "the record of changes is not what was written", where=Place(file, number), got=str(error)
            ) from error
        previous = hashlib.sha256(line).hexdigest()
        heads.add(previous)
        found.append(entry)
    if record is not None and record.changes not in heads:
        raise CorruptDataError(
            "the record of changes is not what was written",
            where=file,
            got=f"no line has the sha256 {record.changes}, which {FILE} noted of the last one",
            remedy="restore it from a copy",
        )
    return found


def _lines(file: Path) -> list[bytes]:
    """Return the lines of a file; only a line feed ends one, since labels may hold any other sign."""
    return file.read_bytes().removesuffix(b"\n").split(b"\n") if file.exists() else []


def _changes(record: Record, rows: Mapping[str, Row]) -> list[Change]:
    found: list[Change] = []
    for scene_id, row in sorted(rows.items()):
        if scene_id not in record.scenes:
            found.append(Change(scene_id, "added"))
            continue
        if scene_id in record.withdrawn:
            found.append(Change(scene_id, "back"))
        before = record.scenes[scene_id]
        for name in sorted({*before, *row.labels}):
            old, new = before.get(name, ""), row.labels.get(name, "")
            if old != new:
                found.append(Change(scene_id, name, old, new))
    return found


def _place(store: Store, manifest: Path) -> dict[str, str]:
    """Return a manifest's place, absolute and relative to the store: either may be moved, or both together."""
    absolute = manifest.resolve()
    try:
        relative = Path(os.path.relpath(absolute, store.path.resolve())).as_posix()
    except ValueError:  # another drive
        relative = ""
    return {"absolute": str(absolute), "relative": relative}


def _write(store: Store, record: Record, changes: Sequence[Change]) -> None:
    changes = [
        change for change in changes if change.what != "added"
    ]  # the scene itself is the record of that
    if changes:
        file = store.path / CHANGES
        lines = _lines(file)
        previous = hashlib.sha256(lines[-1]).hexdigest() if lines else ""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for change in changes:
            entry = {"at": at, **vars(change), "previous": previous}
            line = json.dumps(entry, ensure_ascii=False).encode()
            previous = hashlib.sha256(line).hexdigest()
            lines.append(line)
        write_atomic(file, b"\n".join(lines) + b"\n")
        record.changes = previous
    content = {
        "manifests": record.places,
        "scenes": record.scenes,
        "withdrawn": record.withdrawn,
        "changes": record.changes,
    }
    text = sealed_json(FORMAT, content)
    if not (store.path / FILE).exists() or (store.path / FILE).read_text(encoding="utf-8") != text:
        write_atomic(store.path / FILE, text)
