"""A global branch of `curve_net`: from figures of a whole picture to the curve that its pixels are to follow."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

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

DARKEST = 1 / 512
"""Luma below it is nothing but noise and rounding."""

LEAST_SCALE, LARGEST_SCALE = 0.004, 0.5
"""Bounds of the predicted scale: a code of 8 bits, and half of all luma."""

_TWO_STOPS = 2 * math.log(2)


class Whole(nn.Module):
    """A global branch: statistics of the view, and pooled features -> gain, curve, word for the local branch, scales.

    `pooled`: channels of the features that it is shown the means and maxima of; 0: it reads the statistics alone.
    """

    def __init__(self, hidden: int, knots: int, bins: int, dropout: float, pooled: int = 0) -> None:
        super().__init__()
        self.read = nn.Sequential(nn.Linear(STATISTICS, hidden), nn.SiLU(), nn.Dropout(dropout))
        self.pool = nn.Linear(2 * pooled, hidden) if pooled else None
        self.think = nn.Sequential(
            nn.LayerNorm(hidden),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
        )
        self.norm = nn.LayerNorm(hidden)
        self.curve = nn.Linear(hidden, knots)
        self.scales = nn.Linear(hidden, bins)
        self.gain = nn.Linear(hidden, 1)
        nn.init.normal_(self.curve.weight, std=0.02)
        nn.init.zeros_(self.curve.bias)
        nn.init.normal_(self.scales.weight, std=0.02)
        nn.init.zeros_(self.scales.bias)
        nn.init.normal_(self.gain.weight, std=0.02)
        nn.init.zeros_(self.gain.bias)
        at = (torch.arange(knots) / (knots - 1)).square().clamp(0.02, 0.98)
        identity = torch.logit(at)
        rises = identity.diff().clamp_min(0.02)
        # The inverse of softplus, so that an untrained network calls every picture well exposed.
        start = torch.cat([identity[:1], torch.log(torch.expm1(rises))])
        self.register_buffer("start", start, persistent=False)

    def forward(
        self, statistics: Tensor, last: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return gain, curve, word and logarithms of the scale; `last`: the features that are pooled."""
        x = self.read(statistics)
        if self.pool is not None and last is not None:
            x = x + self.pool(torch.cat([last.mean((2, 3)), last.amax((2, 3))], 1))
        word = self.norm(x + self.think(x))
        raw = self.curve(word) * 4 + self.get_buffer("start")
        curve = torch.cat([raw[:, :1], F.softplus(raw[:, 1:])], 1)
        gain = torch.exp(_TWO_STOPS * torch.tanh(self.gain(word)))
        return gain, curve, word, self.scales(word) * 2

    def said(self, statistics: Tensor) -> Tensor:
        """Return gain, curve and logarithms of the scale (B, 1 + knots + bins) by the statistics alone."""
        gain, curve, _, scales = self(statistics)
        return torch.cat([gain, curve, scales], 1)


def wanted_by(said: Tensor, luma: Tensor, knots: int) -> Tensor:
    """Return the wanted luma of pixels (B, 1, H, W) by what a branch has `said`."""
    curve = said[:, 1 : 1 + knots]
    return torch.sigmoid(curve[:, :1, None, None] + rises(curve, root_of(luma, said[:, :1])))


def logarithms(said: Tensor, luma: Tensor, knots: int) -> Tensor:
    """Return the logarithms of the scale of pixels (B, 1, H, W) by what a branch has `said`."""
    scales = said[:, 1 + knots :]
    shares = hats(root_of(luma, said[:, :1]), scales.shape[1])
    return (scales[:, :, None, None] * shares).sum(1, keepdim=True)


def bounded(logarithm: Tensor) -> Tensor:
    """Return exp(logarithm), kept softly between the least and the largest scale."""
    share = torch.sigmoid(logarithm)
    return LEAST_SCALE * (LARGEST_SCALE / LEAST_SCALE) ** share


def rises(curve: Tensor, root: Tensor) -> Tensor:
    """Return what curves (B, knots) have risen to at each pixel: linear between the knots, level beyond the last."""
    steps = curve.shape[1] - 1
    each = curve[:, 1:]
    before = torch.cat([torch.zeros_like(each[:, :1]), each[:, :-1].cumsum(1)], 1)
    place = root.flatten(1) * steps
    knot = place.detach().floor().clamp(0, steps - 1)
    at = knot.long()
    risen = before.gather(1, at) + each.gather(1, at) * (place - knot).clamp(0.0, 1.0)
    return risen.reshape(root.shape)


def root_of(luma: Tensor, gain: Tensor) -> Tensor:
    """Return what curves read: the square root of luma (B, 1, H, W) times the gain (B, 1)."""
    return torch.sqrt(luma.clamp(DARKEST**2, 1.0)) * gain[..., None, None]


def hats(root: Tensor, bins: int) -> Tensor:
    """Return (B, bins, H, W): each pixel's shares in the two bins of luma that it lies between."""
    centres = torch.arange(bins, dtype=root.dtype, device=root.device).reshape(1, -1, 1, 1)
    return (1 - (root.clamp_max(1) * (bins - 1) - centres).abs()).clamp_min(0)


def statistics_of(view: Tensor, luma: Tensor, small: Tensor, small_luma: Tensor) -> Tensor:
    """Return (B, F): quantiles of luma and of the largest channel, plain and in stops; shares; means by place.

    Quantiles but the outermost, which say where white and black lie, are those of the shrunk picture.
    """
    ordered = torch.cat([small_luma, small.amax(1, keepdim=True)], 1).flatten(2).sort(2).values
    count = int(ordered.shape[-1]) - 1
    inner = ordered[:, :, [round(q * count) for q in _QUANTILES[1:-1]]]
    every = torch.cat([luma, view.amax(1, keepdim=True)], 1).flatten(2)
    quantiles = torch.cat([every.amin(2, keepdim=True), inner, every.amax(2, keepdim=True)], 2)  # (B, 2, Q)
    stops = torch.log2(quantiles.clamp_min(DARKEST)) / 3 + 1
    channels = torch.cat([view, luma], 1).flatten(2)
    brightest = channels.amax(2, keepdim=True)
    # Many pixels of nearly the brightest value: a picture's white has been darkened after it had clipped.
    ceiling = ((channels - brightest + 0.012) * 100).clamp(0.0, 1.0).mean(2)
    whites = torch.cat([ceiling * 2, torch.log2(brightest.clamp_min(DARKEST)).flatten(1) / 3 + 1], 1)
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
