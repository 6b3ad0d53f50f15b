"""The baselines of `iea40k.baselines` as networks, so that one loader, one evaluation and one format serve all."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from iea40k.baselines import BASELINES, Example
from iea40k.errors import BadInputError


class PlainNetwork(nn.Module):
    """(B, 3, H, W) RGB in [0, 1] -> (B, 1, H, W) residual; its numbers are buffers, and nothing is differentiable.

    It looks at pictures as 8-bit codes, each alone and whole, whatever their size.
    """

    sees_whole = True
    smallest = 1

    def __init__(self, name: str) -> None:
        super().__init__()
        self.baseline = BASELINES[name]
        for key, shape in self.baseline.shapes.items():
            self.register_buffer(key, torch.full(shape, torch.nan, dtype=torch.float64))

    def fit(self, examples: Iterable[Example]) -> None:
        """Look once at pictures and their labels (NaN = no data)."""
        for key, values in self.baseline.fit(examples).items():
            self.get_buffer(key).copy_(torch.from_numpy(np.asarray(values)))

    def forward(self, image: Tensor) -> Tensor:
        """Return the residual maps. Raises `BadInputError` before it was fitted."""
        numbers = {key: self.get_buffer(key).cpu().numpy() for key in self.baseline.shapes}
        if any(np.isnan(values).any() for values in numbers.values()):
            raise BadInputError(
                "this baseline was not fitted", got=self.baseline.name, remedy="train it on a release first"
            )
        codes = (image.detach().clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        maps = [self.baseline.predict(numbers, np.ascontiguousarray(picture)) for picture in codes]
        return torch.from_numpy(np.stack(maps))[:, None].to(image.device)
