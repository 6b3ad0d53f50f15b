"""Work on scenes in a process of its own: a file that its decoder dies, hangs or grows on costs its scene.

Such a scene goes into quarantine with the limit that it broke, and is not tried again until its files, the
configuration, the limits or the decoders change: a rerun would only die of it again.

The functions here that take a `Job` run wherever an executor runs them. Each thread of each process keeps one
`Guard`, and so one process of its own, from scene to scene.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from iea40k.errors import IEAError, LimitError
from iea40k.isolation import Isolated, Limits, peak_memory
from iea40k.recipe import Recipe, versions
from iea40k.scene import Scene
from iea40k.store.layout import Store
from pipelines.cameras import Camera, Cameras, Look, camera_name, look_at
from pipelines.config import BuildConfig
from pipelines.executor import MALLOC
from pipelines.scene_build import PARTS, plan_digest
from pipelines.scene_task import Outcome, build_one


@dataclass(frozen=True)
class Job:
    """What all scenes of one build share; it travels to every process that works on them.

    `limits.memory` None: what the process's own machine allows. `renew`: see `pipelines.scene_state.why_build`.
    """

    config: BuildConfig
    store: Store
    limits: Limits
    renew: bool = False
    key: str = field(default_factory=lambda: uuid4().hex)

    def broken(self, scene: Scene) -> str:
        """Return the message of a scene that broke these limits before; "" for any other."""
        return self.store.failed_before(scene.scene_id, LimitError, lambda: self._tried(scene))

    def blame(self, scene: Scene, error: IEAError) -> None:
        """Put a scene that broke a limit into quarantine, so that it is not tried again."""
        if not self.store.has_scene(scene.scene_id):
            self.store.quarantine(scene.scene_id, error, self._tried(scene))
        self.store.clear_leftovers()

    def _tried(self, scene: Scene) -> Recipe:
        limits = {"seconds": self.limits.seconds, "memory": self.limits.memory}
        return {"plan": plan_digest(scene, self.config), "limits": limits, "versions": versions(*PARTS)}


class Guard:
    """Calls functions on the scenes of a job, each within its limits, one at a time. End it at last."""

    def __init__(self, job: Job) -> None:
        self.job = job
        limits = job.limits
        if limits.memory is None:
            limits = replace(limits, memory=share_of_memory())
        self._ended = False
        self._isolated = Isolated(limits, environment=MALLOC, prepare=(_prepare, job))

    def __call__(self, function: Callable[..., Any], scene: Scene, *arguments: Any) -> Any:
        """Return `function(scene, *arguments)`. Raises `LimitError`, also where the scene broke a limit before."""
        message = self.job.broken(scene)
        if message:
            raise LimitError(message)
        try:
            return self._isolated(function, scene, *arguments)
        except LimitError as error:
            if self._ended:
                raise IEAError("the build was stopped", where=scene.scene_id) from error
            self._isolated.close()
            self.job.blame(scene, error)
            raise

    def end(self) -> None:
        """End the process. A scene that it is at is not to blame."""
        self._ended = True
        self._isolated.close()


# ---------------------------------------------------------------- what executors run


def build_scene_of(job: Job, cameras: Mapping[str, Camera], scene: Scene) -> Outcome:
    """Return what became of a scene: see `build_one`. One that breaks a limit goes into quarantine."""
    start = time.monotonic()
    try:
        outcome: Outcome = _guard(job)(_build, scene, cameras)
    except LimitError as error:
        return Outcome(scene.scene_id, "quarantined", str(error), time.monotonic() - start)
    return outcome


def name_cameras(job: Job, scenes: Sequence[Scene]) -> list[str | None]:
    """Return the cameras' names of brackets, None for one that breaks a limit."""
    return [_unless_broken(job, camera_name, scene) for scene in scenes]


def look_at_bracket(job: Job, scene: Scene) -> Look | None:
    """Return what a bracket shows of its camera, None where it breaks a limit."""
    found: Look | None = _unless_broken(job, _look, scene)
    return found


def end_job(key: str) -> None:
    """End the processes that work for a job here."""
    with _lock:
        ended = [_guards.pop(held) for held in list(_guards) if held[0] == key]
    for guard in ended:
        guard.end()


_guards: dict[tuple[str, int], Guard] = {}
_lock = threading.Lock()


def _guard(job: Job) -> Guard:
    """Return this thread's guard for a job."""
    place = (job.key, threading.get_ident())
    with _lock:
        if place not in _guards:
            _guards[place] = Guard(job)
        return _guards[place]


def _unless_broken(job: Job, function: Callable[[Scene], Any], scene: Scene) -> Any:
    try:
        return _guard(job)(function, scene)
    except LimitError:
        return None


def share_of_memory() -> int | None:
    """Return the bytes that one thread of a Dask worker may use, None where nobody says."""
    with contextlib.suppress(ImportError, ValueError, AttributeError):
        from distributed import get_worker

        worker = get_worker()
        limit = worker.memory_manager.memory_limit
        return None if not limit else int(limit) // worker.state.nthreads
    return None


# ---------------------------------------------------------------- in the process of its own


class _Here:
    """What the process holds from scene to scene."""

    job: Job


def _prepare(job: Job) -> None:
    _Here.job = job


def _build(scene: Scene, cameras: Mapping[str, Camera]) -> Outcome:
    job = _Here.job
    outcome = build_one(scene, job.config, job.store, Cameras(job.config, cameras), renew=job.renew)
    return replace(outcome, memory=peak_memory())


def _look(scene: Scene) -> Look:
    return look_at(scene, _Here.job.config)
