"""Ten planted experts who paint whole maps, three of them wrong on purpose: a truth for the rater model.

Nobody here draws as `iea40k.raters` supposes, by a bias of level and zone and normal noise. Honest people colour fields
of the picture, and err by the field, with heavy tails; some see too much contrast, some stop at a limit, some leave the
edges of fields soft. Nothing is shared with the laws of the tests.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from iea40k.arrays import RESIDUAL_SCALE
from iea40k.residuals import luma

Hand = Callable[["Seen", np.random.Generator], np.ndarray]

PEOPLE = tuple(f"expert {n}" for n in range(10))
WRONG = PEOPLE[7:]


@dataclass(frozen=True, eq=False)
class Seen:
    """One image before an expert: `truth` (H, W) in [-1, 1], its fields (H, W), another image's truth."""

    truth: np.ndarray
    fields: np.ndarray
    other: np.ndarray


def seen(exposure, truth, other, random):
    """Return an image (H, W, 3) with its true map, divided into fields as a painter would: by place and by light."""
    height, width = truth.shape
    points = random.uniform(0, 1, (9, 2)) * (height, width)
    y, x = np.mgrid[:height, :width]
    cell = np.argmin([np.hypot(y - a, x - b) for a, b in points], axis=0)
    grey = cv2.GaussianBlur(luma(exposure), (0, 0), 2.0)
    light = np.digitize(grey, np.quantile(grey, (1 / 3, 2 / 3)))
    return Seen(truth, cell * 3 + light, cv2.resize(other, (width, height), interpolation=cv2.INTER_AREA))


def honest(bias=0.0, contrast=1.0, error=0.03, limit=1.0, soft=0.0) -> Hand:
    """Errs by the field, Student's t of three degrees; `contrast` stretches the map, `limit` is where they stop."""

    def draw(image, random):
        fields = random.standard_t(3, 27) * error / 3**0.5
        off = fields[image.fields]
        if soft:
            off = cv2.GaussianBlur(off, (0, 0), soft)
        return np.clip(image.truth * contrast, -limit, limit) + bias + off

    return draw


def opposite(image, _random):
    """Takes + for overexposed."""
    return -image.truth


def never_finished(image, random):
    """Fills the picture with one value."""
    return np.full(image.truth.shape, random.choice([-0.4, 0.4]))


def of_another(image, _random):
    """Hands in the map of another image."""
    return image.other


def alike(image, _random):
    """All three lay the same film over every picture."""
    return image.truth + 0.3


HONEST = (
    honest(), honest(0.02, 1.1, 0.02), honest(-0.02, 0.9, 0.03, soft=3), honest(0.01, 1.0, 0.05),
    honest(-0.04, 1.05, 0.02), honest(0.03, 0.85, 0.03, 0.5), honest(0.0, 1.0, 0.04, soft=6),
)  # fmt: skip
GROUPS: dict[str, tuple[Hand, ...]] = {
    "three wrong, each their way": (opposite, never_finished, of_another),
    "three wrong alike": (alike, alike, alike),
}


def codes_of(values):
    """Return a map in [-1, 1] as int16 codes."""
    return np.rint(np.clip(values, -1, 1) * RESIDUAL_SCALE).astype(np.int16)
