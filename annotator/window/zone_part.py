"""The dock's part for references: the zone in hand, blocks and brush, and how the reference is shown."""

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from annotator.reference.display import ZoneLook
from annotator.reference.shading import ladder
from annotator.reference.tools import ZoneHand
from annotator.session.panel import Panel
from annotator.shared.light import zone_name
from annotator.window.style import gradient
from annotator.window.widgets import Choice, Number, label
from iea40k.zones import GREY, WHITEST

MODES = (
    ("set", "Set zone  P", "Set a block to the zone in hand (P)"),
    ("shift", "Lighter  A", "Make it lighter or darker by the stops in hand (A; Shift+X turns it round)"),
    ("erase", "Erase  E", "Back to the reference as built (E)"),
)
TOOLS = (
    ("block", "Blocks  S", "By blocks; drag over several (S)"),
    ("brush", "Brush  H", "By a free brush (H)"),
    ("picker", "Pick  L", "Pick the zone under the cursor (L)"),
    ("pan", "Move  Z", "Move the view (Z, or hold Space)"),
)
PICTURES = (
    ("reference", "Reference", "The reference as edited (C steps)"),
    ("exposure", "Exposure", "The exposure beside it (C steps; , and . change the level)"),
    ("built", "As built  Y", "The reference without edits (Y)"),
)
COMPARES = (
    ("single", "Single", "One picture"),
    ("wipe", "Wipe  W", "Wipe between two pictures; Shift and the mouse move the edge (W)"),
    ("side by side", "Beside  D", "Two pictures side by side (D)"),
)

Do = Callable[..., None]


class ZonePart:
    """Two widgets, `tools` and `view`, for the dock to place. Shows a panel, and sends what the person does."""

    def __init__(self) -> None:
        self.modes, self.kinds = Choice(MODES, 3), Choice(TOOLS, 4)
        self.numbers = {
            "zone": Number("zone", 0, 10, decimals=2, step=1 / 3),
            "stops": Number("stops", -4, 4, decimals=2, step=1 / 3),
            "edge": Number("edge", 0, 64, decimals=0, step=1, curve=2),
            "radius": Number("radius", 1, 500, decimals=1, step=1, curve=3),
            "feather": Number("feather", 0, 1, step=0.05),
        }
        self.zone_text, self.side = label("", "quiet"), label("", "quiet")
        self.pictures, self.compares = Choice(PICTURES, 3), Choice(COMPARES, 3)
        self.beside = Choice(tuple((v, t.split("  ")[0], f"Compare with it: {t}") for v, t, _ in PICTURES), 3)
        self.checks = {
            "zones": QCheckBox("zones  O"),
            "overlay": QCheckBox("residual  V"),
            "outlines": QCheckBox("blocks  T"),
            "clipping": QCheckBox("lost light"),
            "edited": QCheckBox("edits  Shift+M"),
        }
        for box in self.checks.values():
            box.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        colours = ladder()
        stops = [(i / 10, "#{:02x}{:02x}{:02x}".format(*colour)) for i, colour in enumerate(colours)]
        self.numbers["zone"].slider.setStyleSheet(gradient(stops))
        self.tools = _column(
            label("ZONES", "section"),
            self.modes,
            self.kinds,
            self.numbers["zone"],
            self.zone_text,
            *[self.numbers[name] for name in ("stops", "edge", "radius", "feather")],
            self.side,
        )
        checks = list(self.checks.values())
        self.view = _column(
            label("VIEW", "section"),
            self.pictures,
            self.compares,
            self.beside,
            _row(*checks[:3]),
            _row(*checks[3:]),
        )

    def connect_to(self, do: Do, do_zone: Do) -> None:
        """Send what the person does: `do` to the controller, `do_zone` to what it does at references."""
        self.modes.chosen.connect(lambda mode: do_zone("take_mode", mode))
        self.kinds.chosen.connect(lambda tool: do_zone("take", tool))
        for name, number in self.numbers.items():
            number.changed.connect(lambda value, name=name: do_zone("set_hand", **{name: value}))
        self.pictures.chosen.connect(lambda value: do("set_look", picture=value))
        self.compares.chosen.connect(lambda value: do("compare_by", value))
        self.beside.chosen.connect(lambda value: do("set_look", beside=value))
        for name, box in self.checks.items():
            box.toggled.connect(lambda on, name=name: do("set_look", **{name: on}))

    def show_panel(self, panel: Panel) -> None:
        """Show a panel, or nothing where it is not about a reference."""
        hand, look = panel.zone_hand, panel.look
        self.tools.setVisible(hand is not None and panel.with_tools)
        self.view.setVisible(hand is not None)
        if hand is None or not isinstance(look, ZoneLook):
            return
        self.modes.set(hand.mode)
        self.kinds.set(hand.tool)
        self.modes.buttons["shift"].setText(("Lighter" if hand.stops > 0 else "Darker") + "  A")
        self._show_numbers(hand)
        self.pictures.set(look.picture)
        self.compares.set(look.compare)
        self.beside.set(look.beside)
        self.beside.setVisible(look.compare != "single")
        for name, box in self.checks.items():
            box.blockSignals(True)
            box.setChecked(bool(getattr(look, name)))
            box.blockSignals(False)

    def _show_numbers(self, hand: ZoneHand) -> None:
        shown = {
            "zone": hand.mode == "set",
            "stops": hand.mode == "shift",
            "edge": hand.tool == "block",
            "radius": hand.tool == "brush",
            "feather": hand.tool == "brush",
        }
        for name, number in self.numbers.items():
            number.set(getattr(hand, name))
            number.setVisible(shown[name])
        white = " · display white is VII½" if hand.zone > WHITEST else ""
        self.zone_text.setText(f"zone {zone_name(GREY * 2.0 ** (hand.zone - 5))}{white}")
        self.zone_text.setVisible(hand.mode == "set")
        self.side.setText(f"blocks of about {hand.side} pixels ([ and ])")
        self.side.setVisible(hand.tool == "block")


def _column(*items: Any) -> QWidget:
    widget = QWidget()
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(5)
    for item in items:
        if isinstance(item, QHBoxLayout):
            column.addLayout(item)
        else:
            column.addWidget(item)
    return widget


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(5)
    for widget in widgets:
        row.addWidget(widget)
    return row
