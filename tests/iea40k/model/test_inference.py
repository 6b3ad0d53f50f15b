"""Prediction of any size: tiles agree with the whole, and what cannot be assessed is refused."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from iea40k.errors import ArrayError
from iea40k.model.inference import predict_encoded
from iea40k.model.networks import build
from iea40k.model.tiling import tile_starts

torch.set_num_threads(1)


class Pointwise(nn.Module):
    """A network without context: the residual is 0.5 - green."""

    def forward(self, image):
        assert max(image.shape[-2:]) <= self.largest
        return 0.5 - image[:, 1:2]


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("size", [(100, 100), (64, 300), (301, 157)])
def test_tiles_of_a_network_without_context_equal_the_whole_and_bound_what_it_sees(size):
    network = Pointwise()
    network.largest = 64
    image = picture(*size)
    found = predict_encoded(network, image, tile=64, overlap=16)
    np.testing.assert_allclose(found, 0.5 - image[..., 1] / np.float32(255), atol=1e-6)


@pytest.mark.parametrize(
    ("length", "tile", "overlap"), [(64, 64, 16), (65, 64, 16), (1000, 64, 16), (113, 64, 63)]
)
def test_tiles_cover_everything_and_overlap_enough(length, tile, overlap):
    starts = tile_starts(length, tile, overlap)
    assert starts[0] == 0
    assert starts[-1] == max(0, length - tile)
    assert all(0 < b - a <= tile - overlap for a, b in pairwise(starts))


class MeanOfWhatItSees(nn.Module):
    """A network that is nothing but context: each tile gets one value of its own."""

    def forward(self, image):
        return image[:, 1:2].mean((2, 3), keepdim=True).expand_as(image[:, 1:2])


def test_tiles_of_different_context_fade_into_one_another():
    ramp = np.zeros((60, 600, 3), np.uint8)
    ramp[..., 1] = np.linspace(0, 255, 600).astype(np.uint8)
    found = predict_encoded(MeanOfWhatItSees(), ramp, tile=120, overlap=40)
    starts = tile_starts(600, 120, 40)
    jump = (starts[1] - starts[0]) / 600  # between neighbouring tiles, where nothing fades
    steps = np.abs(np.diff(found, axis=1))
    assert steps.max() < 2 * jump / 40
    assert steps.sum(axis=1)[0] > 0.7  # it still follows the ramp


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (31, 31), (32, 33)])
def test_pictures_smaller_than_a_network_sees_keep_their_size(size):
    found = predict_encoded(build("p_ieanet_s").eval(), picture(*size))
    assert found.shape == size
    assert np.abs(found).max() <= 1


def test_a_network_of_one_size_sees_every_picture_at_that_size():
    class Fixed(nn.Module):
        fixed_side = 48

        def forward(self, image):
            assert tuple(image.shape[-2:]) == (48, 48)
            return image[:, :1]

    assert predict_encoded(Fixed(), picture(90, 200)).shape == (90, 200)


def test_what_is_no_picture_is_refused():
    with pytest.raises(ArrayError):
        predict_encoded(build("p_ieanet_s"), np.zeros((40, 40), np.uint8))


_TILES = """
import sys
import numpy as np, torch
from iea40k.model.inference import predict_encoded
from iea40k.model.networks import build

def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1024

torch.set_num_threads(1)
network = build("p_ieanet_s").eval()
image = np.random.default_rng(0).integers(0, 256, (int(sys.argv[1]), 2048, 3), np.uint8)
predict_encoded(network, image[:512, :512], tile=256, overlap=32)
before = peak()
predict_encoded(network, image, tile=256, overlap=32)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_number_of_tiles():
    def grown(height):
        command = [sys.executable, "-c", _TILES, str(height)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    map_bytes = 4 * 2048
    few, many = grown(512), grown(2048)  # 27 and 81 tiles
    # Only the map itself grows: 12.6 MB; what a tile needs in the network is 10 MB and more.
    assert many - few < 1.5 * map_bytes * (2048 - 512)
