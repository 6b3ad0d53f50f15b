"""The window's half of the controller: napari's notifications, Qt's dialogs, the dock and the read-out."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from napari.utils import notifications
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QDialog, QHBoxLayout, QLabel, QMessageBox, QWidget

from annotator.reference import shading
from annotator.residual.propagation import PropagationPlan
from annotator.session.panel import Panel
from annotator.session.practice_score import Score
from annotator.shared.language import tr
from annotator.shared.progress import Step, silent
from annotator.shared.statistics import Statistics
from annotator.target import Kind, Told
from annotator.window import adapter
from annotator.window.dock import Dock
from annotator.window.fitted import FittedLine
from annotator.window.help import help_dialog
from annotator.window.loupe import Loupe
from annotator.window.measured import MeasuredDialog
from annotator.window.progress import napari_progress
from annotator.window.propagate_dialog import ask_propagation
from annotator.window.reason_dialog import ReasonDialog
from annotator.window.score import ScoreDialog
from annotator.window.style import sheet
from annotator.window.widgets import label, pixmap
from iea40k.arrays import EncodedRGB
from iea40k.render import legend

_LEGEND = (220, 10)
_BESIDE = 6


class ReadoutBar(QWidget):
    """One line under the picture: what the pixel says, and the legend with its fixed ends. Where both have no room the
    legend loses its ends, then goes."""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 2, 10, 2)
        row.setSpacing(_BESIDE)
        self.text = FittedLine()
        self.bar = QLabel()
        self._palette, self._zones, self._longest = "", False, 0
        row.addWidget(self.text, 1)
        self._ends = label(tr("−1 over"), "quiet"), label(tr("+1 under"), "quiet")
        for widget in (self._ends[0], self.bar, self._ends[1]):
            row.addWidget(widget)
        self.show_legend("blue-white-red")

    def say(self, text: str) -> None:
        """Say what the pixel says."""
        wide = self.text.fontMetrics().horizontalAdvance(text)
        if wide > self._longest:  # it does not come and go with each pixel
            self._longest = wide
            self._fit()
        self.text.say(text)

    def show_legend(self, palette: str, *, zones: bool = False) -> None:
        """Show the legend of a residual's palette, or that of the zones."""
        wanted = "zones" if zones else palette
        if wanted != self._palette:
            self._palette, self._zones = wanted, zones
            pixels = shading.legend() if zones else legend(*_LEGEND, palette)  # type: ignore[arg-type]
            self.bar.setPixmap(pixmap(pixels))
            self._fit()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """There is more room, or less."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room = self.width() - 2 * 10 - _BESIDE - self._longest
        ends: int = sum(end.sizeHint().width() + _BESIDE for end in self._ends)
        self.bar.setVisible(room >= _LEGEND[0])
        for end in self._ends:
            end.setVisible(not self._zones and room >= _LEGEND[0] + ends)


class QtView(QObject):
    """What the controller shows, tells and asks. Notices from other threads are brought to this one."""

    _told = Signal(str, str)

    def __init__(self, dock: Dock, readout: ReadoutBar, parent: QWidget | None = None) -> None:
        super().__init__()
        self.dock, self.readout, self.parent_window = dock, readout, parent
        self._told.connect(self._notify)
        self._help: QDialog | None = None
        self._measured: MeasuredDialog | None = None
        self._loupe: Loupe | None = None
        self._score: ScoreDialog | None = None
        self.canvas: Any = None
        self._ended = False
        self.sheet = sheet()

    def end(self) -> None:
        """The widgets go, or went, away: show nothing from now on."""
        self._ended = True
        if self._loupe is not None:
            self._loupe.hide()
        for dialog in (self._measured, self._score):
            if dialog is not None:
                dialog.close()

    def show(self, panel: Panel) -> None:
        """Show the panel."""
        if self._ended:
            return
        self.dock.show_panel(panel)
        self.readout.show_legend(panel.palette, zones=panel.zones)

    def read(self, text: str) -> None:
        """Show what the pixel under the cursor says."""
        if self._ended:
            return
        self.readout.say(text)

    def notify(self, kind: Told, text: str) -> None:
        """Tell something by napari's notifications; may be called from any thread."""
        self._told.emit(kind, text)

    def ask(self, title: str, question: str, reasons: Sequence[str] = ()) -> str | None:
        """Ask for words, by the keyboard alone."""
        dialog = ReasonDialog(self.parent_window, title, question, reasons, sheet=self.sheet)
        return dialog.answer if self._accepted(dialog) else None

    def choose(self, title: str, question: str, options: Sequence[str]) -> int | None:
        """Let the person choose one of some options, by the keyboard alone."""
        dialog = ReasonDialog(self.parent_window, title, question, options, sheet=self.sheet, typed=False)
        return dialog.at if self._accepted(dialog) else None

    def dismiss(self) -> None:
        """Take away what was told, and what was measured: it was about an image that is left."""
        adapter.dismiss_notifications()
        if self._measured is not None:
            self._measured.hide()

    def text_size(self, step: int) -> None:
        """Make napari's texts, and ours with them, larger or smaller by points."""
        adapter.text_size(step)

    def confirm(self, title: str, question: str) -> bool:
        """Ask yes or no."""
        answer = QMessageBox.question(self.parent_window, title, question)
        return bool(answer == QMessageBox.StandardButton.Yes)

    def help(self, kind: Kind) -> None:
        """Show the keys, or put them away."""
        if self._help is not None and self._help.isVisible():
            self._help.close()
            return
        self._help = help_dialog(self.parent_window, kind)
        self._help.show()

    def measured(self, found: Statistics) -> None:
        """Show what a region is like."""
        if self._measured is None:
            self._measured = MeasuredDialog(self.parent_window, self.canvas)
        self._measured.show_statistics(found)

    def scored(self, score: Score) -> None:
        """Show how well a practice image was repaired, beside the next one."""
        if self._score is not None:
            self._score.close()
        self._score = ScoreDialog(self.parent_window, score)
        self._score.show()

    def loupe(self, picture: EncodedRGB | None) -> None:
        """Show the pixels under the mouse, enlarged, in a corner of the canvas; None: no more."""
        if self._loupe is None and picture is not None and self.canvas is not None:
            self._loupe = Loupe(self.canvas)
        if self._loupe is not None and not self._ended:
            self._loupe.show_picture(picture)

    def progress(self, text: str, total: int) -> AbstractContextManager[Step]:
        """Show how far long work is, by napari's progress bars."""
        return silent(text, total) if self._ended else napari_progress(self.parent_window, text, total)

    def preview(self, plan: PropagationPlan) -> PropagationPlan | None:
        """Show what a propagation would do, and let the person decide."""
        return ask_propagation(self.parent_window, plan, self.sheet)

    def _accepted(self, dialog: QDialog) -> bool:
        accepted = dialog.exec() == QDialog.DialogCode.Accepted
        dialog.deleteLater()
        return bool(accepted)

    def _notify(self, kind: str, text: str) -> None:
        show: dict[str, Any] = {"info": notifications.show_info, "warning": notifications.show_warning}
        adapter.speak_in(self.parent_window)
        show.get(kind, notifications.show_error)(text)
        adapter.expire_notification()
