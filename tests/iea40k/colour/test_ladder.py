"""Many exposures at once have the codes of each by itself."""

import numpy as np
import pytest

from iea40k.colour import encode_ladder, encode_srgb, srgb_inverse

LADDERS = [
    [2.0**ev for ev in range(-4, 5)],
    [1.0],
    [2.0**ev for ev in (-16, 1 / 3, 0.333, 0.3331, 16)],
    [2.0 ** (ev / 7) for ev in range(-70, 71)],  # more than are worked on together
    [],
]


@pytest.mark.parametrize("gains", LADDERS, ids=len)
def test_every_exposure_is_that_of_encoding_it_alone(gains: list[float]) -> None:
    light = np.random.default_rng(0).gamma(0.5, 0.5, (61, 47, 3)).astype(np.float32)
    together = encode_ladder(light, gains)
    assert together.shape == (len(gains), 61, 47, 3)
    assert together.dtype == np.uint8
    for picture, gain in zip(together, gains, strict=True):
        np.testing.assert_array_equal(picture, encode_srgb(light * np.float32(gain)))


@pytest.mark.parametrize("gain", [0.0625, 2.0 ** (1 / 3), 1.0, 1.7, 65536.0])
def test_light_beside_a_step_gets_the_code_of_its_side(gain: float) -> None:
    steps = (srgb_inverse((np.arange(255) + 0.5) / 255) / gain).astype(np.float32)
    below, above = (np.nextafter(steps, np.float32(end)) for end in (0, np.inf))
    odd = np.array([0.0, -0.0, -1.0, 1e-42, 3e38, np.inf], np.float32)
    light = np.concatenate([steps, below, above, np.nextafter(below, np.float32(0)), odd])
    with np.errstate(over="ignore"):
        alone = encode_srgb(light * np.float32(gain))
    np.testing.assert_array_equal(encode_ladder(light, [0.3, gain])[1], alone)
