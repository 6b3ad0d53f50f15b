"""What a release will hold, decided before a pixel is read: which scenes, in which array, in which shard.

Frames of one shape share arrays. An image's place in them is its index; a shard is a run of indices. The order is
that of scene ids and, within a scene, of stops, so the same store always gives the same plan.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from iea40k.errors import BadInputError, LicenceError
from iea40k.fusion.revisions import revision_of
from iea40k.recipe import digest, versions
from iea40k.scene import darkest_first
from iea40k.store.layout import Store
from iea40k.store.release.outgoing import Outgoing
from iea40k.store.release.publication import Publication
from iea40k.store.release.splits import RATIOS

NO_LICENCE = "not stated"
_BYTES_A_PIXEL = 3 + 2 + 1 + 1 + 1 + 2  # exposures, residual, outliers, uncertainty, touched, spread


@dataclass(frozen=True)
class ReleaseOptions:
    """What a curator chooses.

    `allow_unlicensed`: scenes without a licence may go out too. `ledger` fixes which corrections are replayed,
    `published` is a date for the card (YYYY-MM-DD), `shard_bytes` bounds the raw bytes of a shard's images, and so the
    writer's memory. `about` is what people say of the dataset.
    """

    version: str
    name: str = "exposure dataset"
    seed: int = 0
    splits: int = 5
    ratios: tuple[int, int, int] = RATIOS
    licences: tuple[str, ...] = ()
    allow_unlicensed: bool = False
    ledger: Mapping[str, Any] = field(default_factory=dict)
    published: str = ""
    shard_bytes: int = 128 << 20
    about: Publication = field(default_factory=Publication)


@dataclass(frozen=True)
class FoundScene:
    """What a release says of a scene, from its attributes: exposures by stops, the darkest first.

    `fusion`: the revision of the fusion that made its reference, None where that is no fusion.
    """

    scene_id: str
    shape: tuple[int, int]
    levels: tuple[str, ...]
    evs: tuple[float, ...]
    review_priority: tuple[float, ...]
    attributes: Mapping[str, Any]
    recipe_digest: str
    has_uncertainty: bool
    fusion: int | None = field(kw_only=True)

    @property
    def licence(self) -> str:
        """The scene's licence, `NO_LICENCE` where its manifest names none."""
        return str(self.attributes.get("licence") or NO_LICENCE)

    @property
    def composition(self) -> str:
        """What the scene may not be divided from in a split: itself, or what its manifest calls its composition."""
        own = self.attributes.get("composition") or self.attributes.get("x_composition")
        return f"composition {own}" if own else f"scene {self.scene_id}"


@dataclass(frozen=True)
class PlannedScene(FoundScene):
    """A scene of a release with its place: its frame, its number there, the number of its first image there."""

    frame: str
    index: int
    first_image: int


@dataclass(frozen=True)
class Frame:
    """The scenes of one frame shape. `per_shard`: images a shard, and scenes a shard of the scenes' arrays."""

    name: str
    shape: tuple[int, int]
    scenes: tuple[PlannedScene, ...]
    images: int
    per_shard: int
    has_uncertainty: bool

    def image_shards(self) -> Iterator[tuple[int, int]]:
        """Yield the run of images (first, last + 1) of every shard."""
        return _runs(self.images, self.per_shard)

    def scene_shards(self) -> Iterator[tuple[int, int]]:
        """Yield the run of scenes (first, last + 1) of every shard."""
        return _runs(len(self.scenes), self.per_shard)

    def images_between(self, first: int, last: int) -> Iterator[tuple[int, PlannedScene, int]]:
        """Yield (index, scene, position of the level in the scene) of the images of a run."""
        start = bisect_right(self.scenes, first, key=lambda scene: scene.first_image) - 1
        for scene in self.scenes[max(start, 0) :]:
            if scene.first_image >= last:
                return
            for position in range(len(scene.levels)):
                index = scene.first_image + position
                if first <= index < last:
                    yield index, scene, position


@dataclass(frozen=True)
class Plan:
    """A whole release, decided."""

    options: ReleaseOptions
    frames: tuple[Frame, ...]

    @property
    def scenes(self) -> list[PlannedScene]:
        """All scenes, by id."""
        return sorted((s for frame in self.frames for s in frame.scenes), key=lambda s: s.scene_id)

    @property
    def images(self) -> int:
        """How many images the release has."""
        return sum(frame.images for frame in self.frames)

    def recipe(self) -> dict[str, Any]:
        """Return what determines the release's bytes: its scenes' recipes, the options, the software."""
        made_by = {scene.scene_id: scene.recipe_digest for scene in self.scenes}
        return {
            "options": asdict(self.options),
            "scenes": digest(made_by),
            "arrays": "described",  # a run that an older version began would mix two kinds of metadata
            "software": versions("iea40k", "numcodecs", "numpy", "pillow", "pyarrow", "zarr", "zstandard"),
        }


def make_plan(store: Store, options: ReleaseOptions, outgoing: Outgoing | None = None) -> Plan:
    """Return the plan of a release of `store`. Reads attributes only, no pixels.

    Without `outgoing`, every scene goes out as it was built. Raises `CorruptDataError` for a scene whose metadata are
    not those that the store's list has, `BadInputError` where no scene is left, `LicenceError` where no scene has a
    licence asked for, or where scenes have none and may not go out without.
    """
    outgoing = outgoing or Outgoing()
    ids = store.scene_ids()
    if not ids:
        raise BadInputError("the store has no scenes", where=store.path, remedy="build some first")
    found = [_read(store, scene_id, outgoing) for scene_id in ids if scene_id not in outgoing.withdrawn]
    if not found:
        raise BadInputError(
            "no scene is left to release",
            where=store.path,
            got=f"{len(ids)} scenes, all withdrawn or excluded",
        )
    chosen = _licensed(found, options.licences)
    if not options.allow_unlicensed:
        _refuse_unlicensed(chosen)
    shapes = sorted({scene.shape for scene in chosen})
    frames = [_frame(shape, [s for s in chosen if s.shape == shape], options) for shape in shapes]
    return Plan(options, tuple(frames))


def licence_counts(scenes: Collection[FoundScene]) -> dict[str, int]:
    """Return how many scenes have each licence, sorted by licence."""
    return dict(sorted(Counter(scene.licence for scene in scenes).items()))


def _refuse_unlicensed(scenes: Collection[FoundScene]) -> None:
    without = [scene.scene_id for scene in scenes if scene.licence == NO_LICENCE]
    if without:
        more = f" and {len(without) - 10} more" if len(without) > 10 else ""
        raise LicenceError(
            "scenes have no licence, and a release passes them on",
            expected="a licence for each, in the manifest's column 'licence'",
            got=f"{len(without)} of {len(scenes)} without: {', '.join(without[:10])}{more}",
            remedy="write it into the manifest (no rebuild is needed), leave them out with --exclude FILE, "
            "or say --allow-unlicensed",
        )


def _read(store: Store, scene_id: str, outgoing: Outgoing) -> FoundScene:
    store.listing.check_metadata(scene_id)
    scene = store.open_scene(scene_id)
    order = darkest_first(scene.evs, scene.levels)  # a scene that another tool wrote may have any order
    return FoundScene(
        scene_id=scene_id,
        shape=scene.shape,
        levels=tuple(scene.levels[i] for i in order),
        evs=tuple(scene.evs[i] for i in order),
        review_priority=tuple(scene.review_priority[i] for i in order),
        attributes=outgoing.attributes(scene),
        recipe_digest=scene.recipe_digest,
        has_uncertainty=scene.has_uncertainty,
        fusion=revision_of(scene.recipe),
    )


def _licensed(scenes: list[FoundScene], licences: Collection[str]) -> list[FoundScene]:
    if not licences:
        return scenes
    there = licence_counts(scenes)
    asked = {licence.casefold() for licence in licences}
    known = {licence.casefold() for licence in there if licence != NO_LICENCE}
    unknown = [licence for licence in licences if licence.casefold() not in known]
    if unknown:
        raise LicenceError(
            "no scene of the store has this licence",
            expected="one of " + ", ".join(f"{name} ({count} scenes)" for name, count in there.items()),
            got=", ".join(unknown),
        )
    return [scene for scene in scenes if scene.licence.casefold() in asked]


def _frame(shape: tuple[int, int], scenes: list[FoundScene], options: ReleaseOptions) -> Frame:
    name = f"{shape[0]}x{shape[1]}"
    placed: list[PlannedScene] = []
    images = 0
    for index, scene in enumerate(sorted(scenes, key=lambda s: s.scene_id)):
        placed.append(PlannedScene(**vars(scene), frame=name, index=index, first_image=images))
        images += len(scene.levels)
    fits = options.shard_bytes // (shape[0] * shape[1] * _BYTES_A_PIXEL)
    return Frame(
        name=name,
        shape=shape,
        scenes=tuple(placed),
        images=images,
        per_shard=max(1, min(fits, images)),
        has_uncertainty=any(scene.has_uncertainty for scene in placed),
    )


def _runs(count: int, per_run: int) -> Iterator[tuple[int, int]]:
    return ((first, min(first + per_run, count)) for first in range(0, count, per_run))
