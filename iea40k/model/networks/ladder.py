"""The curves of a ladder of exposures, and how likely a picture is one of its rungs.

A dataset's exposures are few known stops of one picture. Which rung a picture is can often be told: white lies where
the rung puts it. Then the map is known too, since a rung has an inverse: encode(decode(luma) / 2**stops), but where the
rung has clipped.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iea40k.colour.transfer import KNEE, OFFSET, POWER, SLOPE, TOE

STEPS = 129
"""Lumas, from 0 to 1, for which curves are tabulated; between them they are linear."""

CLIPPED = (0.85, 0.97)
"""Lumas over which a brighter rung loses its say: beyond the second, what was there has been clipped."""

SURE = 0.01
"""Scale of the error where a picture is surely a rung: rounding to 8 bits."""

_LOST = 0.004
"""Luma that rounding loses at a rung of no or more light; what is darker is rounded more coarsely."""
_LEAST_SHARE = 0.02
_SHARPNESS = 4.0
_AT_FIRST = 4.0
"""The logit, over _SHARPNESS, of a picture that is no rung at all, before anything has been learnt."""


class Ladder(nn.Module):
    """Statistics of pictures (B, F) -> (B, 2, STEPS): the rungs' say by luma, and their wanted luma times that."""

    def __init__(
        self, stops: tuple[float, ...], statistics: int, hidden: int = 64, lean: float = 0.0
    ) -> None:
        super().__init__()
        self.lean = lean
        self.likely = nn.Sequential(
            nn.Linear(statistics, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU()
        )
        self.out = nn.Linear(hidden, len(stops) + 1)
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.bias)
        with torch.no_grad():
            self.out.bias[-1] = _AT_FIRST / _SHARPNESS
        luma = torch.linspace(0, 1, STEPS)
        self.register_buffer("curves", torch.stack([inverse(luma, ev) for ev in stops]), persistent=False)
        first, last = CLIPPED
        fading = ((last - luma) / (last - first)).clamp(0, 1)
        say = torch.stack([fading if ev > 0 else torch.ones_like(luma) for ev in stops])
        self.register_buffer("say", say, persistent=False)
        lost = torch.tensor([_LOST * (1 + 2 ** (max(0.0, -ev) / 2)) for ev in stops])
        self.register_buffer("lost", lost, persistent=False)

    def logits(self, statistics: Tensor) -> Tensor:
        """Return (B, rungs + 1): how likely each rung is, and last that the picture is none."""
        found: Tensor = self.out(self.likely(statistics)) * _SHARPNESS
        return found

    def loss(self, statistics: Tensor, luma: Tensor, label: Tensor, valid: Tensor) -> Tensor:
        """Return the mean cross-entropy of pictures against the rung that their labels (B, 1, H, W) show them to be.

        A picture is a rung where the rung's curve, on pixels that it has not clipped, explains the label to what 8 bits
        have lost.
        """
        wanted = (luma + label).flatten(1)
        steps = (luma.flatten(1).clamp(0, 1) * (STEPS - 1)).round().long()
        faults = []
        for curve, say, least in zip(
            self.get_buffer("curves"), self.get_buffer("say"), self.get_buffer("lost"), strict=True
        ):
            kept = (say[steps] > 0.5) & valid.flatten(1)
            error = ((curve[steps] - wanted).abs() * kept).sum(1) / kept.sum(1).clamp_min(1)
            enough = kept.float().mean(1) > _LEAST_SHARE
            faults.append(torch.where(enough, error / least, torch.full_like(error, torch.inf)))
        found = torch.stack(faults, 1)
        best = found.min(1)
        target = torch.where(best.values < 1, best.indices, found.shape[1])
        return F.cross_entropy(self.logits(statistics), target)

    def forward(self, statistics: Tensor) -> Tensor:
        """Return the table of each picture."""
        logits = self.logits(statistics)
        likely = torch.softmax(torch.cat([logits[:, :-1] + self.lean, logits[:, -1:]], 1), 1)[:, :-1]
        say = self.get_buffer("say")
        return torch.stack([likely @ say, likely @ (say * self.get_buffer("curves"))], 1)


def inverse(luma: Tensor, stops: float) -> Tensor:
    """Return the luma, in [0, 1], that greys of `luma` had before they were exposed by `stops`."""
    light = torch.where(luma <= KNEE, luma / SLOPE, ((luma + OFFSET) / (1 + OFFSET)) ** POWER)
    light = (light / 2.0**stops).clamp(0, 1)
    power = (1 + OFFSET) * light.clamp_min(1e-8) ** (1 / POWER) - OFFSET
    return torch.where(light <= TOE, light * SLOPE, power)


def at_lumas(tables: Tensor, luma: Tensor) -> tuple[Tensor, Tensor]:
    """Return both entries of tables (B, 2, STEPS) at lumas (B, 1, H, W), each (B, 1, H, W)."""
    place = luma.flatten(1).clamp(0.0, 1.0) * (STEPS - 1)
    step = place.detach().floor().clamp(0.0, STEPS - 2.0)
    at, rest = step.long(), place - step
    found = []
    for table in tables.unbind(1):
        low = table.gather(1, at)
        found.append((low + rest * (table.gather(1, at + 1) - low)).reshape(luma.shape))
    return found[0], found[1]
