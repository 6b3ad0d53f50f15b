"""The dock's part for residuals: the tools and their numbers."""

from collections.abc import Callable

from qtpy.QtWidgets import QCheckBox, QWidget

from annotator.session.hand import HIGHLIGHTS
from annotator.session.panel import Panel
from annotator.window.style import gradient
from annotator.window.widgets import Choice, Number, check, column_in, label
from iea40k.render import palette_table

TOOLS = (
    ("set", "Set  P", "Brush: set the value (P)"),
    ("add", "Add  A", "Brush: add to the residual, dodge and burn (A)"),
    ("scale", "Scale  K", "Brush: scale the residual, 0 = towards zero (K)"),
    ("smooth", "Smooth  H", "Brush: smooth (H)"),
    ("erase", "Erase  E", "Back to the base (E)"),
    ("fill", "Fill  F", "Fill a connected region of similar residual (F)"),
    ("superpixel", "Superpixel  S", "Fill a superpixel of the picture (S)"),
    ("range", "Range  R", "Fill every pixel whose residual lies in a range (R)"),
    ("light source", "Light  G", "Flood a lamp or a logo that is blown in both pictures (G)"),
    ("outlier", "Repair  O", "Repair a suggested region from its surroundings (O)"),
    ("picker", "Pick  L", "Pick the value under the cursor (L)"),
    ("pan", "Move  Z", "Move the view (Z, or hold Space)"),
)
MODES = ("set", "add", "scale", "smooth", "erase")


class ToolPart:
    """One widget for the dock to place. Shows a panel, and sends what the person does."""

    def __init__(self) -> None:
        self.tools = Choice(TOOLS, 3)
        self.numbers = {
            "value": Number("value", -1, 1, decimals=4, step=1 / 255),
            "amount": Number("amount", -1, 1, decimals=4, step=1 / 255),
            "factor": Number("factor", 0, 4, step=0.05),
            "radius": Number("radius", 0.5, 2000, decimals=1, step=1, curve=4),
            "feather": Number("feather", 0, 1, step=0.05),
            "strength": Number("strength", 0.01, 1, step=0.05),
            "tolerance": Number("tolerance", 0, 1, decimals=3, step=0.005, curve=2),
            "side": Number("side", 4, 128, decimals=0, step=2, curve=2),
            "low": Number("from", -1, 1, decimals=3),
            "high": Number("to", -1, 1, decimals=3),
            "only_low": Number("luma from", 0, 0.99),
            "only_high": Number("luma to", 0.01, 1),
        }
        self.only = QCheckBox("only where the luma is  Shift+H")
        self.widget = QWidget()
        column = column_in(self.widget)
        column.addWidget(label("TOOLS", "section"))
        column.addWidget(self.tools)
        numbers = list(self.numbers.values())
        for number in numbers[:-2]:
            column.addWidget(number)
        column.addWidget(self.only)
        for number in numbers[-2:]:
            column.addWidget(number)

    def connect_to(self, do: Callable[..., None]) -> None:
        """Send what the person does: `do` takes the controller's verb and its arguments."""
        self.tools.chosen.connect(lambda name: do("take_brush" if name in MODES else "take", name))
        for name, number in self.numbers.items():
            number.changed.connect(lambda value, name=name: do("set_hand", **{name: value}))
        self.only.toggled.connect(
            lambda on: do("set_hand", only_low=HIGHLIGHTS if on else 0.0, only_high=1.0)
        )

    def show_panel(self, panel: Panel) -> None:
        """Show a panel, or nothing where it is about a reference or there is nothing to paint."""
        self.widget.setVisible(panel.with_tools and panel.zone_hand is None)
        self.tools.set(panel.hand.mode if panel.hand.tool == "brush" else panel.hand.tool)
        check(self.only, panel.hand.limited)
        self._show_numbers(panel)

    def _show_numbers(self, panel: Panel) -> None:
        hand, painting = panel.hand, panel.hand.tool == "brush"
        fills = hand.tool in ("fill", "superpixel", "light source", "range")
        shown = {
            "value": hand.mode == "set" or hand.tool in ("light source", "picker"),
            "amount": hand.mode == "add" and (painting or fills),
            "factor": hand.mode == "scale" and (painting or fills),
            "radius": painting,
            "feather": painting,
            "strength": painting or fills,
            "tolerance": hand.tool == "fill",
            "side": hand.tool == "superpixel",
            "low": hand.tool == "range",
            "high": hand.tool == "range",
            "only_low": hand.limited,
            "only_high": hand.limited,
        }
        for name, number in self.numbers.items():
            number.set(getattr(hand, name))
            number.setVisible(shown[name])
        table = palette_table(panel.look.palette)  # type: ignore[arg-type]
        stops = [(i / 10, "#{:02x}{:02x}{:02x}".format(*table[round(i * 51)])) for i in range(11)]
        sheet = gradient(stops)
        for name in ("value", "amount"):
            if self.numbers[name].slider.styleSheet() != sheet:
                self.numbers[name].slider.setStyleSheet(sheet)
