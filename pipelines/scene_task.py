"""The task of one scene: built into the store, kept, or put into quarantine. What any executor runs."""

import time
from dataclasses import dataclass
from typing import Literal

from iea40k.errors import AlreadyExistsError, IEAError, LimitError, StoreError
from iea40k.faults import item_fault
from iea40k.fusion.revisions import is_older
from iea40k.scene import Scene
from iea40k.store.layout import Store
from pipelines.cameras import Cameras
from pipelines.config import BuildConfig
from pipelines.left_out import LeftOut, left_out_of
from pipelines.scene_build import build_scene
from pipelines.scene_state import ABSENT, why_build

Status = Literal["built", "rebuilt", "kept", "quarantined"]


@dataclass(frozen=True)
class Outcome:
    """What became of one scene: its status, the message of its error where it failed, the seconds it took.

    A scene that was built again says in `message` why. `left_out`: the frames that it was built without. `memory`: the
    most bytes that the process which built it has held so far, 0 where that is not known. `older_fusion`: whether an
    older revision of the fusion made its reference.
    """

    scene_id: str
    status: Status
    message: str = ""
    seconds: float = 0.0
    left_out: tuple[LeftOut, ...] = ()
    memory: int = 0
    older_fusion: bool = False


def build_one(
    scene: Scene,
    config: BuildConfig,
    store: Store,
    cameras: Cameras | None = None,
    *,
    renew: bool = False,
) -> Outcome:
    """Build one scene into the store, keep it, build it again where its files changed, or quarantine it.

    Where the changed files cannot be built, the store keeps the scene as it was. `renew`: see `why_build`. Raises only
    `StoreError`, `MissingExtraError`, and `LimitError` where memory runs out.
    """
    start = time.monotonic()
    status: Status = "kept"
    try:
        reason = why_build(scene, config, store, renew=renew)
        if reason == ABSENT:
            store.write_scene(build_scene(scene, config, cameras))
            status, reason = "built", ""
        elif reason:
            store.replace_scene(build_scene(scene, config, cameras))
            status = "rebuilt"
        elif store.has_quarantine(scene.scene_id):  # of newer files that have gone again
            store.clear_quarantine(scene.scene_id)
    except AlreadyExistsError as error:
        return Outcome(scene.scene_id, "quarantined", str(error), time.monotonic() - start)
    except StoreError:
        raise
    except Exception as error:
        fault = item_fault(error)
        if isinstance(fault, LimitError):
            raise fault from error
        return _failed(scene, fault, store, start)
    stored = store.open_scene(scene.scene_id)
    return Outcome(
        scene.scene_id,
        status,
        reason,
        time.monotonic() - start,
        tuple(left_out_of(scene.scene_id, stored.attributes)),
        older_fusion=is_older(stored.recipe),
    )


def _failed(scene: Scene, error: IEAError, store: Store, start: float) -> Outcome:
    store.quarantine(scene.scene_id, error)
    return Outcome(scene.scene_id, "quarantined", str(error), time.monotonic() - start)
