"""What a dataset is made of: how many images were simulated, captured or generated, against a target; and of
what they are.

About 80 % of IEA40K's images are simulated from one file and 20 % captured as brackets. Pictures that a
network made are a source of their own: their manifest names the `generator`, and whatever was done to them
afterwards, they count as generated.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

SIMULATED, CAPTURED, GENERATED = "simulated", "captured", "generated"
ORIGINS = (SIMULATED, CAPTURED, GENERATED)

TARGET: Mapping[str, float] = {SIMULATED: 0.8, CAPTURED: 0.2}
"""Shares of the images that were not generated, after the paper."""

AXES = ("origin", "generator", "super_class", "scene_class", "light", "device", "licence")
NOT_STATED = "not stated"


@dataclass(frozen=True)
class Count:
    """How many scenes and images have one value."""

    scenes: int
    images: int


@dataclass(frozen=True)
class Composition:
    """Counts by axis and value, the most frequent first; `shares` of simulated and captured images among both,
    and the `target`.

    `shares` is empty where there is neither.
    """

    counts: Mapping[str, Mapping[str, Count]]
    shares: Mapping[str, float]
    target: Mapping[str, float]

    @property
    def images(self) -> int:
        """How many images there are."""
        return sum(count.images for count in self.counts["origin"].values())

    @property
    def own_images(self) -> int:
        """How many images were simulated or captured."""
        return sum(self.counts["origin"][name].images for name in TARGET if name in self.counts["origin"])

    def facts(self) -> dict[str, Any]:
        """Return the composition as JSON-able data."""
        return {
            "shares": dict(self.shares),
            "target": dict(self.target),
            "counts": {
                axis: {value: vars(count) for value, count in values.items()}
                for axis, values in self.counts.items()
            },
        }


def origin_of(attributes: Mapping[str, Any]) -> str:
    """Return what a scene's images are: "generated" where it names its generator, else "captured" or "simulated"."""
    if attributes.get("generator"):
        return GENERATED
    return CAPTURED if attributes.get("kind") == "bracket" else SIMULATED


def compose(
    scenes: Iterable[tuple[Mapping[str, Any], int]], target: Mapping[str, float] = TARGET
) -> Composition:
    """Return the composition of scenes, each its attributes and its number of images."""
    found: dict[str, dict[str, list[int]]] = {axis: {} for axis in AXES}
    for attributes, images in scenes:
        for axis in AXES:
            value = origin_of(attributes) if axis == "origin" else str(attributes.get(axis) or NOT_STATED)
            if axis == "generator" and value == NOT_STATED:
                continue
            count = found[axis].setdefault(value, [0, 0])
            count[0] += 1
            count[1] += images
    counts = {
        axis: {
            value: Count(*count) for value, count in sorted(values.items(), key=lambda v: (-v[1][1], v[0]))
        }
        for axis, values in found.items()
    }
    plain = Composition(counts, {}, dict(target))
    if not plain.own_images:
        return plain
    origin = counts["origin"]
    shares = {n: round(origin[n].images / plain.own_images, 4) if n in origin else 0.0 for n in TARGET}
    return replace(plain, shares=shares)


def words(composition: Composition) -> str:
    """Return the shares against their target in one line."""
    if not composition.shares:
        return "no image was simulated or captured"
    return ", ".join(
        f"{name} {share:.0%} of the images (target {composition.target[name]:.0%})"
        for name, share in composition.shares.items()
    )
