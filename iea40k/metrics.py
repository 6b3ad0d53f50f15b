"""How far a predicted residual map lies from its label, and a score from another: one number at a time.

Maps are (H, W) float32 in [-1, 1], NaN where there is no data; a pixel counts where both maps have data, and a
metric without one such pixel is NaN, never 0. Ranges: SSIM and PSNR depend on the data range; published figures
use 1, while residuals span 2, so both are asked for by name (`data_range`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from iea40k.arrays import EncodedRGB, Residual, Validity, check_same_size
from iea40k.errors import ArrayError
from iea40k.residuals import luma

BANDS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 1.0)
"""Edges of the bands of |label| in which `banded_mae` reports; the last is closed."""

SIGN_DEAD_ZONE = 0.02
"""Labels nearer to zero than this have no sign worth predicting (5 of 255 grey levels)."""

SSIM_WINDOW, SSIM_SIGMA = 11, 1.5
"""The Gaussian window of Wang et al. (2004)."""

GOOD_SCORE = 5.0
"""Scores (0 ... 10) above this count as good in `accuracy`."""


@dataclass(frozen=True)
class Metric:
    """A metric of one map: its title for people, and the function of prediction, label and validity."""

    title: str
    of: Callable[[Residual, Residual, Validity], float]


def map_metrics(prediction: Residual, label: Residual) -> dict[str, float]:
    """Return each of `METRICS` of one map, and `pixels`, the number of valid ones."""
    valid = both_valid(prediction, label)
    found = {name: metric.of(prediction, label, valid) for name, metric in METRICS.items()}
    return {**found, "pixels": float(valid.sum())}


def both_valid(prediction: Residual, label: Residual) -> Validity:
    """Return where both maps have data. Raises `ArrayError` where their sizes differ."""
    check_same_size(prediction, label, ("prediction", "label"))
    return ~(np.isnan(prediction) | np.isnan(label))


def mae(prediction: Residual, label: Residual, valid: Validity | None = None) -> float:
    """Return the mean absolute error over valid pixels.

    >>> label = np.array([[0.5, 0.0, np.nan]], np.float32)
    >>> mae(np.array([[0.25, 0.0, 1.0]], np.float32), label)
    0.125
    """
    valid = both_valid(prediction, label) if valid is None else valid
    return _mean(np.abs(prediction - label), valid)


def banded_mae(prediction: Residual, label: Residual) -> dict[str, tuple[float, int]]:
    """Return (mean absolute error, pixels) in each band of |label|, e.g. "0.05-0.1"."""
    valid = both_valid(prediction, label)
    error, size = np.abs(prediction - label), np.abs(label)
    bands = {}
    for low, high in pairwise(BANDS):
        inside = valid & (size >= low) & ((size < high) if high < 1 else (size <= high))
        bands[f"{low:g}-{high:g}"] = (_mean(error, inside), int(inside.sum()))
    return bands


def psnr(prediction: Residual, label: Residual, *, data_range: float, valid: Validity | None = None) -> float:
    """Return the peak signal to noise ratio in dB over valid pixels; infinite where the maps are equal."""
    valid = both_valid(prediction, label) if valid is None else valid
    error = _mean(np.square(prediction - label, dtype=np.float64), valid)
    return float("inf") if error == 0 else float(10 * np.log10(data_range**2 / error))


def ssim(prediction: Residual, label: Residual, *, data_range: float, valid: Validity | None = None) -> float:
    """Return the mean structural similarity: Gaussian window 11x11, sigma 1.5, K 0.01 and 0.03.

    A pixel counts where its whole window has data and lies inside the map. Wang et al., IEEE TIP 2004.
    """
    valid = both_valid(prediction, label) if valid is None else valid
    x, y = (np.where(valid, m, 0).astype(np.float64) for m in (prediction, label))
    mean_x, mean_y = _window(x), _window(y)
    variance_x, variance_y = _window(x * x) - mean_x**2, _window(y * y) - mean_y**2
    covariance = _window(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity /= (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    # Eroding with a border of zeros also drops the windows that reach beyond the map.
    whole = cv2.erode(
        valid.astype(np.uint8),
        np.ones((SSIM_WINDOW, SSIM_WINDOW), np.uint8),
        borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return _mean(similarity, whole.astype(bool))


def sign_accuracy(prediction: Residual, label: Residual, valid: Validity | None = None) -> float:
    """Return the share of pixels with |label| >= `SIGN_DEAD_ZONE` whose prediction has the label's sign.

    >>> label = np.array([[0.5, -0.5, 0.001, np.nan]], np.float32)
    >>> sign_accuracy(np.array([[0.1, 0.1, -1.0, -1.0]], np.float32), label)
    0.5
    """
    valid = both_valid(prediction, label) if valid is None else valid
    return _mean(np.sign(prediction) == np.sign(label), valid & (np.abs(label) >= SIGN_DEAD_ZONE))


def holistic_score(residual: Residual) -> float:
    """Return `10 * (1 - mean |residual|)` over valid pixels: 10 = ideally exposed everywhere (P-IEANet).

    >>> holistic_score(np.array([[0.0, 0.5, np.nan]], np.float32))
    7.5
    """
    return 10 * (1 - _mean(np.abs(residual), ~np.isnan(residual)))


def lcc(scores: ArrayLike, truth: ArrayLike) -> float:
    """Return the linear (Pearson) correlation of the images that both sides score (NaN = no score).

    NaN where either side is constant there, or shorter than 2.
    """
    x, y = _pair(scores, truth)
    if len(x) < 2:
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / scale) if scale > 0 else float("nan")


def srcc(scores: ArrayLike, truth: ArrayLike) -> float:
    """Return the rank (Spearman) correlation, ties at their mean rank.

    >>> round(srcc([1.0, 2.0, 10.0], [3.0, 5.0, 6.0]), 3)
    1.0
    """
    x, y = _pair(scores, truth)
    return lcc(rankdata(x), rankdata(y)) if len(x) else float("nan")


def accuracy(scores: ArrayLike, truth: ArrayLike, threshold: float = GOOD_SCORE) -> float:
    """Return the share of images that both sides call good (> `threshold`), or both call bad.

    An image that a side does not score (NaN) is neither good nor bad, and not counted; NaN where none is left.

    >>> accuracy([9.0, 2.0, np.nan], [8.0, 7.0, 1.0])
    0.5
    """
    x, y = _pair(scores, truth)
    return float(np.mean((x > threshold) == (y > threshold))) if len(x) else float("nan")


def sobel_iou(image: EncodedRGB, reference: EncodedRGB, threshold: float = 0.1) -> float:
    """Return the intersection over union of both pictures' Sobel edges: gradient of luma over `threshold`.

    The gradient is in luma a pixel (3x3 Sobel / 8). Two pictures without an edge agree: 1. After Messias et al.
    """
    return _iou(*(_sobel(p) > threshold for p in _same(image, reference)))


def canny_iou(image: EncodedRGB, reference: EncodedRGB, low: int = 100, high: int = 200) -> float:
    """Return the intersection over union of both pictures' Canny edges (8-bit luma). After Messias et al."""
    edges = [cv2.Canny(np.rint(luma(p) * 255).astype(np.uint8), low, high) for p in _same(image, reference)]
    return _iou(edges[0] > 0, edges[1] > 0)


def histogram_difference(image: EncodedRGB, reference: EncodedRGB) -> float:
    """Return half the summed difference of both 256-bin luma histograms: 0 equal, 1 disjoint."""
    shares = []
    for picture in (image, reference):
        counts = np.bincount(np.rint(luma(picture) * 255).astype(np.intp).ravel(), minlength=256)
        shares.append(counts / counts.sum())
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def mean_and_sd(rows: Sequence[Mapping[str, float]]) -> dict[str, tuple[float, float]]:
    """Return (mean, sample standard deviation) of each key over rows, e.g. over five splits; sd of one is NaN."""
    out = {}
    for key in rows[0] if rows else ():
        values = np.array([row[key] for row in rows], np.float64)
        out[key] = (float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else float("nan"))
    return out


def _mean(values: NDArray[Any], where: Validity) -> float:
    # Not values[where]: that would copy a whole map.
    return float(np.mean(values, dtype=np.float64, where=where)) if where.any() else float("nan")


def _window(values: NDArray[np.float64]) -> NDArray[np.float64]:
    blurred: NDArray[np.float64] = cv2.GaussianBlur(values, (SSIM_WINDOW, SSIM_WINDOW), SSIM_SIGMA)
    return blurred


def _pair(scores: ArrayLike, truth: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.asarray(scores, np.float64), np.asarray(truth, np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ArrayError(
            "scores and truth differ in length", expected=f"({len(y)},)", got=f"{x.shape} and {y.shape}"
        )
    scored = ~(np.isnan(x) | np.isnan(y))
    return x[scored], y[scored]


def _same(image: EncodedRGB, reference: EncodedRGB) -> tuple[EncodedRGB, EncodedRGB]:
    check_same_size(image, reference, ("image", "reference"))
    return image, reference


def _sobel(picture: EncodedRGB) -> NDArray[np.float32]:
    grey = luma(picture)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *axes, ksize=3, scale=1 / 8) for axes in ((1, 0), (0, 1)))
    magnitude: NDArray[np.float32] = cv2.magnitude(across, down)
    return magnitude


def _iou(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    union = int((first | second).sum())
    return float((first & second).sum() / union) if union else 1.0


METRICS: Mapping[str, Metric] = {
    "mae": Metric("MAE", mae),
    "ssim_range1": Metric(
        "SSIM (range 1)", lambda p, label, valid: ssim(p, label, data_range=1, valid=valid)
    ),
    "ssim_range2": Metric(
        "SSIM (range 2)", lambda p, label, valid: ssim(p, label, data_range=2, valid=valid)
    ),
    "psnr_range1": Metric(
        "PSNR (range 1)", lambda p, label, valid: psnr(p, label, data_range=1, valid=valid)
    ),
    "psnr_range2": Metric(
        "PSNR (range 2)", lambda p, label, valid: psnr(p, label, data_range=2, valid=valid)
    ),
    "sign": Metric("sign", sign_accuracy),
}
"""The metrics of one map by the name that tables and files give them; all that reports them reads this table."""
