"""`unet_s`: a small U-Net (Ronneberger et al., 2015), the plain network that every other one has to beat."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class UNet(nn.Module):
    """(B, 3, H, W) RGB in [0, 1] -> (B, 1, H, W) residual in [-1, 1], + = underexposed; any size.

    `widths` are the channels of each scale, the finest first; a scale halves the sides.
    """

    def __init__(self, widths: tuple[int, ...] = (12, 24, 48, 64)) -> None:
        super().__init__()
        self.factor = 2 ** (len(widths) - 1)
        self.down = nn.ModuleList(_block(a, b) for a, b in zip((3, *widths), widths, strict=False))
        self.up = nn.ModuleList(
            _block(below + here, here) for here, below in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.head = nn.Conv2d(widths[0], 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return the residual maps."""
        x = padded(image, self.factor) - 0.5
        kept: list[Tensor] = []
        for number, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if number else x)
            kept.append(x)
        for block, fine in zip(self.up, kept[-2::-1], strict=True):
            x = block(torch.cat([fine, F.interpolate(x, scale_factor=2, mode="nearest")], 1))
        residual: Tensor = torch.tanh(self.head(x))
        return residual[..., : image.shape[-2], : image.shape[-1]]


def padded(image: Tensor, multiple: int) -> Tensor:
    """Return pictures (B, C, H, W) with their last rows and columns repeated, so that both sides are multiples."""
    down, right = -image.shape[-2] % multiple, -image.shape[-1] % multiple
    if not (
        down or right or torch.onnx.is_in_onnx_export()
    ):  # a graph is for every size, not for that of its example
        return image
    return F.pad(image, (0, right, 0, down), mode="replicate")


def _block(inputs: int, outputs: int) -> nn.Sequential:
    groups = 4
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.GroupNorm(groups, outputs),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.ReLU(),
    )
