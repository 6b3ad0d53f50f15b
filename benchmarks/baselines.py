"""The baselines of `iea40k.baselines` fitted to photographs that were learnt from, each its own reference."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from iea40k.arrays import EncodedRGB, Residual
from iea40k.baselines import BASELINES
from iea40k.colour import decode_srgb, encode_srgb
from iea40k.develop import load_encoded
from iea40k.model.evaluate import Predictor
from iea40k.residuals import luma

EVS = (-4.0, -2.0, 0.0, 2.0, 4.0)


def fitted(photographs: list[Path]) -> dict[str, Predictor]:
    """Return every baseline by its words, fitted to the plain ladder of these finished photographs."""
    references = [load_encoded(path, short_side=128)[0] for path in photographs]
    examples: Callable[[], Iterator[tuple[EncodedRGB, Residual]]] = partial(ladder, references)
    return {
        baseline.words: partial(baseline.predict, baseline.fit(examples())) for baseline in BASELINES.values()
    }


def ladder(references: list[EncodedRGB]) -> Iterator[tuple[EncodedRGB, Residual]]:
    """Yield every exposure of the ladder of finished pictures, with its label."""
    for picture in references:
        light = decode_srgb(picture)
        for ev in EVS:
            image = encode_srgb(light * np.float32(2.0**ev))
            yield image, luma(picture) - luma(image)
