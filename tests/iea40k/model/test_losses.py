"""Losses: what they count, what they leave out, and that a frozen network teaches an enhancer."""

import numpy as np
import pytest
import skimage.data
import torch

from iea40k import metrics
from iea40k.arrays import LUMA_WEIGHTS
from iea40k.model.losses import ExposureResidualLoss, LossConfig, certainty, masked_ssim, residual_loss
from iea40k.model.networks import build
from iea40k.model.structure_loss import structure_loss
from tests.iea40k.model.photographs import exposed

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


def mesh_energy(picture):
    """Energy of alternate pixels in the share of all differences of luma."""
    grey = (picture * torch.tensor(LUMA_WEIGHTS).reshape(1, 3, 1, 1)).sum(1)
    across, down = grey.diff(dim=-1), grey.diff(dim=-2)
    return (across.diff(dim=-2).abs().mean() / (across.abs().mean() + down.abs().mean())).item()


def contrast(picture):
    """Mean standard deviation of luma in blocks of 8x8."""
    grey = (picture * torch.tensor(LUMA_WEIGHTS).reshape(1, 3, 1, 1)).sum(1, keepdim=True)
    blocks = torch.nn.functional.unfold(grey, 8, stride=8)
    return blocks.std(1).mean().item()


@pytest.mark.parametrize("with_source", [True, False])
@pytest.mark.parametrize("name", ["curve_net", "p_ieanet_s"])
def test_optimising_pixels_draws_no_mesh_and_keeps_contrast(name, with_source):
    """The plain mean |residual|, differentiated, quadruples the energy of a checkerboard."""
    picture = torch.from_numpy(exposed(skimage.data.astronaut()[:128, :160], -2)).permute(2, 0, 1)[None] / 255
    loss = ExposureResidualLoss(name)
    image = picture.clone().requires_grad_()
    optimizer = torch.optim.Adam([image], 0.01)
    first = loss(image, picture if with_source else None).item()
    for _ in range(60):
        optimizer.zero_grad()
        value = loss(image, picture if with_source else None)
        value.backward()
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)
    assert value.item() < first - 0.02  # it does what it is for
    assert mesh_energy(image.detach()) < 1.1 * mesh_energy(picture)
    assert contrast(image.detach()) > 0.9 * contrast(picture)


def test_what_is_no_re_exposure_costs_more_than_the_source_itself():
    picture = torch.from_numpy(exposed(skimage.data.astronaut()[:128, :160], -1)).permute(2, 0, 1)[None] / 255
    loss = ExposureResidualLoss("curve_net")
    board = (torch.arange(128)[:, None] + torch.arange(160)) % 2
    kept = structure_loss(picture**0.8, picture).item()
    assert kept < 0.05
    for other in (
        torch.full_like(picture, 0.5),
        board.float().expand_as(picture),
        torch.rand_like(picture),
        picture.flip(-1),
        picture + 0.06 * (board - 0.5),
    ):
        assert structure_loss(other, picture).item() > kept + 0.1
        assert loss(other, picture) > loss(picture**0.8, picture)


@pytest.mark.slow
def test_a_small_enhancer_gets_nearer_to_references_that_it_never_saw():
    """Learns from two photographs by the loss alone, without a reference, and is measured on two others."""
    torch.manual_seed(0)
    names = ("astronaut", "chelsea", "coffee", "rocket")
    finished = [getattr(skimage.data, n)()[:256:2, :320:2] for n in names]

    def tensors(stops):
        return [torch.from_numpy(exposed(p, stops)).permute(2, 0, 1)[None] / 255 for p in finished]

    enhancer = torch.nn.Sequential(torch.nn.Conv2d(3, 16, 1), torch.nn.LeakyReLU(), torch.nn.Conv2d(16, 3, 1))
    torch.nn.init.zeros_(enhancer[2].weight)
    torch.nn.init.zeros_(enhancer[2].bias)

    def enhance(x):
        return (x + enhancer(x)).clamp(0, 1)

    loss = ExposureResidualLoss("curve_net")
    optimizer = torch.optim.Adam(enhancer.parameters(), 0.01)
    for _ in range(80):
        for source in tensors(-2)[:2]:
            optimizer.zero_grad()
            loss(enhance(source), source).backward()
            optimizer.step()

    def psnr(x, y):
        return -10 * torch.log10((x - y).square().mean()).item()

    for dark, reference in list(zip(tensors(-2), tensors(0), strict=True))[2:]:
        with torch.no_grad():
            assert psnr(enhance(dark), reference) > psnr(dark, reference) + 2
