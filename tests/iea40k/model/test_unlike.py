"""Pictures that no network learnt from: told in words, with a band that is wide; photographs are not among them."""

import json

import cv2
import numpy as np
import pytest
import skimage.data

from benchmarks.odd_pictures import odd_photographs, odd_pictures
from iea40k.model.judging import judge_folders
from iea40k.model.loading import load_predictor
from iea40k.model.predict import predict_image
from iea40k.model.unlike import HARDLY_KNOWN, NOTHING_KNOWN, unlike
from pipelines.cli.program import run
from tests.iea40k.model.photographs import exposed

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee")
ODD = {
    **dict(odd_pictures(3)),
    **{f"of a photograph: {kind}": odd for kind, odd in odd_photographs(skimage.data.coffee(), 3)},
}


@pytest.fixture(scope="module")
def weights():
    return load_predictor("curve_net")


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_picture_gets_a_word_and_a_wide_band(weights, kind):
    prediction = predict_image(weights, ODD[kind])
    assert prediction.facts["unlike"]
    assert prediction.band.shape == prediction.residual.shape
    assert prediction.band.min() >= HARDLY_KNOWN
    assert prediction.facts["band_90"] == pytest.approx(float(prediction.band.mean()), abs=1e-5)


@pytest.mark.parametrize("ev", [-4, -2, 0, 2])
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_photograph_is_none_of_them(name, ev):
    assert unlike(exposed(getattr(skimage.data, name)(), ev)) == ()


def test_a_photograph_keeps_the_networks_own_band(weights):
    found = predict_image(weights, skimage.data.coffee())
    assert found.facts["unlike"] == []
    assert found.band.min() < HARDLY_KNOWN


def test_the_words_say_which(weights):
    assert "one colour" in unlike(np.full((200, 300, 3), 90, np.uint8))[0].reason
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3)).astype(np.uint8)
    assert unlike(noise)[0].reason.startswith("noise")
    assert unlike(noise)[0].least_band == NOTHING_KNOWN
    small, long = unlike(noise[:32, :300])[1:]
    assert small.reason == "small: 300x32 pixels"
    assert long.reason == "long: its sides are 1 to 9.4"


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (3, 2)])
def test_the_smallest_pictures_are_looked_at_without_an_error(shape):
    assert unlike(np.full((*shape, 3), 7, np.uint8))


def test_a_network_without_a_scale_has_words_and_no_band():
    found = predict_image(load_predictor("p_ieanet_s"), ODD["chart"])
    assert found.band is None
    assert "band_90" not in found.facts
    assert found.facts["unlike"]


def test_the_command_says_it_and_writes_the_band(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cv2.imwrite("chart.png", ODD["chart"][..., ::-1])
    assert cv2.imwrite("coffee.png", skimage.data.coffee()[..., ::-1])
    assert run(["predict", "curve_net", "chart.png", "coffee.png", "-o", "out"]) == 0
    said = capsys.readouterr()
    assert "chart.png: do not trust this map: flat areas and hard edges" in " ".join(said.err.split())
    assert "coffee.png: do not trust" not in said.err
    assert np.load("out/chart_band.npy").min() >= NOTHING_KNOWN
    assert json.loads((tmp_path / "out" / "coffee.json").read_text())["unlike"] == []


def test_a_judge_names_inputs_that_it_knows_nothing_of(weights, tmp_path):
    for folder in ("input", "a", "b"):
        (tmp_path / folder).mkdir()
        for name in ("chart", "coffee"):
            picture = ODD["chart"] if name == "chart" else skimage.data.coffee()
            assert cv2.imwrite(str(tmp_path / folder / f"{name}.png"), picture[..., ::-1])
    found = judge_folders(weights, [tmp_path / "a", tmp_path / "b"], inputs=tmp_path / "input")
    assert list(found.unlike) == ["chart"]
