"""`wavelet_net` against the output of the released network, and the independence that ours adds."""

import numpy as np
import pytest
import torch

from iea40k.model.networks import build

torch.set_num_threads(2)


@pytest.fixture(scope="module")
def released(real_data):
    folder = real_data / "official"
    tensors = torch.load(folder / "wavelet_epoch_2.pth", weights_only=True, map_location="cpu")
    image = torch.from_numpy(np.load(folder / "test1_high_input.npy"))
    return tensors, image, np.load(folder / "test1_high_residual.npy")


@pytest.mark.real_data
@pytest.mark.parametrize("independent", [True, False])
def test_equals_the_released_network(released, independent):
    tensors, image, residual = released
    network = build("wavelet_net", {"independent": independent}).eval()
    network.load_state_dict(tensors)
    with torch.inference_mode():
        found = network(image)
    assert found.shape == (2, 1, 256, 256)
    np.testing.assert_allclose(found[0, 0].numpy(), residual, atol=1e-5, rtol=0)


@pytest.mark.real_data
def test_the_structure_path_depends_on_batch_mates_only_as_released(released):
    tensors, _, _ = released
    # The FFA part never looks across the batch, so the encoder alone shows the difference at a thousandth of the cost.
    bands = torch.rand(2, 9, 128, 128)
    spread = {}
    for independent in (True, False):
        network = build("wavelet_net", {"independent": independent}).eval()
        network.load_state_dict(tensors)
        with torch.inference_mode():
            spread[independent] = (network.encoder(bands)[:1] - network.encoder(bands[:1])).abs().max().item()
    assert spread[True] < 1e-5
    assert spread[False] > 1e-3


def test_another_size_is_refused():
    with pytest.raises(ValueError, match="256x256 only"):
        build("wavelet_net")(torch.rand(1, 3, 256, 255))
