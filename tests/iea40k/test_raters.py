"""Ten planted experts, three of them wrong on purpose: who they are is found, and the consensus stays right.

The planted people are made here from their own laws (streaks, slips, flipped signs), not from the model's: none of them
is "bias plus normal noise".
"""

from collections.abc import Callable

import numpy as np
import pytest

from iea40k.agreement import Tally
from iea40k.arrays import RESIDUAL_SCALE
from iea40k.errors import ArrayError
from iea40k.raters import RatedPixels, RaterModel, fit_raters, sample_pixels, weighted_truth

LEVELS = ("N4", "N2", "P2", "P4")
NAMES = tuple(f"expert {n}" for n in range(10))
Hand = Callable[[np.random.Generator, np.ndarray, np.ndarray, str], np.ndarray]


def honest(bias: float, tilt: float, noise: float) -> Hand:
    """Draws in flat strokes whose height errs, a bit too high in light zones, and slips now and then."""

    def draw(rng: np.random.Generator, truth: np.ndarray, zones: np.ndarray, level: str) -> np.ndarray:
        strokes = rng.integers(0, 12, truth.size)
        errs = rng.laplace(0, noise / 2**0.5, 12)[strokes] + rng.normal(0, noise / 3, truth.size)
        slips = rng.random(truth.size) < 0.01
        return truth + bias + tilt * (zones - 5) / 5 + errs + slips * rng.normal(0, 0.3, truth.size)

    return draw


def flipped(rng: np.random.Generator, truth: np.ndarray, zones: np.ndarray, level: str) -> np.ndarray:
    return -truth + rng.normal(0, 0.02, truth.size)


def too_light(rng: np.random.Generator, truth: np.ndarray, zones: np.ndarray, level: str) -> np.ndarray:
    return truth + 0.35 + rng.normal(0, 0.02, truth.size)


def anything(rng: np.random.Generator, truth: np.ndarray, zones: np.ndarray, level: str) -> np.ndarray:
    return rng.uniform(-1, 1, truth.size)


HANDS: tuple[Hand, ...] = (
    honest(0.00, 0.00, 0.03), honest(0.02, 0.00, 0.02), honest(-0.03, 0.02, 0.04), honest(0.01, -0.03, 0.03),
    honest(-0.01, 0.01, 0.05), honest(0.04, 0.00, 0.03), honest(-0.02, -0.01, 0.02), flipped, too_light, anything,
)  # fmt: skip


def planted(
    seed: int, images: int, at_once: int, hands: tuple[Hand, ...] = HANDS
) -> tuple[list[RatedPixels], list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    rated, truths = [], []
    for _ in range(images):
        level = LEVELS[rng.integers(len(LEVELS))]
        zones = rng.integers(0, 11, 300)
        sign = 1 if level[0] == "N" else -1
        truth = sign * np.clip(0.1 * int(level[1]) + 0.03 * (zones - 5) + rng.normal(0, 0.05, 300), 0, 1)
        who = np.sort(rng.choice(len(hands), at_once, replace=False))
        maps = np.clip(np.stack([hands[p](rng, truth, zones, level) for p in who]), -1, 1)
        rated.append(
            RatedPixels(tuple(NAMES[p] for p in who), level, zones, maps, np.ones(maps.shape, np.bool_))
        )
        truths.append(truth)
    return rated, truths


def error(found: list[np.ndarray], truths: list[np.ndarray]) -> float:
    return float(np.mean([np.abs(f - t).mean() for f, t in zip(found, truths, strict=True)]))


@pytest.mark.parametrize("seed", [11, 12, 13])
@pytest.mark.parametrize("at_once", [10, 5])
def test_three_who_are_wrong_on_purpose_move_the_consensus_little(seed: int, at_once: int) -> None:
    rated, truths = planted(seed, 40, at_once)
    model = fit_raters(rated)
    plain = error([np.median(image.maps, axis=0) for image in rated], truths)
    ours = error([weighted_truth(model, image)[0] for image in rated], truths)
    assert ours <= 0.02
    assert ours <= 0.7 * plain
    noise = [model.rater(name).noise for name in NAMES]
    assert min(noise[7], noise[9]) > 2 * max(noise[:7])
    assert model.rater("expert 8").bias == pytest.approx(0.35, abs=0.05)


def test_biases_are_found_by_zone_and_truth_keeps_no_ones_side() -> None:
    rated, _ = planted(3, 60, 10)
    model = fit_raters(rated)
    for person, bias in ((1, 0.02), (2, -0.03), (5, 0.04), (6, -0.02)):
        assert model.rater(NAMES[person]).bias == pytest.approx(bias, abs=0.015)
    light = np.array([10]), np.array([0])
    tilt = [float(model.rater(NAMES[3]).bias_at("N2", z)[0]) for z in light]
    assert tilt[0] - tilt[1] == pytest.approx(-0.06, abs=0.025)


def test_what_few_images_say_is_drawn_towards_everybodys() -> None:
    many, _ = planted(4, 60, 10)
    few, _ = planted(5, 1, 10)
    grown = [
        RatedPixels((*image.people, "newcomer"), image.level, image.zones,
                    np.vstack([image.maps, image.maps[0] + 0.2]), np.vstack([image.touched, image.touched[:1]]))
        for image in few
    ]  # fmt: skip
    model = fit_raters([*many, *grown])
    assert 0 < model.rater("newcomer").bias <= 0.2
    assert model.rater("newcomer").noise < model.rater("expert 9").noise / 2
    stranger = model.rater("nobody yet")
    assert (stranger.images, stranger.bias, stranger.noise) == (0, 0.0, model.noise)


def test_honest_people_lose_nothing_by_it() -> None:
    hands = HANDS[:7]
    rated, truths = planted(6, 40, 7, hands)
    model = fit_raters(rated)
    plain = error([np.median(image.maps, axis=0) for image in rated], truths)
    assert error([weighted_truth(model, image)[0] for image in rated], truths) <= plain


def test_agreement_rises_when_biases_are_taken_out() -> None:
    rated, _ = planted(7, 30, 7, HANDS[:7])
    model = fit_raters(rated)
    before, after = Tally(), Tally()
    for image in rated:
        for tally, maps in (
            (before, image.maps),
            (
                after,
                image.maps
                - np.stack([model.rater(n).bias_at(image.level, image.zones) for n in image.people]),
            ),
        ):
            codes = {
                name: np.rint(np.clip(row, -1, 1) * RESIDUAL_SCALE).astype(np.int16)[None]
                for name, row in zip(image.people, maps, strict=True)
            }
            tally.add(codes, np.ones((1, image.zones.size), np.bool_))
    one, two = before.agreement(), after.agreement()
    assert one.icc is not None
    assert two.icc is not None
    assert two.icc > one.icc
    assert two.alpha > one.alpha


def test_where_nobody_painted_the_truth_is_the_base() -> None:
    rated, _ = planted(8, 20, 10)
    model = fit_raters(rated)
    base = np.full((10, 4), 0.25)
    still = RatedPixels(NAMES, "N2", np.arange(4), base, np.zeros(base.shape, np.bool_))
    truth, deviation = weighted_truth(model, still)
    assert np.allclose(truth, 0.25, atol=1e-12)
    assert (deviation > 0).all()


def test_bad_input() -> None:
    assert fit_raters([]) == RaterModel({}, 1 / 255)
    one = np.zeros((4, 4), np.int16)
    zones, mask = np.zeros((4, 4), np.int64), np.ones((4, 4), np.bool_)
    assert sample_pixels({"A": one}, {"A": mask}, zones, "P0", mask) is None
    assert sample_pixels({"A": one, "B": one}, {"A": mask, "B": mask}, zones, "P0", ~mask) is None
    with pytest.raises(ArrayError, match="differ in size"):
        sample_pixels({"A": one, "B": one[:2]}, {"A": mask, "B": mask}, zones, "P0", mask)
    pixels = sample_pixels({"A": one, "B": one}, {"A": mask, "B": mask}, zones, "P0", mask)
    assert pixels is not None
    assert fit_raters([pixels]).rater("A").bias == 0.0
