"""Residuals of nine frames against the plain float64 formula, and against the floor: copying the frames."""

import numpy as np

from benchmarks.harness import Figure, interleaved_seconds
from iea40k.arrays import RESIDUAL_SCALE
from iea40k.residuals import residual_codes

TITLE = "Residuals of nine frames of 512x768"
_WEIGHTS = np.array([0.299, 0.587, 0.114])


def _plain_luma(picture: np.ndarray) -> np.ndarray:
    encoded = picture.astype(np.float64) / 255
    return 0.299 * encoded[..., 0] + 0.587 * encoded[..., 1] + 0.114 * encoded[..., 2]


def _plain(reference: np.ndarray, exposures: np.ndarray) -> np.ndarray:
    difference = [_plain_luma(reference) - _plain_luma(e) for e in exposures]
    return np.stack([np.rint(d * RESIDUAL_SCALE).astype(np.int16) for d in difference])


def _blas(reference: np.ndarray, exposures: np.ndarray) -> np.ndarray:
    target = (reference / 255.0) @ _WEIGHTS
    codes = [np.rint((target - (e / 255.0) @ _WEIGHTS) * RESIDUAL_SCALE) for e in exposures]
    return np.stack(codes).astype(np.int16)


def run() -> list[Figure]:
    rng = np.random.default_rng(0)
    reference = rng.integers(0, 256, (512, 768, 3), np.uint8)
    exposures = rng.integers(0, 256, (9, 512, 768, 3), np.uint8)
    ours, plain = residual_codes(reference, exposures), _plain(reference, exposures)
    fast, slow, blas, copy = interleaved_seconds(
        lambda: residual_codes(reference, exposures),
        lambda: _plain(reference, exposures),
        lambda: _blas(reference, exposures),
        lambda: exposures.copy(),
        repeats=15,
    )
    share = float((ours != plain).mean()) * 100
    aim = "at least 20"
    return [
        Figure("speed", slow / fast, "x", "float64 NumPy, channel by channel", aim, slow / fast >= 20),
        Figure("speed", blas / fast, "x", "float64 NumPy, matrix product", aim, blas / fast >= 20),
        Figure("distance to the floor", fast / copy, "x", "copying the nine frames in memory"),
        Figure("time", fast * 1e3, "ms", "-", note=f"{fast / 9 * 1e3:.2f} ms a frame"),
        Figure(
            "codes that differ", share, "%", "float64, rounded", "< 0.02 %", share < 0.02, "codes are 1/32640"
        ),
    ]
