"""The dock's part for one target: its tools with their numbers, and how it is shown. Made from the table of actions."""

from collections.abc import Callable

from qtpy.QtWidgets import QGridLayout

from annotator.action import Part
from annotator.actions import in_part
from annotator.reference.shading import ladder
from annotator.session.controller import Controller
from annotator.shared.language import tr
from annotator.shared.sliders import Slider
from annotator.target import Kind
from annotator.window.buttons import Buttons, Run
from annotator.window.style import gradient
from annotator.window.widgets import Number, column_of, label, row_of, text_or_hide
from iea40k.render import palette_table

Do = Callable[[Callable[[Controller], None]], None]
"""Do something with the controller, where there is one and it is not busy."""

_COLUMNS = {"residual": 4, "reference": 4}
_LIMITS = ("only_low", "only_high")


class TargetPart:
    """Two widgets for the dock to place, `tools` and `view`; both are out of sight while another target is open."""

    def __init__(self, kind: Kind, sliders: tuple[Slider, ...], run: Run, do: Do) -> None:
        self.kind = kind
        self.buttons = buttons = Buttons(run)
        self.numbers = {slider.name: Number(slider) for slider in sliders}
        self._sliders = sliders
        self._palette = ""
        self.note = label("", "quiet", wrap=True)
        for name, number in self.numbers.items():
            number.changed.connect(lambda value, name=name: do(lambda c: self._set(c, name, value)))

        def grid(part: Part, columns: int = 3) -> QGridLayout:
            return buttons.grid(in_part(part, kind), columns)

        self.tools = column_of(
            label(tr("TOOLS") if kind == "residual" else tr("ZONES"), "section"),
            grid("modes"),
            grid("tools", _COLUMNS[kind]),
            *[number for name, number in self.numbers.items() if name not in _LIMITS],
            row_of(*[buttons.box(action) for action in in_part("limits", kind)]),
            *[number for name, number in self.numbers.items() if name in _LIMITS],
            self.note,
        )
        boxes = [buttons.box(action) for action in in_part("checks", kind)]
        rows = [row_of(*boxes[i : i + 2]) for i in range(0, len(boxes), 2)]
        self.view = column_of(
            label(tr("VIEW"), "section"), grid("pictures"), grid("compares"), grid("beside"), *rows
        )

    def show(self, controller: Controller) -> None:
        """Show the target as it is now, or nothing where another is open."""
        open_here = controller.target.kind == self.kind
        self.tools.setVisible(open_here and controller.may_use_tools)
        self.view.setVisible(open_here)
        if open_here:
            self.buttons.show(controller)
            tools = controller.target.tools
            used, values = tools.used(), vars(tools)
            for name, number in self.numbers.items():
                number.set(values[name])
                number.setVisible(name in used)
            text_or_hide(self.note, tools.note())
            self._colour(controller.target.display.palette)

    def _set(self, controller: Controller, name: str, value: float) -> None:
        controller.target.set_tools(**{name: value})

    def _colour(self, palette: str) -> None:
        if self._palette == palette:
            return
        self._palette = palette
        table = palette_table(palette)  # type: ignore[arg-type]
        colours = {"residual": [table[round(i * 51)] for i in range(11)], "zones": list(ladder())}
        for slider in self._sliders:
            if slider.colours:
                stops = [
                    (i / 10, "#{:02x}{:02x}{:02x}".format(*c)) for i, c in enumerate(colours[slider.colours])
                ]
                self.numbers[slider.name].slider.setStyleSheet(gradient(stops))
