"""Verification of a store: every scene read and compared with its digests, and no file that does not belong."""

from collections.abc import Callable, Iterator
from pathlib import Path

from iea40k.errors import CorruptDataError, IEAError
from iea40k.store.layout import Store

Progress = Callable[[int, int, str], None]


def verify_store(store: Store, *, progress: Progress | None = None) -> list[IEAError]:
    """Return every problem of a store's scenes and quarantine, none if it is sound. `progress(done, total, scene)`.

    The ledger verifies itself (`iea40k.store.ledger`).
    """
    report = progress or (lambda *_: None)
    problems: list[IEAError] = []
    ids = store.scene_ids()
    for done, scene_id in enumerate(ids, 1):
        problems += _scene(store, scene_id)
        report(done, len(ids), scene_id)
    try:
        store.quarantined()
    except CorruptDataError as error:
        problems.append(error)
    return problems


def _scene(store: Store, scene_id: str) -> Iterator[IEAError]:
    try:
        scene = store.open_scene(scene_id)
        if scene.scene_id != scene_id:
            yield CorruptDataError(
                "a scene lies in another scene's folder", where=scene.folder, got=f"scene {scene.scene_id}"
            )
        scene.load()
    except IEAError as error:
        yield error.located(store.scenes_folder / scene_id)
        return
    belongs = {Path(name) for name in scene.digests} | {Path("zarr.json")}
    for path in sorted(scene.folder.iterdir()):
        if path.relative_to(scene.folder) not in belongs:
            yield CorruptDataError("this does not belong to the scene", where=path)
