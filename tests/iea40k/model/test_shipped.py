"""The weights that come with the package: what they say, and what they see on pictures that nobody labelled."""

import numpy as np
import pytest
import skimage.data
import torch

from iea40k.model.losses import ExposureResidualLoss
from iea40k.model.predict import predict_image
from iea40k.model.training.config import TrainingConfig, load_config
from iea40k.model.weights import load_weights, shipped_weights
from iea40k.render import heatmap
from tests.iea40k.model.photographs import exposed

torch.set_num_threads(1)
COFFEE = skimage.data.coffee()  # of the test split: not learnt


def test_they_say_how_they_were_made():
    assert shipped_weights() == ("p_ieanet_s",)
    facts = load_weights("p_ieanet_s").facts
    assert facts["licence"]
    assert "licences of the images" in facts["trained_on"]
    assert TrainingConfig.model_validate(facts["training"]) == load_config("shipped")


@pytest.mark.parametrize("ev", [-3.0, -2.0])
def test_a_photograph_dark_everywhere_has_no_red(ev):
    residual = predict_image(load_weights("p_ieanet_s"), exposed(COFFEE, ev)).residual
    picture = heatmap(residual).astype(int)
    assert (picture[..., 0] <= picture[..., 2]).all()
    assert residual.mean() > 0.1


def test_brighter_exposures_have_lower_residuals():
    loaded = load_weights("p_ieanet_s")
    means = [
        float(predict_image(loaded, exposed(COFFEE, ev)).residual.mean()) for ev in (-3.0, -1.0, 1.0, 3.0)
    ]
    assert means == sorted(means, reverse=True)
    assert means[0] > 0 > means[-1]


@pytest.mark.parametrize("axis", [0, 1])
def test_a_flipped_photograph_has_nearly_the_flipped_map(axis):
    loaded = load_weights("p_ieanet_s")
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
