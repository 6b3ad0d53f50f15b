"""The brushes: what each makes of a residual code. A new one is one more entry of `BRUSHES`.

A brush works on int16 residual codes, so it has 128 steps between two neighbouring labels of 1/255. Within one stroke
a pixel takes the greatest weight any dab gave it, so going over it twice does not count twice; the next stroke does.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.shared.dabs import Weights
from iea40k.arrays import RESIDUAL_SCALE, ResidualCodes, Validity
from iea40k.errors import BadInputError

Codes = NDArray[np.float32]
Paint = Callable[[Codes, Weights, float, Codes, Codes], Codes]
"""(codes, weights in [0, 1], value, base, what is near) -> codes, float32 and unlimited, all the same shape. What is
near is the neighbourhood's mean, or what lies at the source that is cloned from."""


@dataclass(frozen=True)
class BrushKind:
    """What a brush does. `setting` is the setting that holds its value, "" where it has none, in [low, high];
    `blurs`: it needs the neighbourhood's mean; `clones`: it needs the codes at its source."""

    paint: Paint
    setting: str = ""
    low: float = -1.0
    high: float = 1.0
    blurs: bool = False
    clones: bool = False


def _towards(target: Codes | float, codes: Codes, weights: Weights) -> Codes:
    moved: Codes = codes + weights * (target - codes)
    return moved


BRUSHES: dict[str, BrushKind] = {
    "set": BrushKind(
        lambda codes, weights, value, _base, _mean: _towards(round(value * RESIDUAL_SCALE), codes, weights),
        "value",
    ),
    "add": BrushKind(
        lambda codes, weights, value, _base, _mean: codes + weights * np.float32(value * RESIDUAL_SCALE),
        "amount",
    ),
    "scale": BrushKind(
        lambda codes, weights, value, _base, _mean: codes * (1 + weights * np.float32(value - 1)),
        "factor",
        low=0.0,
        high=4.0,
    ),
    "smooth": BrushKind(
        lambda codes, weights, _value, _base, mean: _towards(mean, codes, weights), blurs=True
    ),
    "erase": BrushKind(lambda codes, weights, _value, base, _mean: _towards(base, codes, weights)),
    "negate": BrushKind(lambda codes, weights, _value, _base, _mean: codes * (1 - 2 * weights)),
    "clone": BrushKind(
        lambda codes, weights, _value, _base, source: _towards(source, codes, weights), clones=True
    ),
}
"""`set` to the value; `add` the value; `scale` by the value (0 = to zero, 1 = as it is); `smooth` towards the
neighbourhood's mean; `erase` back towards the base; `negate` turns the sign; `clone` towards the source's codes."""


@dataclass(frozen=True)
class Brush:
    """A brush in use. Raises `BadInputError` for values that mean nothing.

    - `value`: a residual in [-1, 1] for `set` and `add`, a factor in [0, 4] for `scale`
    - `radius` in pixels, > 0; `feather` in [0, 1]: the share of the radius over which the weight falls to 0
    - `strength` in (0, 1]: the greatest weight
    """

    mode: str = "set"
    value: float = 0.0
    radius: float = 12.0
    feather: float = 0.0
    strength: float = 1.0

    def __post_init__(self) -> None:
        if self.mode not in BRUSHES:
            raise BadInputError("no such brush", expected=", ".join(BRUSHES), got=repr(self.mode))
        kind = self.kind
        if kind.setting and not kind.low <= self.value <= kind.high:
            raise BadInputError(
                f"{self.mode}: wrong value", expected=f"{kind.low:g} ... {kind.high:g}", got=f"{self.value}"
            )
        if not (self.radius > 0 and 0 <= self.feather <= 1 and 0 < self.strength <= 1):
            raise BadInputError(
                "this brush cannot paint",
                expected="radius > 0, feather 0 ... 1, strength above 0 and up to 1",
                got=f"radius {self.radius:g}, feather {self.feather:g}, strength {self.strength:g}",
            )

    @property
    def kind(self) -> BrushKind:
        """What it does."""
        return BRUSHES[self.mode]

    @property
    def sigma(self) -> float:
        """The standard deviation, in pixels, of the neighbourhood whose mean it takes."""
        return max(1.0, self.radius / 3)


def painted(
    before: ResidualCodes, weights: Weights, brush: Brush, base: ResidualCodes, mean: Codes | None
) -> Codes:
    """Return the codes, float32 and unlimited, that a brush makes of `before`; all arrays have the same shape.

    `base` are the codes an eraser goes back to, `mean` those that `smooth` or `clone` goes towards.
    """
    codes = before.astype(np.float32)
    near = codes if mean is None else mean
    return brush.kind.paint(codes, weights, brush.value, base.astype(np.float32), near)


def neighbourhood_mean(codes: ResidualCodes, valid: Validity, sigma: float) -> Codes:
    """Return the Gaussian mean of the valid codes around each pixel, (H, W) float32; 0 where none is near."""
    known = valid.astype(np.float32)
    total = cv2.GaussianBlur(np.where(valid, codes, 0).astype(np.float32), (0, 0), sigma)
    share = cv2.GaussianBlur(known, (0, 0), sigma)
    mean: Codes = np.divide(total, share, out=np.zeros_like(total), where=share > 1e-6)
    return mean
