"""Building scenes in a process of their own: a file that its decoder dies, hangs or grows on costs its scene.

Such a scene goes into quarantine with the limit that it broke, and is not tried again until its files, the
configuration, the limits or the decoders change: a rerun would only die of it again.

A camera is learnt from several scenes. So the process notes whose files it reads, and where it dies of those of
another scene than the one it builds, that other scene is the one to blame.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from iea40k.errors import LimitError
from iea40k.isolation import Isolated, Limits
from iea40k.recipe import Recipe, versions
from iea40k.scene import Scene
from iea40k.store.layout import Store
from pipelines.cameras import Cameras
from pipelines.config import BuildConfig
from pipelines.scene_build import PARTS, plan_digest
from pipelines.scene_task import Outcome, build_one


class GuardedBuilder:
    """Builds scenes into a store within `limits`, one at a time. Close it, or use it as a context manager."""

    def __init__(
        self, scenes: Sequence[Scene], config: BuildConfig, store: Store, limits: Limits | None = None
    ) -> None:
        self._scenes = {scene.scene_id: scene for scene in scenes}
        self._config = config
        self._store = store
        self._limits = limits or Limits()
        self._notes = tempfile.TemporaryDirectory(prefix="iea40k-")
        self._note = Path(self._notes.name) / "reading"
        self._broken = {scene.scene_id for scene in scenes if self._known(scene)}
        self._isolated = self._start()

    def build(self, scene: Scene) -> Outcome:
        """Return what became of a scene: see `build_one`. A scene that broke a limit before is not tried again."""
        start = time.monotonic()
        while True:
            message = self._known(scene)
            if message:
                return Outcome(scene.scene_id, "quarantined", message, time.monotonic() - start)
            try:
                outcome: Outcome = self._isolated(_build, scene)
            except LimitError as error:
                blamed = self._scenes.get(self._reading(), scene)
                if blamed.scene_id in self._broken:
                    blamed = scene
                self._blame(blamed, error)
                if blamed is scene:
                    return Outcome(scene.scene_id, "quarantined", str(error), time.monotonic() - start)
            else:
                return outcome

    def close(self) -> None:
        """End the process and forget its notes."""
        self._isolated.close()
        self._store.clear_leftovers()
        self._notes.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> Isolated:
        good = [scene for name, scene in self._scenes.items() if name not in self._broken]
        return Isolated(self._limits, prepare=(_prepare, good, self._config, self._store, self._note))

    def _blame(self, scene: Scene, error: LimitError) -> None:
        self._isolated.close()
        self._broken.add(scene.scene_id)
        if not self._store.has_scene(scene.scene_id):
            self._store.quarantine(scene.scene_id, error, self._tried(scene))
        self._store.clear_leftovers()
        self._isolated = self._start()

    def _reading(self) -> str:
        try:
            return self._note.read_text(encoding="utf-8")
        except OSError:
            return ""

    def _known(self, scene: Scene) -> str:
        """Return the message of a scene that broke these limits before; "" for any other."""
        return self._store.failed_before(scene.scene_id, LimitError, lambda: self._tried(scene))

    def _tried(self, scene: Scene) -> Recipe:
        limits = {"seconds": self._limits.seconds, "memory": self._limits.memory}
        return {"plan": plan_digest(scene, self._config), "limits": limits, "versions": versions(*PARTS)}


class _Job:
    """What the process holds from scene to scene."""

    config: BuildConfig
    store: Store
    cameras: Cameras
    note: Path


def _prepare(scenes: Sequence[Scene], config: BuildConfig, store: Store, note: Path) -> None:
    _Job.config, _Job.store, _Job.note = config, store, note
    _Job.cameras = Cameras(scenes, config, reading=_reads)


def _build(scene: Scene) -> Outcome:
    _reads(scene)
    return build_one(scene, _Job.config, _Job.store, _Job.cameras)


def _reads(scene: Scene) -> None:
    _Job.note.write_text(scene.scene_id, encoding="utf-8")
