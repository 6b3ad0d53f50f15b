"""Splits: stable as a dataset grows and shrinks, near their shares, balanced, never through a group."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea40k.errors import BadInputError
from iea40k.store.release.splits import SPLITS, Member, draw_splits, split_sizes

ids = st.lists(st.text("abcdef0123", min_size=1, max_size=6), min_size=1, max_size=60, unique=True)


def alone(scene_ids: list[str]) -> dict[str, Member]:
    return {scene_id: Member(scene_id) for scene_id in scene_ids}


def many(count: int) -> dict[str, Member]:
    return alone([f"scene {i}" for i in range(count)])


@given(ids, st.integers(0, 99))
def test_every_scene_is_in_a_split_and_none_is_empty(scene_ids: list[str], seed: int) -> None:
    sizes = split_sizes(draw_splits(alone(scene_ids), "split_0", seed).split_of)
    assert sum(sizes.values()) == len(scene_ids)
    assert sizes["train"] >= 1
    if len(scene_ids) >= 3:
        assert min(sizes.values()) >= 1


@given(ids, st.randoms())
def test_the_order_of_scenes_says_nothing(scene_ids: list[str], random) -> None:
    shuffled = list(scene_ids)
    random.shuffle(shuffled)
    assert draw_splits(alone(scene_ids), "s", 5) == draw_splits(alone(shuffled), "s", 5)


@given(ids, st.integers(2, 5))
def test_a_group_is_never_parted(scene_ids: list[str], groups: int) -> None:
    members = {scene_id: Member(str(i % groups)) for i, scene_id in enumerate(scene_ids)}
    split_of = draw_splits(members, "split_0", 0).split_of
    for group in range(groups):
        assert len({split_of[s] for s in scene_ids if members[s].group == str(group)}) <= 1


@given(ids, ids, st.integers(0, 20))
def test_what_was_published_stays_whatever_is_added_or_withdrawn(
    before: list[str], after: list[str], seed: int
) -> None:
    old = draw_splits(alone(before), "split_0", seed).split_of
    new = draw_splits(alone(after), "split_0", seed, kept=old).split_of
    assert all(new[scene] == old[scene] for scene in set(before) & set(after))
    assert set(new) == set(after)


def test_without_a_book_further_scenes_move_next_to_none() -> None:
    moved = total = 0
    for seed in range(5):
        before = draw_splits(many(1000), "split_0", seed).split_of
        after = draw_splits(many(1100), "split_0", seed).split_of
        moved += sum(before[s] != after[s] for s in before)
        total += len(before)
    assert moved / total < 0.002


@pytest.mark.parametrize("count", [10, 100, 1000])
def test_shares_are_within_two_deviations(count: int) -> None:
    for seed in range(20):
        sizes = split_sizes(draw_splits(many(count), "split_0", seed).split_of)
        for split, share in zip(SPLITS, (0.7, 0.1, 0.2), strict=True):
            assert sizes[split] <= count * share + max(1, 2 * (count * share * (1 - share)) ** 0.5)


def test_strata_are_balanced() -> None:
    members = {f"s{i}": Member(f"s{i}", (f"light {i % 7}", f"device {i % 5}")) for i in range(600)}
    for seed in range(10):
        split_of = draw_splits(members, "split_0", seed).split_of
        counts = Counter((split, stratum) for s, split in split_of.items() for stratum in members[s].strata)
        totals = Counter(stratum for member in members.values() for stratum in member.strata)
        for split, share in zip(SPLITS, (0.7, 0.1, 0.2), strict=True):
            for stratum, total in totals.items():
                slack = 2 * (total * share * (1 - share)) ** 0.5 + 1
                assert counts[split, stratum] <= total * share + slack


def test_a_new_twin_joins_the_published_one() -> None:
    kept = {"old": "test"}
    drawn = draw_splits({"old": Member("g"), "a new one": Member("g")}, "s", 0, kept=kept)
    assert drawn.split_of == {"old": "test", "a new one": "test"}


def test_a_scene_between_two_published_groups_is_in_no_split() -> None:
    members = {name: Member("g") for name in ("old", "other", "new")}
    drawn = draw_splits(members, "s", 0, kept={"old": "test", "other": "train"})
    assert drawn.split_of == {"old": "test", "other": "train", "new": ""}
    assert drawn.between == ("new",)


def test_seeds_and_schemes_differ() -> None:
    splits = [draw_splits(many(100), name, seed).split_of for name in ("s0", "s1") for seed in (0, 1)]
    assert len({tuple(s.items()) for s in splits}) == 4


def test_every_scene_is_tested_about_as_often() -> None:
    tested = Counter[str]()
    for seed in range(200):
        tested.update(
            s for s, split in draw_splits(many(50), "split_0", seed).split_of.items() if split == "test"
        )
    assert min(tested.values()) > 15, "40 are expected for each; 15 is more than four deviations below"
    assert max(tested.values()) < 65


@pytest.mark.parametrize("ratios", [(1, 2), (1, -1, 1), (0, 0, 0)])
def test_impossible_shares_are_refused(ratios: tuple[int, ...]) -> None:
    with pytest.raises(BadInputError):
        draw_splits(many(1), "split_0", 0, ratios)
