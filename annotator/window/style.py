"""How dock and dialogs look: one sheet on top of napari's own theme, for a dark and for a light one, at any size."""

from qtpy.QtWidgets import QWidget

USUAL_SIZE = 9
"""Points of napari's usual text."""

_DARK = {
    "text": "#f0f1f2",
    "quiet": "#9aa3b2",
    "button": "#3a4150",
    "hover": "#485066",
    "off": "#30353f",
    "off_text": "#6b7280",
    "home": "#f2b84b",
    "comment": "#5a4412",
    "comment_text": "#ffe2a6",
    "notice": "#1f3a5f",
    "notice_text": "#cfe3ff",
    "saved": "#7fd18b",
    "card": "#2b303b",
}
_LIGHT = {
    "text": "#1d2129",
    "quiet": "#555d6b",
    "button": "#cfd4de",
    "hover": "#bcc3d1",
    "off": "#dfe1e6",
    "off_text": "#868d99",
    "home": "#b06f00",
    "comment": "#fff0c9",
    "comment_text": "#5a3d00",
    "notice": "#d9e8ff",
    "notice_text": "#123a70",
    "saved": "#1b6b2b",
    "card": "#e2e5eb",
}

_SHEET = """
QWidget#iea40k {{ font-size: {size}pt; color: {text}; }}
QLabel#title {{ font-size: {large}pt; font-weight: 600; }}
QLabel#quiet {{ color: {quiet}; }}
QLabel#section {{ color: {quiet}; font-size: {tiny}pt; font-weight: 600; padding-top: 2px; }}
QLabel#comment {{ background: {comment}; color: {comment_text}; border-radius: 5px; padding: 6px; }}
QLabel#notice {{ background: {notice}; color: {notice_text}; border-radius: 5px; padding: 5px; }}
QLabel#saving[alarm=""] {{ color: {saved}; }}
QLabel#saving[alarm="busy"] {{ color: {quiet}; }}
QLabel#saving[alarm="warning"] {{ background: {comment}; color: {comment_text}; border-radius: 5px; padding: 6px; }}
QLabel#saving[alarm="error"] {{ background: #7a1f2b; color: #ffffff; border-radius: 5px; padding: 6px; }}
QFrame#card {{ background: {card}; border-radius: 6px; }}
QToolButton {{ border: 1px solid transparent; border-radius: 4px; padding: 2px 1px; }}
QToolButton {{ background: {button}; color: {text}; }}
QToolButton:hover {{ background: {hover}; }}
QToolButton:checked {{ background: #2f62c9; color: white; }}
QToolButton:disabled {{ color: {off_text}; background: {off}; }}
QToolButton#home {{ border: 1px solid {home}; }}
QPushButton {{ border-radius: 4px; padding: 4px 6px; background: {button}; color: {text}; }}
QPushButton:hover {{ background: {hover}; }}
QPushButton#submit {{ background: #2f62c9; color: white; font-weight: 600; padding: 7px; }}
QPushButton#submit:hover {{ background: #3b74e6; }}
QPushButton:disabled, QPushButton#submit:disabled {{ color: {off_text}; background: {off}; }}
QListWidget {{ font-size: {size}pt; border: none; }}
"""


def sheet(*, light: bool = False, size: int = USUAL_SIZE) -> str:
    """Return the sheet for a light or a dark theme, with text of `size` points."""
    colours = _LIGHT if light else _DARK
    return _SHEET.format(size=size, large=round(size * 1.3), tiny=max(round(size * 0.85), 6), **colours)


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
