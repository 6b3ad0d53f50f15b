"""`curve_net`: one tone curve for the whole picture, and a smooth map of what a curve cannot say.

The network sees the whole picture as a square of fixed side, whatever the picture's size. A global branch reads its
quantiles of luma, clipped shares and pooled features, and predicts a monotone curve from a pixel's luma to the luma
that it ought to have. A local branch predicts a small grid over place and luma (Chen, Paris, Durand, 2007: a bilateral
grid) that is added to the curve. Both are applied at the picture's own size, so that edges stay where they are and
nothing is upsampled but smooth functions. A second grid says how far the map may be off.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iea40k.arrays import LUMA_WEIGHTS
from iea40k.model.networks.ladder import SURE, Ladder, at_lumas
from iea40k.model.networks.sampling import area_matrix, spline_matrix
from iea40k.model.networks.whole import (
    DARKEST,
    STATISTICS,
    Whole,
    bounded,
    hats,
    logarithms,
    rises,
    root_of,
    statistics_of,
    wanted_by,
)

SMALLEST = 32
"""The least height and width of a picture, in pixels."""


@dataclass(frozen=True)
class CurveNetConfig:
    """What a `curve_net` is made of.

    - `side`: of the square that it sees, a multiple of 16
    - `widths`: channels at 1/2, 1/4, 1/8 and 1/16 of the side, multiples of 8
    - `hidden`: units of the global branch; `knots` of the curve; `bins` of luma in the grid
    - `dropout`: share of the global branch's inputs and units that a training step leaves out
    - `local`: False leaves the grid out, so that the map is the curve alone; `pooled`: False leaves the pooled features
      out of the global branch
    - `look`: side to which the square is shrunk before features and quantiles are sought in it, a multiple of 16 that
      divides `side`; None: `side` itself. The darkest and the brightest value are those of the square as it is
    - `rungs`: stops of exposures that are known to be frequent, a dataset's ladder. The network says how likely the
      picture is one of them; as far as it is, the map is the ladder's own curve, the inverse of the exposure
    - `lean`: added to the logits of the rungs where maps are made: a ladder is more frequent among the pictures that
      are assessed than among those that are learnt from
    - `second`: units of a second global branch, which reads the figures alone; the wanted luma is the mean of both, and
      so is the logarithm of the scale. 0: there is none
    """

    side: int = 128
    widths: tuple[int, ...] = (16, 32, 64, 96)
    hidden: int = 96
    knots: int = 17
    bins: int = 5
    dropout: float = 0.1
    local: bool = True
    pooled: bool = True
    look: int | None = None
    rungs: tuple[float, ...] = ()
    lean: float = 0.0
    second: int = 0

    @property
    def looked(self) -> int:
        """The side in which features are sought."""
        return self.look or self.side


class Judgement(NamedTuple):
    """What the network says of a whole picture, to be applied to its pixels.

    `gain` (B, 1): what the square root of luma is multiplied by before the curve reads it.
    `curve` (B, knots): the logit of the wanted luma at the darkest knot, then what each knot adds, >= 0.
    `grid` (B, 2 bins, cells, cells): what place and luma add to the logit; then the logarithms of the scale.
    `rungs` (B, 2, steps): for lumas from 0 to 1, how much of the ladder's curves is taken, and their wanted luma times
    that; None without a ladder.
    `second` (B, 1 + knots + bins): gain, curve and logarithms of the scale by the second global branch; None without.
    """

    gain: Tensor
    curve: Tensor
    grid: Tensor
    rungs: Tensor | None = None
    second: Tensor | None = None


class CurveNet(nn.Module):
    """(B, 3, H, W) RGB in [0, 1], H and W >= 32 -> (B, 1, H, W) residual in [-1, 1], + = underexposed.

    Each image is judged alone: nothing depends on the other images of a batch. `temperature` is what the scale is
    multiplied by, so that a band of 90 % holds 90 % of held-out pixels; 1 while the network learns.
    """

    def __init__(self, config: CurveNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or CurveNetConfig()
        self.features = _Features(config.widths, config.dropout)
        pooled = config.widths[-1] if config.pooled else 0
        parts = (config.knots, config.bins, config.dropout)
        self.whole = Whole(config.hidden, *parts, pooled)
        self.places = _Places(config) if config.local else None
        self.second = Whole(config.second, *parts) if config.second else None
        self.ladder = Ladder(config.rungs, STATISTICS, lean=config.lean) if config.rungs else None
        self.register_buffer("luma", torch.tensor(LUMA_WEIGHTS).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, image: Tensor, scale: bool = False, every: int = 1) -> Tensor:
        """Return the residual map; with `scale`, (B, 2, H, W): the map, and the scale of a Laplace distribution.

        `every` n: only each n-th pixel of rows and of columns, from the first on, of the same map. A side under 32
        pixels raises `ValueError`.
        """
        height, width = image.shape[-2:]
        if min(height, width) < SMALLEST:
            raise ValueError(f"curve_net sees {SMALLEST}x{SMALLEST} pixels at least, not {height}x{width}")
        return self.apply_to(image, self.judge(self.view(image)), scale=scale, every=every)

    def view(self, image: Tensor) -> Tensor:
        """Return the whole picture as the square that is judged: means over areas."""
        side = self.config.side
        height, width = image.shape[-2:]
        rows = area_matrix(height, side, image)
        columns = area_matrix(width, side, image)
        return rows @ (image @ columns.transpose(0, 1))

    def judge(self, view: Tensor) -> Judgement:
        """Return curve and grid for pictures (B, 3, side, side) that `view` made."""
        statistics, small, small_luma = self.seen(view)
        levels = self.features(small, small_luma)
        gain, curve, word, scales = self.whole(statistics, levels[-1])
        bins = self.config.bins
        shape = (-1, bins, self.config.looked // 4, self.config.looked // 4)
        scale = scales[:, :, None, None].expand(shape)
        rungs = None if self.ladder is None else self.ladder(statistics)
        second = None
        if self.second is not None:
            second = self.second.said(statistics)
        if self.places is None:
            return Judgement(gain, curve, torch.cat([torch.zeros_like(scale), scale], 1), rungs, second)
        shift, own = self.places(levels, word).chunk(2, 1)
        return Judgement(gain, curve, torch.cat([shift, own + scale], 1), rungs, second)

    def seen(self, view: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the figures of pictures, and what features are sought in: RGB and luma."""
        luma = (view * self.get_buffer("luma")).sum(1, keepdim=True)
        each = self.config.side // self.config.looked
        small, small_luma = (F.avg_pool2d(x, each) for x in (view, luma)) if each > 1 else (view, luma)
        return statistics_of(view, luma, small, small_luma), small, small_luma

    def apply_to(
        self,
        image: Tensor,
        judgement: Judgement,
        *,
        scale: bool = False,
        top: int = 0,
        height: int | None = None,
        every: int = 1,
    ) -> Tensor:
        """Return the map of `image`, or of the band of rows from `top` on of a picture of `height` rows."""
        rows_seen, columns_seen = image.shape[-2:]
        image = image[..., ::every, ::every]
        luma = (image * self.get_buffer("luma")).sum(1, keepdim=True)
        root = root_of(luma, judgement.gain)
        cells, bins = judgement.grid.shape[-1], self.config.bins
        rows = spline_matrix(rows_seen, cells, image, start=top, length=height)[::every]
        columns = spline_matrix(columns_seen, cells, image)[::every]
        used = judgement.grid if scale else judgement.grid[:, :bins]
        wanted = judgement.curve[:, :1, None, None] + rises(judgement.curve, root)
        if self.places is None and not scale:
            return _joined(torch.sigmoid(wanted), luma, judgement) - luma
        fine = rows @ (used @ columns.transpose(0, 1))  # (B, bins or 2 bins, H, W)
        shares = hats(root, bins)
        wanted = wanted + (fine[:, :bins] * shares).sum(1, keepdim=True)
        residual = _joined(torch.sigmoid(wanted), luma, judgement) - luma
        if not scale:
            return residual
        logarithm = (fine[:, bins:] * shares).sum(1, keepdim=True)
        if judgement.second is not None:
            logarithm = (logarithm + logarithms(judgement.second, luma, self.config.knots)) / 2
        spread = bounded(logarithm) * self.get_buffer("temperature")
        if judgement.rungs is not None:
            share, _ = at_lumas(judgement.rungs, luma)
            spread = spread + share * (SURE - spread)
        return torch.cat([residual, spread], 1)

    def ladder_loss(self, image: Tensor, label: Tensor, valid: Tensor) -> Tensor:
        """Return how badly the pictures' rungs are told, see `Ladder.loss`; 0 without a ladder."""
        if self.ladder is None:
            return torch.zeros((), device=image.device)
        statistics, _, _ = self.seen(self.view(image))
        return self.ladder.loss(
            statistics, (image * self.get_buffer("luma")).sum(1, keepdim=True), label, valid
        )


def _joined(wanted: Tensor, luma: Tensor, judgement: Judgement) -> Tensor:
    """Return the wanted luma: the mean of both branches, and the ladder's curves as far as the picture is a rung."""
    if judgement.second is not None:
        wanted = (wanted + wanted_by(judgement.second, luma, judgement.curve.shape[1])) / 2
    if judgement.rungs is None:
        return wanted
    share, curve = at_lumas(judgement.rungs, luma)
    return wanted * (1 - share) + curve


class _Features(nn.Module):
    """Features of the view at 1/2, 1/4, 1/8 and 1/16 of its side.

    Besides RGB it is shown luma in stops, as it is and relative to the picture's median: the second hardly changes
    with exposure.
    """

    def __init__(self, widths: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        before = (8, *widths[:-1])
        self.levels = nn.ModuleList(_Down(a, b) for a, b in zip(before, widths, strict=True))
        self.drop = nn.Dropout2d(dropout)

    def forward(self, view: Tensor, luma: Tensor) -> list[Tensor]:
        stops = torch.log2(luma.clamp_min(DARKEST)) / 8 + 0.5
        median = _median(stops.flatten(2))[..., None, None]
        chroma = view - luma
        chroma = chroma / (luma + 0.05)
        white = (view.amax(1, keepdim=True) - 0.96).clamp(0.0, 0.03) / 0.03
        x = torch.cat([view - 0.4, stops, (stops - median) * 2, white, chroma[:, ::2]], 1)
        found = []
        for level in self.levels:
            x = level(x)
            found.append(x)
        found[-1] = self.drop(found[-1])
        return found


def _median(values: Tensor) -> Tensor:
    """Return the lower median over the last axis, of operations that can be exported."""
    return values.sort(-1).values[..., (int(values.shape[-1]) - 1) // 2]


class _Down(nn.Module):
    """Halve the size, then one convolution that is added to its input."""

    def __init__(self, before: int, channels: int) -> None:
        super().__init__()
        self.halve = nn.Conv2d(before, channels, 3, stride=2, padding=1)
        self.norm = nn.GroupNorm(channels // 8, channels)
        self.more = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.silu(self.norm(self.halve(x)))
        out: Tensor = x + self.mix(F.silu(self.more(x)))
        return out


class _Places(nn.Module):
    """The local branch: features, joined from 1/16 up to 1/4 of the side, and the word -> both grids."""

    def __init__(self, config: CurveNetConfig) -> None:
        super().__init__()
        _, fine, middle, coarse = config.widths
        self.word = nn.Linear(config.hidden, coarse)
        self.up = nn.ModuleList([_Join(coarse, middle), _Join(middle, fine)])
        self.drop = nn.Dropout2d(config.dropout)
        self.out = nn.Conv2d(fine, 2 * config.bins, 3, padding=1, padding_mode="replicate")
        nn.init.normal_(self.out.weight, std=0.005)
        if self.out.bias is not None:
            nn.init.zeros_(self.out.bias)

    def forward(self, levels: list[Tensor], word: Tensor) -> Tensor:
        x = F.silu(levels[3] + self.word(word)[:, :, None, None])
        x = self.up[1](self.up[0](x, levels[2]), levels[1])
        out: Tensor = self.out(self.drop(x))
        return out


class _Join(nn.Module):
    """Enlarge what comes from below, and mix it with the level that it meets."""

    def __init__(self, below: int, here: int) -> None:
        super().__init__()
        self.shrink = nn.Conv2d(below, here, 1)
        self.mix = nn.Conv2d(here, here, 3, padding=1, padding_mode="replicate")

    def forward(self, below: Tensor, here: Tensor) -> Tensor:
        larger = F.interpolate(self.shrink(below), scale_factor=2.0, mode="bilinear", align_corners=False)
        return F.silu(self.mix(larger + here))
