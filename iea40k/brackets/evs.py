"""The stops of a bracket's frames relative to its as-shot frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from iea40k.capture import Capture, missing_settings, relative_evs

EvSource = Literal["exif", "table", "bias", "estimated"]


@dataclass(frozen=True)
class FrameEvs:
    """One EV a frame in stops relative to the as-shot frame (+ = brighter), whose index is `as_shot`."""

    evs: tuple[float, ...]
    as_shot: int
    source: EvSource
    recipe: dict[str, Any]


def stated_evs(captures: Sequence[Capture], table: Sequence[float] | None) -> FrameEvs | None:
    """Return the EVs of a table, or else of the captures' metadata; None where neither states them.

    A table's EVs are taken as they are, and the as-shot frame is the one nearest to 0. For metadata see
    `as_shot_frame`.
    """
    if table is not None:
        evs = tuple(float(ev) for ev in table)
        return FrameEvs(evs, min(range(len(evs)), key=lambda i: (abs(evs[i]), evs[i])), "table", {})
    relative = relative_evs(captures)
    if relative is None:
        return None
    as_shot, why = as_shot_frame(relative, [c.exposure_bias for c in captures])
    recipe = {"as_shot": why, "taken_as_constant": list(missing_settings(captures))}
    return FrameEvs(tuple(ev - relative[as_shot] for ev in relative), as_shot, "exif", recipe)


ONLY_UNBIASED = "the only frame with exposure bias 0"


def as_shot_frame(evs: Sequence[float], biases: Sequence[float | None]) -> tuple[int, str]:
    """Return the index of the as-shot frame, and why it is that one.

    The only frame with an exposure bias of 0, where the biases differ: that is what the camera metered. Otherwise the
    frame in the middle of the exposures, the darker of two.
    """
    unbiased = [i for i, bias in enumerate(biases) if bias == 0]
    if len(unbiased) == 1 and all(bias is not None for bias in biases):
        return unbiased[0], ONLY_UNBIASED
    order = sorted(range(len(evs)), key=lambda i: (evs[i], i))
    return order[(len(order) - 1) // 2], "the middle of the exposures"
