"""Plots of benchmarks/results for the page of benchmarks, made when the site is built: none is older than its table.

A panel holds the figures of one unit, ours and the anchors that stand beside them: other methods, the plain way (the
line at 1 of ratios) and the aim.
"""

import io
import json
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

MET, MISSED, NO_AIM, AIM, BASE = "#0072b2", "#d55e00", "#b0b0b0", "#000000", "#009e73"
STYLE = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "iea40k",
    "figure.facecolor": "white",
}
_NUMBER = r"[-−]?\d+(?:\.\d+)?"
_ROW, _FRAME, _WORDS = 0.21, 0.95, 62


def plotted(file: Path) -> str:
    """Return the plot of one benchmark's results as SVG; the same results give the same text."""
    figures = json.loads(file.read_text(encoding="utf-8"))["figures"]
    panels: dict[str, list[dict[str, Any]]] = {}
    for figure in figures:
        panels.setdefault(figure["unit"], []).append(figure)
    heights = [_ROW * len(rows) + _FRAME for rows in panels.values()]
    with mpl.rc_context(STYLE):
        drawn, axes = plt.subplots(
            len(panels),
            1,
            figsize=(9.6, sum(heights)),
            height_ratios=heights,
            layout="constrained",
            squeeze=False,
        )
        for (unit, rows), panel in zip(panels.items(), axes[:, 0], strict=True):
            _panel(panel, unit, rows)
        _legend(drawn)
        out = io.StringIO()
        drawn.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(drawn)
    return out.getvalue()


def aims(text: str) -> list[float]:
    """Return the numbers that an aim names as limits: one, or two of a range; none where it names no number.

    >>> aims("<= 0.5"), aims("at least 20"), aims("0.88 to 0.92"), aims("0.90 +- 0.03"), aims("lower")
    ([0.5], [20.0], [0.88, 0.92], [0.87, 0.93], [])
    """
    numbers = [float(number.replace("−", "-")) for number in re.findall(_NUMBER, text)]
    if re.search(r"\+-|±", text) and len(numbers) >= 2:
        return [round(numbers[0] - numbers[1], 6), round(numbers[0] + numbers[1], 6)]
    fraction = re.search(r"(\d+)/(\d+)", text)
    if fraction:
        return [int(fraction[1]) / int(fraction[2])]
    return numbers[:2] if re.search(r"\bto\b|…|\.\.\.", text) else numbers[:1]


def anchor(text: str) -> float | None:
    """Return the figure that a result stands against, where its words give one, to two decimals or more.

    >>> anchor("perceptual hash 0.257, 0 wrong pairs"), anchor("gamma 2.2: 0.069"), anchor("a copy of 9 frames")
    (0.257, 0.069, None)
    """
    found = re.search(r"(?<![\d.])\d+\.\d{2,}", text)
    return float(found[0]) if found else None


def _panel(panel: Any, unit: str, rows: list[dict[str, Any]]) -> None:
    values = [row["value"] for row in rows]
    shown = values + [number for row in rows for number in aims(row["aim"])]
    shown += [number for row in rows if (number := anchor(row["baseline"])) is not None]
    positive = [abs(value) for value in shown if value]
    log = min(values) > 0 and max(positive) / min(positive) > 50
    # Bars begin at 0; on a logarithmic scale nothing does, so points stand there.
    for place, row in enumerate(rows):
        hue = {True: MET, False: MISSED, None: NO_AIM}[row["met"]]
        if log:
            panel.plot(row["value"], place, "o", color=hue, ms=6)
        else:
            panel.barh(place, row["value"], color=hue, height=0.62)
        if (against := anchor(row["baseline"])) is not None:
            panel.plot(against, place, "D", color=BASE, ms=4)
        for number in aims(row["aim"]):
            panel.vlines(number, place - 0.42, place + 0.42, color=AIM, lw=1.6)
        text = f"{row['value']:.3g}".replace("-", "−")
        panel.annotate(
            text, (max(row["value"], 0) if not log else row["value"], place), xytext=(6, 0),
            textcoords="offset points", va="center", fontsize=7,
        )  # fmt: skip
    if unit == "x":
        panel.axvline(1, color=BASE, lw=1, ls="--")
    if log:
        panel.set_xscale("log")
        panel.set_xlim(min(positive) / 2, max(positive) * 2.5)
    else:
        panel.margins(x=0.1)
        panel.axvline(0, color=AIM, lw=0.6)
    panel.set(yticks=range(len(rows)), yticklabels=[_words(row) for row in rows], xlabel=unit)
    panel.set_ylim(len(rows) - 0.4, -0.6)


def _words(row: dict[str, Any]) -> str:
    return row["name"] if len(row["name"]) <= _WORDS else row["name"][: _WORDS - 1] + "…"


def _legend(drawn: Any) -> None:
    marks = [plt.Line2D([], [], marker="s", ls="", color=hue) for hue in (MET, MISSED, NO_AIM)]
    marks += [plt.Line2D([], [], color=AIM, lw=1.6), plt.Line2D([], [], marker="D", ls="--", color=BASE)]
    words = (
        "aim reached",
        "aim missed",
        "no aim: an anchor, or for information",
        "aim",
        "what it stands against",
    )
    drawn.legend(marks, words, loc="outside upper left", ncols=5, frameon=False, fontsize=7)
