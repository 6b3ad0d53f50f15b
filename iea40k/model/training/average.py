"""An exponential moving average of a network's weights, which generalises better than its last step."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


class Average:
    """Keeps `network`, a copy whose weights follow the trained one's. `decay` 0 follows at once.

    The decay starts low, min(decay, (1 + n) / (10 + n)) after n updates, so that the start is soon forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self._model = AveragedModel(network, multi_avg_fn=self._blend)
        self._model.eval().requires_grad_(False)
        self._model.n_averaged.fill_(1)  # otherwise the first update would only copy

    @property
    def network(self) -> nn.Module:
        """The network with the averaged weights, in evaluation mode."""
        module: nn.Module = self._model.module
        return module

    def update(self, network: nn.Module) -> None:
        """Move the average towards the network's present weights."""
        self._model.update_parameters(network)
        self.updates += 1
        for buffer, fresh in zip(self.network.buffers(), network.buffers(), strict=True):
            buffer.copy_(fresh)

    def _blend(self, own: Sequence[Tensor], new: Sequence[Tensor], _: Tensor | int) -> None:
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(list(own), list(new), 1 - decay)
