"""What both targets do with the layers: pictures that are compared, outlines, and only the box that changed."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from annotator.shared.boxes import Box, grown, inside, whole
from annotator.shared.display import Canvas, Picture, outlined, wiped
from annotator.shared.screen import LayerName, Screen
from annotator.shared.work import Work
from iea40k.arrays import EncodedRGB, Validity

WorkT = TypeVar("WorkT", bound=Work[Any])
VersionT = TypeVar("VersionT")
_RIGHT: dict[LayerName, LayerName] = {"residual": "right_residual", "edited": "right_edited"}


class Layers(ABC, Generic[WorkT, VersionT]):
    """Fills a screen with what a canvas asks for, and only with what is not there already.

    A target says what its pictures and labels are. `live` is the picture that its edits change. In review `judged` is
    shown instead of the work, and `beside` is what it is compared with.
    """

    live: ClassVar[Picture]
    two_maps = False
    """Whether the residual on the right is another one, to compare two people's maps."""

    def __init__(self, screen: Screen) -> None:
        self.shape = (0, 0)
        self.judged: VersionT | None = None
        self.beside: VersionT | None = None
        self._work: WorkT | None = None
        self._screen = screen
        self._canvas: Canvas | None = None
        self._stale_residual = True
        self._difference = False

    # ------------------------------------------------------------ what a target says

    @abstractmethod
    def picture(self, name: Picture) -> EncodedRGB:
        """Return a picture, (H, W, 3) uint8."""

    @abstractmethod
    def live_part(self, box: Box) -> EncodedRGB:
        """Return the live picture in a box, after an edit there."""

    @abstractmethod
    def residual(self, box: Box, *, right: bool) -> NDArray[np.uint16]:
        """Return the residual in a box as labels; see `display_levels`."""

    @abstractmethod
    def flags(self, box: Box, canvas: Canvas) -> NDArray[np.uint8]:
        """Return what is said of the pixels in a box, as labels of outlines."""

    def touched(self, box: Box) -> Validity:
        """Return which pixels of a box are edited."""
        return self.work.touched_in(box)

    def flags_follow(self, canvas: Canvas) -> object:
        """Return what the flags depend on: they are filled anew where it changes."""
        return canvas.outlines, canvas.clipping

    def out_of_sight(self) -> None:
        """The live picture changed while it was not shown."""

    # ------------------------------------------------------------ what the screen shows

    @property
    def work(self) -> WorkT:
        """What is shown."""
        if self._work is None:
            raise ValueError("nothing is open")
        return self._work

    def open(self, work: WorkT, judged: VersionT | None, beside: VersionT | None) -> None:
        """Show work, or people's versions of it."""
        self._work, self.judged, self.beside = work, judged, beside
        self.begin(work.shape)

    def begin(self, shape: tuple[int, int]) -> None:
        """Another image is open: nothing that the screen shows is right."""
        self.shape = shape
        self._canvas, self._stale_residual = None, True
        self._screen.size(*shape)
        self._screen.fill("edited", outlined(self.touched(whole(shape)).astype(np.uint8)))

    def close(self) -> None:
        """Nothing is open."""
        self.shape = (0, 0)
        self._canvas = self._work = self.judged = self.beside = None

    def show(self, canvas: Canvas) -> None:
        """Do what the canvas says, and only what is not so already."""
        before, self._canvas = self._canvas, canvas
        if 0 in self.shape:
            self._screen.arrange(canvas)
            return

        def changed(of: Callable[[Canvas], object]) -> bool:
            return before is None or of(before) != of(canvas)

        if changed(lambda c: (c.left, c.right, c.split)):
            self._compose(canvas)
        if self._difference != canvas.difference:
            self._difference, self._stale_residual = canvas.difference, True
        moved = changed(lambda c: (self.two_maps and (c.split, c.swap_maps), c.second_panel))
        if (moved or self._stale_residual) and (canvas.overlay or canvas.right_overlay):
            self._fill_residual(canvas)
        if changed(lambda c: c.second_panel) and canvas.second_panel:
            touched = self.touched(whole(self.shape)).astype(np.uint8)
            self._screen.fill("right_edited", outlined(touched))
        if changed(self.flags_follow):
            self._screen.fill("flags", self.flags(whole(self.shape), canvas))
        self._screen.arrange(canvas)

    def changed(self, box: Box | None, *, recorded: bool = False) -> None:
        """Show what changed in `box` (None: anywhere); `recorded`: its pixels count as edited from now on."""
        canvas = self._canvas
        if canvas is None:
            return
        if box is None:
            self.begin(self.shape)
            self.show(canvas)
            return
        self._show_live(canvas, box)
        if not (canvas.overlay or canvas.right_overlay):
            self._stale_residual = True
        elif self.two_maps:
            self._fill_residual(canvas)
        else:
            self._draw_both("residual", box, self.residual(box, right=False), canvas)
        if recorded:
            # The outline changes one pixel around the box too, and depends on two.
            wide, near = grown(box, 2, self.shape), grown(box, 1, self.shape)
            edited = outlined(self.touched(wide).astype(np.uint8))
            self._draw_both("edited", near, edited[inside(near, wide)], canvas)

    # ------------------------------------------------------------ private

    def _draw_both(self, name: LayerName, box: Box, labels: NDArray[Any], canvas: Canvas) -> None:
        self._screen.draw(name, box, labels)
        if canvas.second_panel:
            self._screen.draw(_RIGHT[name], box, labels)

    def _compose(self, canvas: Canvas) -> None:
        left = self.picture(canvas.left)
        if canvas.right is not None and canvas.split is not None:
            left = wiped(left, self.picture(canvas.right), canvas.split)
        self._screen.fill("picture", left)
        if canvas.right is not None and canvas.split is None:
            self._screen.fill("right", self.picture(canvas.right))

    def _fill_residual(self, canvas: Canvas) -> None:
        """The map on the left; of two that are compared, the right one beyond the wipe's edge or while it blinks."""
        self._stale_residual = False
        everything = whole(self.shape)
        left = self.residual(everything, right=canvas.swap_maps)
        if self.two_maps and canvas.split is not None:
            edge = round(canvas.split * self.shape[1])
            left[:, edge:] = self.residual(everything, right=not canvas.swap_maps)[:, edge:]
        self._screen.fill("residual", left)
        if canvas.second_panel:
            right = self.residual(everything, right=True) if self.two_maps else left
            self._screen.fill("right_residual", right)

    def _show_live(self, canvas: Canvas, box: Box) -> None:
        if self.live not in (canvas.left, canvas.right):
            self.out_of_sight()
            return
        part = self.live_part(box)
        if canvas.left == self.live:
            self._send("picture", box, part, canvas.split, left=True)
        elif canvas.split is not None:
            self._send("picture", box, part, canvas.split, left=False)
        if canvas.right == self.live and canvas.split is None:
            self._send("right", box, part, None, left=True)

    def _send(self, name: LayerName, box: Box, part: EncodedRGB, split: float | None, *, left: bool) -> None:
        """Show `part` in a box of a picture; of a wiped one, on its own side of the edge only."""
        if split is not None:
            edge = round(split * self.shape[1])
            low, high = box[1].start, box[1].stop
            low, high = (low, min(high, edge)) if left else (max(low, edge), high)
            if low >= high:
                return
            part = part[:, low - box[1].start : high - box[1].start]
            box = (box[0], slice(low, high))
        self._screen.draw(name, box, part)
