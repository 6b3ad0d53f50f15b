"""The order by expected gain: wrong, unsure, rare and disagreed on comes first, a level of a scene after another."""

import json

import numpy as np
import pandas as pd
import pytest

from iea40k.errors import CorruptDataError
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger
from iea40k.store.ledger.overview import listing
from pipelines.cli.program import run
from pipelines.expected_gain import GAIN, chances, rarity, with_gain
from tests.builders import built_scene


def table(**changes) -> pd.DataFrame:
    ids = [f"s{n}_{level}" for n in range(3) for level in ("N1", "P0", "P1")]
    plain = {"score": 0.1, "label_error": 0.05, "deviation": 0.04, "experts_apart": np.nan}
    rows = [{"image_id": name, **plain} for name in ids]
    found = pd.DataFrame(rows).set_index("image_id")
    for name, (column, value) in changes.items():
        found.loc[name, column] = value
    return found.reset_index()


@pytest.fixture
def store(tmp_path):
    store = Store.create(tmp_path / "store")
    for number in range(3):
        store.write_scene(built_scene(f"s{number}", seed=number, light="night" if number == 2 else "day"))
    return store


def gains(store, folder, **changes):
    from pipelines.exposures import exposure_table

    folder.mkdir(exist_ok=True)
    table(**changes).to_parquet(folder / "disputes.parquet")
    found = with_gain(exposure_table(store), folder)
    return dict(zip(found["scene_id"] + "_" + found["level"], found[GAIN], strict=True))


@pytest.mark.parametrize(
    ("change", "times"),
    [
        (("score", 0.9), 20),
        (("label_error", 0.4), 7),
        (("deviation", 0.2), 1.4),
        (("experts_apart", 0.2), 1.4),
    ],
)
def test_each_factor_raises_the_gain(store, tmp_path, change, times):
    plain = gains(store, tmp_path / "v")
    raised = gains(store, tmp_path / "v", s0_P0=change)
    assert raised["s0_P0"] / raised["s0_N1"] > times * plain["s0_P0"] / plain["s0_N1"]


def test_what_is_unsure_disagreed_on_and_rare_but_right_does_not_stand_before_what_is_wrong(store, tmp_path):
    found = gains(store, tmp_path / "v", s0_P0=("score", 0.97), s2_P0=("deviation", 0.3))
    assert found["s0_P0"] == pytest.approx(1)
    assert found["s2_P0"] < 0.2


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_the_chance_of_a_wrong_label_counts_how_many_are_wrong(share):
    """Scores of a detector that takes both as equally likely, drawn so that their chances are known."""
    random = np.random.default_rng(4)
    wrong = random.random(20_000) < share
    evidence = random.normal(np.where(wrong, 2.0, 0.0), 1.0)
    found = chances(1 / (1 + np.exp(-(2 * evidence - 2))))
    assert found.mean() == pytest.approx(share, abs=0.01)
    for low, high in ((0.2, 0.4), (0.6, 0.8)):
        there = (found > low) & (found < high)
        assert wrong[there].mean() == pytest.approx(found[there].mean(), abs=0.06)


def test_what_is_rare_comes_before_what_is_common(store, tmp_path):
    found = gains(store, tmp_path / "v")
    assert found["s2_P0"] > found["s0_P0"]
    assert max(found.values()) == pytest.approx(1)
    exposures = pd.DataFrame({"light": ["night", "", "day", "day"]})
    assert rarity(exposures).tolist() == pytest.approx([(3 / 2) ** 0.5, 1, (3 / 4) ** 0.5, (3 / 4) ** 0.5])


def test_the_queue_is_filled_in_this_order(store, tmp_path, capsys):
    gains(store, tmp_path / "v", s1_P0=("score", 0.95), s1_N1=("score", 0.9))
    command = ["queue", str(store.path), "add", "--order", "expected-gain"]
    assert run([*command, "--validation", str(tmp_path / "v"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["new"] == 9
    with Ledger.open(store.path) as ledger:
        rows = listing(ledger)
    assert (rows[0]["scene_id"], rows[0]["level"]) == ("s1", "P0")
    assert rows[1]["priority"] < rows[0]["priority"]
    assert run(command) == 2
    assert run([*command, "--validation", str(tmp_path / "none")]) == 2
    assert run([*command[:-1], "by-luck"]) == 2


def test_an_image_of_which_nothing_is_known_stands_in_the_middle(store, tmp_path):
    (tmp_path / "v").mkdir()
    table().iloc[:-1].to_parquet(tmp_path / "v" / "disputes.parquet")
    from pipelines.exposures import exposure_table

    found = with_gain(exposure_table(store), tmp_path / "v")
    assert found[GAIN].notna().all()


def test_a_damaged_validation_is_told(store, tmp_path):
    from pipelines.exposures import exposure_table

    table().to_parquet(tmp_path / "disputes.parquet")
    whole = (tmp_path / "disputes.parquet").read_bytes()
    (tmp_path / "disputes.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptDataError, match="cannot be read"):
        with_gain(exposure_table(store), tmp_path)
