"""`messias`: the attention-based network for ill-exposed images of Messias, Drews-Jr and Botelho, with a residual head.

An attention network of seven dilated convolutions (rates 1, 2, ... 64) and two more predicts how badly each pixel is
exposed; an encoder-decoder whose blocks (ACAB) have four parallel dilated convolutions, channel attention and spatial
attention restores the picture. The residual is luma(restored) - luma(image) plus what a head of one convolution adds.

Where the paper gives no number, this one is ours: channels, activations, kernel sizes. It trains one network for dark
and for bright pictures each; here one learns both.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iea40k.model.networks.unet import padded
from iea40k.model.structure_loss import luma_of

RATES = tuple(2**n for n in range(7))
BLOCK_RATES = (1, 2, 4, 8)
MAPS = 2
"""Exposure maps of a picture: how underexposed and how overexposed each pixel is."""

LEAST = 1 / 255
"""Divisors of exposure maps are no smaller: one code of 8 bits."""


@dataclass(frozen=True)
class MessiasConfig:
    """Channels of the attention network, and of the finest scale of the encoder-decoder, a multiple of 4."""

    attention: int = 16
    width: int = 12


class Messias(nn.Module):
    """(B, 3, H, W) RGB in [0, 1] -> (B, 1, H, W) residual, + = underexposed; any size."""

    corrects = True

    def __init__(self, config: MessiasConfig | None = None) -> None:
        super().__init__()
        self.config = config or MessiasConfig()
        wide = self.config.width
        self.attention = _attention(self.config.attention)
        self.enter = _conv(3 + MAPS, wide)
        self.encode = nn.ModuleList(_ACAB(wide * k) for k in (1, 2, 4))
        self.shrink = nn.ModuleList(_conv(wide * k, 2 * wide * k, stride=2) for k in (1, 2))
        self.grow = nn.ModuleList(_conv(2 * wide * k, wide * k) for k in (2, 1))
        self.join = nn.ModuleList(_conv(2 * wide * k, wide * k) for k in (2, 1))
        self.structure = nn.Sequential(_conv(3, wide), _conv(wide, wide))
        self.fuse = _conv(2 * wide, wide)
        self.picture = nn.Conv2d(wide, 3, 3, padding=1)
        self.head = nn.Conv2d(wide, 1, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, image: Tensor, *, parts: bool = False) -> Tensor:
        """Return the residual; with `parts` (B, 6, H, W): residual, restored RGB, exposure maps under and over."""
        seen = padded(image, 4)
        maps = torch.sigmoid(self.attention(seen))
        features = self._restore(seen, maps)
        restored = torch.sigmoid(self.picture(features))
        residual = luma_of(restored) - luma_of(seen) + self.head(features)
        out = torch.cat([residual, restored, maps], 1) if parts else residual
        return out[..., : image.shape[-2], : image.shape[-1]]

    def corrected(self, image: Tensor) -> Tensor:
        """Return the restored picture (B, 3, H, W) in [0, 1]."""
        parts: Tensor = self(image, parts=True)
        return parts[:, 1:4]

    def _restore(self, image: Tensor, maps: Tensor) -> Tensor:
        fine = self.encode[0](self.enter(torch.cat([image, maps], 1)))
        middle = self.encode[1](self.shrink[0](fine))
        x = self.encode[2](self.shrink[1](middle))
        for grow, join, skip in zip(self.grow, self.join, (middle, fine), strict=True):
            x = join(torch.cat([grow(F.interpolate(x, scale_factor=2, mode="nearest")), skip], 1))
        out: Tensor = self.fuse(torch.cat([x, self.structure(image)], 1))
        return out


class _ACAB(nn.Module):
    """Attention and context aggregation: four parallel dilated convolutions, then which channels, then which places."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.parallel = nn.ModuleList(
            nn.Conv2d(channels, channels // 4, 3, padding=rate, dilation=rate) for rate in BLOCK_RATES
        )
        middle = max(4, channels // 4)
        self.which = nn.Sequential(nn.Conv2d(channels, middle, 1), nn.ReLU(), nn.Conv2d(middle, channels, 1))
        self.where = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(torch.cat([conv(x) for conv in self.parallel], 1), 0.2)
        pooled = x.amax((2, 3), keepdim=True), x.mean((2, 3), keepdim=True)
        x = x * torch.sigmoid(self.which(pooled[0]) + self.which(pooled[1]))
        places = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)
        out: Tensor = x * torch.sigmoid(self.where(places))
        return out


def exposure_maps(image: Tensor, reference: Tensor) -> Tensor:
    """Return (B, 2, H, W) in [0, 1]: how far each pixel (B, 3, H, W) is under and over its reference.

    `|max(ref) - max(img)| / max(ref)` and `|min(ref) - min(img)| / max(1 - ref)`, maxima and minima over the
    channels of a pixel (Messias et al., equations 1 and 2), clipped to 1.
    """
    brightest, darkest = reference.amax(1, keepdim=True), reference.amin(1, keepdim=True)
    under = (brightest - image.amax(1, keepdim=True)).abs() / brightest.clamp_min(LEAST)
    over = (darkest - image.amin(1, keepdim=True)).abs() / (1 - darkest).clamp_min(LEAST)
    return torch.cat([under, over], 1).clamp(0, 1)


def _attention(channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for number, rate in enumerate(RATES):
        layers += [
            nn.Conv2d(channels if number else 3, channels, 3, padding=rate, dilation=rate),
            nn.LeakyReLU(0.2),
        ]
    layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(channels, MAPS, 1))


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.LeakyReLU(0.2))
