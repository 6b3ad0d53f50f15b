"""Parts of `curve_net` that read figures of a picture alone learn from figures that are made once.

The second global branch and the ladder see no pixel. So each photograph is rendered some tens of times, its figures and
a grid of pixels are kept, and thousands of large batches take seconds where whole pictures took hours.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE
from iea40k.errors import BadInputError
from iea40k.model.data import Resident, Samples, ViewConfig
from iea40k.model.data.rendering import Rendering
from iea40k.model.losses import scale_loss, weighted_mean
from iea40k.model.networks.curve_net import CurveNet
from iea40k.model.networks.ladder import Ladder
from iea40k.model.networks.whole import Whole, bounded, logarithms, wanted_by
from iea40k.model.training.average import Average
from iea40k.model.training.config import FiguresConfig, TrainingConfig
from iea40k.model.training.record import Teller
from iea40k.model.training.schedule import rate_at
from iea40k.model.training.setup import make_optimizer

PARTS = ("second", "ladder")
"""Parts of `curve_net` that read figures alone, in the order in which they learn."""

_STEP = 4
"""Each so many-th pixel of rows and columns is kept."""


@dataclass(frozen=True)
class Figures:
    """Of N shown pictures: figures (N, F); luma, wanted luma and whether that is known (N, P)."""

    statistics: Tensor
    luma: Tensor
    wanted: Tensor
    known: Tensor

    def of(self, numbers: Tensor, pixels: Tensor) -> "Figures":
        """Return these pictures with these pixels of them."""
        parts = (part[numbers][:, pixels] for part in (self.luma, self.wanted, self.known))
        return Figures(self.statistics[numbers], *parts)


def learn_from_figures(network: CurveNet, samples: Samples, config: TrainingConfig, tell: Teller) -> int:
    """Let the parts that `config.learn` names learn, one after another; return the steps.

    Raises `BadInputError` where another part is named, or the network lacks one.
    """
    wrong = [name for name in config.learn if name not in PARTS or getattr(network, name) is None]
    if (
        wrong
        or not config.learn
        or config.figures is None
        or config.max_steps is None
        or not config.data.render
    ):
        raise BadInputError(
            "only parts that read figures alone can learn from them",
            where="learn",
            expected=f"{' or '.join(PARTS)}, as far as network_config has them; max_steps; data.render",
            got=", ".join(wrong or config.learn) or "none",
        )
    kept = figures_of(network, samples, config, config.figures)
    tell(
        f"curve_net: {len(kept.luma)} pictures shown once, {config.max_steps} steps of {config.batch} for each part"
    )
    for part in PARTS:
        if part in config.learn:
            loss = _second_loss(network, config) if part == "second" else _ladder_loss
            made = _learn(
                cast("nn.Module", getattr(network, part)), kept, loss, config, config.figures.pixels
            )
            getattr(network, part).load_state_dict(made.state_dict())
            tell(f"curve_net: {part} has learnt")
    return config.max_steps


@torch.no_grad()
def figures_of(network: CurveNet, samples: Samples, config: TrainingConfig, how: FiguresConfig) -> Figures:
    """Return what the network reads of each picture, shown `how.renderings` times (captures: `how.captures`)."""
    assert config.data.render is not None
    rendering = Rendering(**config.data.render.model_dump())
    view = ViewConfig(config.data.view, config.data.size, config.data.flips, config.seed, rendering)
    shown = Resident(samples, view)
    statistics, lumas, wanted = [], [], []
    for number, sample in enumerate(samples.samples):
        times = how.captures if sample.groups.get("kind") == "bracket" else how.renderings
        for epoch in range(times):
            item = shown.item(epoch, number)
            image = item["image"][None].float() / 255
            read, _, _ = network.seen(network.view(image))
            luma = (
                (image * network.get_buffer("luma"))
                .sum(1)[0, _STEP // 2 :: _STEP, _STEP // 2 :: _STEP]
                .flatten()
            )
            codes = item["codes"][_STEP // 2 :: _STEP, _STEP // 2 :: _STEP].flatten()
            label = torch.where(codes == INVALID_CODE, torch.nan, codes / RESIDUAL_SCALE)
            statistics.append(read[0])
            lumas.append(luma)
            wanted.append(luma + label)
    target = torch.stack(wanted)
    return Figures(torch.stack(statistics), torch.stack(lumas), target.nan_to_num(), ~target.isnan())


Loss = Callable[[nn.Module, Figures], Tensor]


def _learn(part: nn.Module, kept: Figures, loss: Loss, config: TrainingConfig, pixels: int) -> nn.Module:
    """Return the average of the part's weights over its steps."""
    assert config.max_steps is not None
    part.train()
    average = Average(part, config.ema)
    optimizer = make_optimizer(part, config)
    random = torch.Generator().manual_seed(config.seed)
    pictures, places = kept.luma.shape
    for step in range(config.max_steps):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, config.max_steps, config.max_steps, config.optimizer)
        numbers = torch.randint(pictures, (config.batch,), generator=random)
        chosen = torch.randint(places, (pixels,), generator=random)
        optimizer.zero_grad(set_to_none=True)
        loss(part, kept.of(numbers, chosen)).backward()  # type: ignore[no-untyped-call]
        if config.optimizer.clip:
            nn.utils.clip_grad_norm_(part.parameters(), config.optimizer.clip)
        optimizer.step()
        average.update(part)
    return average.network


def _second_loss(network: CurveNet, config: TrainingConfig) -> Loss:
    knots, factor = network.config.knots, config.loss.scale

    def loss(part: nn.Module, shown: Figures) -> Tensor:
        said = cast("Whole", part).said(shown.statistics)
        luma, wanted, known = (p[:, None, None] for p in (shown.luma, shown.wanted, shown.known))
        found = wanted_by(said, luma, knots)
        spread = bounded(logarithms(said, luma, knots))
        off = weighted_mean((found - wanted).abs(), known.float())
        return off + factor * scale_loss(found, spread, wanted, known, torch.ones_like(wanted))

    return loss


def _ladder_loss(part: nn.Module, shown: Figures) -> Tensor:
    luma, wanted, known = (p[:, None, None] for p in (shown.luma, shown.wanted, shown.known))
    return cast("Ladder", part).loss(shown.statistics, luma, wanted - luma, known)
