"""The build: every scene of a manifest into the store; resumes, quarantines, and goes on.

A scene that fails is put into quarantine with its reason. A scene that is there already is kept. What stops a run
is only what would stop every scene: a full disk, a store that cannot be written, a part that is not installed.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from iea40k.errors import AlreadyExistsError, BadInputError, IEAError, StoreError
from iea40k.faults import item_fault
from iea40k.files import AnyPath
from iea40k.manifest import Manifest, read_manifest
from iea40k.scene import Scene
from iea40k.store.layout import Store
from pipelines.cameras import Cameras
from pipelines.config import BuildConfig
from pipelines.left_out import LeftOut, left_out_of
from pipelines.scene_build import build_scene, plan_digest

Status = Literal["built", "kept", "quarantined"]


@dataclass(frozen=True)
class Outcome:
    """What became of one scene: its status, the letter of its error where it failed, the seconds it took.

    `left_out`: the frames that it was built without.
    """

    scene_id: str
    status: Status
    letter: str = ""
    seconds: float = 0.0
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class BuildReport:
    """A finished run: one outcome a scene, in the manifest's order, and the rows that were no scenes."""

    outcomes: tuple[Outcome, ...]
    bad_rows: tuple[IEAError, ...] = ()

    def count(self, status: Status) -> int:
        """Return how many scenes ended so."""
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def left_out(self) -> list[LeftOut]:
        """The frames that scenes were built without."""
        return [frame for outcome in self.outcomes for frame in outcome.left_out]

    @property
    def failures(self) -> list[str]:
        """The letters of everything that failed."""
        quarantined = [f"{o.scene_id}: {o.letter}" for o in self.outcomes if o.status == "quarantined"]
        return [problem.letter() for problem in self.bad_rows] + quarantined


def build(
    manifest_file: AnyPath,
    store_path: AnyPath,
    config: BuildConfig | None = None,
    *,
    root: Path | None = None,
    only: Sequence[str] = (),
    progress: Callable[[Outcome, int, int], None] = lambda *_: None,
) -> BuildReport:
    """Build the scenes of a manifest, or only those named, into a store, and return what became of each.

    `root` is the folder that the manifest's paths are relative to, where it is not the recorded one.
    `progress(outcome, done, total)` is called after each scene. One scene is in memory at a time. Rows of the
    manifest that cannot be used are reported and the others are built. Raises `BadInputError` where the manifest's
    header is wrong or a scene of `only` is not in it, and `StoreError` where the store cannot be written.
    """
    manifest_file = Path(manifest_file)
    store_path = Path(store_path)
    config = config or BuildConfig()
    manifest = read_manifest(manifest_file, root=root, keep_going=True)
    scenes = _chosen(manifest, only)
    store = Store.create(store_path)
    store.clear_leftovers()
    cameras = Cameras(manifest.scenes, config)
    outcomes = []
    for scene in scenes:
        outcome = build_one(scene, config, store, cameras)
        outcomes.append(outcome)
        progress(outcome, len(outcomes), len(scenes))
    return BuildReport(tuple(outcomes), tuple(manifest.problems))


def build_one(scene: Scene, config: BuildConfig, store: Store, cameras: Cameras | None = None) -> Outcome:
    """Build one scene into the store, keep it, or quarantine it. Raises only `StoreError` and `MissingExtraError`."""
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
        return _failed(scene, item_fault(error), store, start)
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
    return Outcome(scene.scene_id, "quarantined", error.letter(), time.monotonic() - start)


def _chosen(manifest: Manifest, only: Sequence[str]) -> list[Scene]:
    if not only:
        return list(manifest.scenes)
    by_id = {scene.scene_id: scene for scene in manifest.scenes}
    unknown = [scene_id for scene_id in only if scene_id not in by_id]
    if unknown:
        raise BadInputError(
            "the manifest has no such scene",
            where=manifest.file,
            expected=", ".join(_few(by_id)),
            got=", ".join(unknown),
        )
    return [by_id[scene_id] for scene_id in dict.fromkeys(only)]


def _few(names: "dict[str, Scene]") -> Iterator[str]:
    shown = list(names)[:10]
    yield from shown
    if len(names) > len(shown):
        yield f"... ({len(names)} scenes)"
