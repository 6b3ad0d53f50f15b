"""A response curve: the light behind each 8-bit code, and the code of any light."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.colour import srgb_stops
from iea40k.errors import ArrayError

Floats = NDArray[np.floating[Any]]

LOWEST, HIGHEST = -24.0, 16.0
"""Stops over display white between which light is rendered; beyond, it is black or white anyhow."""

_STEPS = 1024  # table entries a stop: 0.07 of a code at the steepest
_LIGHT_WEIGHTS = np.array([[0.2126, 0.7152, 0.0722]], np.float32)


class Curve:
    """Light to codes and back under one response: `stops` (256,) is log2 light of each code, 0 = display white.

    Raises `ArrayError` where the table has another shape or brighter codes hold less light by more than a tenth of a
    stop (smaller dips, as fitted curves have, are levelled).
    """

    def __init__(self, stops: Floats | None = None) -> None:
        table = np.asarray(srgb_stops() if stops is None else stops, np.float64)
        if table.shape != (256,) or not np.isfinite(table).all():
            raise ArrayError(
                "a response has a finite light for every code", expected="(256,)", got=str(table.shape)
            )
        level = np.maximum.accumulate(table)
        if float((level - table).max()) > 0.1:
            raise ArrayError(
                "a response rises with its codes", got=f"a dip of {float((level - table).max()):.2f} stops"
            )
        self.stops = (level + np.arange(256) * 1e-6).astype(np.float32)
        ladder = np.arange(int((HIGHEST - LOWEST) * _STEPS) + 1) / _STEPS + LOWEST
        self._codes = np.interp(ladder, self.stops, np.arange(256.0)).astype(np.float32)

    def light(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the light of codes of any shape, float32 stops over display white."""
        found: NDArray[np.float32] = self.stops[codes]
        return found

    def render(self, stops: Floats) -> NDArray[np.float32]:
        """Return the codes, not rounded, float32 in [0, 255], of light in stops over display white."""
        index = np.clip((stops - LOWEST) * _STEPS + 0.5, 0, len(self._codes) - 1).astype(np.int32)
        codes: NDArray[np.float32] = self._codes[index]
        return codes

    def slope(self, codes: Floats) -> Floats:
        """Return how many codes one stop more light adds at each code."""
        gradient = np.gradient(np.arange(256.0), self.stops)
        slope: Floats = np.interp(codes, np.arange(256.0), gradient)
        return slope


def brightness(stops: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return log2 of the luminance (Rec. 709 weights on light) of (H, W, 3) light in stops: (H, W) float32."""
    light = cv2.transform(np.exp2(stops), _LIGHT_WEIGHTS).reshape(stops.shape[:2])
    found: NDArray[np.float32] = np.log2(np.maximum(light, np.float32(2.0**LOWEST)))
    return found
