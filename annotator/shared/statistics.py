"""What a region is like: mean, standard deviation and histogram of its residual, and of the zones of its pictures."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.shared.boxes import Box, Point
from annotator.shared.language import marked, tr, trn
from iea40k.arrays import RESIDUAL_SCALE, EncodedRGB, ResidualCodes, Validity, validity_from_codes
from iea40k.zones import LAST_ZONE, luminance, zone_name, zones_of

BINS = 40
"""Bars of a residual's histogram, from -1 to +1."""

SAID = (marked("residual"), marked("exposure"), marked("reference"), marked("reference as built"))
"""What is measured, as it is named."""

CLICK = 2.0
"""A drag of fewer pixels is a click."""


@dataclass(frozen=True)
class Spread:
    """The mean and the standard deviation of something, its ends, and its histogram (counts of equal bins)."""

    name: str
    mean: float
    sd: float
    low: float
    high: float
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Statistics:
    """A region: how many `pixels` it has, how many of them have valid data, and what those are like.

    `residual` is None without valid data; `zones` are those of each picture, in [0, 10], a bin a zone.
    """

    pixels: int
    valid: int
    residual: Spread | None
    zones: tuple[Spread, ...]

    def text(self) -> str:
        """Return it in words, a line each."""
        without = self.pixels - self.valid
        lines = [trn("{count} pixel", "{count} pixels", self.pixels)]
        if without:
            lines[0] += tr(", {count} without valid data", count=without)
        if self.residual is not None:
            r = self.residual
            lines.append(
                tr(
                    "residual: mean {mean}, sd {sd}, {low} to {high}",
                    mean=f"{r.mean:+.4f}",
                    sd=f"{r.sd:.4f}",
                    low=f"{r.low:+.4f}",
                    high=f"{r.high:+.4f}",
                )
            )
        for z in self.zones:
            low, high = (zone_name(v) for v in (z.low, z.high))
            lines.append(
                tr(
                    "zone of the {picture}: mean {mean}, sd {sd}, {low} to {high}",
                    picture=tr(z.name),
                    mean=f"{z.mean:.2f}",
                    sd=f"{z.sd:.2f}",
                    low=low,
                    high=high,
                )
            )
        return "\n".join(lines)


class Measuring:
    """A box in the making, from the pixel where the button went down."""

    pressures = None

    def __init__(self, start: Point) -> None:
        self.start = self.end = start

    def move(self, to: Point, pressure: float | None = None) -> Box | None:
        """Go on to a pixel; nothing changes."""
        del pressure
        self.end = to
        return None

    def cancel(self) -> Box | None:
        """Nothing was changed."""
        return None

    @property
    def clicked(self) -> bool:
        """Whether it is a click rather than a box."""
        return max(abs(a - b) for a, b in zip(self.start, self.end, strict=True)) < CLICK

    def box(self, shape: tuple[int, int]) -> Box | None:
        """Return the box inside a picture of `shape`, None where it lies outside."""
        spans = [
            slice(max(round(min(a, b)), 0), min(round(max(a, b)) + 1, size))
            for a, b, size in zip(self.start, self.end, shape, strict=True)
        ]
        return (spans[0], spans[1]) if all(s.start < s.stop for s in spans) else None


def statistics_of(
    codes: ResidualCodes, region: Validity, pictures: Mapping[str, EncodedRGB]
) -> Statistics | None:
    """Return what a `region` (H, W) bool is like, by its codes (H, W) int16 and `pictures` (H, W, 3) uint8; None where
    it has no pixel."""
    pixels = int(np.count_nonzero(region))
    if not pixels:
        return None
    inside = region & validity_from_codes(codes)
    values = codes[inside].astype(np.float64) / RESIDUAL_SCALE
    zones = {
        name: np.clip(zones_of(luminance(np.ascontiguousarray(picture[inside][None]))[0]), 0, LAST_ZONE)
        for name, picture in pictures.items()
    }
    return Statistics(
        pixels,
        values.size,
        _spread("residual", values, BINS, (-1, 1)) if values.size else None,
        tuple(
            _spread(name, z, LAST_ZONE + 1, (-0.5, LAST_ZONE + 0.5)) for name, z in zones.items() if z.size
        ),
    )


def _spread(name: str, values: NDArray[np.float64], bins: int, ends: tuple[float, float]) -> Spread:
    counts, _ = np.histogram(values, bins=bins, range=ends)
    return Spread(
        name,
        float(values.mean()),
        float(values.std()),
        float(values.min()),
        float(values.max()),
        tuple(int(c) for c in counts),
    )
