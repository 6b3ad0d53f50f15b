"""Given retouches of a bracket, brought onto the grid of its captures."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from iea40k.arrays import EncodedRGB, Validity
from iea40k.colour import decode_srgb, encode_srgb
from iea40k.registration import bring, register
from iea40k.scene import Scene


@dataclass(frozen=True)
class Given:
    """A given retouch: `pixels` (H, W, 3) uint8, sRGB-encoded, where it has data (H, W), and its recipe."""

    name: str
    pixels: EncodedRGB
    inside: Validity
    recipe: dict[str, Any]


def given_references(
    scene: Scene, capture: EncodedRGB, load: Callable[[Path], tuple[EncodedRGB, dict[str, Any]]]
) -> list[Given]:
    """Return the scene's retouches in the size of `capture` (H, W, 3).

    The first is taken as it is where it has that size. One that a converter cropped or turned, and every further
    one, is registered to the capture, or the first. Raises `UnreadableImageError` or `AlignmentError` where that fails.
    """
    found: list[Given] = []
    for source in scene.references:
        pixels, recipe = load(source.path)
        inside = np.ones(capture.shape[:2], np.bool_)
        if found or pixels.shape != capture.shape:
            target = found[0].pixels if found else capture
            place = register(decode_srgb(target), decode_srgb(pixels))
            moved, inside = bring(decode_srgb(pixels), place, capture.shape[:2])
            pixels = pixels if place.still else encode_srgb(moved)
            recipe = {**recipe, "registration": place.recipe()}
        found.append(Given(source.name, pixels, inside, recipe))
    return found
