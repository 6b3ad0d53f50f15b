"""Mixed folders, grouped."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea40k.brackets.evs import as_shot_frame, stated_evs
from iea40k.brackets.grouping import GroupingRules, group
from iea40k.capture import Capture, read_capture

START = datetime(2024, 1, 1, 12)


def shot(
    name: str, second: float, ev: float, bias: float | None = None, mode: str = "bracket", **more
) -> Capture:
    settings = {"make": "M", "model": "X", "size": (60, 40), "focal_length": 24.0, **more}
    return Capture(
        Path("day") / name,
        exposure_time=2.0**ev / 100,
        f_number=4.0,
        iso=100,
        exposure_bias=bias,
        taken_at=START + timedelta(seconds=second),
        mode=mode,
        **settings,
    )


def names(scenes) -> list[list[str]]:
    return [[c.path.name for c in scene] for scene in scenes]


def test_two_brackets_in_a_row_part_where_the_exposures_begin_again() -> None:
    shots = [shot(f"{i}", i * 0.3, ev) for i, ev in enumerate((0, -2, 2, 0, -2, 2))]
    assert names(group(shots).scenes) == [["0", "1", "2"], ["3", "4", "5"]]


def test_a_pause_ends_a_bracket_and_a_long_exposure_is_no_pause() -> None:
    shots = [shot("a", 0, 0), shot("b", 1, 2), shot("c", 60, -1), shot("d", 61, 1)]
    assert names(group(shots).scenes) == [["a", "b"], ["c", "d"]]
    slow = [shot("a", 0, 0), shot("b", 1, 10), shot("c", 12, 5)]  # b lasts 10 s
    assert names(group(slow).scenes) == [["a", "b", "c"]]


def test_exposures_set_by_hand_may_take_minutes() -> None:
    by_hand = [
        shot("a", 0, 0, mode="manual"),
        shot("b", 100, 3, mode="manual"),
        shot("c", 290, 6, mode="manual"),
    ]
    assert names(group(by_hand).scenes) == [["a", "b", "c"]]
    assert group([shot("a", 0, 0), shot("b", 100, 3)]).scenes == []


@pytest.mark.parametrize("change", [{"model": "Y"}, {"size": (40, 60)}, {"focal_length": 35.0}])
def test_another_camera_size_or_zoom_is_another_scene(change: dict) -> None:
    shots = [shot("a", 0, 0), shot("b", 1, 1), shot("c", 2, 2, **change), shot("d", 3, 3, **change)]
    assert names(group(shots).scenes) == [["a", "b"], ["c", "d"]]


def test_single_shots_are_left_out_by_name() -> None:
    grouped = group([shot("a", 0, 0), shot("b", 100, 1), shot("c", 200, 0), shot("d", 201, 1)])
    assert names(grouped.scenes) == [["c", "d"]]
    assert [c.path.name for c, _ in grouped.left_out] == ["a", "b"]


def test_a_folder_without_any_exposure_data_is_one_scene_unless_it_is_large() -> None:
    silent = [Capture(Path("f") / f"{i:03}") for i in range(5)]
    assert names(group(silent).scenes) == [[f"{i:03}" for i in range(5)]]
    grouped = group(silent, GroupingRules(most=4))
    assert grouped.scenes == []
    assert "table" in grouped.left_out[0][1]


def test_a_capture_without_exposure_data_among_others_is_left_out() -> None:
    grouped = group([shot("a", 0, 0), shot("b", 1, 1), Capture(Path("day/c"))])
    assert names(grouped.scenes) == [["a", "b"]]
    assert [c.path.name for c, _ in grouped.left_out] == ["c"]


@given(st.lists(st.tuples(st.floats(0, 600), st.integers(-4, 4)), max_size=20))
def test_every_capture_is_in_one_scene_or_left_out_and_no_scene_repeats_an_exposure(shots) -> None:
    captures = [shot(f"{i:02}", second, ev) for i, (second, ev) in enumerate(shots)]
    grouped = group(captures)
    placed = [c.path.name for scene in grouped.scenes for c in scene] + [
        c.path.name for c, _ in grouped.left_out
    ]
    assert sorted(placed) == sorted(c.path.name for c in captures)
    for scene in grouped.scenes:
        assert len({c.exposure_time for c in scene}) == len(scene) >= 2


def test_the_as_shot_frame() -> None:
    assert as_shot_frame([0, -0.7, 0.7], [0.0, -0.7, 0.7])[0] == 0
    assert as_shot_frame([3, 0, -3], [0.0, 0.0, 0.0])[0] == 1  # set by hand: the middle
    assert as_shot_frame([3, 0, -3, -6], [None] * 4)[0] == 2  # of two, the darker
    assert as_shot_frame([3, 0, -3], [0.0, None, -3.0])[0] == 1  # a bias is missing: biases say nothing


def test_a_table_wins_over_metadata_and_is_taken_as_it_is() -> None:
    captures = [shot("a", 0, 0, 0.0), shot("b", 1, 2, 2.0)]
    found = stated_evs(captures, (-1.5, 0.25))
    assert found is not None
    assert (found.evs, found.as_shot, found.source) == ((-1.5, 0.25), 1, "table")
    read = stated_evs(captures, None)
    assert read is not None
    assert read.source == "exif"
    assert read.evs == pytest.approx((0, 2))
    assert stated_evs([Capture(Path("a")), Capture(Path("b"))], None) is None


@pytest.mark.real_data
def test_fifteen_shots_of_a_walk(real_data: Path) -> None:
    folder = real_data / "brackets/dsoprea_exif_brackets_15"
    grouped = group(read_capture(p) for p in sorted(folder.glob("*.JPG")))
    numbers = [[int(name[3:8]) for name in scene] for scene in names(grouped.scenes)]
    assert numbers == [[8194, 8195], [8196, 8197, 8198, 8199, 8200], [8201, 8202, 8203, 8204, 8205]]
    assert [int(c.path.name[3:8]) for c, _ in grouped.left_out] == [8191, 8192, 8193]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("scene", "evs"),
    [
        ("banterle_handheld_3", (0, -2, 2)),
        ("banterle_room_7", (5.907, 3.907, 1.907, 0, -2.059, -5.059, -7.059)),
        ("stlouis_arch_4", (5.907, 3, 0, -2.907)),
        ("bbonik_A_5", (3.907, 0.907, 0, -1, -1.415)),
    ],
)
def test_brackets_with_metadata(real_data: Path, scene: str, evs: tuple[float, ...]) -> None:
    (captures,) = group(read_capture(p) for p in (real_data / "brackets" / scene).glob("*.jp*g")).scenes
    found = stated_evs(captures, None)
    assert found is not None
    assert found.evs == pytest.approx(evs, abs=0.001)


def test_a_longer_pause_is_bridged_where_both_show_the_same() -> None:
    shots = [shot(f"{i}", i * 8, ev) for i, ev in enumerate((-2, -1, 0, 1))]
    assert group(shots).scenes == []
    seen: list[tuple[str, str]] = []

    def alike(a: Capture, b: Capture) -> bool:
        seen.append((a.path.name, b.path.name))
        return True

    assert names(group(shots, alike=alike).scenes) == [["0", "1", "2", "3"]]
    assert seen == [("0", "1"), ("1", "2"), ("2", "3")]
    assert group([shot("a", 0, 0), shot("b", 500, 1)], alike=alike).scenes == []


def test_what_the_pause_alone_parts_is_told_with_the_option_that_takes_it_in() -> None:
    grouped = group([shot("a", 0, 0), shot("b", 8, 1)], alike=lambda *_: False)
    assert grouped.scenes == []
    assert all("--pause 8" in reason for _, reason in grouped.left_out)
    by_hand = [shot("a", 0, 0, mode="manual"), shot("b", 400, 1, mode="manual")]
    assert all("--manual-pause 40" in reason for _, reason in group(by_hand).left_out)


def test_likeness_is_spoken_of_only_where_it_was_looked_at() -> None:
    near, far = ([shot("a", 0, 0), shot("b", pause, 1)] for pause in (8, 3600))
    unlike = group(near, alike=lambda *_: False).left_out
    assert all("does not show the same" in reason for _, reason in unlike)
    for shots, alike in ((far, lambda *_: False), (near, None)):
        grouped = group(shots, alike=alike)
        assert len(grouped.left_out) == 2
        assert not any("does not show the same" in reason for _, reason in grouped.left_out)
    assert all(
        "--alike-pause 3600 asks" in reason for _, reason in group(far, alike=lambda *_: True).left_out
    )


def test_several_scenes_of_captures_without_metadata_are_parted_by_what_they_show() -> None:
    silent = [Capture(Path("f") / name) for name in ("a1", "a2", "a3", "b1", "b2", "c1")]
    grouped = group(silent, alike=lambda a, b: a.path.name[0] == b.path.name[0])
    assert names(grouped.scenes) == [["a1", "a2", "a3"], ["b1", "b2"]]
    assert [c.path.name for c, _ in grouped.left_out] == ["c1"]
    one = group(silent[:3] + silent[5:], alike=lambda a, b: a.path.name[0] == b.path.name[0])
    assert names(one.scenes) == [
        ["a1", "a2", "a3", "c1"]
    ]  # one scene and a frame that may be too dark to tell
