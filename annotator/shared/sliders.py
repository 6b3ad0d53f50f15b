"""What a window must know of a tool's number to offer it as a slider."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Slider:
    """A setting called `name`, between `low` and `high`. `curve` > 1 gives small values more of the slider;
    `colours`: what its groove shows."""

    name: str
    label: str
    low: float
    high: float
    decimals: int = 2
    step: float = 0.01
    curve: float = 1.0
    colours: Literal["", "residual", "zones"] = ""


def clamped(value: float, low: float, high: float) -> float:
    """Return a value, or the end of [low, high] that it is beyond."""
    return min(max(value, low), high)
