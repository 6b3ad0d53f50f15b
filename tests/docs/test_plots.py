"""The plots of the benchmarks: what an aim and an anchor say is read from their words."""

import doctest
import importlib.util
import json
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def plots():
    spec = importlib.util.spec_from_file_location("plots", ROOT / "docs" / "site" / "plots.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_examples_of_its_docstrings(plots):
    found = doctest.testmod(plots)
    assert (found.attempted, found.failed) == (2, 0)


def test_every_aim_of_a_figure_that_was_judged_is_drawn_or_is_words(plots):
    words = set()
    for file in (ROOT / "benchmarks" / "results").glob("*.json"):
        for figure in json.loads(file.read_text())["figures"]:
            if figure["met"] is not None and not plots.aims(figure["aim"]):
                words.add(figure["aim"])
    assert not [aim for aim in words if any(letter.isdigit() for letter in aim)]


def test_the_same_results_give_the_same_plot_and_others_another(plots, tmp_path):
    figure = {"name": "speed", "value": 3.0, "unit": "x", "baseline": "-", "aim": "at least 2", "met": True}
    file = tmp_path / "one.json"
    file.write_text(json.dumps({"figures": [figure]}))
    first = plots.plotted(file)
    assert plots.plotted(file) == first
    file.write_text(json.dumps({"figures": [figure | {"met": False}]}))
    assert plots.plotted(file) != first
