"""A displaced region is one that its shift explains."""

from dataclasses import replace

import numpy as np
import pytest

from iea40k.outliers.evidence import evidence
from iea40k.outliers.kinds import Kind
from iea40k.outliers.proposals import find
from iea40k.outliers.shifts import Shift, unexplained
from tests.iea40k.outliers.conftest import findings, view_of, with_fault


def test_a_shift_explains_what_is_displaced_and_no_other_does():
    found = findings("displaced")
    best = found.proposals[0]
    assert best.kind == Kind.DISPLACED
    lawful = evidence(found.view, found.laws).lawful
    at = best.top, best.left, best.mask
    rows, columns = best.shift
    assert unexplained(found.view, lawful, Shift(rows, columns), *at) < 0.5
    assert unexplained(found.view, lawful, Shift(-rows, -columns), *at) > 0.9
    assert unexplained(found.view, lawful, Shift(), *at) == pytest.approx(1)


def test_what_a_shift_leaves_as_odd_as_it_was_is_not_displaced():
    """Other structure over a displaced region, as water has: the shift that is found leaves most of it."""
    made = with_fault("displaced")
    view = view_of(made)
    region = made.faults[0].region
    rng = np.random.default_rng(0)
    waves = rng.normal(size=(*view.shape, 1)) * 45
    exposure = np.where(region[..., None], np.clip(view.exposure + waves, 0, 255), view.exposure)
    wavy = replace(view, exposure=exposure.astype(np.uint8))
    codes = np.rint(wavy.difference * 32640).astype(np.int16)
    wavy = replace(wavy, codes=codes)
    kinds = [p.kind for p in find(wavy).proposals if (p.whole(view.shape) & region).sum() > 50]
    assert kinds
    assert Kind.DISPLACED not in kinds
