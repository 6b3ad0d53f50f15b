"""The weights that come with the package: what they say, and what they see on pictures that nobody labelled."""

from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
import torch

from iea40k.model.losses import ExposureResidualLoss
from iea40k.model.onnx_weights import load_onnx
from iea40k.model.predict import predict_image
from iea40k.model.training.config import TrainingConfig, load_config
from iea40k.model.weights import load_weights, shipped_weights
from iea40k.render import heatmap
from tests.iea40k.model.photographs import exposed

torch.set_num_threads(1)
COFFEE = skimage.data.coffee()  # of the test split: not learnt


RECIPES = {"curve_net": ("curve_net_figures", "start=third/best.safetensors"), "p_ieanet_s": ("shipped",)}


@pytest.mark.parametrize("name", RECIPES)
def test_they_say_how_they_were_made(name):
    assert shipped_weights() == tuple(RECIPES)
    facts = load_weights(name).facts
    assert facts["licence"]
    assert "licences of the images" in facts["trained_on"]
    recipe, *settings = RECIPES[name]
    assert TrainingConfig.model_validate(facts["training"]) == load_config(recipe, None, settings)


def test_the_runs_gone_before_are_named_and_repeatable():
    third = load_weights("curve_net").facts["started_from"]
    wanted = load_config("curve_net_ladder", None, ["start=second/best.safetensors"])
    assert TrainingConfig.model_validate(third["training"]) == wanted
    second = third["started_from"]
    wanted = load_config("curve_net", None, ["start=first/best.safetensors"])
    assert TrainingConfig.model_validate({**second["training"], "licence": wanted.licence}) == wanted
    first = second["started_from"]
    assert TrainingConfig.model_validate(first["training"]) == load_config("curve_net_first")


def test_weights_from_share_alike_photographs_are_shared_alike():
    facts = load_weights("curve_net").facts
    assert any("CC-BY-SA" in entry["licence"] for entry in facts["attribution"])
    assert facts["licence"] == "CC-BY-SA-4.0"


def test_every_photograph_that_was_learnt_is_named_with_its_licence():
    facts = load_weights("curve_net").facts
    assert len({entry["work"] for entry in facts["attribution"]}) == len(facts["attribution"]) == 234
    assert all(entry["from"] and entry["licence"] and entry["author"] for entry in facts["attribution"])
    assert "/" not in facts["training"]["start"].removeprefix("third/")
    assert facts["not_good_at"]
    assert facts["measured"]["looks_at_fivek"] >= 1


def test_the_onnx_file_says_what_the_weights_say():
    folder = Path(str(files("iea40k.model"))) / "shipped"
    found, weights = load_onnx(folder / "curve_net.onnx"), load_weights("curve_net")
    assert found.facts == weights.facts
    for ev in (-2.0, 0.0):
        image = exposed(COFFEE, ev)
        np.testing.assert_allclose(found.residual(image), predict_image(weights, image).residual, atol=1e-4)
    assert sum(file.stat().st_size for file in folder.iterdir() if file.is_file()) < 4e6


@torch.inference_mode()
def test_the_same_map_whatever_the_size():
    loaded = load_weights("curve_net")
    for ev in (-4.0, 0.0, 2.0):
        maps = []
        for side in (256, 512, 1024):
            how = cv2.INTER_AREA if side < 512 else cv2.INTER_CUBIC
            shown = cv2.resize(exposed(skimage.data.astronaut(), ev), (side, side), interpolation=how)
            found = predict_image(loaded, shown).residual
            maps.append(cv2.resize(found, (256, 256), interpolation=cv2.INTER_AREA))
        assert max(np.abs(m - maps[0]).mean() for m in maps) <= 0.01


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("ev", [-3.0, -2.0])
def test_a_photograph_dark_everywhere_has_no_red(ev, name):
    residual = predict_image(load_weights(name), exposed(COFFEE, ev)).residual
    picture = heatmap(residual).astype(int)
    assert (picture[..., 0] <= picture[..., 2]).all()
    assert residual.mean() > 0.1


@pytest.mark.parametrize("name", RECIPES)
def test_brighter_exposures_have_lower_residuals(name):
    loaded = load_weights(name)
    means = [
        float(predict_image(loaded, exposed(COFFEE, ev)).residual.mean()) for ev in (-3.0, -1.0, 1.0, 3.0)
    ]
    assert means == sorted(means, reverse=True)
    assert means[0] > 0 > means[-1]


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("axis", [0, 1])
def test_a_flipped_photograph_has_nearly_the_flipped_map(axis, name):
    loaded = load_weights(name)
    image = exposed(COFFEE, -1.0)
    plain = predict_image(loaded, image).residual
    flipped = np.flip(predict_image(loaded, np.ascontiguousarray(np.flip(image, axis))).residual, axis)
    assert np.abs(flipped - plain).mean() < 0.03


def test_as_a_loss_they_improve_an_enhancer_on_a_photograph_not_learnt():
    judge = ExposureResidualLoss("p_ieanet_s")
    reference = torch.from_numpy(COFFEE[::4, ::4].copy()).permute(2, 0, 1)[None] / 255
    dark = torch.from_numpy(exposed(COFFEE, -2.0)[::4, ::4].copy()).permute(2, 0, 1)[None] / 255
    gamma = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.Adam([gamma], 0.05)
    for _ in range(25):
        optimizer.zero_grad()
        judge(dark.clamp_min(1e-3) ** torch.exp(gamma)).backward()
        optimizer.step()
    enhanced = (dark.clamp_min(1e-3) ** torch.exp(gamma)).detach()
    assert (enhanced - reference).abs().mean() < 0.85 * (dark - reference).abs().mean()
