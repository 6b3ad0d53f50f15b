"""`p_ieanet`: the network that the P-IEANet paper describes (He et al., NeurIPS 2024), for images of any size.

A fixed wavelet transform splits the image; the structure module works on the high bands, the lightness module on
the low band, each multiplying its input bands and adding to them; the inverse transform joins the bands, and an MLP
reads the residual off them and the image.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iea40k.arrays import LUMA_WEIGHTS
from iea40k.model.networks.lightness import LightnessModule
from iea40k.model.networks.structure import StructureModule
from iea40k.model.networks.wavelets import Analysis, LearnedAnalysis, LearnedSynthesis, Synthesis, Wavelet

_LARGEST_GAIN = 3.0
"""Of a module, as a natural logarithm: a factor of 20, about four stops."""

SMALLEST = 32
"""The least height and width, in pixels."""


@dataclass(frozen=True)
class PIEANetConfig:
    """What a `p_ieanet` is made of.

    - `widths`: channels at 1/2, 1/4, 1/8 ... of the image's size, multiples of 8 and of `heads`
    - `depth`: blocks of the lightness module; `heads` of every attention
    - `wavelet`: "haar" as in the paper; "daubechies", "symlet", "none" are its ablations
    - `structure`, `lightness`: False leaves that module out; its bands then pass as they are
    - `output`: "reference" predicts the luma r in [0, 1] that an ideal exposure would have and returns
      r - luma(image), which cannot leave [-1, 1]; "direct" returns the hyperbolic tangent of the MLP
    """

    widths: tuple[int, ...] = (16, 32, 64)
    depth: int = 2
    heads: int = 2
    wavelet: Wavelet = "haar"
    structure: bool = True
    lightness: bool = True
    output: Literal["reference", "direct"] = "reference"

    @property
    def multiple(self) -> int:
        """Sides are padded to a multiple of this many pixels."""
        return 1 << len(self.widths)


class PIEANet(nn.Module):
    """(B, 3, H, W) RGB in [0, 1], H and W >= 32 -> (B, 1, H, W) residual in [-1, 1], + = underexposed.

    Each image is judged alone: nothing depends on the other images of a batch.
    """

    def __init__(self, config: PIEANetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or PIEANetConfig()
        learned = config.wavelet == "none"
        self.analysis = LearnedAnalysis(3) if learned else Analysis(config.wavelet, 3)
        self.structure = StructureModule(9, config.widths, config.heads) if config.structure else None
        self.lightness = (
            LightnessModule(config.widths, config.depth, config.heads) if config.lightness else None
        )
        self.synthesis = LearnedSynthesis(3) if learned else Synthesis(config.wavelet, 3)
        self.mlp = nn.Sequential(nn.Conv2d(6, 16, 1), nn.ReLU(inplace=True), nn.Conv2d(16, 1, 1))
        _initialise(self)
        self.register_buffer("luma", torch.tensor(LUMA_WEIGHTS).reshape(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Return the residual map; a side under 32 pixels raises `ValueError`."""
        height, width = image.shape[-2:]
        if min(height, width) < SMALLEST:
            raise ValueError(f"p_ieanet sees {SMALLEST}x{SMALLEST} pixels at least, not {height}x{width}")
        padded, (top, left) = _pad(image, self.config.multiple)
        low, high = self.analysis(padded)  # (B,3,H/2,W/2), (B,9,H/2,W/2)
        if self.lightness is not None:
            low = _modulate(low, self.lightness(low))
        if self.structure is not None:
            high = _modulate(high, self.structure(high))
        read = self.mlp(torch.cat([self.synthesis(low, high), padded], 1))
        read = read[..., top : top + height, left : left + width]
        if self.config.output == "direct":
            return torch.tanh(read)
        luma = (image * self.get_buffer("luma")).sum(1, keepdim=True)
        return torch.sigmoid(read) - luma


def _initialise(network: PIEANet) -> None:
    """Draw weights that keep the variance through ReLUs (He et al., 2015); begin near "multiply by 1, add 0"."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    with torch.no_grad():
        for last in (network.structure, network.lightness):
            if last is not None:
                last.out.weight.mul_(0.1)
        last_of_mlp = network.mlp[-1]
        assert isinstance(last_of_mlp, nn.Conv2d)
        last_of_mlp.weight.mul_(0.3)


def _modulate(bands: Tensor, by: Tensor) -> Tensor:
    """Multiply bands by exp(gain) in [1/20, 20] and add the offset; `by` holds the gains, then the offsets."""
    gain, offset = by.chunk(2, 1)
    return bands * torch.exp(_LARGEST_GAIN * torch.tanh(gain / _LARGEST_GAIN)) + offset


def _pad(image: Tensor, multiple: int) -> tuple[Tensor, tuple[int, int]]:
    """Pad both ends of each side alike, by replication, up to a multiple; also return what top and left got."""
    height, width = image.shape[-2:]
    down, right = -height % multiple, -width % multiple
    top, left = down // 2, right // 2
    if (
        down or right or torch.onnx.is_in_onnx_export()
    ):  # a graph is for every size, not for that of its example
        image = F.pad(image, (left, right - left, top, down - top), mode="replicate")
    return image, (top, left)
