"""What a manifest's scenes have in common before anything is built: shared files, near-twins, and splits that leak."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from iea40k.errors import IEAError
from iea40k.likeness import Sketch, Twin, find_twins, groups_of, sketch_of
from iea40k.likeness.sketch import SIDE
from iea40k.scene import Scene, SourceFile
from iea40k.store.release.division import Leak, leaks_of


@dataclass(frozen=True)
class InCommon:
    """`shared`: (file, its scenes) of files that several scenes use, by name or sha256; `declared`: those of them whose
    scenes the manifest says are of one composition. `twins`: the near-twins.

    `leaks`: splits of the manifest that divide scenes of one photograph. `unread`: (scene, reason) where no picture
    could be looked at.
    """

    shared: tuple[tuple[str, tuple[str, ...]], ...]
    twins: tuple[Twin, ...]
    leaks: tuple[Leak, ...]
    unread: tuple[tuple[str, str], ...]
    declared: frozenset[str] = frozenset()

    def shared_words(self) -> list[str]:
        """Return what is wrong with each file that several scenes use: one photograph would count as two scenes."""
        return [
            f"{file}: used by {len(scenes)} scenes: {', '.join(scenes)}; list it once, or say by the column "
            "x_composition that they are one photograph"
            for file, scenes in self.shared
            if file not in self.declared
        ]

    def unread_words(self) -> list[str]:
        """Return a line for each scene that was not compared, since no picture of it could be read."""
        return [f"{scene}: its picture was not compared: {reason}" for scene, reason in self.unread]

    def lines(self) -> list[str]:
        """Return what a person should know beside what is wrong, a finding a line."""
        return [
            f"{twin.first} and {twin.second} show the same photograph"
            f"{' in a mirror' if twin.mirrored else ''} (likeness {twin.likeness:.2f})"
            for twin in self.twins
        ]


def in_common(scenes: Sequence[Scene], *, progress: Callable[[int, int, str], None]) -> InCommon:
    """Return what scenes have in common. One picture of each is read: its first reference, or its middle exposure."""
    sketches: dict[str, Sketch] = {}
    unread = []
    for done, scene in enumerate(scenes, 1):
        try:
            sketches[scene.scene_id] = _sketch(_shown(scene))
        except IEAError as error:
            unread.append((scene.scene_id, error.what))
        progress(done, len(scenes), scene.scene_id)
    shared = _shared(scenes)
    twins = find_twins(sketches)
    own = {scene.scene_id: _composition(scene) for scene in scenes}
    pairs = [(own[twin.first], own[twin.second]) for twin in twins]
    pairs += [(own[used[0]], own[other]) for _, used in shared for other in used[1:]]
    heads = groups_of(set(own.values()), pairs)
    groups = {scene_id: heads[composition] for scene_id, composition in own.items()}
    schemes = sorted({name for scene in scenes for name in scene.attributes if name.startswith("split_")})
    splits = {name: {s.scene_id: s.attributes.get(name, "") for s in scenes} for name in schemes}
    declared = frozenset(file for file, used in shared if len({own[scene_id] for scene_id in used}) == 1)
    return InCommon(tuple(shared), tuple(twins), tuple(leaks_of(groups, splits)), tuple(unread), declared)


def _shown(scene: Scene) -> SourceFile:
    if scene.references:
        return scene.references[0]
    if scene.evs is not None:
        order = sorted(range(len(scene.evs)), key=lambda i: abs((scene.evs or ())[i]))
        return scene.exposures[order[0]]
    return scene.exposures[len(scene.exposures) // 2]


def _sketch(source: SourceFile) -> Sketch:
    from iea40k.develop import ReadOptions, load_guarded  # late: it needs LibRaw

    # Only likeness is asked: what a build reads by an explicit choice alone is read here too, colours by a guess.
    options = ReadOptions(assume_profile="srgb", accept_headerless=True, cmyk="profile")
    return sketch_of(load_guarded(source.path, short_side=SIDE, options=options)[0])


def _composition(scene: Scene) -> str:
    own = scene.attributes.get("composition") or scene.attributes.get("x_composition")
    return f"composition {own}" if own else f"scene {scene.scene_id}"


def _shared(scenes: Sequence[Scene]) -> list[tuple[str, tuple[str, ...]]]:
    """Return files that several scenes use: the same path, or the same digest under two names."""
    users: dict[str, dict[str, str]] = defaultdict(dict)
    for scene in scenes:
        for source in (*scene.exposures, *scene.references):
            users[source.sha256 or str(source.path)].setdefault(scene.scene_id, source.name)
    found = set()
    for used in users.values():
        if len(used) > 1:
            found.add((min(used.values()), tuple(sorted(used))))
    return sorted(found)
