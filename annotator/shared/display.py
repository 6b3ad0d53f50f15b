"""What the canvas shows, decided without a window: wishes and facts become a frozen `Canvas`.

`Display` is what the person chose, kept between images and sessions. `Facts` is what there is to show. The layers do
what a `Canvas` says and decide nothing.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self, TypeVar, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.shared.language import marked, tr
from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE, EncodedRGB, ResidualCodes
from iea40k.errors import BadInputError
from iea40k.render import PALETTES

Picture = Literal["exposure", "reference", "preview", "built"]
"""`preview`: the exposure as corrected; `built`: at a reference, the reference without zone edits."""

Compare = Literal["single", "wipe", "side by side"]
COMPARES: tuple[str, ...] = get_args(Compare)
OPACITIES = (1.0, 0.75, 0.5, 0.3)

READ_ONLY = marked("read-only: nothing can be changed here")
JUDGING = marked("judging; choose your own map on the left, or take one over (Shift+A), to paint")

EDGE = (255, 214, 64)
"""The colour of the wipe's edge."""

Value = TypeVar("Value")
_AROUND = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class Display:
    """How the person wants to see it. Raises `BadInputError` for what there is not.

    - `picture`: what is under the residual; `beside`: what it is compared with, by `compare`
    - `split` in (0, 1): where the wipe is, as a share of the width
    - `overlay`: whether the residual lies over it; `opacity` in (0, 1]; `palette`: its colours
    - `difference`: in review, the map on the left less that on the right instead of either
    - `outlines`, `clipping`: what a target says of its pixels; `edited`: the outline of what was touched
    """

    pictures: ClassVar[tuple[str, ...]] = ()
    """The pictures there are to choose from, in the order that a key steps through them."""

    picture: Picture = "exposure"
    beside: Picture = "reference"
    compare: Compare = "single"
    split: float = 0.5
    overlay: bool = True
    opacity: float = 0.75
    palette: str = "blue-white-red"
    outlines: bool = True
    clipping: bool = False
    edited: bool = True
    difference: bool = False

    def __post_init__(self) -> None:
        for name, value, known in (
            ("picture", self.picture, self.pictures),
            ("beside", self.beside, self.pictures),
            ("compare", self.compare, COMPARES),
            ("palette", self.palette, PALETTES),
        ):
            if value not in known:
                raise BadInputError(f"no such {name}", expected=", ".join(known), got=repr(value))
        if not (0 < self.split < 1 and 0 < self.opacity <= 1):
            raise BadInputError("split and opacity are shares", got=f"{self.split}, {self.opacity}")

    def chosen(self, **changes: Any) -> Self:
        """Return the display with other settings."""
        return replace(self, **changes)

    def next_picture(self) -> Self:
        """Return the display with the next picture."""
        return self.chosen(picture=following(self.pictures, self.picture))

    def toggled(self, picture: Picture) -> Self:
        """Return the display with a picture, or with the first one where that is shown already."""
        return self.chosen(picture=self.pictures[0] if self.picture == picture else picture)

    def compared(self, how: str) -> Self:
        """Return the display with a comparison begun, or ended where it is this one already."""
        return self.chosen(compare=COMPARES[0] if self.compare == how else how)

    def next_opacity(self) -> Self:
        """Return the display with the next strength of the overlay."""
        return replace(self, opacity=following(OPACITIES, self.opacity))

    def next_palette(self) -> Self:
        """Return the display with the next palette."""
        return replace(self, palette=following(PALETTES, self.palette))


@dataclass(frozen=True)
class Held:
    """The keys held down just now: `peek` hides what is over the picture, `blink` shows the other one, `pan` moves
    the view by the mouse."""

    peek: bool = False
    blink: bool = False
    pan: bool = False


@dataclass(frozen=True)
class Facts:
    """What there is: an image open or not, whether it may be painted, and what is held down just now.

    `home` is the level under work, `shown` the one being looked at. `maps`: versions of several people are compared.
    """

    open: bool = False
    paintable: bool = False
    home: str = ""
    shown: str = ""
    held: Held = Held()
    maps: bool = False


@dataclass(frozen=True)
class Canvas:
    """What the layers do. `right` is None without a comparison; `split` is the wipe's share of the width, or None.

    `swap_maps`: the map on the right is shown on the left. `zones`: at a reference, the blocks' zones over it.
    `cursor`: the brush's diameter in pixels of the image, or None for a cross; `notice`: a line over the picture.
    `difference`: that of two people's maps is shown in place of either.
    """

    left: Picture
    right: Picture | None
    split: float | None
    second_panel: bool
    overlay: bool
    right_overlay: bool
    swap_maps: bool
    opacity: float
    palette: str
    outlines: bool
    clipping: bool
    edited: bool
    paintable: bool
    pan: bool
    cursor: float | None
    notice: str
    zones: bool = False
    difference: bool = False


def canvas_of(
    display: Display,
    facts: Facts,
    pictures: tuple[Picture, Picture],
    overlays: tuple[bool, bool],
    *,
    elsewhere: str,
    tool: str,
    radius: float,
    swap_maps: bool = False,
    zones: bool = False,
) -> Canvas:
    """Return what the canvas shows of two `pictures`, left and right, with the residual over them or not.

    `elsewhere` says why what is in sight cannot be painted though the work can, "" where it can; `tool` and `radius`
    are those in use. Nothing lies over the picture while it is peeked at.
    """
    hidden = facts.held.peek or not facts.open
    paintable = facts.open and facts.paintable and not elsewhere
    moves = tool == "pan" or facts.held.pan or not paintable
    notice = elsewhere or ("" if facts.paintable else tr(JUDGING if facts.maps else READ_ONLY))
    return Canvas(
        left=pictures[0],
        right=pictures[1] if display.compare != "single" else None,
        split=display.split if display.compare == "wipe" else None,
        second_panel=display.compare == "side by side" and facts.open,
        overlay=overlays[0] and not hidden,
        right_overlay=overlays[1] and not hidden,
        swap_maps=swap_maps,
        opacity=display.opacity,
        palette=display.palette,
        outlines=display.outlines and not hidden,
        clipping=display.clipping and not hidden,
        edited=display.edited and not hidden,
        paintable=paintable,
        pan=moves,
        cursor=2 * radius if tool in ("brush", "clone") and not moves else None,
        notice=notice if facts.open else tr("no image is open"),
        zones=zones and not hidden,
        difference=display.difference and facts.maps,
    )


def wiped(left: EncodedRGB, right: EncodedRGB, split: float) -> EncodedRGB:
    """Return a picture that is `left` up to the share `split` of its width and `right` from there on, with a
    line of two pixels between them."""
    column = round(split * left.shape[1])
    both = left.copy()
    both[:, column:] = right[:, column:]
    both[:, max(column - 1, 0) : column + 1] = EDGE
    return both


def display_levels(codes: ResidualCodes) -> NDArray[np.uint16]:
    """Return residual codes (int16) as labels (uint16): 1 ... 511 for k/255 with k = -255 ... 255, 0 = no valid data.

    The screen's eight bits cannot show more than these 511; the codes themselves stay exact.
    """
    # From -1 on, in 16 bits without a sign: no copy is made beside the one that is returned.
    labels: NDArray[np.uint16] = codes.view(np.uint16) + np.uint16(RESIDUAL_SCALE + 64)
    labels >>= 7
    labels += 1
    labels[codes == INVALID_CODE] = 0
    return labels


def code_difference(left: ResidualCodes, right: ResidualCodes) -> ResidualCodes:
    """Return codes (int16) of left less right, at most one; without valid data where either is."""
    difference: ResidualCodes = np.clip(
        left.astype(np.int32) - right, -RESIDUAL_SCALE, RESIDUAL_SCALE
    ).astype(np.int16)
    difference[(left == INVALID_CODE) | (right == INVALID_CODE)] = INVALID_CODE
    return difference


def outlined(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return only the rims of labelled regions (H, W) uint8: pixels beside another label. napari's own contours take
    ten times as long."""
    rim = cv2.morphologyEx(labels, cv2.MORPH_GRADIENT, _AROUND) != 0
    result: NDArray[np.uint8] = np.where(rim, labels, 0).astype(np.uint8)
    return result


def following(values: tuple[Value, ...], value: Value) -> Value:
    """Return the value after this one, the first after the last."""
    return values[(values.index(value) + 1) % len(values)] if value in values else values[0]
