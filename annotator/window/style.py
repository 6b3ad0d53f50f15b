"""How the dock looks: one sheet, on top of napari's own theme."""

from qtpy.QtWidgets import QWidget

SHEET = """
QWidget#iea40k { font-size: 12px; }
QLabel#title { font-size: 16px; font-weight: 600; }
QLabel#quiet { color: #9aa3b2; }
QLabel#section { color: #9aa3b2; font-size: 10px; font-weight: 600; letter-spacing: 1px; padding-top: 5px; }
QLabel#comment { background: #5a4412; color: #ffe2a6; border-radius: 5px; padding: 7px; }
QLabel#notice { background: #1f3a5f; color: #cfe3ff; border-radius: 5px; padding: 5px; }
QLabel#saving[alarm=""] { color: #7fd18b; }
QLabel#saving[alarm="busy"] { color: #9aa3b2; }
QLabel#saving[alarm="warning"] { background: #5a4412; color: #ffe2a6; border-radius: 5px; padding: 6px; }
QLabel#saving[alarm="error"] { background: #7a1f2b; color: #ffffff; border-radius: 5px; padding: 6px; }
QFrame#card { background: #2b303b; border-radius: 6px; }
QToolButton { border: 1px solid transparent; border-radius: 5px; padding: 4px 1px; background: #3a4150; }
QToolButton:hover { background: #485066; }
QToolButton:checked { background: #2f62c9; color: white; }
QToolButton:disabled { color: #6b7280; background: #30353f; }
QToolButton#home { border: 1px solid #f2b84b; }
QPushButton { border-radius: 5px; padding: 6px 10px; background: #3a4150; }
QPushButton:hover { background: #485066; }
QPushButton#submit { background: #2f62c9; color: white; font-weight: 600; font-size: 13px; padding: 9px; }
QPushButton#submit:hover { background: #3b74e6; }
QPushButton:disabled { color: #6b7280; background: #30353f; }
"""


def gradient(colours: list[tuple[float, str]]) -> str:
    """Return a slider's sheet whose groove runs through `colours`: (position in [0, 1], colour)."""
    stops = ", ".join(f"stop:{at:.3f} {colour}" for at, colour in colours)
    return (
        "QSlider::groove:horizontal { height: 10px; border-radius: 5px; "
        f"background: qlineargradient(x1:0, y1:0, x2:1, y2:0, {stops}); }}"
        "QSlider::sub-page:horizontal, QSlider::add-page:horizontal { background: none; }"
        "QSlider::handle:horizontal { width: 6px; margin: -5px 0; border-radius: 3px; background: white;"
        " border: 1px solid #20242c; }"
    )


def restyle(widget: QWidget) -> None:
    """Apply the sheet again to a widget whose name or property changed."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
