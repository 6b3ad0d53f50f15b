"""Losses: what they count, what they leave out, and that a frozen network teaches an enhancer."""

import numpy as np
import pytest
import torch

from iea40k import metrics
from iea40k.model.losses import ExposureResidualLoss, LossConfig, certainty, masked_ssim, residual_loss
from iea40k.model.networks import build

torch.set_num_threads(1)
EVERYWHERE = torch.ones(2, 1, 24, 30, dtype=torch.bool)
ONES = torch.ones(2, 1, 24, 30)


def maps(seed=0):
    generator = torch.Generator().manual_seed(seed)
    label = torch.rand(2, 1, 24, 30, generator=generator) * 1.6 - 0.8
    return label + 0.1 * torch.randn(2, 1, 24, 30, generator=generator), label


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("l1", 0.1), ("l2", 0.01), ("smooth_l1", 0.1 - 0.5 * 0.05)],
)
def test_a_constant_error_costs_what_its_kind_says(kind, expected):
    _, label = maps()
    loss = residual_loss(label + 0.1, label, EVERYWHERE, ONES, LossConfig(kind))
    assert loss.item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("config", [LossConfig(), LossConfig("l2", ssim=0.5, gradient=0.5)])
def test_labels_without_data_are_never_read_and_never_teach(config):
    prediction, label = maps()
    valid = EVERYWHERE.clone()
    valid[:, :, :, 20:] = False
    holed = label.clone()
    holed[:, :, :, 20:] = float("nan")
    other = label.clone()
    other[:, :, :, 20:] = 0.9
    prediction.requires_grad_()
    loss = residual_loss(prediction, holed, valid, ONES, config)
    loss.backward()
    assert loss.item() == pytest.approx(residual_loss(prediction, other, valid, ONES, config).item())
    assert prediction.grad.isfinite().all()
    assert (prediction.grad[:, :, :, 20:] == 0).all()
    assert (prediction.grad[:, :, :, :20] != 0).any()


def test_a_batch_without_one_valid_pixel_costs_nothing():
    prediction, label = maps()
    config = LossConfig(ssim=1, gradient=1)
    assert residual_loss(prediction, label * float("nan"), ~EVERYWHERE, ONES, config).item() == 0


def test_uncertain_pixels_count_less():
    _, label = maps()
    prediction = label.clone()
    prediction[..., :15] += 0.2  # half of the pixels
    uncertainty = torch.zeros_like(label)
    uncertainty[..., :15] = 0.1
    weight = certainty(uncertainty, scale=0.1)
    assert weight.unique().tolist() == pytest.approx([0.5, 1.0])
    loss = residual_loss(prediction, label, EVERYWHERE, weight)
    assert loss.item() == pytest.approx(0.2 * 0.5 / 1.5, rel=1e-5)
    assert certainty(torch.tensor([float("nan")]), 0.1).item() == 1


def test_the_gradient_term_sees_edges_and_no_constant_error():
    _, label = maps()
    flat = residual_loss(label + 0.1, label, EVERYWHERE, ONES, LossConfig(gradient=1))
    assert flat.item() == pytest.approx(0.1, abs=1e-5)
    stepped = label.clone()
    stepped[..., 15:] += 0.2  # one step of 0.2 in 29 column differences
    loss = residual_loss(stepped, label, EVERYWHERE, ONES, LossConfig(gradient=1))
    assert loss.item() == pytest.approx(0.1 + 0.2 / 29, abs=1e-5)


def test_ssim_equals_the_metric_with_holes_too():
    prediction, label = maps()
    valid = EVERYWHERE.clone()
    valid[:, :, 4, 7] = False
    wanted = []
    for k in range(2):
        holed = np.where(valid[k, 0].numpy(), label[k, 0].numpy(), np.nan)
        wanted.append(metrics.ssim(prediction[k, 0].numpy(), holed, data_range=2))
    assert masked_ssim(prediction, label, valid).item() == pytest.approx(np.mean(wanted), abs=1e-5)


@pytest.fixture
def judge():
    torch.manual_seed(0)
    return ExposureResidualLoss(build("p_ieanet_s"))


def test_the_judge_is_frozen_and_the_picture_learns(judge):
    judge.train()
    assert not judge.network.training
    assert not [p for p in judge.parameters() if p.requires_grad]
    image = torch.rand(1, 3, 40, 40, requires_grad=True)
    judge(image).backward()
    assert image.grad.abs().sum() > 0
    assert all(p.grad is None for p in judge.network.parameters())


def test_the_judge_improves_an_enhancer(judge):
    """A one-parameter enhancer, given pictures three stops too dark, learns to brighten them."""
    torch.manual_seed(1)
    dark = torch.rand(4, 3, 64, 64) * 0.25
    gamma = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.Adam([gamma], 0.1)

    def enhanced():
        return dark.clamp_min(1e-3) ** torch.exp(gamma)

    before = judge(enhanced()).item()
    for _ in range(40):
        optimizer.zero_grad()
        judge(enhanced()).backward()
        optimizer.step()
    assert judge(enhanced()).item() < 0.6 * before
    assert enhanced().mean() > 2 * dark.mean()
