"""Baselines that look values up: the histogram that a picture ought to have, and residuals by zone."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Residual
from iea40k.baselines.base import Baseline, Example, Numbers, learnt, some_pixels
from iea40k.baselines.light import key_of
from iea40k.residuals import luma
from iea40k.zones import luminance, zone_map, zones_of

_RANKS = 256
_ZONES = 8  # 0 ... VII: display white is zone 7.47
_LEAST = 50  # pixels of a cell that may speak for itself


def _histogram(numbers: Numbers, image: EncodedRGB) -> Residual:
    grey = luma(image)
    codes = np.rint(grey * 255).astype(np.intp)
    counts = np.bincount(codes.ravel(), minlength=256)
    # Pixels of one code share the middle of their ranks.
    ranks = (np.cumsum(counts) - counts / 2) / counts.sum()
    wanted = np.interp(ranks, _places(), numbers["quantiles"]).astype(np.float32)
    out: Residual = wanted[codes] - grey
    return out


def _fit_histogram(examples: Iterable[Example]) -> dict[str, NDArray[np.float64]]:
    found = []
    for image, label in examples:
        wanted = (luma(image) + label)[~np.isnan(label)]
        if wanted.size:
            found.append(np.quantile(wanted, _places()).astype(np.float32))
    return {"quantiles": np.mean(learnt(found), axis=0, dtype=np.float64)}


def _places() -> NDArray[np.float64]:
    return (np.arange(_RANKS) + 0.5) / _RANKS


def _zones(numbers: Numbers, image: EncodedRGB) -> Residual:
    key = float(np.clip(key_of(image), 0, _ZONES - 1))
    lower = min(int(key), _ZONES - 2)
    share = key - lower
    row = numbers["table"][lower] * (1 - share) + numbers["table"][lower + 1] * share
    out: Residual = np.interp(zone_map(image), np.arange(_ZONES), row).astype(np.float32)
    return out


def _fit_zones(examples: Iterable[Example]) -> dict[str, NDArray[np.float64]]:
    """Return the median residual by the picture's mean zone (rows) and the pixel's zone (columns)."""
    found = []
    for image, (pixels, labels) in some_pixels(examples):
        zone = np.rint(zones_of(luminance(pixels))).ravel()
        key = np.full(zone.shape, np.clip(np.rint(key_of(image)), 0, _ZONES - 1))
        found.append(np.stack([key, zone, labels.ravel()]).astype(np.float32))
    key, zone, label = np.concatenate(learnt(found), axis=1)
    of_zone = [_median(label[zone == z], float(np.median(label))) for z in range(_ZONES)]
    cells = [
        [_median(label[(key == k) & (zone == z)], of_zone[z]) for z in range(_ZONES)] for k in range(_ZONES)
    ]
    return {"table": np.array(cells, np.float64)}


def _median(values: NDArray[np.float32], otherwise: float) -> float:
    return float(np.median(values)) if values.size >= _LEAST else otherwise


HISTOGRAM = Baseline(
    "histogram",
    "luma by its rank in the picture, as in the mean histogram of the references",
    _histogram,
    _fit_histogram,
    {"quantiles": (_RANKS,)},
)
ZONES = Baseline(
    "zones",
    "the median residual of the pixel's zone in pictures of that mean zone",
    _zones,
    _fit_zones,
    {"table": (_ZONES, _ZONES)},
)
