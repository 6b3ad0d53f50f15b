"""The structure module of P-IEANet: from the high wavelet bands, through gradients in eight directions."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iea40k.model.networks.attention import LongRange, ShortRange, resize

DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))
"""(row, column) steps: +-x, +-y and the four diagonals."""


class StructureModule(nn.Module):
    """(B, bands, H, W) -> (B, 2 bands, H, W): a multi-layer encoder whose layers are stacked on channels.

    `widths` are the channels of its layers; each layer after the first halves the size. Returns a gain and an offset
    for each band.
    """

    def __init__(self, bands: int, widths: tuple[int, ...], heads: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(bands, widths[0], 3, padding=1, padding_mode="replicate")
        self.layers = nn.ModuleList(
            _Layer(width, heads, cell=max(1, 4 >> k)) for k, width in enumerate(widths)
        )
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths))
        self.lateral = nn.ModuleList(nn.Conv2d(width, widths[0], 1) for width in widths)
        self.out = nn.Conv2d(widths[0] * len(widths), 2 * bands, 1)

    def forward(self, high: Tensor) -> Tensor:
        """Return the gains, then the offsets, of the high bands."""
        x = F.relu(self.stem(high), inplace=True)
        stack = []
        for k, (layer, lateral) in enumerate(zip(self.layers, self.lateral, strict=True)):
            x = layer(self.down[k - 1](x) if k else x)
            stack.append(resize(lateral(x), high.shape[-2:]))
        out: Tensor = self.out(F.relu(torch.cat(stack, 1), inplace=True))
        return out


class DirectionalGradients(nn.Module):
    """(B, C, H, W) -> (B, 8C, H, W): each channel minus its neighbour in the eight `DIRECTIONS`, edges replicated."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        kernels = torch.zeros(8, 1, 3, 3)
        kernels[:, 0, 1, 1] = 1
        for k, (row, column) in enumerate(DIRECTIONS):
            kernels[k, 0, 1 + row, 1 + column] = -1
        self.channels = channels
        self.register_buffer("kernels", kernels.repeat(channels, 1, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the differences, the eight directions of a channel side by side."""
        kernels = self.get_buffer("kernels").to(x.dtype)
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), kernels, groups=self.channels)


class _Layer(nn.Module):
    """Features and their gradients, each through a long-range and a short-range encoder, fused by an MLP."""

    def __init__(self, channels: int, heads: int, cell: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // 8, 1, bias=False)  # differences lose a constant
        self.gradients = DirectionalGradients(channels // 8)
        self.encoders = nn.ModuleList(
            encoder
            for _ in range(2)
            for encoder in (LongRange(channels, heads=heads, cell=cell), ShortRange(channels))
        )
        self.fuse = nn.Sequential(
            nn.Conv2d(4 * channels, channels, 1), nn.ReLU(inplace=True), nn.Conv2d(channels, channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        gradients = self.gradients(self.reduce(x))
        far, near, far_gradients, near_gradients = self.encoders
        seen = [far(x), near(x), far_gradients(gradients), near_gradients(gradients)]
        out: Tensor = x + self.fuse(torch.cat(seen, 1))
        return out
