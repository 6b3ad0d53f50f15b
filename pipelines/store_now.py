"""What a store is now, by what its manifest lists now: labels, scenes withdrawn, what is still in quarantine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from iea40k.store.layout import QuarantinedScene, Store
from iea40k.store.scenes import StoredScene
from iea40k.store.sources import Labels, labelled, read_record
from iea40k.store.withdrawn import labels_now


@dataclass(frozen=True)
class StoreNow:
    """`quarantined`: scenes that the manifest lists and that cannot be built; `forgotten`: those it lists no longer.

    `withdrawn`: scenes of the store that no manifest lists any more. `problem`: why the manifest could not be read;
    then all is as it was when it was read last.
    """

    quarantined: tuple[QuarantinedScene, ...]
    forgotten: tuple[QuarantinedScene, ...]
    withdrawn: tuple[str, ...]
    problem: str = ""
    labels: Mapping[str, Labels] = field(default_factory=dict, repr=False)

    def attributes(self, scene: StoredScene) -> dict[str, Any]:
        """Return a scene's attributes with the labels that it has now."""
        return labelled(scene, self.labels)


@dataclass(frozen=True)
class Doubt:
    """A scene whose exposures are in doubt: the `ev_warning` of its build, and its frames that were left out."""

    scene_id: str
    warning: str
    left_out: tuple[str, ...]


def store_now(store: Store) -> StoreNow:
    """Return what a store is now. A store that knows no manifest has all of its quarantine."""
    entries = store.quarantined()
    record = read_record(store)
    if record is None:
        return StoreNow(tuple(entries), (), ())
    labels, problem = labels_now(store, record)
    known = set(record.scenes)
    gone = {entry.scene_id for entry in entries if entry.scene_id in known - set(labels)}
    return StoreNow(
        tuple(entry for entry in entries if entry.scene_id not in gone),
        tuple(entry for entry in entries if entry.scene_id in gone),
        tuple(sorted(known & set(store.scene_ids()) - set(labels))),
        problem,
        labels,
    )


def doubts_of(scene: StoredScene) -> Doubt | None:
    """Return what is doubtful about a scene's exposures, None where nothing is."""
    warning = str(scene.attributes.get("ev_warning") or "")
    names = tuple(str(row[0]) for row in scene.attributes.get("rejected", ()))
    return Doubt(scene.scene_id, warning, names) if warning else None
