"""Which scenes of a store its manifests list no longer: nobody is given work on them."""

from collections.abc import Mapping
from pathlib import Path

from iea40k.errors import IEAError
from iea40k.store.layout import Store
from iea40k.store.sources import FILE, Labels, Record, manifest_files, read_record, read_sources


def labels_now(store: Store, record: Record) -> tuple[Mapping[str, Labels], str]:
    """Return the labels that the store's manifests list now and "", or those last read and why they cannot be read."""
    try:
        return {s: row.labels for s, row in read_sources(manifest_files(store, record)).items()}, ""
    except IEAError as error:
        return {s: record.scenes[s] for s in record.scenes if s not in record.withdrawn}, str(error)


class Withdrawn:
    """The scenes of a store that its manifests listed once and list no longer.

    Asked before every lease, so files are read only where one was written since. Where the manifests are out of reach,
    as on an annotator's own machine, it is as when they were read last, by a build or a release.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: tuple[tuple[int, int] | None, ...] = ()
        self._files: list[Path] = []
        self._scenes: frozenset[str] = frozenset()

    def now(self) -> frozenset[str]:
        """Return the scenes; a record that cannot be read says of none (`verify` and `release` tell it)."""
        seen = tuple(_written(file) for file in (self._store.path / FILE, *self._files))
        if not self._seen or seen != self._seen:
            self._read()
            self._seen = tuple(_written(file) for file in (self._store.path / FILE, *self._files))
        return self._scenes

    def _read(self) -> None:
        try:
            record = read_record(self._store)
        except IEAError:
            record = None
        if record is None:
            self._files, self._scenes = [], frozenset()
            return
        self._files = [
            place
            for known in record.places
            for place in (self._store.path / known["relative"], Path(known["absolute"]))
        ]
        self._scenes = frozenset(record.scenes) - frozenset(labels_now(self._store, record)[0])


def _written(file: Path) -> tuple[int, int] | None:
    try:
        about = file.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size
