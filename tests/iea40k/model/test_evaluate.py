"""Evaluation against planted errors: every table says what was planted where."""

import numpy as np
import pytest

from iea40k.arrays import residual_from_codes
from iea40k.errors import BadInputError
from iea40k.metrics import holistic_score
from iea40k.model.data import Pixels, Sample
from iea40k.model.evaluate import evaluate
from iea40k.model.evaluation_report import markdown, write_plots
from iea40k.model.head import ScoreHead, map_features
from tests.iea40k.model.photographs import Photographs

PHOTOGRAPHS = Photographs(2, shape=(48, 64))


def label_of(samples, number):
    return residual_from_codes(samples.read(number).codes)


class Planted:
    """Predicts the label plus an error by level; finds the sample by its pixels."""

    def __init__(self, samples, error_of):
        self.samples, self.error_of = samples, error_of

    def __call__(self, image):
        for number, sample in enumerate(self.samples.samples):
            if np.array_equal(self.samples.read(number).image, image):
                return label_of(self.samples, number) + np.float32(self.error_of(sample))
        raise AssertionError("an image of no sample")


def test_errors_are_found_where_they_were_planted():
    error = {"N2": 0.04, "N1": 0.02, "P0": 0.0, "P1": 0.01, "P2": 0.03}
    found = evaluate(Planted(PHOTOGRAPHS, lambda s: error[s.level]), PHOTOGRAPHS)
    assert list(found.groups["level"]) == ["N2", "N1", "P0", "P1", "P2"]
    for level, planted in error.items():
        assert found.groups["level"][level]["mae"] == pytest.approx(planted, abs=1e-6)
        assert found.groups["level"][level]["images"] == 2
    assert found.overall["mae"] == pytest.approx(0.02, abs=1e-6)
    assert found.overall["images"] == 10
    assert set(found.groups["scene_class"]) == {"astronaut", "chelsea"}
    assert "device" not in found.groups
    pixels = 10 * 48 * 64
    for table in (found.bands, found.zones):
        assert sum(row["pixels"] for row in table.values()) == pixels
        total = sum(row["mae"] * row["pixels"] for row in table.values() if row["pixels"])
        assert total / pixels == pytest.approx(0.02, abs=1e-6)


class Greys:
    """One picture: middle grey (code 118 is 18 %, zone V) on the left, white (zone VII) on the right; label 0."""

    samples = (Sample("greys", "P0", 0.0, (40, 60), {"level": "P0"}),)

    def read(self, *_):
        image = np.full((40, 60, 3), 118, np.uint8)
        image[:, 20:] = 255
        return Pixels(image, np.zeros((40, 60), np.int16), None)


def test_zones_are_those_of_the_exposed_pixels():
    found = evaluate(lambda image: np.where(image[..., 0] == 255, 0.3, 0.1).astype(np.float32), Greys())
    assert found.zones["V"] == {"mae": pytest.approx(0.1), "pixels": 800}
    assert found.zones["VII"] == {"mae": pytest.approx(0.3), "pixels": 1600}
    assert found.zones["II"]["pixels"] == 0


def test_a_perfect_map_has_perfect_scores():
    found = evaluate(Planted(PHOTOGRAPHS, lambda _: 0.0), PHOTOGRAPHS)
    assert found.overall["mae"] == 0
    assert found.overall["ssim_range2"] == pytest.approx(1)
    assert found.holistic["without fine-tuning"] == {
        "acc": 1,
        "lcc": pytest.approx(1),
        "srcc": pytest.approx(1),
    }


def test_a_head_undoes_a_bias_that_the_plain_score_suffers():
    learn = Photographs(3, shape=(32, 40), evs=np.linspace(-3, 3, 13))
    apart = Photographs(4, shape=(32, 40), evs=np.linspace(-3, 3, 13))
    keep = [n for n, s in enumerate(apart.samples) if s.scene_id == "rocket"]
    apart.samples = tuple(apart.samples[n] for n in keep)
    apart._pixels = [apart._pixels[n] for n in keep]
    known = {id(samples): Planted(samples, lambda _: 0.15) for samples in (learn, apart)}

    def predictor(image):
        for planted in known.values():
            try:
                return planted(image)
            except AssertionError:
                continue
        raise AssertionError

    found = evaluate(predictor, apart, head_from=learn)
    truth = found.images["truth"]
    plain = np.abs(found.images["score"] - truth).mean()
    fitted = np.abs(found.images["head_score"] - truth).mean()
    assert fitted < 0.5 * plain
    with pytest.raises(BadInputError, match="judged"):
        evaluate(predictor, apart, head_from=apart)


def test_a_head_is_repeatable_and_needs_scores():
    maps = [label_of(PHOTOGRAPHS, n) for n in range(10)]
    features = np.stack([map_features(m) for m in maps])
    scores = np.array([holistic_score(m) for m in maps])
    first, second = (ScoreHead(features, scores).predict(features) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - scores).mean() < 0.5
    with pytest.raises(BadInputError, match="8 scored"):
        ScoreHead(features[:5], scores[:5])


def test_the_report_says_what_was_measured(tmp_path):
    found = evaluate(Planted(PHOTOGRAPHS, lambda _: 0.02), PHOTOGRAPHS)
    text = markdown(found, "Evaluation", {"weights": "planted"})
    assert "| all | 0.0200 |" in text
    assert "- weights: planted" in text
    assert "| N2 | 0.0200 |" in text
    write_plots(found, tmp_path)
    assert (tmp_path / "evaluation.png").read_bytes().startswith(b"\x89PNG")
