"""Proposals against planted faults, and where there is nothing to propose."""

import numpy as np
import pytest
from skimage import data

from benchmarks.outlier_scores import matches, score
from iea40k.arrays import INVALID_CODE
from iea40k.errors import ArrayError
from iea40k.outliers.proposals import LEAST, MOST, find
from iea40k.outliers.seen import Seen, nearest, seen
from iea40k.residuals import residual_codes
from tests.iea40k.outliers.conftest import clean, findings, view_of, with_fault

KIND = {"logo": "light", "lamp": "light"}


def test_a_planted_fault_is_proposed_first_and_as_what_it_is(fault):
    made = with_fault(fault)
    (planted,) = made.counting()
    best = findings(fault).proposals[0]
    assert best.kind == KIND.get(fault, fault)
    assert matches(best, planted, made.wrong())
    assert best.reason


def test_the_score_counts_a_fault_once_and_what_is_not_there_as_false():
    made, found = with_fault("sign"), findings("sign").proposals
    tally = score([(made, found)])["sign"]
    assert (tally.faults, tally.recall(), tally.average_precision()) == (1, 1.0, 1.0)
    nothing_planted = score([(with_fault("gain"), found)])
    assert nothing_planted["sign"].recall() == 0
    assert not any(true for _, true in nothing_planted["sign"].found)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_proposed_where_nothing_was_planted(seed):
    scene = clean(seed)
    codes = residual_codes(scene.reference, scene.exposures)
    for index in range(1, len(scene.evs) - 1, 2):
        view = seen(scene.reference, scene.exposures, codes[index], scene.evs, index)
        assert [p.kind for p in find(view).proposals] == []


def test_a_bright_window_is_no_outlier():
    """Blown in the exposure and in the reference, but not in a darker level: white, and no light."""
    scene = clean(0)
    reference, exposures = scene.reference.copy(), scene.exposures.copy()
    window = np.s_[60:110, 80:120]
    reference[window] = 255
    for frame, ev in zip(exposures, scene.evs, strict=True):
        frame[window] = min(255, round(250 * 2 ** (ev / 2.4)))
    index = 4
    codes = residual_codes(reference, exposures)
    found = find(seen(reference, exposures, codes[index], scene.evs, index))
    assert "light" not in [p.kind for p in found.proposals]
    exposures[:, window[0], window[1]] = 255
    codes = residual_codes(reference, exposures)
    found = find(seen(reference, exposures, codes[index], scene.evs, index))
    assert found.proposals[0].kind == "light"


def test_proposals_are_ranked_large_enough_few_and_apart():
    made = with_fault("speckle")
    rng = np.random.default_rng(0)
    codes = made.codes[made.index].copy()
    for _ in range(60):
        row, column = rng.integers(5, 230, 2)
        codes[row : row + 9, column : column + 9] += np.int16(rng.choice([-9000, 9000]))
    codes = np.clip(codes, -32640, 32640).astype(np.int16)
    found = find(view_of(made, codes)).proposals
    assert 5 < len(found) <= MOST
    assert [p.cost for p in found] == sorted((p.cost for p in found), reverse=True)
    assert all(p.pixels >= LEAST for p in found)


def test_what_people_accepted_before_ranks_and_removes_nothing():
    view = view_of(with_fault("sign"))
    plain, doubted = find(view).proposals, find(view, {"sign": 0.5}).proposals
    assert doubted[0].cost == pytest.approx(plain[0].cost / 2)
    assert len(plain) == len(doubted)


def test_the_same_scene_gives_the_same_proposals():
    view = view_of(with_fault("moved"))
    first, second = find(view).proposals, find(view).proposals
    assert [(p.kind, p.top, p.left, p.error) for p in first] == [
        (p.kind, p.top, p.left, p.error) for p in second
    ]
    assert all(np.array_equal(p.mask, q.mask) for p, q in zip(first, second, strict=True))


def test_a_scene_of_one_level_asks_its_reference_alone():
    made = with_fault("sign")
    scene, index = made.scene, made.index
    alone = Seen(scene.exposures[index], scene.reference, made.codes[index])
    assert find(alone).proposals[0].kind == "sign"


@pytest.mark.parametrize("value", [0, 255])
def test_a_picture_wholly_clipped_is_looked_at_and_nothing_is_made_up(value):
    exposure = np.full((40, 60, 3), value, np.uint8)
    codes = residual_codes(exposure, exposure[None])[0]
    assert [p.kind for p in find(Seen(exposure, exposure, codes)).proposals] == []


def test_a_reference_without_texture_gives_no_displacement():
    exposure = np.ascontiguousarray(data.coffee()[:80, :120])
    reference = np.full_like(exposure, 128)
    codes = residual_codes(reference, exposure[None])[0]
    assert "displaced" not in [p.kind for p in find(Seen(exposure, reference, codes)).proposals]


def test_without_valid_data_nothing_is_proposed():
    made = with_fault("sign")
    empty = np.full_like(made.codes[0], INVALID_CODE)
    assert find(view_of(made, empty)).proposals == ()
    holed = made.codes[made.index].copy()
    holed[:, 160:] = INVALID_CODE
    for proposal in find(view_of(made, holed)).proposals:
        assert not proposal.whole(holed.shape)[:, 160:].any()


def test_a_large_picture_is_looked_at_reduced():
    made = with_fault("sign")
    scene, index = made.scene, made.index
    large = [np.repeat(np.repeat(a, 6, 0), 6, 1) for a in (scene.exposures[index], scene.reference)]
    codes = np.repeat(np.repeat(made.codes[index], 6, 0), 6, 1)
    best = find(Seen(large[0], large[1], codes)).proposals[0]
    truth = np.repeat(np.repeat(made.faults[0].region, 6, 0), 6, 1)
    mask = best.whole(codes.shape)
    assert best.kind == "sign"
    assert (mask & truth).sum() > 0.8 * mask.sum()


def test_pictures_of_other_sizes_are_refused():
    made = with_fault("sign")
    with pytest.raises(ArrayError, match="size"):
        Seen(made.scene.exposures[0][:-1], made.scene.reference, made.codes[0])
    with pytest.raises(ArrayError, match="code for each pixel"):
        Seen(made.scene.exposures[0], made.scene.reference, made.codes[0][:-1])


def test_the_nearest_levels_come_first():
    assert nearest((-4.0, -2.0, 0.0, 2.0), 3) == [2, 1, 0]
