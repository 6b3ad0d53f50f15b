"""The controller: brings mouse and keys to what is under work, and shows what comes of it. No Qt, no napari."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from annotator.reference.target import ReferenceTarget
from annotator.residual.propagation import PropagationPlan
from annotator.residual.target import ResidualTarget
from annotator.session.base import BaseSession
from annotator.session.comparison import OWN, Comparison
from annotator.session.flow import Flow, attempt
from annotator.session.panel import Panel, panel_of
from annotator.session.settings import (
    REFERENCE_DISPLAY,
    REFERENCE_TOOLS,
    RESIDUAL_DISPLAY,
    RESIDUAL_TOOLS,
    read_settings,
    write_language,
    write_settings,
)
from annotator.session.view import View
from annotator.shared.boxes import Spot
from annotator.shared.display import Canvas, Held
from annotator.shared.language import LANGUAGES, tr, trn
from annotator.shared.progress import Step
from annotator.shared.screen import Screen
from annotator.shared.statistics import Statistics
from annotator.target import Told

Result = TypeVar("Result")

RIGHT = 2
"""napari's number of the right button."""


class Controller:
    """One window's controller, and the host of its two targets. `busy`: long work is under way.

    `cursor` is the pixel (row, column) under the mouse, `held` the keys held down, `pressure` that of a pen.
    """

    def __init__(self, session: BaseSession, screen: Screen, view: View) -> None:
        self.session, self.screen, self.view = session, screen, view
        self.cursor: Spot | None = None
        self.held = Held()
        self.pressure: float | None = None
        self.close = False
        """Whether the loupe is in use."""
        self.busy = False
        self.comparison = Comparison()
        self.flow = Flow(session, view, self.comparison, opened=self.opened, chosen=self._reopen)
        file = session.folder.settings_file
        self.residual = ResidualTarget(
            self, read_settings(file, *RESIDUAL_TOOLS), read_settings(file, *RESIDUAL_DISPLAY)
        )
        self.reference = ReferenceTarget(
            self, read_settings(file, *REFERENCE_TOOLS), read_settings(file, *REFERENCE_DISPLAY)
        )
        self._remembered = self._settings()
        self._size: tuple[int, int] | None = None
        session.notice, session.progress = view.notify, self.working
        session.scored = view.scored
        screen.on_visibility(self.on_visibility)

    @property
    def target(self) -> ResidualTarget | ReferenceTarget:
        """What is under work; residuals where nothing is."""
        return self.residual if self.session.reference is None else self.reference

    @property
    def canvas(self) -> Canvas:
        """What the canvas shows, just now."""
        return self.target.canvas

    @property
    def may_use_tools(self) -> bool:
        """Whether tools are of use: not where others' versions are judged, nor read-only."""
        return self.session.can_paint and self.comparison.left == OWN

    # ------------------------------------------------------------ the mouse

    def hover(self, position: tuple[float, ...], *, shift: bool = False) -> None:
        """The mouse is over a position of the canvas; with Shift it moves the edge of a wipe."""
        if self.busy:
            return
        pixel = self.screen.pixel(position)
        self.cursor = None if pixel is None else (round(pixel[0]), round(pixel[1]))
        work = self.session.work
        if shift and self.target.display.compare == "wipe" and pixel is not None and work is not None:
            split = min(max((pixel[1] + 0.5) / work.shape[1], 0.005), 0.995)
            self.target.set_display(split=split)
        self.read()

    def drag(self, event: Any) -> Iterator[None]:
        """A press of a button on the canvas, its moves, and its release; napari calls it.

        The left one is for the tool in use; a click of the right one picks what lies there.
        """
        if event.button == RIGHT and not self.busy:
            yield from self._right(event)
            return
        if self.busy or event.button != 1 or "Shift" in event.modifiers or not self.canvas.paintable:
            return
        if self.canvas.pan or self.held.blink:
            return
        pixel = self.screen.pixel(event.position)
        if pixel is None:
            return
        target = self.target
        target.press(pixel)
        yield
        while event.type == "mouse_move":
            pixel = self.screen.pixel(event.position)
            if pixel is not None:
                target.move(pixel)
            yield
        # napari leaves out moves that come too fast: the stroke goes to where the button was let go.
        pixel = self.screen.pixel(event.position)
        if pixel is not None:
            target.move(pixel)
        target.release()

    def _right(self, event: Any) -> Iterator[None]:
        """A right button that does not move is a click: napari zooms where it moves."""
        at = self.screen.pixel(event.position)
        clicked = self.may_paint and at is not None
        yield
        while event.type == "mouse_move":
            to = self.screen.pixel(event.position)
            clicked = clicked and to is not None and at is not None and math.dist(at, to) < 1.0
            yield
        if clicked and at is not None:
            self.target.pick((round(at[0]), round(at[1])))

    def hold(self, **keys: bool) -> None:
        """Keys are held down, or let go: `peek`, `blink` and `pan`, see `Held`."""
        self.held = replace(self.held, **keys)
        self.refresh()

    # ------------------------------------------------------------ what is shown

    def refresh(self) -> None:
        """Show everything as it is now."""
        self.target.layers.show(self.canvas)
        self.view.show(self.panel())
        self.read()

    def read(self) -> None:
        """Say what lies under the mouse now."""
        self.view.read("" if self.cursor is None else self.target.readout(self.cursor))
        if self.close:
            self.view.loupe(None if self.cursor is None else self.target.close_up(self.cursor))

    def toggle_loupe(self) -> None:
        """Show the pixels under the mouse enlarged, or no longer."""
        self.close = not self.close
        if not self.close:
            self.view.loupe(None)
        self.refresh()

    def panel(self) -> Panel:
        """Return what the panel says, just now."""
        return panel_of(self.session, self.target, self.comparison, reading=self.busy)

    def opened(self) -> None:
        """Show what the session has open now."""
        work = self.session.work
        if work is not None and work is self.target.work:
            self.refresh()
            return
        self.comparison.reset(tuple(self.session.versions), self.session.begins_with)
        before, self._size = self._size, None if work is None else work.shape
        self._reopen()
        if work is None:
            return
        if before != self._size:
            self.screen.fit()
        self.remember()
        if work.lease is not None and work.lease.comment:
            self.tell("warning", tr("Returned with a comment: {comment}", comment=work.lease.comment))

    def on_visibility(self, name: str, visible: bool) -> None:
        """A layer was shown or hidden, by us or by napari's own key or eye: only the latter is a wish."""
        canvas, target = self.canvas, self.target
        wishes = {
            "residual": (canvas.overlay, target.overlay_wish()),
            "flags": (canvas.outlines or canvas.clipping, "outlines"),
            "edited": (canvas.edited, "edited"),
        }
        is_so, wish = wishes[name]
        if is_so != visible and not self.held.peek and self.session.work is not None:
            target.set_display(**{wish: visible})

    def clear(self) -> None:
        """Take the image or reference back to its base, in one step."""
        if self.session.work is not None and self.session.work.standing:
            self.attempt(self.session.clear)
            self.target.recorded(None)

    def adopt_stale(self) -> None:
        """Draw stale strokes again on today's base."""
        if self.session.work is not None:
            count = self.attempt(self.session.adopt_stale)
            if count:
                self.tell(
                    "info",
                    trn(
                        "{count} stroke was drawn again on today's base.",
                        "{count} strokes were drawn again on today's base.",
                        count,
                    ),
                )
            self.target.recorded(None)

    def choose_language(self) -> None:
        """Let the person choose the language of the window's texts, from the next start on."""
        codes = list(LANGUAGES)
        at = self.view.choose(
            tr("Language"), tr("The window's language, from the next start on:"), list(LANGUAGES.values())
        )
        if at is not None:
            write_language(self.session.folder.settings_file, codes[at])

    def remember(self) -> None:
        """Keep tools and display for the next session."""
        settings = self._settings()
        if self._remembered != settings:
            self._remembered = settings
            write_settings(self.session.folder.settings_file, settings)

    # ------------------------------------------------------------ the host of the targets

    @property
    def may_paint(self) -> bool:
        """Whether the work may be changed, and is what is shown."""
        return self.may_use_tools and self.session.work is not None

    @property
    def comparing(self) -> bool:
        """Whether versions of several people are compared."""
        return len(self.session.versions) > 0

    @property
    def compared(self) -> tuple[Any, Any]:
        """In review, the versions on the left and on the right; None for one's own, or for none."""
        return self.comparison.shown(self.session.versions)

    def preview(self, plan: PropagationPlan) -> PropagationPlan | None:
        """Show what a propagation would do; return it as decided, None where the person changed their mind."""
        return self.view.preview(plan)

    def measured(self, found: Statistics) -> None:
        """Show what a region is like."""
        self.view.measured(found)

    def tell(self, kind: Told, text: str) -> None:
        """Tell the person something."""
        self.view.notify(kind, text)

    def attempt(self, act: Callable[[], Result]) -> Result | None:
        """Do something that may be refused; what refuses is told, and None returned."""
        return attempt(self.view, act)

    @contextmanager
    def working(self, text: str, total: int) -> Iterator[Step]:
        """Show how far long work is. Qt goes on meanwhile: keys and mouse do nothing until it is over."""
        before, self.busy = self.busy, True
        try:
            with self.view.progress(text, total) as step:
                yield step
        finally:
            self.busy = before

    # ------------------------------------------------------------ private

    def _reopen(self) -> None:
        """Open what is under work in its target, or another version of it."""
        image, reference = self.session.image, self.session.reference
        if image is None:
            self.residual.close()
        else:
            self.residual.open(image)
        if reference is None:
            self.reference.close()
        else:
            self.reference.open(reference)
        self.refresh()

    def _settings(self) -> dict[str, object]:
        return {
            RESIDUAL_DISPLAY[0]: self.residual.display,
            RESIDUAL_TOOLS[0]: self.residual.tools,
            REFERENCE_DISPLAY[0]: self.reference.display,
            REFERENCE_TOOLS[0]: self.reference.tools,
        }
