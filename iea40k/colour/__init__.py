"""Colour: encoded pixels to linear light with sRGB's primaries and back, exactly, without an 8-bit step between."""

from iea40k.colour.ladder import encode_ladder
from iea40k.colour.spaces import (
    SPACES,
    ColourSpace,
    convert_to_srgb,
    named_space,
    profile_space,
    to_linear_srgb,
)
from iea40k.colour.transfer import (
    clipped_share,
    decode_srgb,
    encode_srgb,
    srgb_curve,
    srgb_inverse,
    srgb_stops,
)

__all__ = [
    "SPACES",
    "ColourSpace",
    "clipped_share",
    "convert_to_srgb",
    "decode_srgb",
    "encode_ladder",
    "encode_srgb",
    "named_space",
    "profile_space",
    "srgb_curve",
    "srgb_inverse",
    "srgb_stops",
    "to_linear_srgb",
]
