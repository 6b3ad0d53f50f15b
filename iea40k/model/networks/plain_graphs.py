"""Baselines as graphs of plain operations, for ONNX: what NumPy computes, said once more in PyTorch.

`PlainNetwork` is what they are; `iea40k.model.onnx_export` compares the two before a file is kept.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from iea40k.baselines.light import BLACK, FEW, STOPS
from iea40k.colour import srgb_curve, srgb_inverse
from iea40k.colour.transfer import OFFSET, POWER, SLOPE, TOE
from iea40k.model.networks.plain import PlainNetwork
from iea40k.zones import BLACKEST, GREY, LUMINANCE

UNSAYABLE = {
    "trees": "its features are OpenCV's blurs, as wide as the picture is large, which are no operation of ONNX"
}
"""Baselines that cannot be said in ONNX, and why."""

_LUMA = (299.0, 587.0, 114.0)


class PlainGraph(nn.Module):
    """(1, 3, H, W) RGB in [0, 1] -> (1, 1, H, W) residual: a fitted baseline of `PlainNetwork`, traceable."""

    def __init__(self, network: PlainNetwork) -> None:
        super().__init__()
        self.name = network.baseline.name
        for key in network.baseline.shapes:
            self.register_buffer(key, network.get_buffer(key).double())
        for key, values in _tables().items():
            self.register_buffer(key, torch.from_numpy(values))

    def forward(self, image: Tensor) -> Tensor:
        """Return the residual map."""
        codes = (image.clamp(0, 1) * 255).round().long()
        return _GRAPHS[self.name](self, codes).float()


def _tables() -> Mapping[str, NDArray[np.float64]]:
    light = srgb_inverse(np.arange(256, dtype=np.float64) / 255)
    exposed = np.rint(srgb_curve(np.minimum(light * 2.0 ** STOPS[:, None], 1)) * 255)
    return {"light": light, "exposed": exposed}


def _luma(codes: Tensor) -> Tensor:
    """Return the luma (1, 1, H, W) float32 of codes, as `iea40k.residuals.luma` does: from an exact whole number."""
    whole = codes.float()
    red, green, blue = whole[:, :1], whole[:, 1:2], whole[:, 2:]
    return (red * _LUMA[0] + green * _LUMA[1] + blue * _LUMA[2]) / 255_000.0


def _few(codes: Tensor) -> Tensor:
    """Return every n-th row and column of codes, 64 to 127 of them, as the baselines do."""
    for axis in (2, 3):
        length = torch.as_tensor(codes.shape[axis])
        step = (length // FEW).clamp(min=1)
        # Of tensors, so that a graph knows every length, not its example's alone.
        chosen: Tensor = torch.arange(0, length, step)  # type: ignore[call-overload]
        codes = codes.index_select(axis, chosen)
    return codes


def _zones(part: PlainGraph, codes: Tensor, darkest: float) -> Tensor:
    """Return zones (1, h, w) float64 of codes; what is darker than `darkest` counts as that."""
    red, green, blue = part.get_buffer("light")[codes].unbind(1)
    light = red * LUMINANCE[0] + green * LUMINANCE[1] + blue * LUMINANCE[2]
    return 5 + torch.log2(light.clamp(min=darkest) / GREY)


def _key(part: PlainGraph, codes: Tensor) -> Tensor:
    return _zones(part, _few(codes), BLACK).mean()


def _zero(part: PlainGraph, codes: Tensor) -> Tensor:
    del part
    return _luma(codes) * 0


def _constant(part: PlainGraph, codes: Tensor) -> Tensor:
    return part.get_buffer("luma").float() - _luma(codes)


def _affine(part: PlainGraph, codes: Tensor) -> Tensor:
    slope, offset = part.get_buffer("line").float().unbind(0)
    return slope * _luma(codes) + offset


def _gain(part: PlainGraph, codes: Tensor) -> Tensor:
    exposed = part.get_buffer("exposed")  # (gains, 256)
    shown = exposed[:, _few(codes).flatten(2)[0]]  # (gains, 3, n)
    grey = _luma(shown).double().flatten(1).mean(1)
    best = (grey - part.get_buffer("luma")).abs().argmin()
    return _luma(exposed[best][codes]) - _luma(codes)


def _zone_v(part: PlainGraph, codes: Tensor) -> Tensor:
    light = (part.get_buffer("light") * torch.exp((5 - _key(part, codes)) * math.log(2))).clamp(max=1)
    power = (1 + OFFSET) * light.clamp(min=TOE) ** (1 / POWER) - OFFSET
    table = (torch.where(light <= TOE, light * SLOPE, power) * 255).round()
    return _luma(table[codes]) - _luma(codes)


def _histogram(part: PlainGraph, codes: Tensor) -> Tensor:
    grey = _luma(codes)
    ranked = (grey * 255).round().long()
    flat = ranked.flatten()
    counts = torch.zeros(256, dtype=torch.float64).scatter_add(0, flat, torch.ones_like(flat).double())
    ranks = (counts.cumsum(0) - counts / 2) / counts.sum()
    quantiles = part.get_buffer("quantiles")
    return _between(quantiles, ranks * len(quantiles) - 0.5)[ranked].float() - grey


def _of_zones(part: PlainGraph, codes: Tensor) -> Tensor:
    table = part.get_buffer("table")
    last = table.shape[0] - 1
    key = _key(part, codes).clamp(0, last)
    lower = key.floor().clamp(max=last - 1)
    row = table[lower.long()] * (1 - key + lower) + table[lower.long() + 1] * (key - lower)
    return _between(row, _zones(part, codes, BLACKEST).float().double())[:, None]


def _between(values: Tensor, place: Tensor) -> Tensor:
    """Return (N) `values` at places from 0 to N - 1, linear between them; beyond the ends the last ones go on."""
    place = place.clamp(0, len(values) - 1)
    low = place.floor().clamp(max=len(values) - 2)
    share = place - low
    return values[low.long()] * (1 - share) + values[low.long() + 1] * share


_GRAPHS: Mapping[str, Callable[[PlainGraph, Tensor], Tensor]] = {
    "zero": _zero,
    "constant": _constant,
    "gain": _gain,
    "affine": _affine,
    "histogram": _histogram,
    "zone_v": _zone_v,
    "zones": _of_zones,
}
