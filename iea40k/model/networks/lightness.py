"""The lightness module of P-IEANet: channel attention, then pixel attention, on the low wavelet band."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iea40k.model.networks.attention import ChannelAttention, PixelAttention, resize


class LightnessModule(nn.Module):
    """(B, 3, H, W) -> (B, 6, H, W): gains and offsets of the low band.

    `widths` are the channels at full, half, quarter ... of the band's size.

    The attention works at the smallest size, `depth` blocks deep; the band itself joins again on the way up.
    """

    def __init__(self, widths: tuple[int, ...], depth: int, heads: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, widths[0], 3, padding=1, padding_mode="replicate")
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths))
        self.blocks = nn.Sequential(*(_Block(widths[-1], heads) for _ in range(depth)))
        self.up = nn.ModuleList(_Join(b, a) for a, b in reversed(list(pairwise(widths))))
        self.out = nn.Conv2d(widths[0], 6, 1)

    def forward(self, low: Tensor) -> Tensor:
        """Return the gains, then the offsets, of the low band."""
        levels = [F.relu(self.stem(low), inplace=True)]
        for down in self.down:
            levels.append(F.relu(down(levels[-1]), inplace=True))
        x = self.blocks(levels.pop())
        for up in self.up:
            x = up(x, levels.pop())
        out: Tensor = self.out(x)
        return out


class _Block(nn.Module):
    """LCA, then LPA, then an MLP of both; added to the input."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.channel = ChannelAttention(channels)
        self.pixel = PixelAttention(channels, heads=heads)
        self.mlp = nn.Sequential(
            nn.Conv2d(2 * channels, 2 * channels, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(2 * channels, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        by_channel = self.channel(x)
        out: Tensor = x + self.mlp(torch.cat([by_channel, self.pixel(by_channel)], 1))
        return out


class _Join(nn.Module):
    """Enlarge what comes from below, and mix it with the level that it meets."""

    def __init__(self, below: int, here: int) -> None:
        super().__init__()
        self.shrink = nn.Conv2d(below, here, 1)
        self.mix = nn.Conv2d(2 * here, here, 3, padding=1, padding_mode="replicate")

    def forward(self, below: Tensor, here: Tensor) -> Tensor:
        joined = torch.cat([resize(self.shrink(below), here.shape[-2:]), here], 1)
        return F.relu(self.mix(joined), inplace=True)
