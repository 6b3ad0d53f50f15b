"""The build: every scene of a manifest into the store; resumes, quarantines, and goes on.

A scene that fails is put into quarantine with its reason. A scene that is there already is kept. What stops a run
is only what would stop every scene: a full disk, a store that cannot be written, a part that is not installed.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from iea40k.errors import BadInputError, IEAError, LimitError
from iea40k.files import AnyPath
from iea40k.isolation import Limits
from iea40k.label_names import is_label
from iea40k.manifest import Manifest, read_manifest
from iea40k.scene import Scene
from iea40k.store.layout import Store
from iea40k.store.sources import Change, Row, note_build, read_record
from pipelines.camera_survey import survey
from pipelines.config import BuildConfig
from pipelines.executor import Executor, Lost, Workers, open_executor
from pipelines.executor.paths import check_paths
from pipelines.guarded import Job, build_scene_of, end_job
from pipelines.left_out import LeftOut
from pipelines.scene_state import why_build
from pipelines.scene_task import FAILED, Outcome, Status


@dataclass(frozen=True)
class BuildReport:
    """A finished run: one outcome a scene, in the manifest's order, and the rows that were no scenes.

    `changes`: labels that changed since the manifest was last read. `unlisted`: scenes of the store that it no longer
    has, which a release will leave out.
    """

    outcomes: tuple[Outcome, ...]
    bad_rows: tuple[IEAError, ...] = ()
    changes: tuple[Change, ...] = ()
    unlisted: tuple[str, ...] = ()

    def count(self, status: Status) -> int:
        """Return how many scenes ended so."""
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def memory(self) -> int:
        """The most bytes that a process which built a scene has held, 0 where nobody knows."""
        return max((outcome.memory for outcome in self.outcomes), default=0)

    @property
    def left_out(self) -> list[LeftOut]:
        """The frames that scenes were built without."""
        return [frame for outcome in self.outcomes for frame in outcome.left_out]

    @property
    def older_fusions(self) -> list[str]:
        """The scenes whose references an older revision of the fusion made."""
        return [outcome.scene_id for outcome in self.outcomes if outcome.older_fusion]

    @property
    def older_raws(self) -> list[str]:
        """The scenes whose RAW files an older revision developed."""
        return [outcome.scene_id for outcome in self.outcomes if outcome.older_raw]

    @property
    def failures(self) -> list[str]:
        """The messages of everything that failed."""
        failed = [f"{o.scene_id}: {o.message}" for o in self.outcomes if o.status in FAILED]
        return [str(problem) for problem in self.bad_rows] + failed


def build(
    manifest_file: AnyPath,
    store_path: AnyPath,
    config: BuildConfig | None = None,
    *,
    root: Path | None = None,
    only: Sequence[str] = (),
    renew: bool = False,
    limits: Limits | None = None,
    workers: Workers | None = None,
    progress: Callable[[Outcome, int, int], None] = lambda *_: None,
    learning: Callable[[int, int, str], None] = lambda *_: None,
    say: Callable[[str], None] = lambda _: None,
) -> BuildReport:
    """Build the scenes of a manifest, or only those named, into a store, and return what became of each.

    `root` is the folder that the manifest's paths are relative to, where it is not the recorded one.
    `renew`: scenes whose reference an older revision of the fusion made, or whose RAW files an older one developed, are
    built again.
    Each scene is built within `limits`, see `pipelines.guarded`, by `workers`, see `pipelines.executor`; any number of
    them makes the same bytes. `progress(outcome, done, total)` is called after each scene, `learning(done, total,
    scene)` after each bracket that was looked at to learn its camera, `say` with what a person should know meanwhile.
    A worker holds one scene at a time. Rows of the manifest that cannot be used are reported and the others are built.

    Raises `BadInputError` where the manifest's header is wrong, a scene of `only` is not in it, or the cluster cannot
    do the work, and `StoreError` where the store cannot be written.
    """
    workers = workers or Workers()
    if workers.scheduler is not None:  # other machines have another working folder
        manifest_file, store_path = Path(manifest_file).absolute(), Path(store_path).absolute()
        root = None if root is None else root.absolute()
    manifest = read_manifest(Path(manifest_file), root=root, keep_going=True)
    scenes = _chosen(manifest, only)
    store = Store.planned(store_path)
    job = Job(config or BuildConfig(), store, _limits(limits, workers), renew)
    order = {scene.scene_id: place for place, scene in enumerate(scenes)}
    outcomes: list[Outcome] = []
    with open_executor(workers) as executor:
        check_paths(executor, store, scenes)
        # Only now: a cluster that cannot do the work leaves no store behind, and no note of a build.
        Store.create(store_path).clear_leftovers()
        changes, unlisted = _noted(store, manifest)
        if executor.dashboard:
            say(f"watch the workers at {executor.dashboard}")
        with _ended(job, executor):
            cameras = survey(
                job,
                [scene for scene in manifest.scenes if scene.kind == "bracket"],
                [scene for scene in scenes if scene.kind == "bracket" and _is_wanted(scene, job)],
                executor,
                learning,
            )
            for scene, answer in executor.unordered(partial(build_scene_of, job, cameras), scenes):
                outcomes.append(_lost(job, scene, answer) if isinstance(answer, Lost) else answer)
                progress(outcomes[-1], len(outcomes), len(scenes))
    outcomes.sort(key=lambda outcome: order[outcome.scene_id])
    return BuildReport(tuple(outcomes), tuple(manifest.problems), changes, unlisted)


def _is_wanted(scene: Scene, job: Job) -> bool:
    try:
        return why_build(scene, job.config, job.store, renew=job.renew) != ""
    except IEAError:  # its own task says so
        return False


def _noted(store: Store, manifest: Manifest) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """Note in the store what its manifest says; return what changed, and the scenes that it no longer lists."""
    rows = {
        scene.scene_id: Row(
            {name: cell for name, cell in scene.attributes.items() if is_label(name)},
            {source.name: source.sha256 for source in (*scene.exposures, *scene.references)},
        )
        for scene in manifest.scenes
    }
    changes = note_build(store, manifest.file, rows)
    record = read_record(store)
    alone = record is not None and len(record.places) == 1 and not manifest.problems
    gone = set(store.scene_ids()) & set(record.scenes) - set(rows) if record is not None and alone else set()
    return tuple(changes), tuple(sorted(gone))


def _limits(limits: Limits | None, workers: Workers) -> Limits:
    """Return the limits of one scene: a share of this machine's memory, or of that of the worker, wherever it is."""
    limits = limits or Limits()
    return replace(limits, memory=None) if workers.scheduler is not None else limits.shared_by(workers.count)


@contextlib.contextmanager
def _ended(job: Job, executor: Executor) -> Iterator[None]:
    """End the processes of a job with the context, and clear what those that were killed left."""
    try:
        yield
    finally:
        with contextlib.suppress(Exception):  # a cluster that is gone has ended them itself
            executor.everywhere(partial(end_job, job.key))
        job.store.clear_leftovers()


def _lost(job: Job, scene: Scene, lost: Lost) -> Outcome:
    error = LimitError(
        "the process that worked on it died",
        expected="files that decoders can read, and enough memory on the machine",
        got=lost.reason,
        remedy="find the file that its decoder dies of, and replace it or leave it out",
    )
    job.blame(scene, error)
    return Outcome(scene.scene_id, "quarantined", str(error))


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
