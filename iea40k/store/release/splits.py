"""Random splits by scene: seeded, independent of the order of anything, exact in their shares.

Each splitting ranks the scenes by a hash of seed, splitting and scene, and cuts the ranking at the shares. Scenes of
one composition stay together. Adding scenes to a dataset moves few of the others.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

from iea40k.errors import BadInputError

PARTS = ("train", "valid", "test")
RATIOS = (70, 10, 20)
"""The shares of `PARTS`, as the paper has them."""


def split_name(number: int) -> str:
    """Return the name of a random splitting: 0 -> "split_0"."""
    return f"split_{number}"


def random_split(
    compositions: Mapping[str, str], name: str, seed: int, ratios: Sequence[int] = RATIOS
) -> dict[str, str]:
    """Return the part of every scene: "train", "valid" or "test".

    `compositions` maps a scene id to what it may not be parted from: scenes of equal value share a part. With
    scenes that stand alone, each part's size is within one scene of its share.
    """
    if len(ratios) != len(PARTS) or min(ratios) < 0 or sum(ratios) <= 0:
        raise BadInputError(
            "not shares of a split", expected="three numbers >= 0 for train, valid, test", got=str(ratios)
        )
    sizes = Counter(compositions.values())
    part_of: dict[str, str] = {}
    before = 0
    for composition in sorted(sizes, key=lambda c: (_rank(seed, name, c), c)):
        middle = Fraction(2 * before + sizes[composition], 2 * len(compositions))
        part_of[composition] = _part(middle, ratios)
        before += sizes[composition]
    return {scene_id: part_of[composition] for scene_id, composition in compositions.items()}


def split_sizes(parts: Mapping[str, str]) -> dict[str, int]:
    """Return how many scenes each part has, in the order of `PARTS`."""
    counts = Counter(parts.values())
    return {part: counts[part] for part in PARTS}


def _part(middle: Fraction, ratios: Sequence[int]) -> str:
    end = Fraction(0)
    for part, ratio in zip(PARTS, ratios, strict=True):
        end += Fraction(ratio, sum(ratios))
        if middle < end:
            return part
    return PARTS[-1]


def _rank(seed: int, name: str, composition: str) -> str:
    return hashlib.sha256(f"{seed}/{name}/{composition}".encode()).hexdigest()
