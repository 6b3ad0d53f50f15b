"""The baselines: what each of them says of pictures whose answer is known."""

import numpy as np
import pytest

from iea40k.baselines import BASELINES, constant
from iea40k.baselines.boosted import _leaves
from iea40k.colour import decode_srgb, encode_srgb
from iea40k.disputes.trees import FEATURES, Trees, features
from iea40k.errors import BadInputError
from iea40k.residuals import luma
from tests.planted import exposed


def ladder(names=("astronaut", "chelsea", "coffee"), evs=(-3, -1, 0, 1, 3)):
    for name in names:
        reference = np.ascontiguousarray(exposed(name)[:200:2, :280:2])
        for ev in evs:
            image = encode_srgb(decode_srgb(reference) * np.float32(2.0**ev))
            yield image, luma(reference) - luma(image)


def error(name, numbers, examples):
    return np.mean([np.abs(BASELINES[name].predict(numbers, i) - r).mean() for i, r in examples])


@pytest.fixture(scope="module")
def fitted():
    return {name: baseline.fit(ladder()) for name, baseline in BASELINES.items()}


@pytest.mark.parametrize("name", BASELINES)
def test_numbers_have_the_shapes_that_are_declared(name, fitted):
    baseline = BASELINES[name]
    assert {key: np.shape(v) for key, v in fitted[name].items()} == dict(baseline.shapes)
    image, label = next(ladder())
    found = baseline.predict(fitted[name], image)
    assert found.shape == label.shape
    assert found.dtype == np.float32
    again = baseline.fit(ladder())
    assert all(np.array_equal(again[key], fitted[name][key]) for key in again)


def test_each_says_more_than_nothing_of_what_it_learnt(fitted):
    known = list(ladder())
    errors = {name: error(name, numbers, known) for name, numbers in fitted.items()}
    assert max(errors, key=errors.get) == "zero"
    assert min(errors, key=errors.get) == "trees"


def test_a_line_is_found_among_wild_labels():
    random = np.random.default_rng(0)
    examples = []
    for image, _ in ladder():
        label = 0.3 - 0.5 * luma(image)
        label[random.random(label.shape) < 0.2] = 1
        examples.append((image, label))
    line = BASELINES["affine"].fit(examples)["line"]
    assert line == pytest.approx([-0.5, 0.3], abs=1e-3)


def test_pixels_without_data_are_not_learnt_from():
    examples = [(i, np.where(np.arange(r.shape[1]) < 70, r, np.nan)) for i, r in ladder()]
    cut = [(np.ascontiguousarray(i[:, :70]), r[:, :70]) for i, r in ladder()]
    for name in ("constant", "affine", "histogram"):
        found, wanted = BASELINES[name].fit(examples), BASELINES[name].fit(cut)
        for key in found:
            assert found[key] == pytest.approx(wanted[key], abs=0.03)
    with pytest.raises(BadInputError, match="nothing to fit"):
        BASELINES["constant"].fit([(i, np.full_like(r, np.nan)) for i, r in ladder()])


def test_a_meter_brings_a_grey_card_to_zone_v():
    card = np.full((40, 60, 3), 60, np.uint8)
    found = BASELINES["zone_v"].predict({}, card)
    assert luma(card) + found == pytest.approx(118 / 255, abs=0.01)  # 18 % of the light, sRGB-encoded


def test_a_histogram_gives_the_reference_back_where_it_is_the_only_one():
    reference = np.ascontiguousarray(exposed("coffee")[:200:2, :280:2])
    image = encode_srgb(decode_srgb(reference) * np.float32(0.25))
    numbers = BASELINES["histogram"].fit([(image, luma(reference) - luma(image))])
    assert (
        np.abs(luma(image) + BASELINES["histogram"].predict(numbers, image) - luma(reference)).mean() < 0.02
    )


def test_trees_read_from_arrays_are_those_of_scikit_learn(fitted):
    trees = Trees(pixels=200, rounds=120).fit(ladder())
    image, _ = next(ladder(("rocket",)))
    inputs = features(image).reshape(-1, FEATURES)
    ours = float(fitted["trees"]["start"]) + _leaves(fitted["trees"]["nodes"], inputs)
    assert ours == pytest.approx(trees._trees.predict(inputs), abs=1e-9)


def test_one_grey_for_all():
    image, _ = next(ladder())
    assert constant(0.5)(image) == pytest.approx(0.5 - luma(image))
