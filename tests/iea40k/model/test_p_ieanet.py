"""What `p_ieanet` promises whatever its weights are: sizes, range, independence, ablations; and its parts."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iea40k.errors import ConfigError
from iea40k.model.networks import build, full_config, names
from iea40k.model.networks.attention import LongRange
from iea40k.model.networks.structure import DIRECTIONS, DirectionalGradients

torch.set_num_threads(1)


def random_network(name="p_ieanet_s", overrides=None, scale=3.0):
    """A network whose weights are larger than at the start, so that its outputs reach their limits."""
    torch.manual_seed(0)
    network = build(name, overrides).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(scale)
    return network


@settings(max_examples=12, deadline=None)
@given(st.integers(32, 120), st.integers(32, 120))
def test_any_size_from_32_on_keeps_its_size_and_stays_in_range(height, width):
    network = random_network()
    with torch.inference_mode():
        residual = network(torch.rand(1, 3, height, width))
    assert residual.shape == (1, 1, height, width)
    assert residual.abs().max() <= 1


def test_under_32_pixels_is_refused():
    with pytest.raises(ValueError, match="32x32 pixels at least"):
        build("p_ieanet_s")(torch.rand(1, 3, 31, 64))


@pytest.mark.parametrize("output", ["reference", "direct"])
def test_output_stays_in_range_for_extreme_weights_and_images(output):
    network = random_network(overrides={"output": output}, scale=30.0)
    for image in (torch.zeros(1, 3, 40, 40), torch.ones(1, 3, 40, 40), torch.rand(1, 3, 40, 40)):
        with torch.inference_mode():
            residual = network(image)
        assert residual.min() >= -1
        assert residual.max() <= 1
        assert residual.isfinite().all()


def test_a_new_network_knows_the_sign_of_black_and_of_white():
    torch.manual_seed(0)
    network = build("p_ieanet").eval()
    with torch.inference_mode():
        assert (network(torch.full((1, 3, 64, 64), 0.02)) > 0).all()
        assert (network(torch.full((1, 3, 64, 64), 0.98)) < 0).all()


@pytest.mark.parametrize("name", ["p_ieanet", "p_ieanet_s", "p_ieanet_m"])
def test_no_image_depends_on_its_batch_mates(name):
    # In double precision, so that only a dependence can differ and not the rounding of another summation order.
    network = random_network(name, scale=1.2).double()
    images = torch.rand(3, 3, 64, 48, dtype=torch.float64)
    with torch.inference_mode():
        together = network(images)
        alone = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(together, alone, atol=1e-9, rtol=0)


@pytest.mark.parametrize(
    "overrides",
    [
        {"wavelet": "daubechies"},
        {"wavelet": "symlet"},
        {"wavelet": "none"},
        {"structure": False},
        {"lightness": False},
        {"output": "direct"},
        {"depth": 2, "widths": [8, 16], "heads": 1},
    ],
)
def test_each_ablation_learns_in_every_parameter(overrides):
    torch.manual_seed(0)
    network = build("p_ieanet_s", overrides)
    torch.manual_seed(1)
    network(torch.rand(2, 3, 48, 64)).square().mean().backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []


def test_an_ablation_takes_away_what_it_names():
    parameters = {name for name, _ in build("p_ieanet_s").named_parameters()}
    without = {name for name, _ in build("p_ieanet_s", {"structure": False}).named_parameters()}
    assert parameters - without == {name for name in parameters if name.startswith("structure.")}
    haar = build("p_ieanet_s").state_dict()
    other = build("p_ieanet_s", {"wavelet": "none"}).state_dict()
    assert {name.split(".")[0] for name in set(other) - set(haar)} == {"analysis", "synthesis"}


def test_gradients_of_a_ramp_are_its_slope_in_each_direction():
    row, column = torch.meshgrid(torch.arange(6.0), torch.arange(7.0), indexing="ij")
    ramp = 2 * row + 5 * column
    found = DirectionalGradients(1)(ramp[None, None])[0, :, 1:-1, 1:-1]
    for gradient, (down, right) in zip(found, DIRECTIONS, strict=True):
        assert (gradient == -(2 * down + 5 * right)).all()


def test_attention_reaches_the_other_end_of_the_image():
    torch.manual_seed(0)
    encoder = LongRange(8, heads=2)
    image = torch.rand(1, 8, 40, 200, requires_grad=True)
    encoder(image)[0, :, 20, 0].sum().backward()
    assert image.grad[0, :, :, 190:].abs().sum() > 0


def test_attention_follows_a_flipped_image():
    torch.manual_seed(0)
    encoder = LongRange(8, heads=2)
    image = torch.rand(1, 8, 32, 48)
    torch.testing.assert_close(encoder(image.flip(-1)), encoder(image).flip(-1), atol=1e-6, rtol=0)


def test_a_configuration_read_back_builds_the_same_network():
    for name in names():
        config = full_config(name)
        assert [p.shape for p in build(name, config).parameters()] == [
            p.shape for p in build(name).parameters()
        ]


@pytest.mark.parametrize(
    "overrides", [{"width": [8]}, {"widths": [12]}, {"wavelet": "haarr"}, {"output": "luma"}]
)
def test_an_unknown_setting_is_refused(overrides):
    with pytest.raises(ConfigError):
        build("p_ieanet", overrides)


def test_an_unknown_network_is_refused_with_the_names_there_are():
    with pytest.raises(ConfigError, match="wavelet_net"):
        build("p_ieanet_xl")
