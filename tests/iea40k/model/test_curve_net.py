"""`curve_net`: one judgement of the whole picture, applied to every pixel, at any size, without a mesh."""

import cv2
import numpy as np
import pytest
import skimage.data
import torch

from iea40k.arrays import LUMA_WEIGHTS
from iea40k.errors import ConfigError
from iea40k.model.inference import BAND_PIXELS, predict_encoded, predict_with_scale
from iea40k.model.networks import build
from iea40k.model.networks.sampling import area_matrix, spline_matrix
from tests.iea40k.model.photographs import exposed

torch.set_num_threads(1)
SMALLER = {"look": 64, "widths": [16, 24, 32, 48]}
LADDER = {"rungs": [-4, -2, 0, 2, 4]}
TWO = {**LADDER, "second": 32}
ALONE = {"local": False, "pooled": False, "second": 16}


@pytest.fixture(
    params=[{}, SMALLER, LADDER, TWO], ids=["full", "looks at 64", "knows a ladder", "has a second branch"]
)
def network(request):
    """A network that says something of its own about every place and luma: large random weights."""
    torch.manual_seed(4)
    made = build("curve_net", request.param).eval()
    with torch.no_grad():
        for branch in (made.whole, made.second):
            for layer in () if branch is None else (branch.curve, branch.gain, branch.scales):
                layer.weight.mul_(8)
        if made.ladder is not None:
            made.ladder.out.bias.zero_()
            made.ladder.out.weight.mul_(8)
        made.places.out.weight.mul_(60)
    return made


def picture(size=None):
    whole = skimage.data.astronaut()
    return whole if size is None else cv2.resize(whole, size, interpolation=cv2.INTER_AREA)


def tensor(image):
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255


def luma(image):
    return (image * torch.tensor(LUMA_WEIGHTS).reshape(1, 3, 1, 1)).sum(1, keepdim=True)


@torch.inference_mode()
def test_the_map_says_something_and_keeps_to_its_bounds(network):
    for image in (tensor(picture((96, 64))), torch.zeros(1, 3, 32, 40), torch.ones(1, 3, 300, 33)):
        both = network(image, scale=True)
        assert both.shape == (1, 2, *image.shape[-2:])
        assert both[:, 0].abs().max() <= 1
        assert both[:, 1].min() > 0
        torch.testing.assert_close(network(image), both[:, :1])
    assert network(tensor(picture())).std() > 0.05


@torch.inference_mode()
def test_some_pixels_only_are_those_of_the_whole_map(network):
    image = tensor(picture((101, 64)))
    torch.testing.assert_close(network(image, scale=True, every=3), network(image, scale=True)[..., ::3, ::3])


@torch.inference_mode()
def test_what_is_looked_at_smaller_still_sees_the_brightest_value():
    network = build("curve_net", {"look": 32}).eval()
    dark = torch.full((1, 3, 128, 128), 0.1)
    lit = dark.clone()
    lit[..., 5, 7] = 0.9
    assert (network.judge(lit).curve - network.judge(dark).curve).abs().max() > 1e-4


@torch.inference_mode()
@pytest.mark.parametrize("number", range(5))
def test_a_picture_known_to_be_a_rung_gets_the_ladder_back(number):
    """The map that is left is what 8 bits and what was clipped have lost."""
    ev = LADDER["rungs"][number]
    network = build("curve_net", LADDER).eval()
    network.ladder.out.bias.fill_(-50)
    network.ladder.out.bias[number] = 50
    reference = picture((160, 160))
    shown = exposed(reference, ev)
    wanted = luma(tensor(reference)) - luma(tensor(shown))
    kept = (tensor(shown).amax(1, keepdim=True) < 0.85) | torch.tensor(ev <= 0)
    error = (network(tensor(shown)) - wanted).abs()[kept]
    assert error.mean() < {-4: 0.02, -2: 0.006}.get(ev, 0.003)


def test_a_ladder_learns_which_rung_a_picture_is_from_labels_alone():
    torch.manual_seed(2)
    network = build("curve_net", {**LADDER, "side": 32}).eval()
    reference = picture((48, 48))
    shown = [exposed(reference, ev) for ev in (-4, -2, 0, 2)]
    shown.append(np.clip(reference * 0.6 + 60, 0, 255).astype(np.uint8))  # paler: of no ladder
    images = torch.cat([tensor(image) for image in shown])
    labels = luma(tensor(reference)) - luma(images)
    valid = torch.ones_like(labels, dtype=torch.bool)
    optimizer = torch.optim.Adam(network.ladder.parameters(), 0.02)
    for _ in range(40):
        optimizer.zero_grad()
        network.ladder_loss(images, labels, valid).backward()
        optimizer.step()
    with torch.no_grad():
        found = network(images, scale=True)
    error = (found[:, :1] - labels).abs().mean((1, 2, 3))
    assert (error[:3] < 0.02).all()
    assert (error[[0, 1]] < error[4]).all()
    assert found[1, 1].mean() < found[4, 1].mean()  # surer of the rung than of the other


@torch.inference_mode()
@pytest.mark.parametrize("changes", [{}, ALONE], ids=["with a local branch", "curves alone"])
def test_with_a_second_branch_the_wanted_luma_is_the_mean_of_both(changes):
    torch.manual_seed(6)
    both = build("curve_net", {**changes, "second": 16}).eval()
    for layer in (both.whole.curve, both.second.curve, both.second.gain, both.second.scales):
        layer.weight.mul_(8)
    first = build("curve_net", {**changes, "second": 0}).eval()
    first.load_state_dict({name: t for name, t in both.state_dict().items() if not name.startswith("second")})
    second = build("curve_net", {"local": False, "pooled": False, "hidden": 16}).eval()
    known = {name.replace("second", "whole"): t for name, t in both.state_dict().items() if "second" in name}
    second.load_state_dict({**second.state_dict(), **known})
    image = tensor(picture((80, 60)))
    a, b, c = (network(image, scale=True) for network in (both, first, second))
    torch.testing.assert_close(a[:, 0], (b[:, 0] + c[:, 0]) / 2)
    assert (b[:, 0] - c[:, 0]).abs().mean() > 0.01
    low, high = torch.minimum(b[:, 1], c[:, 1]), torch.maximum(b[:, 1], c[:, 1])
    assert ((a[:, 1] >= low - 1e-6) & (a[:, 1] <= high + 1e-6)).all()
    torch.testing.assert_close(both(image), a[:, :1])


@pytest.mark.parametrize("rungs", [[1, 1], [-20]])
def test_an_impossible_ladder_is_refused(rungs):
    with pytest.raises(ConfigError, match="rungs"):
        build("curve_net", {"rungs": rungs})


@pytest.mark.parametrize("look", [16, 40, 96])
def test_an_impossible_look_is_refused(look):
    with pytest.raises(ConfigError, match="look"):
        build("curve_net", {"look": look})


@torch.inference_mode()
def test_black_is_never_overexposed_nor_white_underexposed(network):
    assert network(torch.zeros(1, 3, 64, 64)).min() >= 0
    assert network(torch.ones(1, 3, 64, 64)).max() <= 0


@torch.inference_mode()
def test_an_image_is_judged_alone(network):
    images = torch.cat([tensor(picture((80, 64))), tensor(picture((80, 64))) * 0.2])
    alone = torch.cat([network(images[:1]), network(images[1:])])
    torch.testing.assert_close(network(images), alone, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_the_curve_is_monotone():
    torch.manual_seed(1)
    network = build("curve_net", {"local": False}).eval()
    network.whole.curve.weight.mul_(20)
    ramp = torch.linspace(0, 1, 512).expand(1, 3, 64, 512)
    wanted = (network(ramp) + luma(ramp))[0, 0, 0]
    assert wanted.diff().min() >= -1e-6
    assert wanted[-1] - wanted[0] > 0.1


@torch.inference_mode()
def test_no_mesh():
    torch.manual_seed(4)
    network = build("curve_net").eval()
    network.places.out.weight.mul_(60)
    flat = torch.full((1, 3, 256, 384), 0.4)
    flat[..., 100:] = 0.5  # so that the map is no constant
    found = network(flat)[0, 0, :, 128:]
    phases = [found[row::2, column::2].mean() for row in (0, 1) for column in (0, 1)]
    assert found.std() > 1e-3
    assert float(max(phases) - min(phases)) < 1e-3


@torch.inference_mode()
@pytest.mark.parametrize("side", [256, 384, 1024])
def test_the_same_map_at_every_size(network, side):
    whole = picture()
    how = cv2.INTER_AREA if side < 512 else cv2.INTER_LINEAR
    found = network(tensor(cv2.resize(whole, (side, side), interpolation=how)))[0, 0].numpy()
    wanted = cv2.resize(network(tensor(whole))[0, 0].numpy(), (side, side), interpolation=how)
    assert np.abs(found - wanted).mean() < 0.01


@torch.inference_mode()
def test_a_large_picture_by_bands_is_the_picture_at_once(network):
    large = cv2.resize(picture(), (1600, 1200), interpolation=cv2.INTER_CUBIC)
    assert large.shape[0] * large.shape[1] > 3 * BAND_PIXELS
    wanted = network(tensor(large), scale=True)[0].numpy()
    residual, scale = predict_with_scale(network, large)
    np.testing.assert_allclose(residual, wanted[0], atol=2e-5)
    np.testing.assert_allclose(scale, wanted[1], atol=2e-5)
    np.testing.assert_array_equal(predict_encoded(network, large), residual)


def test_a_picture_under_32_pixels_is_refused(network):
    with pytest.raises(ValueError, match="32x32"):
        network(torch.zeros(1, 3, 31, 64))


def test_a_picture_can_learn_from_it(network):
    image = tensor(picture((64, 48))).requires_grad_()
    network(image).abs().mean().backward()
    assert torch.isfinite(image.grad).all()
    assert image.grad.abs().max() > 0


def test_each_part_learns(network):
    network(tensor(picture((64, 64))), scale=True).square().mean().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize(("length", "cells"), [(256, 128), (341, 128), (100, 128), (32, 4), (7, 3)])
def test_means_over_areas_are_exact(length, cells):
    values = torch.rand(length, dtype=torch.float64)
    fine = values.repeat_interleave(cells)  # cells * length parts: both divide them
    wanted = fine.reshape(cells, length).mean(1)
    torch.testing.assert_close(area_matrix(length, cells, values) @ values, wanted)


def test_splines_are_smooth_and_can_be_had_in_windows():
    like = torch.zeros((), dtype=torch.float64)
    whole = spline_matrix(301, 32, like)
    torch.testing.assert_close(whole.sum(1), torch.ones(301, dtype=torch.float64))
    torch.testing.assert_close(spline_matrix(40, 32, like, start=57, length=301), whole[57:97])
    line = whole @ torch.arange(32, dtype=torch.float64)
    inside = line[20:-20].diff()
    torch.testing.assert_close(inside, torch.full_like(inside, 32 / 301))
