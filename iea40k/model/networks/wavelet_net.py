"""`wavelet_net`: the network whose weights the authors of P-IEANet released, as a baseline.

It is not the paper's architecture (`p_ieanet` is): 97 % of its parameters are an FFA-Net on the RGB image, the low
wavelet band is computed nowhere, and its "long-range" attention runs over the batch. Parameter names equal those of
the released file, so that its tensors load as they are.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 256
"""The only height and width, in pixels, that the released weights know."""

_LO, _MID, _HI = slice(0, -2), slice(1, -1), slice(2, None)
_SHIFTS = ((_LO, _MID), (_HI, _MID), (_MID, _LO), (_MID, _HI), (_LO, _LO), (_HI, _LO), (_LO, _HI), (_HI, _HI))


class WaveletNet(nn.Module):
    """(B, 3, 256, 256) RGB in [0, 1] -> (B, 1, 256, 256) residual, unbounded, about +-0.5; + = underexposed.

    The released network lets the batch be the attention's sequence, so that a prediction depends on its
    neighbours. With `independent` (the default) every image is its own sequence, which equals feeding the
    released network the same image in all places of a batch. `independent=False` is its behaviour in training.
    """

    fixed_side = SIDE

    def __init__(self, independent: bool = True) -> None:
        super().__init__()
        self.ffa_group = _FFA()
        self.encoder = _Encoder(independent)
        # In the released file but in no path of its arithmetic: Low, fusion.blur_conv.
        self.Low = _Half()
        self.High_1, self.High_2, self.High_3 = _Half(), _Half(), _Half()
        self.fusion = _Fusion()

    def forward(self, image: Tensor) -> Tensor:
        """Return the residual map of a batch; any size other than 256x256 raises `ValueError`."""
        if image.shape[-2:] != (SIDE, SIDE):
            raise ValueError(f"wavelet_net sees {SIDE}x{SIDE} only, not {tuple(image.shape[-2:])}")
        high = torch.cat([self.High_1(image), self.High_2(image), self.High_3(image)], 1)  # (B,9,128,128)
        structure = self.encoder(high)  # (B,3,128,128)
        residual: Tensor = self.ffa_group(image) + self.fusion(structure)
        return residual


class _Half(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out


class _Encoder(nn.Module):
    """Nine branches: the bands themselves, and their differences to the eight neighbours."""

    def __init__(self, independent: bool) -> None:
        super().__init__()
        for k in range(9):
            self.add_module(f"conv{k}", _CornerConv(9, 3))
            self.add_module(f"transformer{k}", _BatchTransformer(independent))
            self.add_module(f"fusion{k}", _CornerConv(6, 3))

    def forward(self, bands: Tensor) -> Tensor:
        total = self._branch(0, bands)
        inner = bands[:, :, _MID, _MID]
        for k, (rows, columns) in enumerate(_SHIFTS, start=1):
            gradient = inner - bands[:, :, rows, columns]
            total = total + self._branch(k, _nearest(gradient, SIDE // 2))
        return total

    def _branch(self, k: int, x: Tensor) -> Tensor:
        near = self.get_submodule(f"conv{k}")(x)
        far = self.get_submodule(f"transformer{k}")(x)
        out: Tensor = self.get_submodule(f"fusion{k}")(torch.cat([near, far], 1))
        return out


def _nearest(x: Tensor, side: int) -> Tensor:
    """Return x with its nearest rows and columns repeated to a square. ONNX Runtime rounds its own way: by number."""
    if not torch.onnx.is_in_onnx_export():
        return F.interpolate(x, (side, side), mode="nearest")
    for axis in (2, 3):
        x = x.index_select(axis, torch.arange(side) * int(x.shape[axis]) // side)
    return x


class _CornerConv(nn.Module):
    """A 2x2 convolution after one row and column of zeros, above and on the left."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 2)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(F.pad(x, (1, 0, 1, 0)))
        return out


class _BatchTransformer(nn.Module):
    def __init__(self, independent: bool) -> None:
        super().__init__()
        self.independent = independent
        layer = nn.TransformerEncoderLayer(9, 1, 16)
        encoder = nn.TransformerEncoder(layer, 1, nn.LayerNorm(9), enable_nested_tensor=False)
        self.transformer = nn.Transformer(9, 1, 1, 1, 16, custom_encoder=encoder)
        self.conv = nn.Conv2d(9, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        length = 1 if self.independent else x.shape[0]
        # A reshape, not a permutation: nine neighbours of a row become one token of nine "channels".
        tokens = x.reshape(length, -1, 9)
        out: Tensor = self.conv(self.transformer(tokens, tokens).reshape(x.shape))
        return out


class _Fusion(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blur_conv = nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU(), nn.Conv2d(3, 1, 3))
        self.tail_conv = nn.Sequential(
            _conv3(3, 3), nn.ReLU(), _conv3(3, 6), nn.ReLU(), _conv3(6, 1), nn.ReLU()
        )

    def forward(self, structure: Tensor) -> Tensor:
        large = F.interpolate(structure, (SIDE, SIDE), mode="bilinear", align_corners=False)
        out: Tensor = self.tail_conv(large)
        return out


class _FFA(nn.Module):
    """Feature fusion attention (Qin et al., AAAI 2020): three groups of two blocks."""

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        self.pre = nn.Sequential(_conv3(3, channels))
        self.g1, self.g2, self.g3 = _Group(channels), _Group(channels), _Group(channels)
        self.ca = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(3 * channels, channels // 16, 1),
            nn.ReLU(),
            nn.Conv2d(channels // 16, 3 * channels, 1),
            nn.Sigmoid(),
        )
        self.palayer = _PixelAttention(channels)
        self.post = nn.Sequential(_conv3(channels, channels), _conv3(channels, 1))
        self.post_2 = nn.Sequential(_conv3(3, 1))

    def forward(self, image: Tensor) -> Tensor:
        one = self.g1(self.pre(image))
        two = self.g2(one)
        three = self.g3(two)
        weights = self.ca(torch.cat([one, two, three], 1)).chunk(3, 1)
        mixed = weights[0] * one + weights[1] * two + weights[2] * three
        out: Tensor = self.post_2(self.post(self.palayer(mixed)) + image)
        return out


class _Group(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gp = nn.Sequential(_Block(channels), _Block(channels), _conv3(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.gp(x) + x
        return out


class _Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = _conv3(channels, channels), _conv3(channels, channels)
        self.calayer, self.palayer = _ChannelAttention(channels), _PixelAttention(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.conv1(x)) + x
        out: Tensor = self.palayer(self.calayer(self.conv2(y))) + x
        return out


class _ChannelAttention(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.ca = _gate(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x * self.ca(x.mean((2, 3), keepdim=True))
        return out


class _PixelAttention(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pa = _gate(channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x * self.pa(x)
        return out


def _gate(channels: int, outputs: int) -> nn.Sequential:
    middle = channels // 8
    return nn.Sequential(
        nn.Conv2d(channels, middle, 1), nn.ReLU(), nn.Conv2d(middle, outputs, 1), nn.Sigmoid()
    )


def _conv3(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)
