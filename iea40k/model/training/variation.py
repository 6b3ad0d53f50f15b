"""Images shown a little brighter, flatter, cooler than they are, with the label that belongs to what is shown.

The reference stays: its luma is the label plus the luma of the image as it was. So the label is the reference's luma
minus that of the image as it is shown, never the old one scaled.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from iea40k.arrays import LUMA_WEIGHTS
from iea40k.colour.transfer import KNEE, OFFSET, POWER, SLOPE, TOE
from iea40k.model.data import Batch
from iea40k.tone import MIDDLE_GREY

_DRAWS = 6


@dataclass(frozen=True)
class Variation:
    """How far images are varied; 0 = not at all. Each image draws uniformly, from -x to x of:

    - `stops` of exposure, in linear light, and `colour`: stops by which red, green and blue differ from it
    - `contrast`: binary logarithm of the exponent of `iea40k.tone.contrast_curve`
    - `saturation`: what is added to a colour's distance from grey, as a share of it
    """

    stops: float = 0.0
    contrast: float = 0.0
    colour: float = 0.0
    saturation: float = 0.0

    @property
    def active(self) -> bool:
        """Whether anything is varied."""
        return any((self.stops, self.contrast, self.colour, self.saturation))


def vary(batch: Batch, variation: Variation, seed: int, epoch: int) -> Batch:
    """Return the batch with images varied and labels to match.

    What an image draws follows from (seed, epoch, number of the image) alone, so that a resumed run draws the same.
    """
    if not variation.active:
        return batch
    draws = torch.stack([_draw(seed, epoch, int(number)) for number in batch.number.tolist()])
    draws = draws.to(batch.image.device)
    reference = batch.label + _luma(batch.image)
    image = _shown(batch.image, draws, variation)
    label = torch.where(batch.valid, reference - _luma(image), 0.0)
    return Batch(image, label, batch.valid, batch.weight, batch.number, batch.reference)


def _draw(seed: int, epoch: int, number: int) -> Tensor:
    # The fourth part keeps these draws apart from those of windows and flips.
    return torch.from_numpy(np.random.default_rng((seed, epoch, number, 1)).uniform(-1, 1, _DRAWS)).float()


def _shown(image: Tensor, draws: Tensor, variation: Variation) -> Tensor:
    stops, contrast, saturation, *colours = (d.reshape(-1, 1, 1, 1) for d in draws.unbind(1))
    gain = torch.exp2(variation.stops * stops + variation.colour * torch.cat(colours, 1))
    shown = _contrast(_encode((_decode(image) * gain).clamp(0, 1)), torch.exp2(variation.contrast * contrast))
    grey = _luma(shown)
    return (grey + (1 + variation.saturation * saturation) * (shown - grey)).clamp(0, 1)


def _contrast(encoded: Tensor, exponent: Tensor) -> Tensor:
    """`iea40k.tone.contrast_curve`, with an exponent for each image."""
    value = encoded.clamp(1e-6, 1 - 1e-6)
    grey = MIDDLE_GREY / (1 - MIDDLE_GREY)
    powered = (value / (1 - value) / grey) ** exponent * grey
    return powered / (1 + powered)


def _decode(encoded: Tensor) -> Tensor:
    return torch.where(encoded <= KNEE, encoded / SLOPE, ((encoded + OFFSET) / (1 + OFFSET)) ** POWER)


def _encode(light: Tensor) -> Tensor:
    power = (1 + OFFSET) * light.clamp_min(1e-8) ** (1 / POWER) - OFFSET
    return torch.where(light <= TOE, light * SLOPE, power)


def _luma(image: Tensor) -> Tensor:
    weights = torch.tensor(LUMA_WEIGHTS, dtype=image.dtype, device=image.device).reshape(1, 3, 1, 1)
    return (image * weights).sum(1, keepdim=True)
