"""Numbers of a report: distributions of the residual by level and by zone, and the stops that a ladder really has."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE
from iea40k.zones import luminance, zone_map
from pipelines.report.sources import Pixels, ReportScene

BINS = 64
"""Of a level's distribution, over [-1, 1]."""

_STEP = 3
_LOW, _HIGH = 0.004, 0.75
_FEWEST = 100
ZONES = 8
"""Zones 0 to VII; display white is zone VII and a half."""


@dataclass
class Numbers:
    """What is counted while scenes go by: pixels of each level by residual, and of each zone by level."""

    levels: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    evs: dict[str, float] = field(default_factory=dict)
    zone_sums: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    zone_pixels: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    def add(self, scene: ReportScene, pixels: Pixels) -> tuple[list[float | None], list[float | None]]:
        """Count a scene; return each exposure's mean |residual| and its measured stops from the first one at EV 0.

        Every third pixel of every third row is counted. None: no valid pixel; or too few that neither exposure
        clips.
        """
        reference = np.ascontiguousarray(pixels.reference[::_STEP, ::_STEP])
        zones = np.clip(np.rint(zone_map(reference)), 0, ZONES - 1).astype(np.int64)
        means: list[float | None] = []
        for level, ev, codes in zip(scene.levels, scene.evs, pixels.codes[:, ::_STEP, ::_STEP], strict=True):
            valid = codes != INVALID_CODE
            residual = codes[valid].astype(np.float64) / RESIDUAL_SCALE
            counted = np.histogram(residual, BINS, (-1.0, 1.0))[0]
            self.levels[level] = self.levels.get(level, np.zeros(BINS, np.int64)) + counted
            self.evs.setdefault(level, ev)
            at = zones[valid]
            sums = np.bincount(at, residual, ZONES)
            self.zone_sums[level] = self.zone_sums.get(level, np.zeros(ZONES)) + sums
            pixels_of = np.bincount(at, minlength=ZONES)
            self.zone_pixels[level] = self.zone_pixels.get(level, np.zeros(ZONES, np.int64)) + pixels_of
            means.append(round(float(np.abs(residual).mean()), 4) if residual.size else None)
        return means, _stops(scene, pixels)

    def facts(self) -> dict[str, Any]:
        """Return everything counted, levels by EV."""
        ordered = sorted(self.levels, key=lambda level: (self.evs[level], level))
        zones = [
            [
                None if not n else round(s / n, 4)
                for s, n in zip(self.zone_sums[level], self.zone_pixels[level], strict=True)
            ]
            for level in ordered
        ]
        shares = [_shares(self.levels[level]) for level in ordered]
        return {
            "levels": ordered,
            "evs": [self.evs[level] for level in ordered],
            "shares": shares,
            "zones": zones,
        }


def _shares(counts: NDArray[np.int64]) -> list[float]:
    return [round(float(share), 5) for share in counts / max(1, counts.sum())]


def _stops(scene: ReportScene, pixels: Pixels) -> list[float | None]:
    """Return the median of log2(light / light at EV 0) over pixels that both exposures show."""
    found: list[float | None] = [None] * len(scene.evs)
    at_zero = next((index for index, ev in enumerate(scene.evs) if abs(ev) < 0.01), None)
    if at_zero is None:
        return found
    small = pixels.exposures[:, ::_STEP, ::_STEP]
    base = luminance(np.ascontiguousarray(small[at_zero]))
    for index, exposure in enumerate(small):
        light = luminance(np.ascontiguousarray(exposure))
        both = (light > _LOW) & (light < _HIGH) & (base > _LOW) & (base < _HIGH)
        if np.count_nonzero(both) >= _FEWEST:
            found[index] = round(float(np.median(np.log2(light[both] / base[both]))), 3)
    return found
