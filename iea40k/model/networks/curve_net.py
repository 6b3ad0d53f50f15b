"""`curve_net`: one tone curve for the whole picture, and a smooth map of what a curve cannot say.

The network sees the whole picture as a square of fixed side, whatever the picture's size. A global branch reads its
quantiles of luma, clipped shares and pooled features, and predicts a monotone curve from a pixel's luma to the luma
that it ought to have. A local branch predicts a small grid over place and luma (Chen, Paris, Durand, 2007: a bilateral
grid) that is added to the curve. Both are applied at the picture's own size, so that edges stay where they are and
nothing is upsampled but smooth functions. A second grid says how far the map may be off.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iea40k.arrays import LUMA_WEIGHTS
from iea40k.model.networks.ladder import SURE, Ladder, at_lumas
from iea40k.model.networks.sampling import area_matrix, spline_matrix

SMALLEST = 32
"""The least height and width of a picture, in pixels."""

LEAST_SCALE, LARGEST_SCALE = 0.004, 0.5
"""Bounds of the predicted scale: a code of 8 bits, and half of all luma."""

_QUANTILES = (
    0.0,
    0.001,
    0.005,
    0.01,
    0.02,
    0.05,
    *(k / 20 for k in range(2, 19)),
    0.95,
    0.98,
    0.99,
    0.995,
    0.999,
    1.0,
)
STATISTICS = 4 * len(_QUANTILES) + 8 + 6 + 16 + 4
"""Figures of a picture that the global branch reads."""

_TWO_STOPS = 2 * math.log(2)
_DARKEST = 1 / 512  # luma below it is nothing but noise and rounding


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
    """

    gain: Tensor
    curve: Tensor
    grid: Tensor
    rungs: Tensor | None = None


class CurveNet(nn.Module):
    """(B, 3, H, W) RGB in [0, 1], H and W >= 32 -> (B, 1, H, W) residual in [-1, 1], + = underexposed.

    Each image is judged alone: nothing depends on the other images of a batch. `temperature` is what the scale is
    multiplied by, so that a band of 90 % holds 90 % of held-out pixels; 1 while the network learns.
    """

    def __init__(self, config: CurveNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or CurveNetConfig()
        self.features = _Features(config.widths, config.dropout)
        self.whole = _Whole(config)
        self.places = _Places(config) if config.local else None
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
        statistics, small, small_luma = self._seen(view)
        levels = self.features(small, small_luma)
        gain, curve, word, scales = self.whole(statistics, levels[-1])
        bins = self.config.bins
        shape = (-1, bins, self.config.looked // 4, self.config.looked // 4)
        scale = scales[:, :, None, None].expand(shape)
        rungs = None if self.ladder is None else self.ladder(statistics)
        if self.places is None:
            return Judgement(gain, curve, torch.cat([torch.zeros_like(scale), scale], 1), rungs)
        shift, own = self.places(levels, word).chunk(2, 1)
        return Judgement(gain, curve, torch.cat([shift, own + scale], 1), rungs)

    def _seen(self, view: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the figures of pictures, and what features are sought in: RGB and luma."""
        luma = (view * self.get_buffer("luma")).sum(1, keepdim=True)
        each = self.config.side // self.config.looked
        small, small_luma = (F.avg_pool2d(x, each) for x in (view, luma)) if each > 1 else (view, luma)
        return _statistics(view, luma, small, small_luma), small, small_luma

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
        root = torch.sqrt(luma.clamp(_DARKEST**2, 1.0)) * judgement.gain[..., None, None]
        cells, bins = judgement.grid.shape[-1], self.config.bins
        rows = spline_matrix(rows_seen, cells, image, start=top, length=height)[::every]
        columns = spline_matrix(columns_seen, cells, image)[::every]
        used = judgement.grid if scale else judgement.grid[:, :bins]
        wanted = judgement.curve[:, :1, None, None] + self._rises(judgement.curve, root)
        if self.places is None and not scale:
            return _with_ladder(torch.sigmoid(wanted), luma, judgement) - luma
        fine = rows @ (used @ columns.transpose(0, 1))  # (B, bins or 2 bins, H, W)
        shares = _hats(root, bins)
        wanted = wanted + (fine[:, :bins] * shares).sum(1, keepdim=True)
        residual = _with_ladder(torch.sigmoid(wanted), luma, judgement) - luma
        if not scale:
            return residual
        spread = _bounded((fine[:, bins:] * shares).sum(1, keepdim=True)) * self.get_buffer("temperature")
        if judgement.rungs is not None:
            share, _ = at_lumas(judgement.rungs, luma)
            spread = spread + share * (SURE - spread)
        return torch.cat([residual, spread], 1)

    def ladder_loss(self, image: Tensor, label: Tensor, valid: Tensor) -> Tensor:
        """Return how badly the pictures' rungs are told, see `Ladder.loss`; 0 without a ladder."""
        if self.ladder is None:
            return torch.zeros((), device=image.device)
        statistics, _, _ = self._seen(self.view(image))
        return self.ladder.loss(
            statistics, (image * self.get_buffer("luma")).sum(1, keepdim=True), label, valid
        )

    def _rises(self, curve: Tensor, root: Tensor) -> Tensor:
        """Return what the curve has risen to at each pixel: linear between the knots, level beyond the last."""
        steps = self.config.knots - 1
        rises = curve[:, 1:]
        before = torch.cat([torch.zeros_like(rises[:, :1]), rises[:, :-1].cumsum(1)], 1)
        place = root.flatten(1) * steps
        knot = place.detach().floor().clamp(0, steps - 1)
        at = knot.long()
        risen = before.gather(1, at) + rises.gather(1, at) * (place - knot).clamp(0.0, 1.0)
        return risen.reshape(root.shape)


def _with_ladder(wanted: Tensor, luma: Tensor, judgement: Judgement) -> Tensor:
    """Return the wanted luma, by the ladder's own curves as far as the picture is thought to be of the ladder."""
    if judgement.rungs is None:
        return wanted
    share, curve = at_lumas(judgement.rungs, luma)
    return wanted * (1 - share) + curve


def _bounded(logarithm: Tensor) -> Tensor:
    """Return exp(logarithm), kept softly between the least and the largest scale."""
    share = torch.sigmoid(logarithm)
    return LEAST_SCALE * (LARGEST_SCALE / LEAST_SCALE) ** share


def _hats(root: Tensor, bins: int) -> Tensor:
    """Return (B, bins, H, W): each pixel's shares in the two bins of luma that it lies between."""
    centres = torch.arange(bins, dtype=root.dtype, device=root.device).reshape(1, -1, 1, 1)
    return (1 - (root.clamp_max(1) * (bins - 1) - centres).abs()).clamp_min(0)


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
        stops = torch.log2(luma.clamp_min(_DARKEST)) / 8 + 0.5
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


class _Whole(nn.Module):
    """The global branch: statistics of the view and pooled features -> curve, a word for the local branch, scales."""

    def __init__(self, config: CurveNetConfig) -> None:
        super().__init__()
        self.config = config
        hidden, last = config.hidden, config.widths[-1]
        self.read = nn.Sequential(nn.Linear(STATISTICS, hidden), nn.SiLU(), nn.Dropout(config.dropout))
        self.pool = nn.Linear(2 * last, hidden) if config.pooled else None
        self.think = nn.Sequential(
            nn.LayerNorm(hidden),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Dropout(config.dropout),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
        )
        self.norm = nn.LayerNorm(hidden)
        self.curve = nn.Linear(hidden, config.knots)
        self.scales = nn.Linear(hidden, config.bins)
        self.gain = nn.Linear(hidden, 1)
        nn.init.normal_(self.curve.weight, std=0.02)
        nn.init.zeros_(self.curve.bias)
        nn.init.normal_(self.scales.weight, std=0.02)
        nn.init.zeros_(self.scales.bias)
        nn.init.normal_(self.gain.weight, std=0.02)
        nn.init.zeros_(self.gain.bias)
        at = (torch.arange(config.knots) / (config.knots - 1)).square().clamp(0.02, 0.98)
        identity = torch.logit(at)
        rises = identity.diff().clamp_min(0.02)
        # The inverse of softplus, so that an untrained network calls every picture well exposed.
        start = torch.cat([identity[:1], torch.log(torch.expm1(rises))])
        self.register_buffer("start", start, persistent=False)

    def forward(self, statistics: Tensor, last: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x = self.read(statistics)
        if self.pool is not None:
            x = x + self.pool(torch.cat([last.mean((2, 3)), last.amax((2, 3))], 1))
        word = self.norm(x + self.think(x))
        raw = self.curve(word) * 4 + self.get_buffer("start")
        curve = torch.cat([raw[:, :1], F.softplus(raw[:, 1:])], 1)
        gain = torch.exp(_TWO_STOPS * torch.tanh(self.gain(word)))
        return gain, curve, word, self.scales(word) * 2


def _statistics(view: Tensor, luma: Tensor, small: Tensor, small_luma: Tensor) -> Tensor:
    """Return (B, F): quantiles of luma and of the largest channel, plain and in stops; shares; means by place.

    Quantiles but the outermost, which say where white and black lie, are those of the shrunk picture.
    """
    ordered = torch.cat([small_luma, small.amax(1, keepdim=True)], 1).flatten(2).sort(2).values
    count = int(ordered.shape[-1]) - 1
    inner = ordered[:, :, [round(q * count) for q in _QUANTILES[1:-1]]]
    every = torch.cat([luma, view.amax(1, keepdim=True)], 1).flatten(2)
    quantiles = torch.cat([every.amin(2, keepdim=True), inner, every.amax(2, keepdim=True)], 2)  # (B, 2, Q)
    stops = torch.log2(quantiles.clamp_min(_DARKEST)) / 3 + 1
    channels = torch.cat([view, luma], 1).flatten(2)
    brightest = channels.amax(2, keepdim=True)
    # Many pixels of nearly the brightest value: a picture's white has been darkened after it had clipped.
    ceiling = ((channels - brightest + 0.012) * 100).clamp(0.0, 1.0).mean(2)
    whites = torch.cat([ceiling * 2, torch.log2(brightest.clamp_min(_DARKEST)).flatten(1) / 3 + 1], 1)
    clipped = torch.cat(
        [
            ((view - 0.98) * 100).clamp(0.0, 1.0).mean((2, 3)),
            ((0.02 - view) * 100).clamp(0.0, 1.0).mean((2, 3)),
        ],
        1,
    )
    places = F.avg_pool2d(luma, view.shape[-1] // 4).flatten(1)
    chroma = view - luma
    colour = torch.cat([chroma.mean((2, 3)), chroma.abs().mean((1, 2, 3))[:, None]], 1)
    parts = [(quantiles * 2 - 1).flatten(1), stops.flatten(1), whites]
    return torch.cat([*parts, clipped * 2, places * 2 - 1, colour * 4], 1)


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
