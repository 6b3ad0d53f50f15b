"""Fixed wavelet transforms: (B, C, H, W) <-> a low band (B, C, H/2, W/2) and three high bands (B, 3C, H/2, W/2).

The high bands are ordered: details across columns (HL), across rows (LH), both (HH), C channels each. All three
families are orthonormal, so the inverse is the transpose and reconstruction is exact. Haar needs no neighbour outside
its 2x2 cell; the longer filters wrap around the image's border, which keeps them exact at every even size.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Wavelet = Literal["haar", "daubechies", "symlet", "none"]

_R3 = math.sqrt(3)
_FILTERS: dict[str, tuple[float, ...]] = {
    "haar": (math.sqrt(0.5), math.sqrt(0.5)),
    # Daubechies with two vanishing moments, in closed form.
    "daubechies": tuple(c / (4 * math.sqrt(2)) for c in (1 + _R3, 3 + _R3, 3 - _R3, 1 - _R3)),
    # Symlet with four vanishing moments (Daubechies 1992, table 6.3).
    "symlet": (
        0.0322231006040427,
        -0.0126039672620378,
        -0.0992195435768472,
        0.2978577956052774,
        0.8037387518059161,
        0.4976186676320155,
        -0.0296355276459985,
        -0.0757657147892733,
    ),
}


class Analysis(nn.Module):
    """The transform: (B, C, H, W), H and W even and >= 8 -> (low, high). Filters are fixed; nothing is trained."""

    def __init__(self, wavelet: str, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.register_buffer("kernels", _kernels(wavelet, channels), persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the low band (B, C, H/2, W/2) and the high bands (B, 3C, H/2, W/2)."""
        kernels = self.get_buffer("kernels")
        wrap = kernels.shape[-1] - 2
        padded = F.pad(image, (0, wrap, 0, wrap), mode="circular") if wrap else image
        bands = F.conv2d(padded, kernels.to(image.dtype), stride=2, groups=self.channels)
        bands = bands.reshape(len(bands), self.channels, 4, *bands.shape[-2:]).transpose(1, 2)  # (B,4,C,h,w)
        return bands[:, 0], bands[:, 1:].flatten(1, 2)


class Synthesis(nn.Module):
    """The inverse of `Analysis`: (low, high) -> (B, C, H, W)."""

    def __init__(self, wavelet: str, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.register_buffer("kernels", _kernels(wavelet, channels), persistent=False)

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        """Return the image whose bands are `low` (B, C, h, w) and `high` (B, 3C, h, w)."""
        kernels = self.get_buffer("kernels")
        high = high.reshape(len(high), 3, self.channels, *high.shape[-2:])
        bands = torch.cat([low.unsqueeze(1), high], 1)
        bands = bands.transpose(1, 2).flatten(1, 2)  # (B,4C,h,w), a channel's four bands side by side
        image = F.conv_transpose2d(bands, kernels.to(low.dtype), stride=2, groups=self.channels)
        wrap = kernels.shape[-1] - 2
        return _unwrap(image, wrap) if wrap else image


class LearnedAnalysis(nn.Module):
    """In place of the transform in the ablation without it: trained 2x2 convolutions of the same shapes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.low = nn.Conv2d(channels, channels, 2, stride=2)
        self.high = nn.Conv2d(channels, 3 * channels, 2, stride=2)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return tensors of the shapes that `Analysis` returns."""
        return self.low(image), self.high(image)


class LearnedSynthesis(nn.Module):
    """The counterpart of `LearnedAnalysis`: a trained 2x2 transposed convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(4 * channels, channels, 2, stride=2)

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        """Return a tensor of the shape that `Synthesis` returns."""
        out: Tensor = self.up(torch.cat([low, high], 1))
        return out


def _kernels(wavelet: str, channels: int) -> Tensor:
    """Return (4C, 1, n, n): low, HL, LH, HH for each channel."""
    low = torch.tensor(_FILTERS[wavelet], dtype=torch.float64)
    signs = torch.tensor([(-1.0) ** k for k in range(len(low))], dtype=torch.float64)
    high = low.flip(0) * signs
    bands = [
        torch.outer(rows, columns) for rows, columns in ((low, low), (low, high), (high, low), (high, high))
    ]
    return torch.stack(bands).unsqueeze(1).repeat(channels, 1, 1, 1).float()


def _unwrap(image: Tensor, wrap: int) -> Tensor:
    """Add what a wrapped convolution spilled over the lower and right border to where it came from."""
    height, width = image.shape[-2] - wrap, image.shape[-1] - wrap
    for axis, size in ((-2, height), (-1, width)):
        spill = image.narrow(axis, size, wrap)
        room = size - wrap
        image = image.narrow(axis, 0, size) + F.pad(spill, (0, room) if axis == -1 else (0, 0, 0, room))
    return image
