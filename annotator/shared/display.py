"""What the canvas shows, decided without a window: `resolve` turns wishes and facts into a frozen `Canvas`.

`Look` is what the person chose, kept between images and sittings. `Facts` is what there is to show. The layers do what
a `Canvas` says and decide nothing.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from annotator.residual.tools import Brush, Mode
from iea40k.arrays import EncodedRGB
from iea40k.errors import BadInputError
from iea40k.render import PALETTES

Picture = Literal["exposure", "reference", "preview", "built"]
"""`preview`: the exposure as corrected; `built`: at a reference, the reference without zone edits."""

Compare = Literal["single", "wipe", "side by side"]
Tool = Literal["brush", "picker", "fill", "superpixel", "light source", "outlier", "range", "pan"]

PICTURES: tuple[str, ...] = ("exposure", "reference", "preview")
COMPARES: tuple[str, ...] = get_args(Compare)
TOOLS: tuple[str, ...] = get_args(Tool)

BRUSH_TOOLS: tuple[Tool, ...] = ("brush",)
OPACITIES = (1.0, 0.75, 0.5, 0.3)


READ_ONLY = "only to look at"
JUDGING = "judging; choose your own map on the left, or take one over (Shift+A), to paint"


@dataclass(frozen=True)
class Look:
    """How the person wants to see it. Raises `BadInputError` for what there is not.

    - `picture`: what is under the residual; `beside`: what it is compared with, by `compare`
    - `split` in (0, 1): where the wipe is, as a share of the width
    - `opacity` in (0, 1]: of the overlay
    - `overlay`: the residual over the exposure; `overlay_photograph`: over reference and preview, which are there to be
      judged as photographs
    - `outlines`: suggested regions; `clipping`: blown and crushed ones; `edited`: the outline of what was touched
    """

    picture: Picture = "exposure"
    beside: Picture = "reference"
    compare: Compare = "single"
    split: float = 0.5
    overlay: bool = True
    overlay_photograph: bool = False
    opacity: float = 0.75
    palette: str = "blue-white-red"
    outlines: bool = True
    clipping: bool = False
    edited: bool = True

    def __post_init__(self) -> None:
        for name, value, known in (
            ("picture", self.picture, self.pictures()),
            ("beside", self.beside, self.pictures()),
            ("compare", self.compare, COMPARES),
            ("palette", self.palette, PALETTES),
        ):
            if value not in known:
                raise BadInputError(f"no such {name}", expected=", ".join(known), got=repr(value))
        if not (0 < self.split < 1 and 0 < self.opacity <= 1):
            raise BadInputError("split and opacity are shares", got=f"{self.split}, {self.opacity}")

    @classmethod
    def pictures(cls) -> tuple[str, ...]:
        """Return the pictures there are to choose from, in the order that a key steps through them."""
        return PICTURES


@dataclass(frozen=True)
class Hand:
    """The tool in hand and its settings. `tolerance`: of fill, in residual; `side`: of a superpixel, in pixels.

    `low` and `high` are the residuals, or luminances, between which `range` applies; `only` limits the brush to
    pixels of the exposure whose luma lies in [only_low, only_high].
    """

    tool: Tool = "brush"
    mode: Mode = "set"
    value: float = 0.0
    amount: float = 0.05
    factor: float = 0.5
    radius: float = 16.0
    feather: float = 0.5
    strength: float = 1.0
    tolerance: float = 0.04
    side: float = 16.0
    low: float = 0.5
    high: float = 1.0
    only_low: float = 0.0
    only_high: float = 1.0

    def __post_init__(self) -> None:
        if self.tool not in TOOLS:
            raise BadInputError("no such tool", expected=", ".join(TOOLS), got=repr(self.tool))
        self.brush()
        if not (0 <= self.tolerance <= 2 and 2 <= self.side <= 256):
            raise BadInputError("tolerance 0 ... 2, side 2 ... 256", got=f"{self.tolerance}, {self.side}")
        if not (0 <= self.only_low < self.only_high <= 1 and -1 <= self.low <= self.high <= 1):
            raise BadInputError("a range goes from low to high", got=f"{self.low} ... {self.high}")

    def brush(self) -> Brush:
        """Return the brush of the mode in hand, with the value that belongs to that mode."""
        value = {"set": self.value, "add": self.amount, "scale": self.factor}.get(self.mode, 0.0)
        return Brush(self.mode, value, self.radius, self.feather, self.strength)

    @property
    def limited(self) -> bool:
        """Whether the brush respects a range of luminance."""
        return (self.only_low, self.only_high) != (0.0, 1.0)


@dataclass(frozen=True)
class Facts:
    """What there is: an image open or not, whether it may be painted, and what is held down just now.

    `home` is the level under work, `shown` the one being looked at; `peek`, `blink` and `panning` are keys held.
    `maps`: two maps of the image are compared, which are then shown over the same picture.
    """

    open: bool = False
    paintable: bool = False
    home: str = ""
    shown: str = ""
    peek: bool = False
    blink: bool = False
    panning: bool = False
    maps: bool = False


@dataclass(frozen=True)
class Canvas:
    """What the layers do. `right` is None without a comparison; `split` is the wipe's share of the width, or None.

    `swap_maps`: the map on the right is shown on the left. `zones`: at a reference, the blocks' zones over it.
    `cursor`: the brush's diameter in pixels of the image, or None for a cross; `notice`: a line over the picture.
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


def resolve(look: Look, hand: Hand, facts: Facts) -> Canvas:
    """Return what the canvas shows. Pure: the same wishes and facts always give the same canvas.

    `blink` held shows the picture to compare with instead; `peek` held hides everything over the picture. Only the
    level under work can be painted, and nothing while overlays are out of sight.
    """
    left, right = look.picture, look.beside
    if facts.maps:
        right = left
    elif facts.blink:
        left, right = right, left
    elsewhere = facts.open and facts.shown != facts.home
    paintable = facts.open and facts.paintable and not elsewhere
    hidden = facts.peek or not facts.open
    notice = ""
    if not facts.open:
        notice = "no image is open"
    elif elsewhere:
        notice = f"looking at {facts.shown}; the work is on {facts.home}"
    elif not facts.paintable:
        notice = READ_ONLY if not facts.maps else JUDGING

    def overlay(picture: Picture) -> bool:
        return look.overlay if picture == "exposure" else look.overlay_photograph

    painting = paintable and hand.tool in BRUSH_TOOLS
    return Canvas(
        left=left,
        right=right if look.compare != "single" else None,
        split=look.split if look.compare == "wipe" else None,
        second_panel=look.compare == "side by side" and facts.open,
        overlay=overlay(left) and not hidden,
        right_overlay=overlay(right) and not hidden,
        swap_maps=facts.maps and facts.blink,
        opacity=look.opacity,
        palette=look.palette,
        outlines=look.outlines and not hidden,
        clipping=look.clipping and not hidden,
        edited=look.edited and not hidden,
        paintable=paintable,
        pan=hand.tool == "pan" or facts.panning or not paintable,
        cursor=2 * hand.radius if painting and not facts.panning else None,
        notice=notice,
    )


EDGE = (255, 214, 64)
"""The colour of the wipe's edge."""


def wiped(left: EncodedRGB, right: EncodedRGB, split: float) -> EncodedRGB:
    """Return a picture that is `left` up to the share `split` of its width and `right` from there on, with a
    line of two pixels between them."""
    column = round(split * left.shape[1])
    both = left.copy()
    both[:, column:] = right[:, column:]
    both[:, max(column - 1, 0) : column + 1] = EDGE
    return both


def display_levels(codes: np.ndarray) -> np.ndarray:
    """Return residual codes (int16) as labels (uint16): 1 ... 511 for k/255 with k = -255 ... 255, 0 = no valid data.

    The screen's eight bits cannot show more than these 511; the codes themselves stay exact.
    """
    steps = (codes.astype(np.int32) + 32640 + 64) >> 7
    labels = (steps + 1).astype(np.uint16)
    labels[codes == -32768] = 0
    return labels
