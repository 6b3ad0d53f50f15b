"""Strokes as steps, and what is suggested to be repaired."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from annotator.residual.regions import suggested_regions
from annotator.shared.boxes import Box

if TYPE_CHECKING:
    from annotator.session.controller import Controller


class Strokes:
    """The verbs that take back, bring back, drop and repair."""

    def __init__(self, controller: "Controller") -> None:
        self._c = controller
        self._jumped = -1

    def opened(self) -> None:
        """Another image is open: the suggestions begin anew."""
        self._jumped = -1

    def undo(self) -> None:
        """Take back the last step."""
        self._step(self._c.session.undo, "There is nothing to undo.")

    def redo(self) -> None:
        """Bring back what the last undo took."""
        self._step(self._c.session.redo, "There is nothing to redo.")

    def cancel(self) -> None:
        """Drop the stroke in the making."""
        self._c.at_work().cancel()

    def clear(self) -> None:
        """Take the image or reference back to its base, in one step."""
        if self._c.session.work is not None and self._c.session.work.standing:
            self._c.attempt(self._c.session.clear)
            self._c.redraw()

    def adopt_stale(self) -> None:
        """Draw stale strokes again on today's base."""
        count = self._c.attempt(self._c.session.adopt_stale)
        if count:
            self._c.face.notify("info", f"{count} strokes were drawn again on today's base.")
        self._c.redraw()

    def accept_here(self) -> None:
        """Repair the suggested region under the cursor."""
        if self._c.cursor is not None:
            self._c.painter.repair(self._c.cursor)

    def reject_here(self) -> None:
        """Say that the suggested region under the cursor is right as it is."""
        if self._c.cursor is not None:
            self._c.painter.confirm(self._c.cursor)

    def accept_all(self) -> None:
        """Repair every speckle, as one step."""
        self._c.painter.repair_speckles()

    def jump(self, step: int) -> None:
        """Centre the next suggested region and put the cursor's commands there."""
        if self._c.shown is None:
            return
        regions = [mask for _, mask in suggested_regions(self._c.shown.flags)]
        if not regions:
            self._c.face.notify("info", "Nothing is suggested on this image.")
            return
        self._jumped = (self._jumped + step) % len(regions)
        rows, columns = regions[self._jumped].nonzero()
        middle = int(abs(rows - rows.mean()).argmin()) if len(rows) < 4 else len(rows) // 2
        self._c.cursor = (int(rows[middle]), int(columns[middle]))
        self._c.layers.centre(*self._c.cursor)
        self._c.read()

    # ------------------------------------------------------------ private

    def _step(self, take: Callable[[], tuple[bool, Box | None]], nothing: str) -> None:
        taken = self._c.attempt(take)
        if taken is None:
            return
        found, box = taken
        if not found:
            self._c.face.notify("info", nothing)
        elif self._c.session.reference is not None:
            self._c.zones.changed(box, recorded=True)
        elif box is None:
            self._c.redraw()
        else:
            image = self._c.session.image
            if image is not None and self._c.shown is image:
                self._c.layers.changed(box, image.touched_in(box))
            self._c.refresh()
