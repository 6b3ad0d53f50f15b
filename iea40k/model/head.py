"""A head on the residual map that predicts a holistic score in 0 ... 10, fitted to given scores."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from iea40k.arrays import Residual
from iea40k.errors import BadInputError

BINS = (-1.0, -0.4, -0.2, -0.1, -0.05, 0.0, 0.05, 0.1, 0.2, 0.4, 1.0)
STEPS = 400


def map_features(residual: Residual) -> NDArray[np.float32]:
    """Return what the head sees of a map (H, W): area in each bin of residual, mean, mean |r|, rms, each at 1 and 1/4.

    The coarse copy is the mean over a 4x4 partition of the map: where a fault lies together it survives there.
    """
    coarse = np.array(
        [
            [np.nanmean(block) for block in np.array_split(band, 4, axis=1)]
            for band in np.array_split(residual, 4)
        ]
    )
    parts = []
    for values in (residual[~np.isnan(residual)], coarse[~np.isnan(coarse)]):
        counts, _ = np.histogram(np.clip(values, -1, 1), BINS)
        shares = counts / max(1, values.size)
        moments = [values.mean(), np.abs(values).mean(), np.sqrt(np.square(values).mean())]
        parts.append(np.concatenate([shares, moments]))
    return np.concatenate(parts).astype(np.float32)


class ScoreHead:
    """An MLP of one hidden layer on standardised `map_features`; the same inputs give the same head."""

    def __init__(self, features: NDArray[np.float32], scores: NDArray[np.floating], seed: int = 0) -> None:
        if len(features) != len(scores) or len(scores) < 8:
            raise BadInputError("a head is fitted to at least 8 scored maps", got=str(len(scores)))
        self._mean, self._scale = features.mean(0), features.std(0) + 1e-3
        generator_state = torch.get_rng_state()
        torch.manual_seed(seed)
        self._network = nn.Sequential(nn.Linear(features.shape[1], 16), nn.ReLU(), nn.Linear(16, 1))
        torch.set_rng_state(generator_state)
        self._fit(features, scores)

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return scores (N,) in [0, 10] of features (N, F)."""
        with torch.inference_mode():
            out: NDArray[np.float32] = self._forward(features).clamp(0, 10).numpy()
        return out

    def _forward(self, features: NDArray[np.float32]) -> torch.Tensor:
        inputs = torch.from_numpy(((features - self._mean) / self._scale).astype(np.float32))
        scores: torch.Tensor = self._network(inputs)[:, 0] + 5
        return scores

    def _fit(self, features: NDArray[np.float32], scores: NDArray[np.floating]) -> None:
        wanted = torch.from_numpy(np.asarray(scores, np.float32))
        optimizer = torch.optim.AdamW(self._network.parameters(), 0.02, weight_decay=0.02)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
        for _ in range(STEPS):
            optimizer.zero_grad()
            nn.functional.smooth_l1_loss(self._forward(features), wanted).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
