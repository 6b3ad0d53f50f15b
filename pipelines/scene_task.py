"""The task of one scene: built into the store, kept, or put into quarantine. What any executor runs."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from iea40k.errors import AlreadyExistsError, IEAError, LimitError, NotThereError, StoreError
from iea40k.faults import item_fault
from iea40k.fusion.revisions import is_older
from iea40k.scene import Scene
from iea40k.store.layout import Store
from pipelines.cameras import Cameras
from pipelines.config import BuildConfig
from pipelines.left_out import LeftOut, left_out_of
from pipelines.raw_revisions import is_older_raw
from pipelines.scene_build import build_scene
from pipelines.scene_state import ABSENT, why_build

Status = Literal["built", "rebuilt", "kept", "refused", "quarantined"]
FAILED: tuple[Status, ...] = ("refused", "quarantined")
"""What counts as a failure: the store has another scene under this name, which stays; the scene cannot be built."""


@dataclass(frozen=True)
class Outcome:
    """What became of one scene: its status, the message of its error where it failed, the seconds it took.

    A scene that was built again says in `message` why. `left_out`: the frames that it was built without. `memory`: the
    most bytes that the process which built it has held so far, 0 where that is not known. `older_fusion`: whether an
    older revision of the fusion made its reference. `older_raw`: whether an older revision developed its RAW files.
    """

    scene_id: str
    status: Status
    message: str = ""
    seconds: float = 0.0
    left_out: tuple[LeftOut, ...] = ()
    memory: int = 0
    older_fusion: bool = False
    older_raw: bool = False


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
    try:
        done = _built(scene, config, store, cameras, renew=renew)
    except AlreadyExistsError as error:
        return Outcome(scene.scene_id, "refused", str(error), time.monotonic() - start)
    except StoreError:
        raise
    except Exception as error:
        fault = item_fault(error)
        if isinstance(fault, LimitError):
            raise fault from error
        return _failed(scene, fault, store, start)
    return Outcome(
        scene.scene_id,
        done.status,
        done.reason,
        time.monotonic() - start,
        tuple(left_out_of(scene.scene_id, done.attributes)),
        older_fusion=is_older(done.recipe),
        older_raw=is_older_raw(done.recipe),
    )


class _Done(NamedTuple):
    """What was done with a scene and why, and what is then known of it."""

    status: Status
    reason: str
    attributes: Mapping[str, Any]
    recipe: Mapping[str, Any]


def _built(scene: Scene, config: BuildConfig, store: Store, cameras: Cameras | None, *, renew: bool) -> _Done:
    """Build a scene where it must be."""
    try:
        reason = why_build(scene, config, store, renew=renew)
        if not reason:
            stored = store.open_scene(scene.scene_id)
            if store.has_quarantine(scene.scene_id):  # of newer files that have gone again
                store.clear_quarantine(scene.scene_id)
            return _Done("kept", "", stored.attributes, stored.recipe)
    except (NotThereError, FileNotFoundError):
        if store.has_scene(scene.scene_id):
            raise
        reason = ABSENT  # another build is replacing it just now
    built = build_scene(scene, config, cameras)
    if reason == ABSENT:
        store.write_scene(built)
        return _Done("built", "", built.attributes, built.recipe)
    store.replace_scene(built)
    return _Done("rebuilt", reason, built.attributes, built.recipe)


def _failed(scene: Scene, error: IEAError, store: Store, start: float) -> Outcome:
    store.quarantine(scene.scene_id, error)
    return Outcome(scene.scene_id, "quarantined", str(error), time.monotonic() - start)
