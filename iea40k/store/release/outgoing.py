"""What may go out of a store: the scenes that its manifests list, with the labels that they have there now."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from iea40k.errors import BadInputError, StoreError
from iea40k.recipe import digest
from iea40k.store.layout import Store
from iea40k.store.scenes import StoredScene
from iea40k.store.sources import (
    Labels,
    Record,
    Row,
    labelled,
    manifest_files,
    note_release,
    read_record,
    read_sources,
)

_SHOWN = 10
_LOST = 1 / 3
"""Share of a store's scenes from which on a manifest that lists them no longer is taken for damaged."""


@dataclass(frozen=True)
class Outgoing:
    """What may go out.

    `labels`: of every scene that a manifest lists, its row's; a scene that no manifest ever listed goes out as built.
    `withdrawn`: scenes that stay behind, with the reason. `files`, `rows`: what was read, to be remembered.
    """

    labels: Mapping[str, Labels] = field(default_factory=dict)
    withdrawn: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    rows: Mapping[str, Row] = field(default_factory=dict)

    def attributes(self, scene: StoredScene) -> dict[str, object]:
        """Return a scene's attributes with the labels that it has now."""
        return labelled(scene, self.labels)

    def digest(self) -> str:
        """Return a digest of what the labels are and what stays behind."""
        return digest({"labels": dict(self.labels), "withdrawn": dict(self.withdrawn)})


def what_may_go_out(
    store: Store,
    *,
    manifests: Sequence[Path] = (),
    exclude: Path | None = None,
    as_built: bool = False,
    allow_withdrawn: bool = False,
) -> Outgoing:
    """Return what may go out of a store, by its manifests, or by those named in their stead.

    `exclude` is a list of scenes that stay behind, see `read_exclusions`. With `as_built`, or where the store has never
    known a manifest, every scene goes out as it was built. Raises `NotThereError` where a manifest is gone,
    `ManifestError` where one cannot be used, `BadInputError` where one has lost a third of the store's scenes (unless
    `allow_withdrawn`) and for excluded scenes that nothing knows, and `StoreError` where scenes were built from other
    files than their rows name.
    """
    there = set(store.scene_ids())
    record = read_record(store)
    withdrawn: dict[str, str] = {}
    labels: dict[str, Labels] = {}
    rows: dict[str, Row] = {}
    files: tuple[Path, ...] = ()
    if not as_built and (manifests or record is not None):
        files = tuple(manifests) or tuple(manifest_files(store, record or Record()))
        rows = read_sources(files)
        labels = {scene_id: row.labels for scene_id, row in rows.items() if scene_id in there}
        listed = set(record.scenes) if record is not None else there
        gone = sorted((listed & there) - set(rows))
        new = [scene_id for scene_id in gone if record is None or scene_id not in record.withdrawn]
        if not allow_withdrawn:
            _refuse_loss(files, new, listed & there)
        withdrawn = dict.fromkeys(gone, "no longer in the manifest")
    if exclude is not None:
        known = there | set(rows) | (set(record.scenes) if record is not None else set())
        for scene_id, reason in read_exclusions(exclude, known).items():
            if scene_id in there:
                withdrawn[scene_id] = reason
    _refuse_outdated(store, rows, withdrawn)
    return Outgoing(labels, withdrawn, files, rows)


def remember(store: Store, outgoing: Outgoing) -> None:
    """Note in the store what its manifests said when a release was cut, unless the store may not be changed."""
    if outgoing.files and store.changeable:
        note_release(store, outgoing.files, outgoing.rows)


def read_exclusions(file: Path, known: Collection[str]) -> dict[str, str]:
    """Return the scenes that a file excludes, with the reason: a scene a line, after a tab or comma the reason.

    Empty lines and lines that begin with # say nothing. Raises `BadInputError` naming every scene that nobody knows: a
    mistyped one would go out.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            "the list of excluded scenes cannot be read", where=file, expected="UTF-8 text", got=str(error)
        ) from error
    found = {}
    unknown = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        scene_id, reason = _parted(line, known)
        if scene_id in known:
            found[scene_id] = f"excluded: {reason}" if reason else "excluded"
        elif not (number == 1 and scene_id == "scene_id"):
            unknown.append(f"line {number}: {scene_id}")
    if unknown:
        raise BadInputError(
            "scenes to exclude that neither store nor manifest knows",
            where=file,
            expected="a scene id a line, then a comma and the reason if there is one",
            got=_few(unknown),
            remedy="correct them: a mistyped scene would be released",
        )
    return found


def _parted(line: str, known: Collection[str]) -> tuple[str, str]:
    """Return scene and reason; ids may hold commas, so the longest known beginning is taken."""
    text = line.strip()
    if text in known:
        return text, ""
    for mark in ("\t", ","):
        for at in reversed([i for i, letter in enumerate(text) if letter == mark]):
            if text[:at].strip() in known:
                return text[:at].strip(), text[at + 1 :].strip()
    scene_id, _, reason = text.replace("\t", ",", 1).partition(",")
    return scene_id.strip(), reason.strip()


def _refuse_loss(files: Sequence[Path], gone: Sequence[str], of: Collection[str]) -> None:
    if len(gone) >= 2 and len(gone) >= _LOST * len(of):
        raise BadInputError(
            "the manifest no longer lists a large part of the store's scenes: it may have lost rows",
            where=", ".join(map(str, files)),
            expected=f"most of the {len(of)} scenes",
            got=f"{len(gone)} of them are gone: {_few(gone)}",
            remedy="restore the manifest; if they are to be withdrawn, say --allow-withdrawn",
        )


def _refuse_outdated(store: Store, rows: Mapping[str, Row], withdrawn: Collection[str]) -> None:
    outdated = sorted(_outdated(store, rows, withdrawn))
    if outdated:
        raise StoreError(
            "scenes of the store were built from other files than the manifest names now",
            where=store.path,
            got=_few(outdated),
            remedy="run `iea40k build` again: it rebuilds these alone; or leave them out with --exclude FILE",
        )


def _outdated(store: Store, rows: Mapping[str, Row], withdrawn: Collection[str]) -> Iterator[str]:
    failed = {entry.scene_id for entry in store.quarantined()}
    for scene_id in store.scene_ids():
        if scene_id in withdrawn:
            continue
        if scene_id in failed:
            yield f"{scene_id} (its newer files could not be built)"
        elif scene_id in rows:
            inputs: Mapping[str, str] = store.open_scene(scene_id).recipe.get("inputs", {})
            if inputs and not _same_files(rows[scene_id].files, inputs):
                yield scene_id


def _same_files(files: Mapping[str, str | None], inputs: Mapping[str, str]) -> bool:
    """Return whether a row's files are those that a scene was built from, by digest where all are given."""
    given = {name: sha for name, sha in files.items() if sha is not None}
    if len(given) == len(files):
        return sorted(given.values()) == sorted(inputs.values())
    return set(files) == set(inputs) and all(inputs[name] == sha for name, sha in given.items())


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
