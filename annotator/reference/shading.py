"""How zones look over a picture: a ladder of eleven colours, numerals, hatches where light is lost.

The ladder goes from dark blue over grey to yellow and gets lighter by the same step each zone, so it reads the same
with any colour vision, and in grey. The numerals say it again.
"""

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.reference.blocks import Blocks
from annotator.shared.boxes import Box
from annotator.shared.screen import RIM
from iea40k.arrays import EncodedRGB, Validity
from iea40k.zones import LAST_ZONE, zone_name

INK, PAPER = LAST_ZONE + 2, LAST_ZONE + 3
"""The labels of a numeral and of the pixels around it; 1 ... 11 are the zones 0 ... X."""

WHITE, BLACK = 1, 2
"""Labels of a reference's flags: light that is lost in white or in black, drawn as the first two outlier flags are."""

_LADDER = ((0.0, (0, 32, 96)), (0.5, (124, 123, 120)), (1.0, (255, 234, 70)))
_HATCH = 6
_GLYPHS = {
    "0": (".###.", "#...#", "#...#", "#...#", "#...#", "#...#", ".###."),
    "I": ("#", "#", "#", "#", "#", "#", "#"),
    "V": ("#...#", "#...#", "#...#", ".#.#.", ".#.#.", ".#.#.", "..#.."),
    "X": ("#...#", "#...#", ".#.#.", "..#..", ".#.#.", "#...#", "#...#"),
}
"""The letters of numerals, 7 pixels high: a font scaled to this size runs IV and N together."""

_LEAST_DEPTH = 7.0  # a numeral is not written into a block that is narrower than twice this


def ladder() -> NDArray[np.uint8]:
    """Return the colours of the zones 0 ... X, (11, 3) uint8."""
    at = np.linspace(0, 1, LAST_ZONE + 1)
    stops = [stop for stop, _ in _LADDER]
    channels = [np.interp(at, stops, [colour[c] for _, colour in _LADDER]) for c in range(3)]
    colours: NDArray[np.uint8] = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    return colours


def legend(cell: int = 24, height: int = 14) -> EncodedRGB:
    """Return the ladder with its numerals, (height, 11 * cell, 3) uint8."""
    colours = ladder()
    strip = np.repeat(colours, cell, axis=0)[None].repeat(height, axis=0)
    labels = np.zeros(strip.shape[:2], np.uint8)
    for zone in range(LAST_ZONE + 1):
        _write(labels, zone_name(zone), height // 2, zone * cell + cell // 2)
    strip[labels == INK], strip[labels == PAPER] = 255, 0
    return strip


def zone_labels(blocks: Blocks, zones: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return what the zone overlay shows, (H, W) uint8: see `INK`. `zones` (count,) are the blocks'."""
    steps = np.append(np.rint(np.clip(zones, 0, LAST_ZONE)).astype(np.uint8) + 1, np.uint8(0))
    labels: NDArray[np.uint8] = steps[blocks.labels]
    for (row, column), depth, zone in zip(blocks.middles, blocks.depth, zones, strict=True):
        if depth >= _LEAST_DEPTH:
            _write(labels, zone_name(float(zone)), int(row), int(column))
    return labels


def lost_light(picture: EncodedRGB) -> tuple[Validity, Validity]:
    """Return where a picture is clipped: a channel is white, (H, W) bool; all three are black, (H, W) bool."""
    return (picture == 255).any(axis=-1), (picture == 0).all(axis=-1)


def flag_labels(
    blocks: Blocks, picture: EncodedRGB, box: Box, *, rims: bool, lost: bool
) -> NDArray[np.uint8]:
    """Return the outlines and hatches over a box of the picture, (h, w) uint8: see `RIM`, `WHITE`, `BLACK`."""
    part = picture[box]
    labels = np.zeros(part.shape[:2], np.uint8)
    if rims:
        labels[blocks.rims[box]] = RIM
    if lost:
        rows = np.arange(box[0].start, box[0].stop)[:, None]
        columns = np.arange(box[1].start, box[1].stop)[None, :]
        white, black = lost_light(part)
        labels[white & ((rows + columns) % _HATCH < 2)] = WHITE
        labels[black & ((rows - columns) % _HATCH < 2)] = BLACK
    return labels


@functools.lru_cache(maxsize=32)
def _numeral(name: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the pixels of a numeral and of the rim around it, the same shape."""
    gap = ["."] * 7
    columns: list[list[str]] = [gap, gap]
    for letter in name:
        columns += [list(column) for column in zip(*_GLYPHS[letter], strict=True)] + [gap, gap]
    ink = np.pad(np.array(columns).T == "#", ((2, 2), (0, 0)))
    around = cv2.dilate(ink.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return ink, around & ~ink


def _write(labels: NDArray[np.uint8], name: str, row: int, column: int) -> None:
    ink, paper = _numeral(name)
    height, width = ink.shape
    top, left = row - height // 2, column - width // 2
    if top >= 0 and left >= 0 and top + height <= labels.shape[0] and left + width <= labels.shape[1]:
        part = labels[top : top + height, left : left + width]
        part[paper], part[ink] = PAPER, INK
