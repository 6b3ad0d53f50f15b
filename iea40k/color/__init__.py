"""Colour: the sRGB curve both ways, and embedded ICC profiles to linear light with sRGB primaries."""

from iea40k.color.profiles import clipped_share, to_linear_srgb
from iea40k.color.transfer import decode_srgb, encode_srgb

__all__ = ["clipped_share", "decode_srgb", "encode_srgb", "to_linear_srgb"]
