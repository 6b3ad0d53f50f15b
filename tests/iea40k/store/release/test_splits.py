"""Splits: exact in their shares, independent of order, never through a composition."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea40k.errors import BadInputError
from iea40k.store.release.splits import SPLITS, random_split, split_sizes

ids = st.lists(st.text("abcdef0123", min_size=1, max_size=6), min_size=1, max_size=60, unique=True)


def alone(scene_ids: list[str]) -> dict[str, str]:
    return {scene_id: scene_id for scene_id in scene_ids}


@given(ids, st.integers(0, 99))
def test_each_part_is_within_a_scene_of_its_share(scene_ids: list[str], seed: int) -> None:
    sizes = split_sizes(random_split(alone(scene_ids), "split_0", seed))
    assert sum(sizes.values()) == len(scene_ids)
    for split, share in zip(SPLITS, (0.7, 0.1, 0.2), strict=True):
        assert abs(sizes[split] - share * len(scene_ids)) <= 1


@given(ids, st.randoms())
def test_the_order_of_scenes_says_nothing(scene_ids: list[str], random) -> None:
    shuffled = list(scene_ids)
    random.shuffle(shuffled)
    assert random_split(alone(scene_ids), "split_1", 5) == random_split(alone(shuffled), "split_1", 5)


@given(ids, st.integers(2, 5))
def test_a_composition_is_never_parted(scene_ids: list[str], groups: int) -> None:
    compositions = {scene_id: str(i % groups) for i, scene_id in enumerate(scene_ids)}
    splits_of = random_split(compositions, "split_0", 0)
    for group in set(compositions.values()):
        assert len({splits_of[s] for s in scene_ids if compositions[s] == group}) == 1


def test_seeds_and_schemes_differ_and_hundred_scenes_split_exactly() -> None:
    scenes = alone([f"scene {i}" for i in range(100)])
    splits = [random_split(scenes, name, seed) for name in ("split_0", "split_1") for seed in (0, 1)]
    assert all(split_sizes(s) == {"train": 70, "valid": 10, "test": 20} for s in splits)
    assert len({tuple(s.items()) for s in splits}) == 4


def test_every_scene_is_tested_about_as_often() -> None:
    scenes = alone([f"scene {i}" for i in range(50)])
    tested = Counter[str]()
    for seed in range(200):
        tested.update(s for s, split in random_split(scenes, "split_0", seed).items() if split == "test")
    assert min(tested.values()) > 15, "40 are expected for each; 15 is more than four deviations below"
    assert max(tested.values()) < 65


def test_a_further_scene_moves_few_others() -> None:
    before = random_split(alone([f"s{i}" for i in range(200)]), "split_0", 0)
    after = random_split(alone([f"s{i}" for i in range(201)]), "split_0", 0)
    assert sum(before[s] != after[s] for s in before) <= 2


@pytest.mark.parametrize("ratios", [(1, 2), (1, -1, 1), (0, 0, 0)])
def test_impossible_shares_are_refused(ratios: tuple[int, ...]) -> None:
    with pytest.raises(BadInputError):
        random_split({"a": "a"}, "split_0", 0, ratios)
