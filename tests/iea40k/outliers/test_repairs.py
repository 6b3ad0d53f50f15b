"""Repairs recompute: they lower the error of what was planted, in their region only, or refuse and say why."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest

from iea40k.arrays import INVALID_CODE
from iea40k.outliers.kinds import Kind
from iea40k.outliers.proposals import Proposal, find
from iea40k.outliers.repairs import RefusedError, repair
from iea40k.store.ledger import Patch
from tests.iea40k.outliers.conftest import findings, view_of, with_fault

LEFT = {"logo": 0.3, "lamp": 0.4, "speckle": 0.4, "displaced": 0.6}
"""The share of the error in the region that may be left; a fifth for the others."""


def error(codes: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    return float(np.abs(codes.astype(int) - truth)[mask].mean())


def test_a_repair_lowers_the_error_and_is_taken_back_by_its_patch(fault):
    made, found = with_fault(fault), findings(fault)
    best = found.proposals[0]
    codes = made.codes[made.index]
    done = repair(found, best)
    after = codes.copy()
    after[best.box] = done.after
    mask = best.whole(codes.shape)
    assert error(after, made.truth, mask) <= LEFT.get(fault, 0.2) * error(codes, made.truth, mask)
    assert np.array_equal(after[~mask], codes[~mask])
    patch = Patch.between(codes, after, mask & (codes != INVALID_CODE))
    box = np.s_[patch.top : patch.top + patch.mask.shape[0], patch.left : patch.left + patch.mask.shape[1]]
    after[box][patch.mask] = patch.old
    assert np.array_equal(after, codes)


def test_a_repair_is_a_function_of_what_is_seen(fault):
    found = findings(fault)
    first, second = repair(found, found.proposals[0]), repair(found, found.proposals[0])
    assert np.array_equal(first.after, second.after)
    assert first.after_error < first.before_error


def test_what_is_repaired_is_not_repaired_again():
    made, found = with_fault("sign"), findings("sign")
    best = found.proposals[0]
    after = made.codes[made.index].copy()
    after[best.box] = repair(found, best).after
    with pytest.raises(RefusedError, match="already"):
        repair(found, best, after)
    assert not any(
        (p.whole(after.shape) & made.faults[0].region).any() for p in find(view_of(made, after)).proposals
    )


def test_a_repair_that_would_be_no_surer_is_refused():
    """A displacement that explains nothing: what stands there is not what the reference shows further away."""
    found = findings("moved")
    wrong = replace(found.proposals[0], kind=Kind.DISPLACED, shift=(9.0, -7.0))
    with pytest.raises(RefusedError, match="no surer"):
        repair(found, wrong)


def test_a_clipped_region_says_that_a_person_must_set_it():
    best = replace(findings("sign").proposals[0], kind=Kind.CLIPPED, reason="blown at every level")
    with pytest.raises(RefusedError, match="by hand"):
        repair(findings("sign"), best)


def test_nothing_is_made_up_without_levels_or_data():
    made = with_fault("moved")
    found = findings("moved")
    codes = made.codes[made.index].copy()
    best = found.proposals[0]
    codes[best.box] = INVALID_CODE
    with pytest.raises(RefusedError, match="no valid pixel"):
        repair(found, best, codes)


def test_invalid_pixels_in_a_region_stay_as_they_are():
    made = with_fault("gain")
    codes = made.codes[made.index].copy()
    rows, columns = np.nonzero(made.faults[0].region)
    codes[rows[::7], columns[::7]] = INVALID_CODE
    found = find(view_of(made, codes))
    gains = [p for p in found.proposals if p.kind == Kind.GAIN]
    assert gains
    for best in gains:
        done = repair(found, best)
        assert np.array_equal(done.after == INVALID_CODE, codes[best.box] == INVALID_CODE)


@pytest.mark.parametrize("kind", [k for k in Kind if k is not Kind.CLIPPED])
def test_a_region_of_one_pixel_at_a_corner(kind):
    found = findings("sign")
    one = Proposal(kind, 0, 0, np.ones((1, 1), np.bool_), 0.1, 1.0, "one pixel", (1.0, 1.0))
    with contextlib.suppress(RefusedError):
        assert repair(found, one).after.shape == (1, 1)


@pytest.mark.parametrize("fault", ["logo", "lamp", "speckle"])
def test_a_proposal_is_framed_by_its_own_pixels(fault):
    """The window zooms to its box, which was as wide as what is looked at for a halo, or for dots."""
    for proposal in findings(fault).proposals:
        for axis in (0, 1):
            ends = proposal.mask.any(axis=axis)
            assert ends[0]
            assert ends[-1]
