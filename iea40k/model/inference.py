"""Residual maps of photographs of any size, in bounded memory: whole where they fit, else in overlapping tiles."""

from collections.abc import Callable
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from iea40k.arrays import EncodedRGB, Residual, check_encoded
from iea40k.model.networks.curve_net import SMALLEST, CurveNet
from iea40k.model.networks.sampling import area_matrix
from iea40k.model.tiling import OVERLAP, TILE, tiled
from iea40k.model.weights import fixed_side, residual_map

BAND_PIXELS = 1 << 19
"""Pixels to which the judgement of a whole picture is applied at a time."""


def predict_encoded(
    network: nn.Module,
    image: EncodedRGB,
    *,
    device: torch.device | None = None,
    side: int | None = None,
    tile: int = TILE,
    overlap: int = OVERLAP,
    native: bool = False,
) -> Residual:
    """Return the residual (H, W) float32 of a picture (H, W, 3) uint8, at the picture's size.

    `side` lets the network see a square of that side (the published way); networks of one fixed size always do.
    `native` returns the map of such a square as it is, not enlarged. A picture with a side over `tile` is predicted in
    tiles that fade into one another over `overlap` pixels.
    """
    check_encoded(image, least=1)
    if isinstance(network, CurveNet):
        found: Residual = _by_bands(network, image, device)[0]
        return found
    # Networks that judge a whole picture see no tiles of it.
    whole = side is not None or fixed_side(network) is not None or getattr(network, "sees_whole", False)
    if whole or max(image.shape[:2]) <= tile:
        return _predict(network, image, device, side, native)
    return tiled(image, lambda part: _predict(network, part, device, None), tile, overlap)


def predict_with_scale(
    network: nn.Module, image: EncodedRGB, *, device: torch.device | None = None
) -> tuple[Residual, NDArray[np.float32]] | None:
    """Return the residual (H, W) and the scale (H, W) of its Laplace distribution, None where a network has none.

    `iea40k.model.looking.SCALES_90` scales are the half-width of the band that holds the truth nine times in ten.
    """
    check_encoded(image, least=1)
    if not isinstance(network, CurveNet):
        return None
    both = _by_bands(network, image, device, scale=True)
    return both[0], both[1]


@torch.inference_mode()
def corrected_encoded(
    network: nn.Module, image: EncodedRGB, device: torch.device | None = None
) -> EncodedRGB:
    """Return the picture (H, W, 3) uint8 that a network with `corrected` makes of another one, at its own size."""
    check_encoded(image, least=1)
    correct = cast("Callable[[Tensor], Tensor]", network.to(device).corrected)
    made = correct(_tensor(image, device))[0].clamp(0, 1)
    out: EncodedRGB = (made * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(out)


@torch.inference_mode()
def _by_bands(
    network: CurveNet, image: EncodedRGB, device: torch.device | None, *, scale: bool = False
) -> NDArray[np.float32]:
    """Return (1 or 2, H, W): the whole picture is judged once, and the judgement applied band by band."""
    height, width = image.shape[:2]
    rows = max(1, BAND_PIXELS // width)
    bands = [slice(top, min(height, top + rows)) for top in range(0, height, rows)]
    side = network.config.side
    like = torch.empty((), device=device)
    view = torch.zeros((1, 3, side, side), device=device)
    down, across = area_matrix(height, side, like), area_matrix(width, side, like).transpose(0, 1)
    for band in bands:
        view += down[:, band] @ (_tensor(image[band], device) @ across)
    judgement = network.judge(view)
    out = np.empty((2 if scale else 1, height, width), np.float32)
    for band in bands:
        found = network.apply_to(
            _tensor(image[band], device), judgement, scale=scale, top=band.start, height=height
        )
        out[:, band] = found[0].float().cpu().numpy()
    return out


def _tensor(image: EncodedRGB, device: torch.device | None) -> Tensor:
    """(H, W, 3) uint8 -> (1, 3, H, W) float32 in [0, 1]."""
    # What Pillow opened is read-only, and PyTorch warns of such arrays: those are copied.
    moved = torch.from_numpy(np.require(image, requirements=["C", "W"])).to(device)
    return moved.permute(2, 0, 1)[None].float() / 255


@torch.inference_mode()
def _predict(
    network: nn.Module,
    image: EncodedRGB,
    device: torch.device | None,
    side: int | None,
    native: bool = False,
) -> Residual:
    height, width = image.shape[:2]
    tensor = _tensor(image, device)
    side = fixed_side(network) if side is None else side
    if side is not None:
        tensor = _resize(tensor, (side, side))
    elif min(height, width) < (least := int(getattr(network, "smallest", SMALLEST))):
        # Less than a network sees: shown larger, and the map made small again.
        factor = least / min(height, width)
        tensor = _resize(tensor, (max(least, round(height * factor)), max(least, round(width * factor))))
    residual = residual_map(network, tensor.contiguous(memory_format=torch.channels_last))
    kept = tuple(residual.shape[-2:]) if native and side is not None else (height, width)
    out: NDArray[np.float32] = _resize(residual.float(), kept)[0, 0].cpu().numpy()
    return out


def _resize(x: Tensor, size: tuple[int, ...]) -> Tensor:
    if tuple(x.shape[-2:]) == size:
        return x
    return F.interpolate(x, size, mode="bilinear", align_corners=False)
