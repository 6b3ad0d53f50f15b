"""Scenes with one planted fault each, from the truth set's own generator."""

import functools

import numpy as np
import pytest
from skimage import data

from benchmarks.planted_outliers.faults import Planted, planted
from benchmarks.planted_outliers.scenes import Clean, exposed
from iea40k.outliers.proposals import Findings, find
from iea40k.outliers.seen import Seen, seen

SEEDS = {"logo": 3, "lamp": 2, "displaced": 3, "moved": 1, "speckle": 1, "sign": 4, "level": 1, "gain": 2}


@functools.cache
def clean(seed: int = 0) -> Clean:
    picture = np.ascontiguousarray(data.coffee()[60:316, 150:470])
    return exposed("coffee", picture, seed)


@functools.cache
def with_fault(kind: str) -> Planted:
    made = clean(SEEDS[kind])
    return planted(made, 2, [kind], SEEDS[kind], data.astronaut())


def view_of(made: Planted, codes: np.ndarray | None = None) -> Seen:
    scene = made.scene
    codes = made.codes[made.index] if codes is None else codes
    return seen(scene.reference, scene.exposures, codes, scene.evs, made.index)


@functools.cache
def findings(kind: str) -> Findings:
    return find(view_of(with_fault(kind)))


@pytest.fixture(params=sorted(SEEDS))
def fault(request: pytest.FixtureRequest) -> str:
    return str(request.param)
