"""What an enhanced picture must keep of the picture that it was made of, as a loss: `iea40k.model.guard`, for training.

Blind to tone curves as the guard is: a windowed correlation of luma is 1 for every rising curve.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from iea40k.arrays import LUMA_WEIGHTS

_SIGMA, _RADIUS = 2.5, 7
_DETAIL = 0.01
_MESH = 1.25
_STEP = 1 / 255


def luma_of(image: Tensor) -> Tensor:
    """(B, 3, H, W) RGB -> (B, 1, H, W) luma."""
    return (image * image.new_tensor(LUMA_WEIGHTS).reshape(1, 3, 1, 1)).sum(1, keepdim=True)


def structure_loss(image: Tensor, source: Tensor) -> Tensor:
    """Return how far `image` (B, 3, H, W) is from being a re-exposure of `source`: 0 = it keeps all.

    The sum of 1 - the correlation of both lumas in windows with detail, in [0, 2]; of the energy of alternate pixels,
    in the share of all gradients, beyond 1.25 of the source's; and of the contrast of windows beyond a tenth lost.
    """
    one, two = luma_of(source).detach(), luma_of(image)
    mean, other = _blur(one), _blur(two)
    own = _blur(one * one) - mean.square()
    now = _blur(two * two) - other.square()
    shared = _blur(one * two) - mean * other
    spread = own.clamp_min(0).sqrt()
    weight = spread * (spread > _DETAIL) * ((mean > 0.02) & (mean < 0.98))
    correlation = shared / (own.clamp_min(0) * now.clamp_min(0) + _STEP**4).sqrt()
    # What has become flat: all of a window's contrast but a tenth.
    lost = (0.1 * spread - (now.clamp_min(0) + 1e-8).sqrt()).clamp_min(0) * 10
    total = weight.sum().clamp_min(1e-6)
    kept = ((1 - correlation) * weight).sum() / total
    return kept + (lost * (weight > 0)).sum() / total + (_mesh(two) - _MESH * _mesh(one)).clamp_min(0)


def region_means(values: Tensor) -> Tensor:
    """Return (B, 1, H, W) means over regions of a tenth of the smaller side: smooth, without any detail."""
    height, width = values.shape[-2:]
    cells = F.adaptive_avg_pool2d(values, (min(10, height), min(10, width)))
    return F.interpolate(cells, (height, width), mode="bicubic", align_corners=False)


def _mesh(grey: Tensor) -> Tensor:
    across, down = grey.diff(dim=-1), grey.diff(dim=-2)
    once = across.abs().mean() + down.abs().mean()
    return across.diff(dim=-2).abs().mean() / (once + _STEP / 4)


def _blur(x: Tensor) -> Tensor:
    position = torch.arange(-_RADIUS, _RADIUS + 1, dtype=x.dtype, device=x.device)
    kernel = torch.exp(-position.square() / (2 * _SIGMA**2))
    kernel = kernel / kernel.sum()
    padded = F.pad(x, (_RADIUS,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel.reshape(1, 1, -1, 1)), kernel.reshape(1, 1, 1, -1))
