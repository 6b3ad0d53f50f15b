"""An exponential moving average of a network's weights, which generalises better than its last step."""

import copy

import torch
from torch import Tensor, nn


class Average:
    """Keeps `network`, a copy whose weights follow the trained one's. `decay` 0 follows at once.

    The decay starts low, min(decay, (1 + n) / (10 + n)) after n updates, so that the start is soon forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the average towards the network's present weights."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        own: list[Tensor] = list(self.network.parameters())
        new: list[Tensor] = list(network.parameters())
        torch._foreach_lerp_(own, new, 1 - decay)
        for buffer, fresh in zip(self.network.buffers(), network.buffers(), strict=True):
            buffer.copy_(fresh)
