"""The composition of a dataset as one picture: a bar a value, by axis; the target of simulated and captured as
a mark."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from iea40k.arrays import EncodedRGB
from iea40k.composition import AXES, Composition, Count

MOST = 12
"""Bars an axis; what is left is counted together."""

_WIDTH, _NAME, _LINE, _MARGIN = 720, 220, 20, 16
_INK, _PAPER, _BAR, _MARK = (30, 30, 30), (250, 250, 250), (86, 123, 177), (200, 90, 20)


def composition_picture(composition: Composition) -> EncodedRGB:
    """Return the picture, (H, W, 3) uint8."""
    axes = [(axis, _few(dict(composition.counts[axis]))) for axis in AXES if composition.counts.get(axis)]
    height = 2 * _MARGIN + sum(_LINE * (len(rows) + 2) for _, rows in axes)
    image = Image.new("RGB", (_WIDTH, height), _PAPER)
    draw, top, total = ImageDraw.Draw(image), _MARGIN, max(composition.images, 1)
    for axis, rows in axes:
        marked = (
            axis == "origin" and any(value in composition.target for value, _ in rows) and composition.shares
        )
        title = axis.replace("_", " ") + (" (the mark: its target)" if marked else "")
        draw.text((_MARGIN, top), title, fill=_INK, font=_font(14))
        top += _LINE
        for value, count in rows:
            _bar(draw, top, value, count, total)
            if marked and value in composition.target:
                at = _NAME + round(_room() * composition.target[value] * composition.own_images / total)
                draw.line((at, top, at, top + _LINE - 5), fill=_MARK, width=3)
            top += _LINE
        top += _LINE
    return np.asarray(image).copy()


def _few(counts: dict[str, Count]) -> list[tuple[str, Count]]:
    rows = list(counts.items())
    if len(rows) <= MOST:
        return rows
    rest = rows[MOST - 1 :]
    left = Count(sum(c.scenes for _, c in rest), sum(c.images for _, c in rest))
    return [*rows[: MOST - 1], (f"{len(rest)} others", left)]


def _bar(draw: ImageDraw.ImageDraw, top: int, value: str, count: Count, total: int) -> None:
    name = value if len(value) <= 28 else value[:27] + "…"
    draw.text((_NAME - 8, top), name, fill=_INK, font=_font(12), anchor="ra")
    length = max(1, round(_room() * count.images / total))
    draw.rectangle((_NAME, top, _NAME + length, top + _LINE - 6), fill=_BAR)
    said = f"{count.images} images, {count.scenes} scenes"
    draw.text((_NAME + length + 6, top), said, fill=_INK, font=_font(12))


def _room() -> int:
    return _WIDTH - _NAME - 180


def _font(size: int) -> "ImageFont.FreeTypeFont | ImageFont.ImageFont":
    return ImageFont.load_default(size)
