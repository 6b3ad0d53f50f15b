"""The cameras of a build's brackets, learnt before its scenes are built, so that all workers know the same ones."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from iea40k.scene import Scene
from pipelines.cameras import MOST, Camera, Look, learn
from pipelines.executor import Executor
from pipelines.guarded import Job, look_at_bracket, name_cameras

_TOGETHER = 20
"""Brackets whose cameras' names are read in one piece of work."""

Progress = Callable[[int, int, str], None]


def survey(
    job: Job,
    brackets: Sequence[Scene],
    to_build: Sequence[Scene],
    executor: Executor,
    progress: Progress = lambda *_: None,
) -> dict[str, Camera]:
    """Return the named cameras of the brackets in `to_build`, each learnt from the first brackets that can be read.

    `brackets` are all that may speak for a camera. One that breaks a limit is in quarantine, and the next takes its
    place. The same brackets give the same cameras with any number of workers.
    """
    if not to_build:
        return {}
    names = _names(job, sorted(brackets, key=lambda scene: scene.scene_id), executor)
    wanted = {name for scene in to_build if (name := names.get(scene.scene_id))}
    by_name: dict[str, list[Scene]] = {name: [] for name in sorted(wanted)}
    by_id = {scene.scene_id: scene for scene in brackets}
    for scene_id, name in names.items():
        if name in by_name:
            by_name[name].append(by_id[scene_id])
    looks: dict[str, Look] = {}
    total = sum(min(MOST, len(scenes)) for scenes in by_name.values())
    while missing := [
        scene for scenes in by_name.values() for scene in scenes[:MOST] if scene.scene_id not in looks
    ]:
        for scene, look in executor.unordered(partial(look_at_bracket, job), missing):
            if isinstance(look, Look):
                looks[scene.scene_id] = look
                progress(len(looks), total, scene.scene_id)
            else:
                by_name[str(names[scene.scene_id])].remove(scene)
    return {
        name: learn(name, [looks[scene.scene_id] for scene in scenes[:MOST]])
        for name, scenes in by_name.items()
        if scenes
    }


def _names(job: Job, brackets: Sequence[Scene], executor: Executor) -> dict[str, str]:
    """Return scene id -> name of its camera, in the order given, without those that break a limit."""
    found: dict[str, str | None] = {}
    for some, names in executor.unordered(partial(name_cameras, job), list(_parts(brackets))):
        if isinstance(names, list):
            found.update(zip((scene.scene_id for scene in some), names, strict=True))
    ordered = ((scene.scene_id, found.get(scene.scene_id)) for scene in brackets)
    return {scene_id: name for scene_id, name in ordered if name is not None}


def _parts(brackets: Sequence[Scene]) -> Iterator[Sequence[Scene]]:
    for start in range(0, len(brackets), _TOGETHER):
        yield brackets[start : start + _TOGETHER]
