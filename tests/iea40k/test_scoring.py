"""The six criteria on planted maps, and what a criteria file may say."""

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from iea40k import scoring
from iea40k.errors import ArrayError, BadInputError, ConfigError
from iea40k.scoring import judge, load_criteria

SIDE = 100
MASK = np.zeros((SIDE, SIDE), bool)
MASK[:, :20] = True  # the region: 2000 of 10000 pixels


def planted(under=0.0, over=0.0, *, region_under=0.0, region_over=0.0, size=0.2):
    """A map whose shares of the region and of the background are off by `size`, and ideal elsewhere."""
    residual = np.zeros((SIDE, SIDE), np.float32)
    for where, shares in ((MASK, (region_under, region_over)), (~MASK, (under, over))):
        values = np.zeros(int(where.sum()), np.float32)
        dark, bright = (round(share * values.size) for share in shares)
        values[:dark] = size
        values[values.size - bright :] = -size
        residual[where] = values
    return residual


def flat(value):
    return np.full((SIDE, SIDE), value, np.float32)


def whole(share, size=0.2):
    """`share` of the whole map off by `size`, half of it each way, so that the whole has no bias."""
    residual = np.zeros(SIDE * SIDE, np.float32)
    count = round(share * residual.size)
    residual[:count] = size
    residual[: count // 2] = -size
    return residual.reshape(SIDE, SIDE)


CASES = [
    ("overall", flat(0), 100),
    ("overall", whole(0.01), 90),
    ("overall", whole(0.04), 80),
    ("overall", whole(0.10), 70),
    ("overall", whole(0.20), 60),
    ("overall", flat(0.12), 50),
    ("overall", flat(-0.12), 50),
    ("overall", whole(0.30), 40),
    ("overall", np.where(np.arange(SIDE) < 25, 0.3, 0.05) * np.ones((SIDE, 1)), 30),
    ("overall", whole(0.40), 20),
    ("overall", whole(0.60), 10),
    ("overall", flat(0.45), 0),
    ("overall", flat(-0.5), 0),
    ("portrait", planted(over=0.1), 100),
    ("portrait", planted(over=0.2), 90),
    ("portrait", planted(under=0.2, region_under=0.03), 80),
    ("portrait", planted(region_under=0.10), 60),
    ("portrait", planted(under=0.45), 60),
    ("portrait", planted(region_over=0.20), 40),
    ("portrait", planted(under=0.6), 40),
    ("portrait", planted(region_under=0.35), 20),
    ("portrait", planted(region_over=1.0, size=0.5), 0),
    ("landscape", whole(0.019), 100),
    ("landscape", whole(0.049), 80),
    ("landscape", whole(0.1), 60),
    ("landscape", whole(0.2), 40),
    ("landscape", whole(0.3), 20),
    ("landscape", whole(0.45), 10),
    ("landscape", whole(0.6, size=0.5), 0),
    ("street", planted(under=0.3), 100),
    ("street", planted(region_under=0.04), 80),
    ("street", planted(region_over=0.08), 60),
    ("street", planted(under=0.4), 60),
    ("street", planted(over=0.25), 40),
    ("street", planted(under=0.7), 20),
    ("street", flat(0.5), 0),
    ("night", whole(0.0), 100),
    ("night", planted(under=0.4, over=0.04), 100),
    ("night", planted(over=0.1), 80),
    ("night", planted(over=0.18), 60),
    ("night", flat(-0.1), 60),
    ("night", planted(over=0.3), 40),
    ("night", planted(over=0.6), 20),
    ("night", flat(0.5), 0),
    ("night", flat(-0.5), 0),
    ("ecommerce", planted(over=0.4), 100),
    ("ecommerce", planted(region_under=0.04), 80),
    ("ecommerce", planted(region_over=0.10), 60),
    ("ecommerce", planted(region_over=0.20), 40),
    ("ecommerce", planted(region_under=0.25), 20),
    ("ecommerce", planted(region_over=1.0, size=0.5), 0),
]


@pytest.mark.parametrize(
    ("name", "residual", "score"), CASES, ids=[f"{c[0]}-{c[2]}-{i}" for i, c in enumerate(CASES)]
)
def test_every_step_of_every_criteria_file(name, residual, score):
    criteria = load_criteria(name)
    mask = MASK if criteria.region else None
    verdict = judge(residual.astype(np.float32), criteria, mask)
    assert verdict.score == score, verdict


def test_every_score_of_every_shipped_file_is_reached_above():
    assert len(scoring.shipped_criteria()) == 6
    for name in scoring.shipped_criteria():
        criteria = load_criteria(name)
        scores = {rule.score for rule in criteria.rules} | {criteria.otherwise.score}
        assert scores == {score for case, _, score in CASES if case == name}


@given(st.lists(st.floats(0, 1), min_size=2, max_size=2), st.sampled_from(["overall", "landscape"]))
def test_more_wrong_area_never_scores_higher(shares, name):
    less, more = sorted(shares)
    criteria = load_criteria(name)
    assert judge(whole(more), criteria).score <= judge(whole(less), criteria).score


def test_pixels_without_data_belong_to_no_area():
    residual = planted(over=0.2)
    residual[80:] = np.nan  # the overexposed rows
    verdict = judge(residual, load_criteria("landscape"))
    assert verdict.measured["either all@0.1"] == 0
    assert verdict.score == 100


def test_without_a_mask_the_region_is_the_whole_picture_and_the_verdict_says_so():
    verdict = judge(planted(over=0.5), load_criteria("ecommerce"))
    assert not verdict.masked
    assert verdict.score == 40  # 40 % of the whole is overexposed; with the mask only the background would be
    assert not any("background" in key for key in verdict.measured)
    assert judge(planted(over=0.5), load_criteria("ecommerce"), MASK).score == 60


def test_a_mask_must_fit_and_must_mean_something():
    with pytest.raises(ArrayError, match="does not fit"):
        judge(flat(0), load_criteria("portrait"), MASK[:50])
    with pytest.raises(ArrayError, match="no pixel"):
        judge(flat(0), load_criteria("portrait"), np.zeros_like(MASK))
    with pytest.raises(BadInputError, match="no region"):
        judge(flat(0), load_criteria("night"), MASK)


GOOD = {
    "name": "x",
    "source": "y",
    "threshold": 0.1,
    "rules": [{"score": 0, "because": "b", "all": [{"measure": "over", "above": 0.5}]}],
    "otherwise": {"score": 100, "because": "c"},
}


def written(tmp_path, change):
    raw = yaml.safe_load(yaml.safe_dump(GOOD))
    change(raw)
    file = tmp_path / "criteria.yaml"
    file.write_text(yaml.safe_dump(raw), encoding="utf-8")
    return file


def test_a_user_file_is_read(tmp_path):
    criteria = load_criteria(written(tmp_path, lambda _: None))
    assert judge(flat(-0.2), criteria).score == 0
    assert judge(flat(0), criteria).score == 100


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw.update(treshold=0.2), "treshold"),
        (lambda raw: raw["rules"][0].update(becuase="x"), "becuase"),
        (lambda raw: raw["rules"][0]["all"][0].update(region="face"), "face"),
        (lambda raw: raw["rules"][0]["all"][0].update(below=0.1), "exactly one"),
        (lambda raw: raw["rules"][0]["all"][0].update(measure="brightness"), "measure"),
        (lambda raw: raw["rules"][0].update(score=101), "score"),
        (lambda raw: raw["rules"][0].pop("all"), "conditions"),
        (lambda raw: raw.update(rules=[]), "rules"),
        (lambda raw: raw.update(region="all"), "region of its own"),
    ],
)
def test_faults_of_a_file_are_named(tmp_path, change, words):
    with pytest.raises(ConfigError, match=words):
        load_criteria(written(tmp_path, change))


def test_a_name_nobody_knows_is_refused_with_the_names_there_are():
    with pytest.raises(BadInputError, match="portrait"):
        load_criteria("potrait")
