"""The tool in hand and its settings."""

import dataclasses
from typing import TYPE_CHECKING, Any

from annotator.residual.readout import read_pixel
from annotator.residual.tools import Mode
from annotator.shared.display import Tool
from iea40k.errors import IEAError

if TYPE_CHECKING:
    from annotator.session.controller import Controller


HIGHLIGHTS = 0.7
"""The luma from which a pixel of the exposure counts as a highlight."""


class HandVerbs:
    """The verbs that change the hand."""

    def __init__(self, controller: "Controller") -> None:
        self._c = controller
        self._last_value = controller.hand.value

    def take(self, tool: Tool) -> None:
        """Take a tool into the hand."""
        self.set_hand(tool=tool)

    def take_brush(self, mode: Mode) -> None:
        """Take the brush, in a mode."""
        self.set_hand(tool="brush", mode=mode)

    def size(self, factor: float) -> None:
        """Make the brush larger or smaller, by half a pixel at least; of a fill its reach."""
        hand = self._c.hand
        if hand.tool == "fill":
            self.set_hand(tolerance=_between(_stepped(hand.tolerance, factor, 0.002), 0.0, 1.0))
            return
        if hand.tool == "superpixel":
            self.set_hand(side=_between(_stepped(hand.side, factor, 2), 4.0, 128.0))
            return
        if hand.tool == "range":
            middle, half = (hand.low + hand.high) / 2, (hand.high - hand.low) / 2
            half = max(_stepped(half, factor, 0.005), 0.0)
            self.set_hand(low=max(middle - half, -1.0), high=min(middle + half, 1.0))
            return
        radius = _stepped(hand.radius, factor, 0.5)
        self.set_hand(radius=min(max(round(radius * 2) / 2, 0.5), 2000.0))

    def range_here(self) -> None:
        """Take the range of residuals around the one under the cursor into the hand."""
        image, spot = self._c.shown, self._c.cursor
        found = None if image is None or spot is None else read_pixel(image, *spot)
        if found is None or found.residual is None:
            self._c.face.notify("info", "There is no valid data under the cursor.")
            return
        reach = self._c.hand.tolerance
        self.set_hand(
            tool="range", low=max(found.residual - reach, -1.0), high=min(found.residual + reach, 1.0)
        )

    def toggle_highlights(self) -> None:
        """Limit brush and fills to the exposure's highlights, or not."""
        self.set_hand(only_low=0.0 if self._c.hand.limited else HIGHLIGHTS, only_high=1.0)

    def nudge(self, step: float) -> None:
        """Change the value in hand."""
        name = {"add": "amount", "scale": "factor"}.get(self._c.hand.mode, "value")
        low, high = (0.0, 4.0) if name == "factor" else (-1.0, 1.0)
        self.set_hand(**{name: min(max(getattr(self._c.hand, name) + step, low), high)})

    def set_value(self, value: float) -> None:
        """Take a residual as the value in hand."""
        self.set_hand(value=min(max(value, -1.0), 1.0))

    def swap_value(self) -> None:
        """Swap the value with 0."""
        if self._c.hand.value != 0:
            self._last_value = self._c.hand.value
            self.set_hand(value=0.0)
        else:
            self.set_hand(value=self._last_value)

    def negate_value(self) -> None:
        """Turn the sign of the value in hand."""
        if self._c.hand.mode == "add":
            self.set_hand(amount=-self._c.hand.amount)
        else:
            self.set_hand(value=-self._c.hand.value)

    def strengthen(self, step: float) -> None:
        """Make the brush stronger or weaker."""
        self.set_hand(strength=min(max(round(self._c.hand.strength + step, 2), 0.1), 1.0))

    def soften(self) -> None:
        """Step through hard, half feathered and fully feathered."""
        self.set_hand(feather={0.0: 0.5, 0.5: 1.0}.get(self._c.hand.feather, 0.0))

    def set_hand(self, **changes: Any) -> None:
        """Change settings of the tool in hand."""
        try:
            self._c.hand = dataclasses.replace(self._c.hand, **changes)
        except IEAError as error:
            self._c.face.notify("warning", error.letter())
        self._c.refresh()


def _stepped(value: float, factor: float, least: float) -> float:
    """Return a value times a factor, or `least` beside it where that is further."""
    grown = value * factor
    return max(grown, value + least) if factor > 1 else min(grown, value - least)


def _between(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
