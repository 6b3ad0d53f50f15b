"""The tool in hand and its settings."""

import dataclasses
from typing import TYPE_CHECKING, Any

from annotator.tools.brush import Mode
from annotator.view_model import Tool
from iea40k.errors import IEAError

if TYPE_CHECKING:
    from annotator.controller import Controller


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
        """Make the brush larger or smaller, by a pixel at least."""
        radius = self._c.hand.radius * factor
        radius = (
            max(radius, self._c.hand.radius + 0.5) if factor > 1 else min(radius, self._c.hand.radius - 0.5)
        )
        self.set_hand(radius=min(max(round(radius * 2) / 2, 0.5), 2000.0))

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
