"""The task of one scene: built into the store, kept, or put into quarantine. What any executor runs."""

import time
from dataclasses import dataclass
from typing import Literal

from iea40k.errors import AlreadyExistsError, IEAError, LimitError, StoreError
from iea40k.faults import item_fault
from iea40k.scene import Scene
from iea40k.store.layout import Store
from pipelines.cameras import Cameras
from pipelines.config import BuildConfig
from pipelines.left_out import LeftOut, left_out_of
from pipelines.scene_build import build_scene, plan_digest

Status = Literal["built", "kept", "quarantined"]


@dataclass(frozen=True)
class Outcome:
    """What became of one scene: its status, the message of its error where it failed, the seconds it took.

    `left_out`: the frames that it was built without. `memory`: the most bytes that the process which built it has held
    so far, 0 where that is not known.
    """

    scene_id: str
    status: Status
    message: str = ""
    seconds: float = 0.0
    left_out: tuple[LeftOut, ...] = ()
    memory: int = 0


def build_one(scene: Scene, config: BuildConfig, store: Store, cameras: Cameras | None = None) -> Outcome:
    """Build one scene into the store, keep it, or quarantine it.

    Raises only `StoreError`, `MissingExtraError`, and `LimitError` where memory runs out.
    """
    start = time.monotonic()
    try:
        status: Status = "kept" if _is_there(scene, config, store) else "built"
        if status == "built":
            store.write_scene(build_scene(scene, config, cameras))
    except AlreadyExistsError as error:
        return _failed(scene, error, store, start)
    except StoreError:
        raise
    except Exception as error:
        fault = item_fault(error)
        if isinstance(fault, LimitError):
            raise fault from error
        return _failed(scene, fault, store, start)
    left_out = left_out_of(scene.scene_id, store.open_scene(scene.scene_id).attributes)
    return Outcome(scene.scene_id, status, seconds=time.monotonic() - start, left_out=tuple(left_out))


def _is_there(scene: Scene, config: BuildConfig, store: Store) -> bool:
    if not store.has_scene(scene.scene_id):
        return False
    there = store.open_scene(scene.scene_id).recipe.get("plan")
    if there == plan_digest(scene, config):
        return True
    raise AlreadyExistsError(
        "the scene is in the store, built from other files or another configuration; it was left as it is",
        where=store.scene_path(scene.scene_id),
        remedy="build into a new store, or give the scene another id",
    )


def _failed(scene: Scene, error: IEAError, store: Store, start: float) -> Outcome:
    if not store.has_scene(scene.scene_id):
        store.quarantine(scene.scene_id, error)
    return Outcome(scene.scene_id, "quarantined", str(error), time.monotonic() - start)
