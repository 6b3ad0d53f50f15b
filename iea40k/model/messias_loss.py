"""The loss of Messias et al.: exposure maps by mean squared error, the picture by structure and weighted error."""

import torch
from torch import Tensor

from iea40k.errors import BadInputError
from iea40k.model.data import Batch
from iea40k.model.losses import LossConfig, masked_ssim, residual_loss, weighted_mean
from iea40k.model.networks.messias import exposure_maps

LAMBDA = 0.76
"""Weight of the structural dissimilarity against the weighted absolute error."""


def messias_loss(parts: Tensor, batch: Batch, losses: LossConfig) -> Tensor:
    """Return the loss of what `Messias` returns with `parts`, (B, 6, H, W), plus that of the residual's own label.

    `batch.reference` (B, 3, H, W) must be there. Pixels without data count in no term.
    """
    if batch.reference is None:
        raise BadInputError(
            "messias learns from reference pictures", expected="samples read with `pictures=True`"
        )
    residual, restored, maps = parts[:, :1], parts[:, 1:4], parts[:, 4:]
    known = batch.valid.to(parts.dtype)
    wanted = exposure_maps(batch.image, batch.reference)
    attention = weighted_mean((maps - wanted).square(), known.expand_as(maps))
    picture = enhancement_loss(restored, batch.reference, batch.valid)
    return attention + picture + residual_loss(residual, batch.label, batch.valid, batch.weight, losses)


def enhancement_loss(restored: Tensor, reference: Tensor, valid: Tensor) -> Tensor:
    """Return `0.76 DSSIM + 0.24 |ref - 0.5| |restored - ref|` of RGB (B, 3, H, W); `valid` (B, 1, H, W) bool.

    DSSIM is (1 - SSIM) / 2, each channel a picture of its own, data range 1.
    """
    mask = valid.expand_as(restored)
    channels = [x.reshape(-1, 1, *x.shape[-2:]) for x in (restored, torch.where(mask, reference, 0.0), mask)]
    dissimilarity = (1 - masked_ssim(channels[0], channels[1], channels[2].bool(), data_range=1.0)) / 2
    error = (reference - 0.5).abs() * (restored - reference).abs()
    return LAMBDA * dissimilarity + (1 - LAMBDA) * weighted_mean(error, mask.to(error.dtype))
