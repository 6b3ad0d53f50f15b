"""The build: every scene of a manifest into the store; resumes, quarantines, and goes on.

A scene that fails is put into quarantine with its reason. A scene that is there already is kept. What stops a run
is only what would stop every scene: a full disk, a store that cannot be written, a part that is not installed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from iea40k.errors import BadInputError, IEAError
from iea40k.files import AnyPath
from iea40k.isolation import Limits
from iea40k.manifest import Manifest, read_manifest
from iea40k.scene import Scene
from iea40k.store.layout import Store
from pipelines.config import BuildConfig
from pipelines.guarded import GuardedBuilder
from pipelines.left_out import LeftOut
from pipelines.scene_task import Outcome, Status


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
        """The messages of everything that failed."""
        quarantined = [f"{o.scene_id}: {o.message}" for o in self.outcomes if o.status == "quarantined"]
        return [str(problem) for problem in self.bad_rows] + quarantined


def build(
    manifest_file: AnyPath,
    store_path: AnyPath,
    config: BuildConfig | None = None,
    *,
    root: Path | None = None,
    only: Sequence[str] = (),
    limits: Limits | None = None,
    progress: Callable[[Outcome, int, int], None] = lambda *_: None,
) -> BuildReport:
    """Build the scenes of a manifest, or only those named, into a store, and return what became of each.

    `root` is the folder that the manifest's paths are relative to, where it is not the recorded one.
    Scenes are built in a process of its own within `limits`, see `pipelines.guarded`.
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
    outcomes = []
    with GuardedBuilder(manifest.scenes, config, store, limits) as builder:
        for scene in scenes:
            outcome = builder.build(scene)
            outcomes.append(outcome)
            progress(outcome, len(outcomes), len(scenes))
    return BuildReport(tuple(outcomes), tuple(manifest.problems))


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
