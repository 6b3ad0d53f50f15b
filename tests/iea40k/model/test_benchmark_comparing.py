"""Who can be told apart from whom, on errors that were planted."""

import numpy as np
import pandas as pd
import pytest

from iea40k.model.benchmark.comparing import LEAST_UNITS, compare, holm, letters, unit_errors


def errors(mean, seed, scenes=30, spread=0.02, of_scene=None):
    random = np.random.default_rng(seed)
    own = np.zeros(scenes) if of_scene is None else of_scene
    return pd.Series(mean + own + random.normal(0, spread, scenes), index=[f"s{k:02}" for k in range(scenes)])


def test_a_small_difference_on_the_same_scenes_is_seen_although_scenes_differ_much():
    hard = np.random.default_rng(9).normal(0, 0.2, 30)
    found = compare(
        {
            "best": errors(0.10, 1, spread=0.005, of_scene=hard),
            "worse": errors(0.12, 2, spread=0.005, of_scene=hard),
        }
    )
    assert found.letters == {"best": "a", "worse": "b"}
    low, high = found.intervals["best"]
    assert high - low > 0.05  # each alone is known badly
    assert found.p["best", "worse"] < 0.01


def test_equal_models_share_a_letter():
    found = compare({"one": errors(0.1, 1), "two": errors(0.1, 2), "bad": errors(0.3, 3)})
    assert found.letters["one"] == found.letters["two"] == "a"
    assert found.letters["bad"] == "b"


def test_chance_alone_is_seldom_a_difference():
    wrong = 0
    for trial in range(40):
        found = compare({name: errors(0.1, 100 * trial + k) for k, name in enumerate("abcd")})
        wrong += any(p < 0.05 for p in found.p.values())
    assert wrong <= 6  # 5 % of 40 families are two


def test_few_scenes_have_no_letters_and_what_lacks_scenes_is_left_out():
    few = compare({"one": errors(0.1, 1, LEAST_UNITS - 1), "two": errors(0.5, 2, LEAST_UNITS - 1)})
    assert few.letters == {}
    assert set(few.intervals) == {"one", "two"}
    lacking = compare({"one": errors(0.1, 1), "two": errors(0.2, 2), "short": errors(0.1, 3)[:20]})
    assert lacking.left_out == ("short",)
    assert set(lacking.letters) == {"one", "two"}


def test_letters_that_overlap():
    assert letters(["a", "b", "c", "d"], [("a", "c"), ("a", "d"), ("b", "d")]) == {
        "a": "a", "b": "ab", "c": "bc", "d": "c",
    }  # fmt: skip


def test_holm_by_hand():
    raw = {("a", "b"): 0.01, ("a", "c"): 0.04, ("b", "c"): 0.03}
    assert holm(raw) == pytest.approx({("a", "b"): 0.03, ("a", "c"): 0.06, ("b", "c"): 0.06})


def test_splits_that_test_a_scene_count_alike():
    rows = pd.DataFrame(
        {
            "split": ["x", "x", "x", "y"],
            "unit": ["s", "s", "t", "s"],
            "mae": [0.1, 0.3, 0.5, 0.4],
        }
    )
    assert unit_errors(rows).to_dict() == pytest.approx({"s": 0.3, "t": 0.5})
