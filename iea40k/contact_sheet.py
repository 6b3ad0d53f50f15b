"""Contact sheets: the exposures of a scene, its reference and its heat maps on one picture."""

import textwrap
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from iea40k.arrays import EncodedRGB
from iea40k.render import Palette, heatmap, legend
from iea40k.scene import BuiltScene

_GAP, _TEXT, _MARGIN = 6, 14, 12
_INK, _PAPER, _EDGE = (30, 30, 30), (250, 250, 250), (205, 205, 205)

LeftOutFrame = tuple[str, EncodedRGB | None]
"""A frame that a scene was built without: what is said of it, and its picture where there is one."""


def contact_sheet(
    scenes: Sequence[BuiltScene],
    *,
    thumb: int = 168,
    palettes: Sequence[Palette] = ("blue-white-red",),
    left_out: Mapping[str, Sequence[LeftOutFrame]] | None = None,
) -> EncodedRGB:
    """Return one picture of the scenes: a row of exposures and a row of heat maps a palette, the reference first.

    `thumb` is the width of one small picture in pixels. The heat maps' scale is fixed at -1 ... +1. `left_out`
    holds, by scene, the frames that it was built without.
    """
    others = left_out or {}
    blocks = [_scene_block(scene, thumb, palettes, others.get(scene.scene_id, ())) for scene in scenes]
    width = max((block.shape[1] for block in blocks), default=thumb) + 2 * _MARGIN
    footer = _footer(width, palettes)
    height = sum(len(block) + _MARGIN for block in blocks) + _MARGIN + len(footer)
    sheet = np.full((height, width, 3), _PAPER, np.uint8)
    top = _MARGIN
    for block in blocks:
        sheet[top : top + len(block), _MARGIN : _MARGIN + block.shape[1]] = block
        top += len(block) + _MARGIN
    sheet[height - len(footer) :] = footer
    return sheet


def _scene_block(
    scene: BuiltScene, thumb: int, palettes: Sequence[Palette], left_out: Sequence[LeftOutFrame]
) -> EncodedRGB:
    shrink = [_shrink(picture, thumb) for picture in (scene.reference, *scene.exposures)]
    rows = [shrink]
    for palette in palettes:
        # The map is coloured at full size and then shrunk, so that speckles fade instead of blinking.
        maps = [_shrink(heatmap(codes, palette), thumb) for codes in scene.residual]
        rows.append([np.full_like(shrink[0], _PAPER), *maps])
    captions = [
        "reference",
        *(f"{lv}:  {ev:+.2f} EV" for lv, ev in zip(scene.levels, scene.evs, strict=True)),
    ]
    height, width = shrink[0].shape[:2]
    columns = max(len(shrink), 1 + len(left_out))
    below = 2 * (_TEXT + 4) + len(rows) * (height + _GAP)
    foot = height + 2 * (_TEXT + 4) if left_out else 0
    block = Image.new("RGB", (columns * (width + _GAP) - _GAP, below + foot), _PAPER)
    draw = ImageDraw.Draw(block)
    draw.text((0, 0), scene.scene_id, fill=_INK, font=_font(_TEXT))
    for column, caption in enumerate(captions):
        draw.text((column * (width + _GAP), _TEXT + 4), caption, fill=_INK, font=_font(_TEXT - 3))
    for index, row in enumerate(rows):
        for column, picture in enumerate(row):
            at = (column * (width + _GAP), 2 * (_TEXT + 4) + index * (height + _GAP))
            block.paste(Image.fromarray(picture), at)
            if index > 0 and column > 0:  # a residual of 0 everywhere is as white as the paper
                draw.rectangle((*at, at[0] + width - 1, at[1] + height - 1), outline=_EDGE)
    if left_out:
        draw.text((0, below), "left out", fill=_INK, font=_font(_TEXT))
    for column, (caption, frame) in enumerate(left_out, start=1):
        left = column * (width + _GAP)
        draw.multiline_text(
            (left, below), _wrapped(caption, width), fill=_INK, font=_font(_TEXT - 4), spacing=1
        )
        if frame is not None:
            block.paste(Image.fromarray(_shrink(frame, width)), (left, below + 2 * (_TEXT + 4)))
    return np.asarray(block).copy()


def _wrapped(caption: str, width: int) -> str:
    """Return a caption in two lines at most."""
    letters = max(8, 2 * width // (_TEXT - 4))
    lines = textwrap.wrap(caption, letters)
    return "\n".join(lines[:2]) + (" ..." if len(lines) > 2 else "")


def _footer(width: int, palettes: Sequence[Palette]) -> EncodedRGB:
    bar = min(360, width - 2 * _MARGIN)
    footer = Image.new("RGB", (width, _MARGIN + len(palettes) * 40), _PAPER)
    draw = ImageDraw.Draw(footer)
    for index, palette in enumerate(palettes):
        top = index * 40
        footer.paste(Image.fromarray(legend(bar, 14, palette)), (_MARGIN, top))
        draw.text((_MARGIN, top + 16), "-1 overexposed", fill=_INK, font=_font(_TEXT - 2))
        draw.text((_MARGIN + bar / 2, top + 16), "0", fill=_INK, font=_font(_TEXT - 2), anchor="ma")
        draw.text((_MARGIN + bar, top + 16), "underexposed +1", fill=_INK, font=_font(_TEXT - 2), anchor="ra")
    return np.asarray(footer).copy()


def _shrink(picture: NDArray[np.uint8], width: int) -> EncodedRGB:
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    shrunk: EncodedRGB = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return shrunk


def _font(size: int) -> "ImageFont.FreeTypeFont | ImageFont.ImageFont":
    return ImageFont.load_default(size)
