import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from iea40k.agreement import Deviation, Tally, deviations, person_figures
from iea40k.errors import ArrayError

# Shrout and Fleiss (1979), table 2: six targets, four judges; ICC(2,1) is 0.29.
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
)


def tally(columns: np.ndarray) -> Tally:
    found = Tally()
    maps = {f"judge {i}": column.astype(np.int16)[None] for i, column in enumerate(columns)}
    found.add(maps, np.ones((1, columns.shape[1]), np.bool_))
    return found


def test_the_published_example_of_icc() -> None:
    assert tally(SHROUT_FLEISS.T).agreement().icc == pytest.approx(0.2898, abs=0.0001)


def test_krippendorff_interval_alpha_of_the_published_example() -> None:
    """Krippendorff (2011), the twelve units of four observers; interval alpha is 0.849."""
    missing = None
    data = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, missing, missing, missing],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, missing, 3],
        [missing, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, missing],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, missing],
    ]
    found = Tally()
    for unit in zip(*data, strict=True):
        maps = {str(i): np.array([[v]], np.int16) for i, v in enumerate(unit) if v is not None}
        found.add(maps, np.ones((1, 1), np.bool_))
    assert found.agreement().alpha == pytest.approx(0.849, abs=0.0005)


@given(
    hnp.arrays(
        np.int16, st.tuples(st.integers(2, 5), st.integers(3, 12)), elements=st.integers(-32640, 32640)
    )
)
@settings(max_examples=50)
def test_against_sums_written_out(columns: np.ndarray) -> None:
    k, n = columns.shape
    values = columns.astype(np.float64)
    found = tally(columns).agreement()
    grand = values.mean()
    rows = k * ((values.mean(axis=0) - grand) ** 2).sum() / (n - 1)
    raters = n * ((values.mean(axis=1) - grand) ** 2).sum() / (k - 1)
    rest = values - values.mean(axis=0) - values.mean(axis=1)[:, None] + grand
    error = (rest**2).sum() / ((n - 1) * (k - 1))
    below = rows + (k - 1) * error + k * (raters - error) / n
    if found.icc is None:
        assert below == pytest.approx(0, abs=1e-6)
    else:
        assert found.icc == pytest.approx((rows - error) / below, abs=1e-6)
    pairs = list(itertools.combinations(range(k), 2))
    assert found.mae == pytest.approx(
        np.mean([np.abs(values[a] - values[b]).mean() for a, b in pairs]) / 32640
    )
    flat = values.ravel()
    observed = np.mean([(values[a] - values[b]) ** 2 for a, b in pairs])
    expected = np.mean([(x - y) ** 2 for i, x in enumerate(flat) for j, y in enumerate(flat) if i != j])
    if expected > 0:
        assert found.alpha == pytest.approx(1 - observed / expected, abs=1e-9)


def test_people_who_agree_agree() -> None:
    one = np.random.default_rng(0).integers(-30000, 30000, 500)
    found = tally(np.stack([one, one, one])).agreement()
    assert (found.icc, found.alpha, found.mae, found.sign_area) == (1, 1, 0, 0)


def test_a_constant_offset_lowers_absolute_agreement_by_what_it_is() -> None:
    one = np.random.default_rng(0).integers(-8000, 8000, 5000)
    found = tally(np.stack([one, one + 3264])).agreement()
    assert found.mae == pytest.approx(0.1)
    # Absolute agreement counts the offset as rater variance d^2 / 2 beside the pixels' variance.
    variance = one.var(ddof=1)
    assert found.icc == pytest.approx(variance / (variance + 3264**2 / 2), rel=1e-3)


def test_only_clear_opposites_are_sign_disagreements() -> None:
    first = np.array([[1000, 1000, -1000, 100, 1000]])
    second = np.array([[-1000, 1000, 1000, -100, -100]])
    assert tally(np.concatenate([first, second])).agreement().sign_area == pytest.approx(2 / 5)


def test_the_order_and_grouping_of_images_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    images = [rng.integers(-32640, 32640, (3, 4, 5)).astype(np.int16) for _ in range(6)]
    forward, backward = Tally(), Tally()
    for target, order in ((forward, images), (backward, images[::-1])):
        for stack in order:
            target.add(dict(zip("ABC", stack, strict=True)), np.ones((4, 5), np.bool_))
    assert forward.agreement() == backward.agreement()
    assert forward.pairs() == backward.pairs()


def test_what_says_nothing_is_not_counted() -> None:
    found = Tally()
    codes = np.zeros((2, 2), np.int16)
    found.add({"A": codes}, np.ones((2, 2), np.bool_))
    found.add({"A": codes, "B": codes}, np.zeros((2, 2), np.bool_))
    assert found.agreement().images == 0
    assert found.agreement().icc is None
    assert found.agreement().alpha is None
    assert found.agreement().mae is None
    with pytest.raises(ArrayError):
        found.add({"A": codes, "B": np.zeros((3, 2), np.int16)}, np.ones((2, 2), np.bool_))


def test_a_planted_bias_and_drift_are_found() -> None:
    rng = np.random.default_rng(5)
    found: list[Deviation] = []
    mask = np.ones((20, 20), np.bool_)
    for day in range(60):
        truth = rng.integers(-10000, 10000, (20, 20))
        drift = round(32640 * (0.02 + 0.03 * day / 30))  # 0.02, and 0.03 more every 30 days
        maps = {"A": truth, "B": truth, "C": truth + drift}
        codes = {name: m.astype(np.int16) for name, m in maps.items()}
        found += deviations(codes, mask, dict.fromkeys("ABC", float(day)))
    people = {p.annotator: p for p in person_figures(found)}
    assert people["C"].drift == pytest.approx(0.03, abs=1e-4)
    assert people["C"].bias == pytest.approx(0.02 + 0.03 * 29.5 / 30, abs=1e-4)
    assert people["A"].bias == pytest.approx(-people["C"].bias / 2, abs=1e-4)
    assert people["C"].images == 60
    assert person_figures(found[:6])[0].drift is None
    assert person_figures([d for d in found if d.time < 7])[0].drift is None  # a week wants its eighth day
    assert person_figures([d for d in found if d.time < 8])[0].drift is not None
