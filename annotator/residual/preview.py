"""The exposure as it would look, re-exposed by its residual: experts judge photographs, not maps.

A residual r asks that a pixel's encoded luma become luma + r. In linear light that is a gain of
`lin(luma + r) / lin(luma)`, the same for the three channels, so hue stays. Below the darkest displayable step there is
no light to multiply, and grey is added instead.
"""

import numpy as np

from annotator.shared.light import DARKEST, LIGHT
from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE, EncodedRGB, ResidualCodes
from iea40k.colour.transfer import encode_srgb, srgb_inverse

_LEVELS = 4096  # steps of luma + r: finer than the 8 bits shown


_TARGET = srgb_inverse(np.linspace(0, 1, _LEVELS)).astype(np.float32)
_FLOOR = np.float32(DARKEST)


def re_exposed(exposure: EncodedRGB, codes: ResidualCodes) -> EncodedRGB:
    """Return the exposure (H, W, 3) uint8 with its encoded luma moved by the residual codes (H, W) int16.

    Where there is no valid data the exposure is shown as it is. Light beyond display white is shown as white.
    """
    grey = exposure @ np.array([0.299 / 255, 0.587 / 255, 0.114 / 255], np.float32)
    residual = np.where(codes == INVALID_CODE, 0, codes).astype(np.float32) / np.float32(RESIDUAL_SCALE)
    target = _TARGET[np.rint(np.clip(grey + residual, 0, 1) * (_LEVELS - 1)).astype(np.int32)]
    have = _TARGET[np.rint(grey * (_LEVELS - 1)).astype(np.int32)]
    light = LIGHT[exposure] * (target / np.maximum(have, _FLOOR))[..., None]
    light += (np.maximum(_FLOOR - have, 0) * (target / _FLOOR))[..., None]
    picture: EncodedRGB = encode_srgb(light)
    still = residual == 0
    picture[still] = exposure[still]
    return picture
