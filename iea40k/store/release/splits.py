"""Random splits by scene: seeded, each group's split from a hash of its own name, so that no other scene moves it.

A group is what may not be divided: scenes of one composition, and near-twins. What an earlier release of the store
published is kept; a new group takes what its hash says, unless that split has its share already.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from iea40k.errors import BadInputError

SPLITS = ("train", "valid", "test")
RATIOS = (70, 10, 20)
"""The shares of `SPLITS`, as the paper has them."""

TOLERANCE = 2.0
"""Standard deviations (binomial) by which a split may exceed its share, of all scenes and of each stratum."""


@dataclass(frozen=True)
class Member:
    """What a split is drawn for: a scene's `group`, which is never divided, and its `strata`, such as its light."""

    group: str
    strata: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drawn:
    """The split of every scene. Those of `between` are in none, "": their group is in two splits already."""

    split_of: dict[str, str]
    between: tuple[str, ...] = field(default=())


def scheme_name(number: int) -> str:
    """Return the name of a random split scheme: 0 -> "split_0"."""
    return f"split_{number}"


def draw_splits(
    members: Mapping[str, Member],
    name: str,
    seed: int,
    ratios: Sequence[int] = RATIOS,
    kept: Mapping[str, str] | None = None,
    withdrawn: Mapping[str, str] | None = None,
) -> Drawn:
    """Return the split of every scene: "train", "valid" or "test".

    `kept` holds splits that were published before: those scenes stay where they are, and new scenes of their group
    join them. `withdrawn`: the groups of scenes that `kept` holds and that are no members any more; new scenes of
    their group take their split too. Where a new scene connects two groups that were published apart, it is in no
    split. Of three groups or more, no split that has a share is empty; and no more than `TOLERANCE` is in one, of
    all scenes and of each stratum.
    """
    if len(ratios) != len(SPLITS) or min(ratios) < 0 or sum(ratios) <= 0:
        raise BadInputError(
            "not shares of a split", expected="three numbers >= 0 for train, valid, test", got=str(ratios)
        )
    shares = {split: ratio / sum(ratios) for split, ratio in zip(SPLITS, ratios, strict=True)}
    there = {scene: split for scene, split in (kept or {}).items() if scene in members and split in SPLITS}
    groups: dict[str, list[str]] = defaultdict(list)
    for scene in sorted(members):
        groups[members[scene].group].append(scene)
    before: dict[str, set[str]] = defaultdict(set)
    for scene, group in (withdrawn or {}).items():
        if (kept or {}).get(scene) in SPLITS:
            before[group].add((kept or {})[scene])
    split_of, between = dict(there), []
    fresh: list[str] = []
    for group, scenes in groups.items():
        places = {there[scene] for scene in scenes if scene in there} | before[group]
        new = [scene for scene in scenes if scene not in there]
        if not places:
            fresh.append(group)
        elif len(places) == 1:
            split_of |= dict.fromkeys(new, next(iter(places)))
        else:
            split_of |= dict.fromkeys(new, "")
            between += new
    chances = {group: _chance(seed, name, group) for group in fresh}
    balance = _Balance(members, shares, split_of)
    taken = {}
    for group in sorted(fresh, key=lambda g: (chances[g], g)):
        taken[group] = balance.place(groups[group], _split_at(chances[group], shares))
    _fill_empty(taken, groups, chances, shares, len(groups), set(split_of.values()))
    for group, split in taken.items():
        split_of |= dict.fromkeys(groups[group], split)
    return Drawn({scene: split_of[scene] for scene in members}, tuple(sorted(between)))


def split_sizes(splits: Mapping[str, str]) -> dict[str, int]:
    """Return how many scenes each split has, in the order of `SPLITS`."""
    counts = Counter(splits.values())
    return {split: counts[split] for split in SPLITS}


class _Balance:
    """How many scenes each split has, of all and of each stratum."""

    def __init__(
        self, members: Mapping[str, Member], shares: Mapping[str, float], placed: Mapping[str, str]
    ) -> None:
        self._members, self._shares = members, shares
        self._totals = Counter(s for member in members.values() for s in ("", *member.strata))
        self._counts: Counter[tuple[str, str]] = Counter()
        for scene, split in placed.items():
            self._count([scene], split)

    def place(self, scenes: Sequence[str], proposed: str) -> str:
        """Count scenes in the proposed split, or where that has its share already in the one that lacks most."""
        strata = Counter(s for scene in scenes for s in ("", *self._members[scene].strata))
        split = proposed
        if self._full(strata, proposed):
            free = [s for s in SPLITS if self._shares[s] > 0 and not self._full(strata, s)]
            split = max(free, key=self._lacks) if free else proposed
        self._count(scenes, split)
        return split

    def _full(self, strata: Mapping[str, int], split: str) -> bool:
        share = self._shares[split]
        for stratum, more in strata.items():
            total = self._totals[stratum]
            slack = max(1.0, TOLERANCE * math.sqrt(total * share * (1 - share)))
            if self._counts[split, stratum] + more > max(total * share + slack, more):
                return True
        return False

    def _lacks(self, split: str) -> float:
        return self._totals[""] * self._shares[split] - self._counts[split, ""]

    def _count(self, scenes: Sequence[str], split: str) -> None:
        for scene in scenes:
            for stratum in ("", *self._members[scene].strata):
                self._counts[split, stratum] += 1


def _fill_empty(
    taken: dict[str, str],
    groups: Mapping[str, Sequence[str]],
    chances: Mapping[str, float],
    shares: Mapping[str, float],
    count: int,
    held: set[str],
) -> None:
    """Give every split that has a share a group, the largest share first, as far as there are new groups to move."""
    wanted = sorted((s for s in SPLITS if shares[s] > 0), key=lambda s: -shares[s])[: max(1, count)]
    for split in wanted:
        sizes = Counter(taken.values())
        if split in held or sizes[split] or not taken:
            continue
        full = max(SPLITS, key=lambda s: sizes[s])
        if sizes[full] < 2 and (split != wanted[0] or full in held):
            continue
        movable = [group for group, there in taken.items() if there == full]
        # The smallest group, and of these the one whose own place is nearest.
        middle = _middle(split, shares)
        moved = min(movable, key=lambda g: (len(groups[g]), abs(chances[g] - middle), g))
        taken[moved] = split


def _middle(split: str, shares: Mapping[str, float]) -> float:
    before = sum(shares[s] for s in SPLITS[: SPLITS.index(split)])
    return before + shares[split] / 2


def _split_at(chance: float, shares: Mapping[str, float]) -> str:
    end = 0.0
    for split in SPLITS:
        end += shares[split]
        if chance < end:
            return split
    return max(SPLITS, key=lambda s: shares[s])


def _chance(seed: int, name: str, group: str) -> float:
    """Return a number in [0, 1) that depends on seed, scheme and group alone."""
    digest = hashlib.sha256(f"{seed}/{name}/{group}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / (1 << 56)
