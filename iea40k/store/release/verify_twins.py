"""Leaks of a release, looked for anew: near-twins that one of its schemes divides."""

from collections.abc import Iterator, Mapping
from typing import Any

from iea40k.errors import CorruptDataError, IEAError
from iea40k.likeness import find_twins, groups_of, sketch_of
from iea40k.store.release import content
from iea40k.store.release.division import Leak, as_shot, leaks_of
from iea40k.store.release.reading import Release


def known_leaks(release: Release) -> list[Leak]:
    """Return the leaks that release.json says, of schemes that its manifest gave."""
    entries: list[Mapping[str, Any]] = release.head.get("leaks", [])
    return [Leak(e["scheme"], e["group"], tuple(sorted(e["splits"].items()))) for e in entries]


def twin_problems(release: Release) -> Iterator[IEAError]:
    """Yield an error for each group of near-twins that a scheme divides, and that release.json does not say.

    Reads one exposure of each scene.
    """
    scenes = release.scenes
    sketches = {}
    for scene_id, rows in release.images.groupby("scene_id"):
        image = rows.iloc[as_shot(rows["ev"].tolist())]
        sketches[str(scene_id)] = sketch_of(
            release.array(str(image["frame"]), "exposures")[int(image["index"])]
        )
    own = dict(zip(scenes["scene_id"].astype(str), scenes["composition"].astype(str), strict=True))
    pairs = [(own[twin.first], own[twin.second]) for twin in find_twins(sketches)]
    heads = groups_of(set(own.values()), pairs)
    groups = {scene: heads[composition] for scene, composition in own.items()}
    table = release.splits.set_index("scene_id")
    splits = {
        name: dict(zip(table.index.astype(str), table[name].fillna("").astype(str), strict=True))
        for name in release.split_schemes
    }
    known = {(leak.scheme, scene) for leak in known_leaks(release) for scene, _ in leak.splits}
    for leak in leaks_of(groups, splits):
        if all((leak.scheme, scene) in known for scene, _ in leak.splits):
            continue
        yield CorruptDataError(
            "near-twins are in several splits of one scheme",
            where=release.path / content.TABLES / "splits.parquet",
            expected="the same photograph in one split",
            got=leak.words,
            remedy="cut a new release; what is trained on this one is tested on what it has seen",
        )
