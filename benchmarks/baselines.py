"""What can be had without a network: the baselines of every table, fitted to the photographs that were learnt from."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from iea40k.arrays import EncodedRGB, Residual
from iea40k.colour import decode_srgb, encode_srgb
from iea40k.develop import load_encoded
from iea40k.disputes.trees import Trees
from iea40k.model.evaluate import Predictor
from iea40k.residuals import luma

EVS = (-4.0, -2.0, 0.0, 2.0, 4.0)
_GAINS = np.arange(-6, 6.01, 0.1)


def zero(image: EncodedRGB) -> Residual:
    """Every picture is ideally exposed."""
    return np.zeros(image.shape[:2], np.float32)


def constant(mean: float) -> Predictor:
    """Every pixel ought to have the mean luma of the training references."""
    return lambda image: np.float32(mean) - luma(image)


def one_gain(mean: float) -> Predictor:
    """The picture under the one gain in light that brings its mean luma to that of the training references."""

    def predict(image: EncodedRGB) -> Residual:
        light = decode_srgb(image)
        few = light[:: max(1, light.shape[0] // 64), :: max(1, light.shape[1] // 64)].copy()
        reached = [abs(luma(encode_srgb(few * np.float32(2.0**g))).mean() - mean) for g in _GAINS]
        gain = np.float32(2.0 ** _GAINS[int(np.argmin(reached))])
        out: Residual = luma(encode_srgb(light * gain)) - luma(image)
        return out

    return predict


def fitted(photographs: list[Path]) -> dict[str, Predictor]:
    """Return every baseline by name; the trees learn the plain ladder of these finished photographs."""
    references = [load_encoded(path, short_side=128)[0] for path in photographs]
    mean = float(np.mean([luma(picture).mean() for picture in references]))
    return {
        "zero everywhere": zero,
        f"constant luma {mean:.2f}": constant(mean),
        "one gain to the mean luma": one_gain(mean),
        "boosted trees, 22 features": Trees().fit(ladder(references)),
    }


def ladder(references: list[EncodedRGB]) -> Iterator[tuple[EncodedRGB, Residual]]:
    """Yield every exposure of the ladder of finished pictures, with its label."""
    for picture in references:
        light = decode_srgb(picture)
        for ev in EVS:
            image = encode_srgb(light * np.float32(2.0**ev))
            yield image, luma(picture) - luma(image)
