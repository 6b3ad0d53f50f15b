"""The dock at the right: the image, the tools, the view, and how the work goes. Shows a `Panel`, decides nothing."""

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from annotator.controller import Controller
from annotator.panel import Panel
from annotator.window.style import SHEET, gradient
from annotator.window.widgets import Choice, Number, label
from annotator.window.zone_part import ZonePart
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


class Dock(QWidget):
    """The panel of one controller."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("iea40k")
        self.setStyleSheet(SHEET)
        self.setMinimumWidth(330)
        self._controller: Controller | None = None
        self._connected = False
        self._levels: Choice | None = None
        self._level_names: tuple[tuple[str, str], ...] = ()
        self.title = label("", "title", wrap=True)
        self.subtitle = label("", "quiet", wrap=True)
        self.comment = label("", "comment", wrap=True)
        self.notice = label("", "notice", wrap=True)
        self.level_row = QHBoxLayout()
        self.left_map, self.right_map = QComboBox(), QComboBox()
        self.take_over = _push("Take the left map over", "plain", "Start your own map from it (Shift+A)")
        self.map_row = QWidget()
        grid = QVBoxLayout(self.map_row)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(label("MAPS: LEFT, RIGHT (WIPE, BESIDE, BLINK)", "section"))
        grid.addLayout(_row(self.left_map, self.right_map))
        grid.addWidget(self.take_over)
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
        self.only = QCheckBox("only where the exposure's luma is")
        self.pictures = Choice(
            (
                ("exposure", "Exposure", "The exposure as it is (C steps)"),
                ("reference", "Reference", "The reference (C steps, hold N)"),
                ("preview", "Preview  Y", "The exposure, re-exposed by the corrected residual (Y)"),
            ),
            3,
        )
        self.compares = Choice(
            (
                ("single", "Single", "One picture"),
                ("wipe", "Wipe  W", "Wipe between two pictures; Shift and the mouse move the edge (W)"),
                ("side by side", "Beside  D", "Two pictures side by side, painted in either (D)"),
            ),
            3,
        )
        self.beside = Choice(
            tuple((p, p.capitalize(), f"Compare with the {p}") for p in ("exposure", "reference", "preview")),
            3,
        )
        self.checks = {
            "overlay": QCheckBox("residual  V"),
            "outlines": QCheckBox("suggestions  T"),
            "clipping": QCheckBox("clipping"),
            "edited": QCheckBox("edits  M"),
        }
        self.opacity = Number("overlay", 0.05, 1, step=0.05)
        self.safe = QCheckBox("colour-blind-safe colours")
        self.submit = _push("Submit   Ctrl+Enter", "submit")
        self.right = _push(
            "Base is right", "plain", "Nothing needs correction: submit with that verdict (Ctrl+B)"
        )
        self.skip = _push("Skip…", "plain", "Leave the image to others, with a reason (Ctrl+K)")
        self.flag = _push("Tell curator…", "plain", "Tell the curator something (Ctrl+I)")
        self.carry = _push("Propagate…", "plain", "Carry the correction over to the other levels (Ctrl+L)")
        self.undo = _push("Undo", "plain", "Ctrl+Z")
        self.redo = _push("Redo", "plain", "Ctrl+Shift+Z")
        self.keys = _push("Keys  ?", "plain", "Every key")
        self.stale = _push("Draw stale strokes again", "plain")
        self.go_on = _push("Go on without this image", "plain")
        self.pace = label("", "quiet", wrap=True)
        self.saving = label("", "saving", wrap=True)
        self.zone_part = ZonePart()
        self.exposure_tools, self.exposure_view = QWidget(), QWidget()
        self._arrange()

    def connect_to(self, controller: Controller | None) -> None:
        """Send what the person does to a controller; None ends that, so that Qt keeps nothing of it alive."""
        first, self._controller = not self._connected, controller
        if not first:
            return
        self._connected = True
        self.zone_part.connect_to(self._do, self._do_zone)
        self.tools.chosen.connect(lambda name: self._do("take_brush" if name in MODES else "take", name))
        for name, number in self.numbers.items():
            number.changed.connect(lambda value, name=name: self._do("set_hand", **{name: value}))
        self.only.toggled.connect(lambda on: self._do("set_hand", only_low=0.7 if on else 0.0, only_high=1.0))
        self.pictures.chosen.connect(lambda value: self._do("set_look", picture=value))
        self.compares.chosen.connect(lambda value: self._do("compare_by", value))
        self.beside.chosen.connect(lambda value: self._do("set_look", beside=value))
        for name, box in self.checks.items():
            box.toggled.connect(lambda on, name=name: self._do("set_look", **{name: on}))
        self.opacity.changed.connect(lambda value: self._do("set_look", opacity=value))
        self.safe.toggled.connect(
            lambda on: self._do("set_look", palette="colour-blind-safe" if on else "blue-white-red")
        )
        self.left_map.activated.connect(lambda at: self._do("set_maps", left=self.left_map.itemData(at)))
        self.right_map.activated.connect(lambda at: self._do("set_maps", right=self.right_map.itemData(at)))
        for button, verb in (
            (self.take_over, "take_over"),
            (self.submit, "submit"),
            (self.right, "base_is_right"),
            (self.skip, "skip"),
            (self.flag, "flag"),
            (self.carry, "carry"),
            (self.undo, "undo"),
            (self.redo, "redo"),
            (self.keys, "help"),
            (self.stale, "adopt_stale"),
            (self.go_on, "abandon"),
        ):
            button.clicked.connect(lambda _checked=False, verb=verb: self._do(verb))

    def show_panel(self, panel: Panel) -> None:
        """Show a panel."""
        self.title.setText(panel.title)
        self.subtitle.setText(panel.subtitle)
        _text_or_hide(self.comment, f"Returned: {panel.comment}" if panel.comment else "")
        _text_or_hide(self.notice, panel.canvas.notice if panel.home else "")
        self._show_levels(panel)
        self.zone_part.show_panel(panel)
        at_reference = panel.zone_hand is not None
        self.exposure_tools.setVisible(not at_reference)
        self.exposure_view.setVisible(not at_reference)
        self.carry.setVisible(not at_reference)
        hand, look = panel.hand, panel.look
        self.tools.set(hand.mode if hand.tool == "brush" else hand.tool)
        self._show_numbers(panel)
        self.pictures.set(look.picture)
        self.compares.set(look.compare)
        self.beside.set(look.beside)
        self.beside.setVisible(look.compare != "single")
        for name, box in {**self.checks, "only": self.only, "safe": self.safe}.items():
            on = {"only": hand.limited, "safe": look.palette == "colour-blind-safe"}.get(name)
            _check(box, getattr(look, name) if on is None else on)
        self.opacity.set(look.opacity)
        self._show_role(panel)
        for button in (self.right, self.skip, self.flag, self.carry, self.undo, self.redo):
            button.setEnabled(bool(panel.home) and (panel.can_submit or panel.role == "review"))
        self.stale.setVisible("earlier base" in panel.subtitle)
        self.go_on.setVisible("lease was lost" in panel.saving)
        strokes = f"{panel.strokes} stroke{'s' if panel.strokes != 1 else ''}"
        minutes = f"{panel.seconds // 60}:{panel.seconds % 60:02d}"
        self.pace.setText(f"{panel.pace}\nthis image: {strokes}, {minutes}" if panel.home else panel.pace)
        self.saving.setText(("● " if not panel.alarm else "") + panel.saving)
        if self.saving.property("alarm") != panel.alarm:
            self.saving.setProperty("alarm", panel.alarm)
            self.saving.style().unpolish(self.saving)
            self.saving.style().polish(self.saving)

    # ------------------------------------------------------------ private

    def _arrange(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(8, 4, 8, 4)
        column.setSpacing(5)
        column.addWidget(self.title)
        column.addWidget(self.subtitle)
        column.addWidget(self.comment)
        column.addLayout(self.level_row)
        column.addWidget(self.map_row)
        column.addWidget(self.notice)
        tools, view = _column_in(self.exposure_tools), _column_in(self.exposure_view)
        tools.addWidget(label("TOOLS", "section"))
        tools.addWidget(self.tools)
        for name in (
            "value",
            "amount",
            "factor",
            "radius",
            "feather",
            "strength",
            "tolerance",
            "side",
            "low",
            "high",
        ):
            tools.addWidget(self.numbers[name])
        tools.addWidget(self.only)
        tools.addWidget(self.numbers["only_low"])
        tools.addWidget(self.numbers["only_high"])
        view.addWidget(label("VIEW", "section"))
        view.addWidget(self.pictures)
        view.addWidget(self.compares)
        view.addWidget(self.beside)
        checks = list(self.checks.values())
        view.addLayout(_row(*checks[:2]))
        view.addLayout(_row(*checks[2:]))
        column.addWidget(self.exposure_tools)
        column.addWidget(self.zone_part.tools)
        column.addLayout(_row(self.undo, self.redo, self.carry))
        column.addWidget(self.exposure_view)
        column.addWidget(self.zone_part.view)
        column.addWidget(self.opacity)
        column.addWidget(self.safe)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 6)
        outer.addWidget(scroll, 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(8, 0, 8, 0)
        foot.setSpacing(5)
        for widget in (self.stale, self.go_on, self.submit):
            foot.addWidget(widget)
        foot.addLayout(_row(self.right, self.skip))
        foot.addLayout(_row(self.flag, self.keys))
        foot.addWidget(self.pace)
        foot.addWidget(self.saving)
        outer.addLayout(foot)

    def _show_role(self, panel: Panel) -> None:
        working = panel.role == "annotate"
        name = (
            panel.left_map if panel.left_map in panel.maps[:-1] and panel.left_map != "consensus" else "all"
        )
        text = {"annotate": "Submit", "review": f"Accept {name}", "look only": "Next image"}[panel.role]
        self.submit.setText(f"{text}   Ctrl+Enter" if panel.home else "Next")
        self.skip.setText("Return…" if panel.role == "review" else "Skip…")
        for widget in (self.right, self.flag):
            widget.setVisible(working)
        self.skip.setVisible(panel.role != "look only")
        self.map_row.setVisible(bool(panel.maps))
        if panel.maps:
            for box, chosen, extra in (
                (self.left_map, panel.left_map, (("your own map", ""),)),
                (self.right_map, panel.right_map, ()),
            ):
                items = [*((n, n) for n in panel.maps), *extra]
                if [box.itemData(i) for i in range(box.count())] != [value for _, value in items]:
                    box.clear()
                    for shown, value in items:
                        box.addItem(shown, value)
                box.setCurrentIndex(max(box.findData(chosen), 0))

    def _show_levels(self, panel: Panel) -> None:
        if panel.levels != self._level_names:
            self._level_names = panel.levels
            if self._levels is not None:
                self.level_row.removeWidget(self._levels)
                self._levels.deleteLater()
            options = tuple((n, n, f"{ev}: look at this level (, and . step)") for n, ev in panel.levels)
            self._levels = Choice(options, 9)
            self._levels.chosen.connect(lambda level: self._do("go_level", level))
            self.level_row.addWidget(self._levels)
        if self._levels is not None:
            self._levels.set(panel.shown)
            for name, button in self._levels.buttons.items():
                wanted = "home" if name == panel.home else ""
                if button.objectName() != wanted:
                    button.setObjectName(wanted)
                    button.style().unpolish(button)
                    button.style().polish(button)

    def _do(self, verb: str, *arguments: Any, **changes: Any) -> None:
        if self._controller is not None:
            getattr(self._controller, verb)(*arguments, **changes)

    def _do_zone(self, verb: str, *arguments: Any, **changes: Any) -> None:
        if self._controller is not None:
            getattr(self._controller.zones, verb)(*arguments, **changes)

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


def _push(text: str, name: str, tip: str = "") -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return button


def _column_in(widget: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(5)
    return column


def _row(*widgets: Any) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(5)
    for widget in widgets:
        row.addWidget(widget)
    return row


def _text_or_hide(widget: Any, text: str) -> None:
    widget.setText(text)
    widget.setVisible(bool(text))


def _check(box: QCheckBox, on: bool) -> None:
    box.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    box.blockSignals(True)
    box.setChecked(on)
    box.blockSignals(False)
