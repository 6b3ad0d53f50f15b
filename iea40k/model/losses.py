"""Losses: of a residual map against its label, and of an enhanced photograph against good exposure."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iea40k.metrics import SSIM_SIGMA, SSIM_WINDOW
from iea40k.model.structure_loss import luma_of, region_means, structure_loss
from iea40k.model.weights import load_weights, residual_map

Kind = Literal["l1", "l2", "smooth_l1"]
SMOOTH_L1_BETA = 0.05
"""Where smooth L1 turns from quadratic to linear, in units of residual."""


@dataclass(frozen=True)
class LossConfig:
    """`kind` of the pixel term; factors of the optional terms `ssim` (1 - SSIM, data range 2), `gradient` and `scale`.

    `scale` belongs to `scale_loss`, for networks that also say how far they may be off.
    """

    kind: Kind = "l1"
    ssim: float = 0.0
    gradient: float = 0.0
    scale: float = 0.0


def residual_loss(
    prediction: Tensor, label: Tensor, valid: Tensor, weight: Tensor, config: LossConfig | None = None
) -> Tensor:
    """Return the scalar loss of maps (B, 1, H, W) in [-1, 1].

    `valid` is bool: what the label holds elsewhere is never read. `weight` >= 0 is each pixel's certainty; the
    mean is weighted, so a label that experts agree on counts more. Without a valid pixel the loss is 0.
    """
    config = config or LossConfig()
    certainty = torch.where(valid, weight, torch.zeros_like(weight))
    # Replaced, not multiplied by zero: a NaN under an invalid pixel would survive a product.
    error = torch.where(valid, prediction - label, torch.zeros_like(prediction))
    loss = weighted_mean(_penalty(error, config.kind), certainty)
    if config.gradient:
        loss = loss + config.gradient * _gradient_term(error, certainty)
    if config.ssim:
        loss = loss + config.ssim * (1 - masked_ssim(prediction, torch.where(valid, label, 0.0), valid))
    return loss


def scale_loss(prediction: Tensor, scale: Tensor, label: Tensor, valid: Tensor, weight: Tensor) -> Tensor:
    """Return the negative log-likelihood of maps under a Laplace distribution of the predicted `scale` > 0.

    Only the scale learns from it: the error is taken as it is, so that a network cannot give up on hard pictures by
    calling them uncertain.
    """
    certain = torch.where(valid, weight, torch.zeros_like(weight))
    error = torch.where(valid, prediction.detach() - label, torch.zeros_like(prediction)).abs()
    return weighted_mean(error / scale + scale.log(), certain)


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Return sum(values * weight) / sum(weight), 0 where the weights sum to 0."""
    total = weight.sum()
    return (values * weight).sum() / torch.where(total > 0, total, torch.ones_like(total))


def certainty(uncertainty: Tensor, scale: float) -> Tensor:
    """Return the weight `scale^2 / (scale^2 + uncertainty^2)` of a label; its experts differ by `uncertainty` (luma).

    It is 1 where they agree and 1/2 where they differ by `scale`; an unknown one (NaN) gives 1.
    """
    weight = scale**2 / (scale**2 + uncertainty.square())
    return torch.where(uncertainty.isnan(), torch.ones_like(weight), weight)


def masked_ssim(x: Tensor, y: Tensor, valid: Tensor, data_range: float = 2.0) -> Tensor:
    """Return the mean SSIM over windows (Gaussian 11x11, sigma 1.5) that lie inside the map and the valid pixels.

    The same as `iea40k.metrics.ssim`, differentiable; 1 where no whole window is valid.
    """
    x = torch.where(valid, x, 0.0)
    mean_x, mean_y = _blur(x), _blur(y)
    variance_x, variance_y = _blur(x * x) - mean_x.square(), _blur(y * y) - mean_y.square()
    covariance = _blur(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity = similarity / ((mean_x.square() + mean_y.square() + c1) * (variance_x + variance_y + c2))
    whole = -F.max_pool2d(-valid.to(x.dtype), SSIM_WINDOW, stride=1)
    return torch.where(whole.sum() > 0, weighted_mean(similarity, whole), torch.ones((), device=x.device))


class ExposureResidualLoss(nn.Module):
    """How badly exposed a picture is, as a loss for enhancement networks: the mean |residual| by a frozen network.

    `ExposureResidualLoss("curve_net")` or a path to weights. `forward` takes (B, 3, H, W) sRGB-encoded RGB in
    [0, 1], H and W >= 32, and, better, the picture that it was made of, `source`; it returns a scalar, differentiable
    by the picture. The network itself never learns, stays in evaluation mode, and has no trainable parameter for an
    optimizer to find.

    What a network says is never differentiated: pixels that please a network are no photograph. With `source` the
    network says once which luma the source ought to have, the picture is as far off as its luma is from that, and
    `structure` times `iea40k.model.structure_loss.structure_loss` is added. Without it the picture's own residual
    counts, and only the means of whole regions are moved, so that no detail is drawn nor wiped out.
    """

    def __init__(self, weights: str | Path | nn.Module, *, structure: float = 0.1) -> None:
        super().__init__()
        self.network = weights if isinstance(weights, nn.Module) else load_weights(weights).network
        self.structure = structure
        self.network.requires_grad_(False)
        self.network.eval()

    def forward(self, image: Tensor, source: Tensor | None = None) -> Tensor:
        """Return the loss of a batch of pictures; `source` (B, 3, H, W) holds what they were made of."""
        grey = luma_of(image)
        with torch.no_grad():
            seen = image if source is None else source
            residual = residual_map(self.network, seen)
            wanted = (luma_of(seen) + residual).clamp(0, 1)
        if source is not None:
            return (wanted - grey).abs().mean() + self.structure * structure_loss(image, source)
        moved = (grey.detach() + region_means(residual) - grey).abs().mean()
        # The value is the mean |residual|; the gradient is that of the regions' means.
        return residual.abs().mean() + moved - moved.detach()

    def train(self, mode: bool = True) -> Self:
        """Keep the network in evaluation mode whatever the training loop asks for."""
        super().train(mode)
        self.network.eval()
        return self


def _penalty(error: Tensor, kind: Kind) -> Tensor:
    if kind == "l1":
        return error.abs()
    if kind == "l2":
        return error.square()
    return F.smooth_l1_loss(error, torch.zeros_like(error), beta=SMOOTH_L1_BETA, reduction="none")


def _gradient_term(error: Tensor, certainty: Tensor) -> Tensor:
    terms = []
    for axis in (-2, -1):
        count = error.shape[axis] - 1
        change = error.narrow(axis, 1, count) - error.narrow(axis, 0, count)
        both = torch.minimum(certainty.narrow(axis, 1, count), certainty.narrow(axis, 0, count))
        terms.append(weighted_mean(change.abs(), both))
    return terms[0] + terms[1]


def _blur(x: Tensor) -> Tensor:
    """(B, 1, H, W) -> (B, 1, H-10, W-10): only windows inside the map."""
    position = torch.arange(SSIM_WINDOW, dtype=x.dtype, device=x.device) - SSIM_WINDOW // 2
    kernel = torch.exp(-position.square() / (2 * SSIM_SIGMA**2))
    kernel = kernel / kernel.sum()
    return F.conv2d(F.conv2d(x, kernel.reshape(1, 1, -1, 1)), kernel.reshape(1, 1, 1, -1))
