"""The dock's part for how an exposure is shown: pictures, comparison, overlays."""

from collections.abc import Callable

from qtpy.QtWidgets import QCheckBox, QWidget

from annotator.session.panel import Panel
from annotator.window.widgets import Choice, Number, check, column_in, label, row_of


class ViewPart:
    """Two widgets for the dock to place: `widget` for exposures, `shared` for references too."""

    def __init__(self) -> None:
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
            "clipping": QCheckBox("clipping  Shift+T"),
            "edited": QCheckBox("edits  Shift+M"),
        }
        self.opacity = Number("overlay", 0.05, 1, step=0.05)
        self.safe = QCheckBox("colour-blind-safe colours")
        self.widget, self.shared = QWidget(), QWidget()
        column = column_in(self.widget)
        for widget in (label("VIEW", "section"), self.pictures, self.compares, self.beside):
            column.addWidget(widget)
        checks = list(self.checks.values())
        column.addLayout(row_of(*checks[:2]))
        column.addLayout(row_of(*checks[2:]))
        column = column_in(self.shared)
        column.addWidget(self.opacity)
        column.addWidget(self.safe)

    def connect_to(self, do: Callable[..., None]) -> None:
        """Send what the person does: `do` takes the controller's verb and its arguments."""
        self.pictures.chosen.connect(lambda value: do("set_look", picture=value))
        self.compares.chosen.connect(lambda value: do("compare_by", value))
        self.beside.chosen.connect(lambda value: do("set_look", beside=value))
        for name, box in self.checks.items():
            box.toggled.connect(lambda on, name=name: do("set_look", **{name: on}))
        self.opacity.changed.connect(lambda value: do("set_look", opacity=value))
        self.safe.toggled.connect(
            lambda on: do("set_look", palette="colour-blind-safe" if on else "blue-white-red")
        )

    def show_panel(self, panel: Panel) -> None:
        """Show a panel."""
        look = panel.look
        self.opacity.set(look.opacity)
        check(self.safe, look.palette == "colour-blind-safe")
        self.widget.setVisible(panel.zone_hand is None)
        if panel.zone_hand is None:
            self.pictures.set(look.picture)
            self.compares.set(look.compare)
            self.beside.set(look.beside)
            self.beside.setVisible(look.compare != "single")
            for name, box in self.checks.items():
                check(box, getattr(look, name))
