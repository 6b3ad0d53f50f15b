"""What a network says of a picture, whatever runs the network: the residual, and a band around it where it has one."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB
from iea40k.model.loading import AnyWeights
from iea40k.model.onnx_weights import OnnxWeights
from iea40k.model.tiling import tiled

SCALES_90 = math.log(10)
"""Of a Laplace distribution: 90 % lies within so many scales of its middle."""

Looker = Callable[[EncodedRGB], NDArray[np.float32]]
"""From a picture (H, W, 3) to (1, H, W), the residual; or to (2, H, W), with the half-width of its 90 % band."""


def looker(
    weights: AnyWeights, device: str, *, native: bool, flips: bool, side: int | None, tile: int, overlap: int
) -> Looker:
    """Return what a network says of a picture. The arguments are those of `iea40k.model.inference.predict_encoded`.

    `flips` averages over the four flips.
    """
    if isinstance(weights, OnnxWeights):
        look = _of_onnx(weights, native, side, tile, overlap)
    else:
        look = _of_torch(weights, device, native, side, tile, overlap)
    return _over_flips(look) if flips else look


def _of_onnx(weights: OnnxWeights, native: bool, side: int | None, tile: int, overlap: int) -> Looker:
    whole = weights.sees_whole or weights.fixed_side is not None or side is not None

    def look(picture: EncodedRGB) -> NDArray[np.float32]:
        if weights.has_scale:
            return _with_band(weights.with_scale(picture))
        if whole or max(picture.shape[:2]) <= tile:
            return weights.residual(picture, native=native, side=side)[None]
        return tiled(picture, weights.residual, tile, overlap)[None]

    return look


def _of_torch(weights: Any, device: str, native: bool, side: int | None, tile: int, overlap: int) -> Looker:
    import torch

    from iea40k.model.inference import predict_encoded, predict_with_scale

    place = torch.device(device)
    network = weights.network.to(place)

    def look(picture: EncodedRGB) -> NDArray[np.float32]:
        both = predict_with_scale(network, picture, device=place)
        if both is not None:
            return _with_band(both)
        return predict_encoded(
            network, picture, device=place, side=side, tile=tile, overlap=overlap, native=native
        )[None]

    return look


def _with_band(both: tuple[NDArray[np.float32], NDArray[np.float32]] | None) -> NDArray[np.float32]:
    assert both is not None  # the caller has asked whether there is a scale
    found = np.stack(both)
    found[1] *= np.float32(SCALES_90)
    return found


def _over_flips(look: Looker) -> Looker:
    def average(picture: EncodedRGB) -> NDArray[np.float32]:
        total = look(picture).copy()
        for rows, columns in ((1, -1), (-1, 1), (-1, -1)):
            total += look(np.ascontiguousarray(picture[::rows, ::columns]))[:, ::rows, ::columns]
        total /= 4
        return total

    return average
