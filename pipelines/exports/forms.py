"""What a form of export is, and what it is given: samples, one an image."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, OutlierFlags, ResidualCodes

OFFSET = 32768
"""Added to residual codes where they must be unsigned, as in a 16-bit PNG: 0 is "no data" then, 32768 perfect."""

FACTS = ("image_id", "scene_id", "level", "ev", "licence", "height", "width", "score", "valid_fraction")
"""The columns of the table of images that every sample carries; the other columns of text follow."""

MORE_FACTS = ("device", "super_class", "scene_class", "light", "source", "kind", "simulation")


@dataclass(frozen=True)
class Sample:
    """One image: `facts` (`FACTS` and `MORE_FACTS`, numbers as float, None where unknown), its pixels and label.

    `exposure` and `reference` (H, W, 3) uint8, sRGB-encoded; `residual` (H, W) int16 codes of 1/32640, -32768 = no
    data; `outliers` (H, W) uint8 bit flags; `uncertainty` (H, W) uint8 codes or None.
    """

    facts: Mapping[str, Any]
    exposure: EncodedRGB
    reference: EncodedRGB
    residual: ResidualCodes
    outliers: OutlierFlags
    uncertainty: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Contents:
    """What an export holds: the release's head, the split scheme, files and images of each split,
    and every file's sha256."""

    head: Mapping[str, Any]
    scheme: str
    files: Mapping[str, tuple[str, ...]]
    images: Mapping[str, int]
    sums: Mapping[str, str]


class Form(Protocol):
    """A form of export. A new one is a module with such a class and a row in `exporting.FORMS`."""

    name: str
    suffix: str

    def write(self, file: Path, samples: Iterable[Sample]) -> None:
        """Write one piece; the same samples give the same bytes."""

    def describe(self, contents: Contents) -> Mapping[str, str]:
        """Return further files by name, as text: cards and descriptions."""


def png(picture: NDArray[Any]) -> bytes:
    """Return a picture (H, W) or (H, W, 3), uint8 or uint16, as PNG; the same pixels give the same bytes."""
    return bytes(imagecodecs.png_encode(np.ascontiguousarray(picture), level=6))
