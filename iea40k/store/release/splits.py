"""Random splits by scene: seeded, independent of the order of anything, exact in their shares.

Each split scheme ranks the scenes by a hash of seed, scheme and scene, and cuts the ranking at the shares. Scenes of
one composition stay together. Adding scenes to a dataset moves few of the others.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

from iea40k.errors import BadInputError

SPLITS = ("train", "valid", "test")
RATIOS = (70, 10, 20)
"""The shares of `SPLITS`, as the paper has them."""


def scheme_name(number: int) -> str:
    """Return the name of a random split scheme: 0 -> "split_0"."""
    return f"split_{number}"


def random_split(
    compositions: Mapping[str, str], name: str, seed: int, ratios: Sequence[int] = RATIOS
) -> dict[str, str]:
    """Return the split of every scene: "train", "valid" or "test".

    `compositions` maps a scene id to what it may not be parted from: scenes of equal value share a split. With
    scenes that stand alone, each split's size is within one scene of its share.
    """
    if len(ratios) != len(SPLITS) or min(ratios) < 0 or sum(ratios) <= 0:
        raise BadInputError(
            "not shares of a split", expected="three numbers >= 0 for train, valid, test", got=str(ratios)
        )
    sizes = Counter(compositions.values())
    split_of: dict[str, str] = {}
    before = 0
    for composition in sorted(sizes, key=lambda c: (_rank(seed, name, c), c)):
        middle = Fraction(2 * before + sizes[composition], 2 * len(compositions))
        split_of[composition] = _split_at(middle, ratios)
        before += sizes[composition]
    return {scene_id: split_of[composition] for scene_id, composition in compositions.items()}


def split_sizes(splits: Mapping[str, str]) -> dict[str, int]:
    """Return how many scenes each split has, in the order of `SPLITS`."""
    counts = Counter(splits.values())
    return {split: counts[split] for split in SPLITS}


def _split_at(middle: Fraction, ratios: Sequence[int]) -> str:
    end = Fraction(0)
    for split, ratio in zip(SPLITS, ratios, strict=True):
        end += Fraction(ratio, sum(ratios))
        if middle < end:
            return split
    return SPLITS[-1]


def _rank(seed: int, name: str, composition: str) -> str:
    return hashlib.sha256(f"{seed}/{name}/{composition}".encode()).hexdigest()
