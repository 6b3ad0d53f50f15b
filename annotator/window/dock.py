"""The dock at the right: the image, the tools, the view, and how the work goes. Shows a `Panel`, decides nothing."""

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from annotator.session.controller import Controller
from annotator.session.panel import Panel
from annotator.window.style import SHEET
from annotator.window.tool_part import ToolPart
from annotator.window.view_part import ViewPart
from annotator.window.widgets import Choice, label, push, row_of, text_or_hide
from annotator.window.zone_part import ZonePart

CONSISTENCY_TIP = (
    "Mean difference, on the residual's scale, between your two maps of images that came to you twice, and between "
    "your maps and those agreed on by adjudication. Looked up now and then."
)


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
        self.take_over = push("Take the left map over", "plain", "Start your own map from it (Shift+A)")
        self.map_row = QWidget()
        grid = QVBoxLayout(self.map_row)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(label("MAPS: LEFT, RIGHT (WIPE, BESIDE, BLINK)", "section"))
        grid.addLayout(row_of(self.left_map, self.right_map))
        grid.addWidget(self.take_over)
        self.tool_part, self.view_part = ToolPart(), ViewPart()
        self.submit = push("Submit   Ctrl+Enter", "submit")
        self.right = push(
            "Base is right", "plain", "Nothing needs correction: submit with that verdict (Ctrl+B)"
        )
        self.skip = push("Skip…", "plain", "Leave the image to others, with a reason (Ctrl+K)")
        self.flag = push("Tell curator…", "plain", "Tell the curator something (Ctrl+I)")
        self.carry = push("Propagate…", "plain", "Carry the correction over to the other levels (Ctrl+L)")
        self.undo = push("Undo", "plain", "Ctrl+Z")
        self.redo = push("Redo", "plain", "Ctrl+Shift+Z")
        self.keys = push("Keys  ?", "plain", "Every key")
        self.stale = push("Draw stale strokes again", "plain")
        self.go_on = push("Go on without this image", "plain")
        self.pace = label("", "quiet", wrap=True)
        self.consistency = label("", "quiet", wrap=True)
        self.consistency.setToolTip(CONSISTENCY_TIP)
        self.saving = label("", "saving", wrap=True)
        self.zone_part = ZonePart()
        self._arrange()

    def connect_to(self, controller: Controller | None) -> None:
        """Send what the person does to a controller; None ends that, so that Qt keeps nothing of it alive."""
        first, self._controller = not self._connected, controller
        if not first:
            return
        self._connected = True
        self.zone_part.connect_to(self._do, self._do_zone)
        self.tool_part.connect_to(self._do)
        self.view_part.connect_to(self._do)
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
        text_or_hide(self.comment, f"Returned: {panel.comment}" if panel.comment else "")
        text_or_hide(self.notice, panel.canvas.notice if panel.home else "")
        self._show_levels(panel)
        self.zone_part.show_panel(panel)
        self.tool_part.show_panel(panel)
        self.view_part.show_panel(panel)
        self._show_role(panel)
        for button in (self.undo, self.redo):
            button.setVisible(panel.with_tools)
        self.carry.setVisible(panel.with_tools and panel.zone_hand is None)
        for button in (self.right, self.skip, self.flag, self.carry, self.undo, self.redo):
            button.setEnabled(bool(panel.home) and (panel.can_submit or panel.role == "review"))
        self.stale.setVisible("earlier base" in panel.subtitle)
        self.go_on.setVisible(panel.lost)
        strokes = f"{panel.strokes} stroke{'s' if panel.strokes != 1 else ''}"
        minutes = f"{panel.seconds // 60}:{panel.seconds % 60:02d}"
        here = f"\nthis image: {strokes}, {minutes}" if panel.home and panel.role != "look only" else ""
        self.pace.setText(panel.pace + here)
        self.saving.setVisible(panel.role != "look only")
        text_or_hide(self.consistency, panel.consistency)
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
        column.addWidget(self.tool_part.widget)
        column.addWidget(self.zone_part.tools)
        column.addLayout(row_of(self.undo, self.redo, self.carry))
        column.addWidget(self.view_part.widget)
        column.addWidget(self.zone_part.view)
        column.addWidget(self.view_part.shared)
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
        foot.addLayout(row_of(self.right, self.skip))
        foot.addLayout(row_of(self.flag, self.keys))
        foot.addWidget(self.pace)
        foot.addWidget(self.consistency)
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
        if self._controller is not None and not self._controller.busy:
            getattr(self._controller, verb)(*arguments, **changes)

    def _do_zone(self, verb: str, *arguments: Any, **changes: Any) -> None:
        if self._controller is not None and not self._controller.busy:
            getattr(self._controller.zones, verb)(*arguments, **changes)
