"""The dock at the right: the image, the tools, the view, and how the work goes. Decides nothing."""

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QComboBox, QDockWidget, QHBoxLayout, QMainWindow, QScrollArea, QVBoxLayout, QWidget

from annotator.action import Action
from annotator.actions import in_part, run
from annotator.reference.tools import SLIDERS as REFERENCE_SLIDERS
from annotator.residual.tools import SLIDERS as RESIDUAL_SLIDERS
from annotator.session.comparison import OWN
from annotator.session.controller import Controller
from annotator.session.panel import Panel
from annotator.shared.language import marked, tr, trn
from annotator.shared.sliders import Slider
from annotator.window.buttons import Buttons
from annotator.window.style import restyle, sheet
from annotator.window.target_part import TargetPart
from annotator.window.widgets import Choice, Number, column_of, label, row_of, text_or_hide

CONSISTENCY_TIP = marked(
    "Mean difference, on the residual's scale, between your two maps of images that came to you twice, and between "
    "your maps and those agreed on by adjudication. Looked up now and then."
)


_NARROWEST = 330
"""Pixels of the panel at the least; it is as wide as its words need."""

_SETTLED = 200
"""Milliseconds after which texts that change their size have done so, one after the other."""


class Dock(QWidget):
    """The panel of one controller."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("iea40k")
        self.setMinimumWidth(_NARROWEST)
        self._controller: Controller | None = None
        self._levels: Choice | None = None
        self._level_names: tuple[tuple[str, str], ...] = ()
        self.buttons = Buttons(self._run)
        self.title = label("", "title", wrap=True)
        self.subtitle = label("", "quiet", wrap=True)
        self.comment = label("", "comment", wrap=True)
        self.notice = label("", "notice", wrap=True)
        self.level_row = QHBoxLayout()
        self.left_map, self.right_map = QComboBox(), QComboBox()
        self.map_row = column_of(
            label(tr("MAPS: LEFT, RIGHT (WIPE, BESIDE, BLINK)"), "section"),
            row_of(self.left_map, self.right_map),
            *[self.buttons.push(action) for action in in_part("maps")],
        )
        self.parts = {
            "residual": TargetPart("residual", RESIDUAL_SLIDERS, self._run, self._do),
            "reference": TargetPart("reference", REFERENCE_SLIDERS, self._run, self._do),
        }
        self.opacity = Number(Slider("opacity", marked("overlay"), 0.05, 1, step=0.05))
        self.pace = label("", "quiet", wrap=True)
        self.consistency = label("", "quiet", wrap=True)
        self.consistency.setToolTip(tr(CONSISTENCY_TIP))
        self.saving = label("", "saving", wrap=True)
        self._arrange()
        self.opacity.changed.connect(lambda value: self._do(lambda c: c.target.set_display(opacity=value)))
        for side, box in (("left", self.left_map), ("right", self.right_map)):
            box.activated.connect(
                lambda at, side=side, box=box: self._do(lambda c: c.flow.choose(**{side: box.itemData(at)}))
            )

    def connect_to(self, controller: Controller | None) -> None:
        """Send what the person does to a controller; None ends that, so that Qt keeps nothing of it alive."""
        self._controller = controller

    def style_as(self, *, light: bool, size: int) -> None:
        """Look as napari's theme does, with text of `size` points."""
        self._settle()
        self.setStyleSheet(sheet(light=light, size=size))

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """It is in sight: only now its texts have the size that napari gives them."""
        super().showEvent(event)
        self._settle()

    def show_panel(self, panel: Panel) -> None:
        """Show a panel, and every button as it is now."""
        controller = self._controller
        if controller is None:
            return
        self.title.setText(panel.title)
        self.subtitle.setText(panel.subtitle)
        text_or_hide(self.comment, tr("Returned: {comment}", comment=panel.comment) if panel.comment else "")
        text_or_hide(self.notice, panel.notice if panel.open else "")
        self._show_levels(panel)
        self._show_maps(panel)
        self.buttons.show(controller)
        for part in self.parts.values():
            part.show(controller)
        self.opacity.set(controller.target.display.opacity)
        strokes = trn("{count} stroke", "{count} strokes", panel.strokes)
        minutes = f"{panel.seconds // 60}:{panel.seconds % 60:02d}"
        reading = panel.role == "read only"
        here = (
            " · " + tr("this image: {strokes}, {minutes}", strokes=strokes, minutes=minutes)
            if panel.open and not reading
            else ""
        )
        self.pace.setText(panel.pace + here)
        text_or_hide(self.consistency, panel.consistency)
        self._widen()
        self.saving.setVisible(not reading)
        self.saving.setText(("● " if not panel.alarm else "") + panel.saving)
        if self.saving.property("alarm") != panel.alarm:
            self.saving.setProperty("alarm", panel.alarm)
            restyle(self.saving)

    # ------------------------------------------------------------ private

    def _needed(self) -> int:
        """Return how wide the words are: what is wider than its place would be cut off."""
        bar = self._scroll.verticalScrollBar().sizeHint().width()
        return max(
            _NARROWEST, self._inner.minimumSizeHint().width() + bar, self._foot.minimumSizeHint().width()
        )

    def _widen(self) -> None:
        """Be as wide as the words need. It stays so when others follow: the picture must not move about."""
        if self.isVisible() and self._needed() > self.minimumWidth():
            self.setMinimumWidth(self._needed())

    def _settle(self) -> None:
        """The words have another size: soon be as narrow as may be, unless the person has made it wider."""
        narrow = self.width() <= self.minimumWidth() + 1
        QTimer.singleShot(_SETTLED, self, lambda: self._narrow() if narrow else None)

    def _narrow(self) -> None:
        self.setMinimumWidth(self._needed())
        dock = self.parentWidget()
        window = dock.parentWidget() if dock is not None else None
        if isinstance(dock, QDockWidget) and isinstance(window, QMainWindow):
            dock.setMinimumWidth(0)  # Qt sets it anew, by the panel's, but only ever looks for more
            window.resizeDocks([dock], [self.minimumWidth()], Qt.Orientation.Horizontal)

    def _arrange(self) -> None:
        parts = self.parts.values()
        inner = column_of(
            self.title,
            self.subtitle,
            self.comment,
            self.level_row,
            self.map_row,
            self.notice,
            *[part.tools for part in parts],
            row_of(*[self.buttons.push(action) for action in in_part("edit")]),
            *[part.view for part in parts],
            self.opacity,
            *[self.buttons.box(action) for action in in_part("shared")],
            margins=(8, 2, 8, 0),
            stretch=True,
        )
        scroll = QScrollArea()
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._inner, self._scroll = inner, scroll
        verdicts = [self.buttons.push(action) for action in in_part("verdict")]
        foot = column_of(
            *[self.buttons.push(a, "submit" if a.id == "submit" else "plain") for a in in_part("foot")],
            *[row_of(*verdicts[i : i + 3]) for i in range(0, len(verdicts), 3)],
            self.pace,
            self.consistency,
            self.saving,
            margins=(8, 0, 8, 0),
        )
        self._foot = foot
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 6)
        outer.addWidget(scroll, 1)
        outer.addWidget(foot)

    def _show_maps(self, panel: Panel) -> None:
        self.map_row.setVisible(bool(panel.maps))
        names = [(name, name) for name in panel.maps]
        for box, chosen, items in (
            (self.left_map, panel.left, [*names, (tr("your own map"), OWN)]),
            (self.right_map, panel.right, names),
        ):
            if [box.itemData(i) for i in range(box.count())] != [value for _, value in items]:
                box.clear()
                for text, value in items:
                    box.addItem(text, value)
            box.setCurrentIndex(max(box.findData(chosen), 0))

    def _show_levels(self, panel: Panel) -> None:
        if panel.levels != self._level_names:
            self._level_names = panel.levels
            if self._levels is not None:
                self.level_row.removeWidget(self._levels)
                self._levels.deleteLater()
            options = tuple(
                (n, n, tr("{ev}: look at this level (, and . step)", ev=ev)) for n, ev in panel.levels
            )
            self._levels = Choice(options, 9)
            self._levels.chosen.connect(lambda level: self._do(lambda c: c.target.go_level(level)))
            self.level_row.addWidget(self._levels)
        if self._levels is not None:
            self._levels.set(panel.shown)
            for name, button in self._levels.buttons.items():
                wanted = "home" if name == panel.home else ""
                if button.objectName() != wanted:
                    button.setObjectName(wanted)
                    restyle(button)

    def _run(self, action: Action) -> None:
        if self._controller is not None:
            run(self._controller, action)

    def _do(self, act: Callable[[Controller], None]) -> None:
        if self._controller is not None and not self._controller.busy:
            act(self._controller)
