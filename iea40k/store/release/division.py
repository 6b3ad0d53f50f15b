"""How a release's scenes are divided: which may not be parted, the split of each in every scheme, and what leaks.

Scenes of one composition and near-twins (`iea40k.likeness`) make a group. Random schemes never divide a group; a scheme
that the manifest gives is published as it was given, and where it divides a group that is a leak, and said.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from iea40k.errors import BadInputError
from iea40k.likeness import Sketch, Twin, find_twins, groups_of, sketch_of
from iea40k.store.layout import Store
from iea40k.store.release.plan import FoundScene, Plan
from iea40k.store.release.splits import SPLITS, Drawn, Member, draw_splits, scheme_name
from iea40k.store.split_book import Schemes, draw_and_keep, kept_splits

STRATA = ("light", "super_class", "scene_class", "device")
"""Attributes by whose values random splits are balanced, where a manifest gives them."""


@dataclass(frozen=True, order=True)
class Leak:
    """Scenes of one group in several splits of a scheme: `splits` names the split of each."""

    scheme: str
    group: str
    splits: tuple[tuple[str, str], ...]

    @property
    def words(self) -> str:
        """What a person reads."""
        where = ", ".join(f"{scene} ({split})" for scene, split in self.splits)
        return f"{self.scheme}: the same photograph is in several splits: {where}"

    def facts(self) -> dict[str, Any]:
        """Return the leak for JSON."""
        return {"scheme": self.scheme, "group": self.group, "splits": dict(self.splits)}


@dataclass(frozen=True)
class Division:
    """The division of a release.

    `groups`: what each scene may not be parted from. `twins`: the pairs found. `splits`: by scheme and scene, the
    random schemes first. `between`: by scheme, scenes that are in no split, since their group is in two already.
    """

    groups: Mapping[str, str]
    twins: tuple[Twin, ...]
    splits: Schemes
    leaks: tuple[Leak, ...]
    between: Mapping[str, tuple[str, ...]]

    def twins_of(self, scene_id: str) -> list[str]:
        """Return the other scenes of a scene's group, sorted."""
        group = self.groups[scene_id]
        return sorted(s for s, other in self.groups.items() if other == group and s != scene_id)

    def facts(self) -> dict[str, Any]:
        """Return what release.json says: twins, leaks, and scenes in no split of a random scheme."""
        return {
            "twins": [asdict(twin) for twin in self.twins],
            "leaks": [leak.facts() for leak in self.leaks],
            "in_no_split": {scheme: list(scenes) for scheme, scenes in self.between.items() if scenes},
        }


def divide(store: Store, plan: Plan) -> Division:
    """Return the division of a planned release, and keep its random splits in the store's book.

    Reads one exposure of each scene, also of scenes that were published before and stay behind now: a near-twin of
    one takes its split. Raises `BadInputError` for a split of the manifest that is none.
    """
    scenes, options = plan.scenes, plan.options
    out = {scene.scene_id: scene.composition for scene in scenes}
    published = {s for split in kept_splits(store, options.seed, options.ratios).values() for s in split}
    behind = {s: f"scene {s}" for s in store.scene_ids() if s in published and s not in out}
    found = find_twins({scene_id: _sketch(store, scene_id) for scene_id in (*out, *behind)})
    groups = _groups({**out, **behind}, found)
    twins = [twin for twin in found if twin.first in out and twin.second in out]
    withdrawn = {scene_id: groups.pop(scene_id) for scene_id in behind}
    members = {scene.scene_id: Member(groups[scene.scene_id], tuple(_strata(scene))) for scene in scenes}

    def draw(kept: Schemes) -> tuple[Schemes, dict[str, Drawn]]:
        drawn = {
            name: draw_splits(members, name, options.seed, options.ratios, kept.get(name), withdrawn)
            for name in map(scheme_name, range(options.splits))
        }
        return {name: found.split_of for name, found in drawn.items()}, drawn

    drawn = draw_and_keep(store, options.seed, options.ratios, draw)
    splits: dict[str, Mapping[str, str]] = {name: found.split_of for name, found in drawn.items()}
    for name in _named_schemes(scenes):
        if name in splits:
            raise BadInputError(
                "a split scheme of the manifest has the name of a random one",
                expected="another name",
                got=name,
            )
        splits[name] = {scene.scene_id: _given_split(scene, name) for scene in scenes}
    between = {name: found.between for name, found in drawn.items()}
    return Division(groups, tuple(twins), splits, tuple(leaks_of(groups, splits)), between)


def leaks_of(groups: Mapping[str, str], splits: Schemes) -> list[Leak]:
    """Return every group that a scheme divides; scenes in no split ("") leak nothing."""
    members: dict[str, list[str]] = defaultdict(list)
    for scene, group in groups.items():
        members[group].append(scene)
    found = []
    for scheme, split_of in splits.items():
        for group, scenes in members.items():
            placed = tuple((scene, split_of[scene]) for scene in sorted(scenes) if split_of.get(scene))
            if len({split for _, split in placed}) > 1:
                found.append(Leak(scheme, group, placed))
    return sorted(found)


def _sketch(store: Store, scene_id: str) -> Sketch:
    scene = store.open_scene(scene_id)
    return sketch_of(scene.exposure(scene.levels[as_shot(scene.evs)]))


def as_shot(evs: Sequence[float]) -> int:
    """Return which exposure of a scene is compared: the one nearest to EV 0. No edit of a reference changes it."""
    return min(range(len(evs)), key=lambda i: (abs(evs[i]), evs[i]))


def _groups(own: Mapping[str, str], twins: Iterable[Twin]) -> dict[str, str]:
    """Return the name of each scene's group: the least of the compositions that twins connect."""
    heads = groups_of(set(own.values()), ((own[twin.first], own[twin.second]) for twin in twins))
    return {scene_id: heads[composition] for scene_id, composition in own.items()}


def _strata(scene: FoundScene) -> Iterable[str]:
    return (f"{name} {scene.attributes[name]}" for name in STRATA if scene.attributes.get(name))


def _named_schemes(scenes: Sequence[FoundScene]) -> list[str]:
    return sorted({name for s in scenes for name in s.attributes if name.startswith("split_")})


def _given_split(scene: FoundScene, name: str) -> str:
    split = str(scene.attributes.get(name) or "")
    if split not in ("", *SPLITS):
        raise BadInputError(
            "not a split of a scheme",
            where=scene.scene_id,
            expected=f"one of {', '.join(SPLITS)}, or nothing, as attribute '{name}'",
            got=split,
        )
    return split
