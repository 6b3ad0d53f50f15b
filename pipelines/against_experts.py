"""Is a network inside the experts' range? Its error, and each expert's, against what the other experts say.

Everybody is measured against the same thing: where an expert is left out, the median of the others is the target, for
that expert and for the network. So a network of zero error against the consensus gains nothing from the expert's own
map being part of it.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Residual, residual_from_codes, validity_from_codes
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger
from iea40k.store.ledger.corrected import corrected_reference, read_record, residual_base
from iea40k.store.ledger.replay import replay
from iea40k.store.release import Release
from iea40k.zones import ZONE_NAMES, zone_map

LEAST_PIXELS = 50
"""Pixels of a person in a group below which nothing is said of them there."""


@dataclass(frozen=True)
class Row:
    """One group of pixels: `group` is "all", "level" or "zone", `value` which one.

    `network` and `experts` (by name) are mean absolute errors against the others' median, in residual units, over the
    pixels that an expert painted. `inside`: the network errs no more than the expert who errs most; `better_than`: how
    many of the experts err more than it does.
    """

    group: str
    value: str
    pixels: int
    network: float
    experts: dict[str, float]

    @property
    def inside(self) -> bool:
        """Whether the network is inside the experts' range."""
        return self.network <= max(self.experts.values())

    @property
    def better_than(self) -> int:
        """How many experts err more than the network."""
        return sum(error > self.network for error in self.experts.values())

    def facts(self) -> dict[str, Any]:
        """Return the row as JSON."""
        errors = list(self.experts.values())
        return {
            "group": self.group, "value": self.value, "pixels": self.pixels, "network": self.network,
            "experts": self.experts, "least": min(errors), "mean": float(np.mean(errors)), "most": max(errors),
            "inside": self.inside, "better_than": self.better_than,
        }  # fmt: skip


@dataclass(frozen=True)
class Compared:
    """The rows, all pixels first; how many images they rest on; maps left out since their base was rebuilt."""

    rows: tuple[Row, ...]
    images: int
    people: tuple[str, ...]
    stale: int


@dataclass
class _Sums:
    """Sums of absolute error of the network and of one expert, and pixels."""

    network: float = 0.0
    expert: float = 0.0
    pixels: int = 0


@dataclass
class _Tally:
    sums: dict[tuple[str, str], dict[str, _Sums]] = field(default_factory=dict)

    def add(self, group: str, value: str, name: str, network: NDArray[Any], expert: NDArray[Any]) -> None:
        found = self.sums.setdefault((group, value), {}).setdefault(name, _Sums())
        found.network += float(network.sum())
        found.expert += float(expert.sum())
        found.pixels += network.size

    def rows(self) -> tuple[Row, ...]:
        found = []
        for (group, value), people in self.sums.items():
            known = {name: sums for name, sums in sorted(people.items()) if sums.pixels >= LEAST_PIXELS}
            if not known:
                continue
            pixels = sum(sums.pixels for sums in known.values())
            network = sum(sums.network for sums in known.values()) / pixels
            experts = {name: sums.expert / sums.pixels for name, sums in known.items()}
            found.append(Row(group, value, pixels, network, experts))
        order = {"all": 0, "level": 1, "zone": 2}
        return tuple(sorted(found, key=lambda row: (order[row.group], _place(row))))


def compare(
    predict: Callable[[EncodedRGB], Residual],
    release: Release,
    store: Store,
    ledger: Ledger,
    image_ids: Collection[str],
    *,
    progress: Callable[[int, int], object] = lambda *_: None,
) -> Compared:
    """Return how a network and the experts err on images of a release that two experts mapped, by level and zone.

    `predict` gives the residual (H, W) of a picture. Images that fewer than two people mapped are not counted.
    """
    ledger.check_sees_all()
    shared = set(ledger.shared_scenes()) & set(store.scene_ids())
    rows = release.images[
        release.images["image_id"].isin(image_ids) & release.images["scene_id"].isin(shared)
    ]
    tally, images, stale, people = _Tally(), 0, 0, set()
    for number, (scene_id, found) in enumerate(rows.groupby("scene_id", sort=True), start=1):
        scene, record = store.open_scene(str(scene_id)), read_record(ledger, str(scene_id))
        reference = corrected_reference(scene, record)
        for row in found.to_dict("records"):
            level = str(row["level"])
            keys = record.counted(level, "expert")
            base = residual_base(scene, level, record, reference)
            replayed = {key.annotator: replay(base, record.corrections.get(key, ())) for key in keys}
            stale += sum(bool(each.stale) for each in replayed.values())
            maps = {name: each for name, each in replayed.items() if not each.stale}
            painted = (
                np.any([m.touched for m in maps.values()], axis=0) & validity_from_codes(base)
                if maps
                else None
            )
            if len(maps) < 2 or painted is None or not painted.any():
                continue
            image = release[str(row["image_id"])]
            zones = np.rint(zone_map(image.exposure)).astype(np.int64)[painted]
            predicted = predict(image.exposure)[painted]
            values = {name: residual_from_codes(each.codes)[painted] for name, each in maps.items()}
            _add(tally, level, zones, predicted, values)
            people |= set(maps)
            images += 1
        progress(number, rows["scene_id"].nunique())
    return Compared(tally.rows(), images, tuple(sorted(people)), stale)


def _add(
    tally: _Tally, level: str, zones: NDArray[np.int64], predicted: Residual, values: dict[str, Residual]
) -> None:
    for name, own in values.items():
        target = np.median([other for who, other in values.items() if who != name], axis=0)
        network, expert = np.abs(predicted - target), np.abs(own - target)
        tally.add("all", "", name, network, expert)
        tally.add("level", level, name, network, expert)
        for zone in np.unique(zones):
            there = zones == zone
            tally.add("zone", ZONE_NAMES[int(zone)], name, network[there], expert[there])


def _place(row: Row) -> float:
    if row.group == "zone":
        return ZONE_NAMES.index(row.value)
    if row.group == "level":
        return int(row.value[1:]) * (1 if row.value[0] == "P" else -1)
    return 0
