"""Encoders of features: long-range attention over space, short-range convolutions, and attention over channels."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iea40k.model.networks.sampling import pool_matrix


class LongRange(nn.Module):
    """LRE: every place attends to the whole image, at a cost linear in the number of pixels.

    Queries are means of `cell` x `cell` pixels; keys and values are means over a fixed `grid` x `grid` partition of
    the image, whatever its size. Nothing encodes position, so that the result follows the image when it is
    flipped, and any size fits. (B, C, H, W) -> the same shape, added to the input.
    """

    def __init__(self, channels: int, *, heads: int = 2, cell: int = 1, grid: int = 8) -> None:
        super().__init__()
        self.heads, self.cell, self.grid = heads, cell, grid
        self.norm = ChannelNorm(channels)
        self.query = nn.Conv2d(channels, channels, 1)
        self.key_value = nn.Conv2d(channels, 2 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return x + attention(x)."""
        small = F.avg_pool2d(x, self.cell, ceil_mode=True) if self.cell > 1 else x  # (B,C,h,w)
        small = self.norm(small)
        query = self._split(self.query(small))  # (B,heads,hw,C/heads)
        key, value = self.key_value(_pooled(small, self.grid)).chunk(2, 1)
        mixed = F.scaled_dot_product_attention(query, self._split(key), self._split(value))
        mixed = self.out(mixed.transpose(2, 3).reshape(small.shape))
        return x + resize(mixed, x.shape[-2:])

    def _split(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        return x.reshape(batch, self.heads, channels // self.heads, height * width).transpose(2, 3)


class ShortRange(nn.Module):
    """SRE: a depthwise 3x3 and a pointwise convolution. (B, C, H, W) -> the same shape, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.space = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="replicate", groups=channels)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return x + mix(relu(space(x)))."""
        out: Tensor = x + self.mix(F.relu(self.space(x), inplace=True))
        return out


class ChannelAttention(nn.Module):
    """LCA: global mean, two 1x1 convolutions, ReLU then sigmoid, multiply. Keeps the shape (B, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels, 1)
        self.excite = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return x weighted by channel."""
        weight = F.relu(self.squeeze(x.mean((2, 3), keepdim=True)), inplace=True)
        return x * torch.sigmoid(self.excite(weight))


class PixelAttention(nn.Module):
    """LPA: self-attention, ReLU, a weighted sum of convolutions of several kernel sizes, sigmoid, multiply.

    The product is with the module's own input. Keeps the shape (B, C, H, W).
    """

    def __init__(
        self, channels: int, *, heads: int, cell: int = 1, sizes: tuple[int, ...] = (1, 3, 5, 7)
    ) -> None:
        super().__init__()
        self.attention = LongRange(channels, heads=heads, cell=cell)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels, channels, n, padding=n // 2, padding_mode="replicate", groups=channels)
            for n in sizes
        )
        self.weights = nn.Parameter(torch.full((len(sizes),), 1 / len(sizes)))
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return x weighted by pixel."""
        seen = F.relu(self.attention(x), inplace=True)
        summed = sum(w * conv(seen) for w, conv in zip(self.weights, self.convolutions, strict=True))
        return x * torch.sigmoid(self.mix(summed))


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each pixel: independent of batch mates, of the image's size and of flips."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))
        self.shift = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return x with zero mean and unit variance over its channels, scaled and shifted."""
        centred = x - x.mean(1, keepdim=True)
        return centred * torch.rsqrt(centred.square().mean(1, keepdim=True) + 1e-5) * self.scale + self.shift


def _pooled(x: Tensor, grid: int) -> Tensor:
    """Return the means of x over `grid` x `grid` cells. ONNX knows no adaptive pooling of a free size: a product."""
    if not torch.onnx.is_in_onnx_export():
        return F.adaptive_avg_pool2d(x, grid)
    rows, columns = (pool_matrix(length, grid, x) for length in x.shape[-2:])
    return rows @ (x @ columns.transpose(0, 1))


def resize(x: Tensor, size: torch.Size | tuple[int, int]) -> Tensor:
    """Return x at another size, bilinear; the same tensor where the size is its own."""
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    return F.interpolate(x, tuple(size), mode="bilinear", align_corners=False)
