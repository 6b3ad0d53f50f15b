"""What the annotator works on: a target opens work, takes the mouse, and says what is seen of it.

A `Target` is one kind of work in the window: residuals
and references are the two. `Host` is what a target asks of whoever it works for; it knows nothing else of them.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

import numpy as np

from annotator.shared.boxes import Box, Point, Spot
from annotator.shared.closeup import OUTSIDE, around, enlarged
from annotator.shared.display import Canvas, Display, Facts, Held, display_levels
from annotator.shared.language import tr
from annotator.shared.layers import Layers
from annotator.shared.progress import Step
from annotator.shared.screen import Screen
from annotator.shared.sliders import Slider
from annotator.shared.statistics import Measuring, Statistics, statistics_of
from annotator.shared.strokes import Draft
from annotator.shared.work import Work
from iea40k.arrays import EncodedRGB, ResidualCodes, Validity
from iea40k.errors import IEAError
from iea40k.render import palette_table

Kind = Literal["residual", "reference"]
Told = Literal["info", "warning", "error"]


class Tools(Protocol):
    """The tool in use and its settings, as a frozen dataclass."""

    @property
    def tool(self) -> str: ...  # noqa: D102

    def used(self) -> frozenset[str]:
        """Return the names of the settings that the tool in use has."""

    def note(self) -> str:
        """Return what is to be said below the settings, "" where nothing is."""


class Stroke(Protocol):
    """A stroke in the making."""

    def move(self, to: Point, pressure: float | None = None) -> Box | None:
        """Go on to a pixel; return the box that may have changed. `pressure` in [0, 1]: of a pen, if any."""

    def cancel(self) -> Box | None:
        """Put everything back as it was; return the box to draw anew."""


class Recorder(Protocol):
    """Where strokes are kept: a session."""

    def record(self, *drafts: Draft, shown: bool = False) -> Box | None:
        """Record strokes as one step; return what changed, None for all of it. Raises `IEAError`, then nothing is."""

    def undo(self) -> tuple[bool, Box | None]:
        """Take back the last step; return whether there was one, and what changed."""

    def redo(self) -> tuple[bool, Box | None]:
        """Bring back what the last undo took; returns what `undo` returns."""

    def blocked(self, level: str) -> str:
        """Return why nothing may be recorded on another level, "" where it may."""


class Host(Protocol):
    """What a target asks of whoever it works for. `cursor` is the pixel under the mouse, `held` the keys held down.

    `pressure` in [0, 1] is that of a pen, None while none is down.
    """

    cursor: Spot | None
    pressure: float | None
    held: Held

    @property
    def screen(self) -> Screen: ...  # noqa: D102

    @property
    def session(self) -> Recorder: ...  # noqa: D102

    @property
    def may_paint(self) -> bool:
        """Whether the work may be changed, and is what is shown."""

    @property
    def compared(self) -> tuple[Any, Any]:
        """In review, the versions on the left and on the right; None for one's own, or for none."""

    @property
    def comparing(self) -> bool:
        """Whether versions of several people are compared."""

    def preview(self, plan: Any) -> Any:
        """Show what a propagation would do; return it as decided, None where the person changed their mind."""

    def measured(self, found: Statistics) -> None:
        """Show what a region is like."""

    def tell(self, kind: Told, text: str) -> None:
        """Tell the person something."""

    def attempt(self, act: Callable[[], "Result"]) -> "Result | None":
        """Do something that may be refused; what refuses is told, and None returned."""

    def refresh(self) -> None:
        """Show everything as it is now."""

    def opened(self) -> None:
        """Show what the session has open now."""

    def working(self, text: str, total: int) -> AbstractContextManager[Step]:
        """Show how far long work is."""


Result = TypeVar("Result")
WorkT = TypeVar("WorkT", bound="Work[Any]")
ToolsT = TypeVar("ToolsT", bound=Tools)
DisplayT = TypeVar("DisplayT", bound=Display)
StrokeT = TypeVar("StrokeT", bound=Stroke)


class Target(ABC, Generic[WorkT, ToolsT, DisplayT, StrokeT]):
    """One kind of work in the window. `tools` and `display` are what the person chose, kept between images."""

    kind: ClassVar[Kind]
    sliders: ClassVar[tuple[Slider, ...]]
    layers: Layers[WorkT, Any]

    def __init__(self, host: Host, tools: ToolsT, display: DisplayT) -> None:
        self.tools, self.display = tools, display
        self.work: WorkT | None = None
        self._host = host
        self._stroke: StrokeT | None = None

    # ------------------------------------------------------------ what each kind says

    @property
    @abstractmethod
    def home(self) -> str:
        """The level under work."""

    @property
    @abstractmethod
    def level(self) -> str:
        """The level that is seen."""

    @property
    @abstractmethod
    def canvas(self) -> Canvas:
        """What the canvas shows, just now."""

    @abstractmethod
    def redraw(self) -> None:
        """Fill the layers anew: another image, level or version is shown."""

    @abstractmethod
    def go_level(self, level: str) -> None:
        """Look at another level of the scene."""

    @abstractmethod
    def residual_at(self, box: Box | None = None) -> ResidualCodes:
        """Return the residual that is seen, (H, W) int16, or that of a box; in review the difference where that is."""

    @abstractmethod
    def region_at(self, spot: Spot) -> Validity | None:
        """Return the region (H, W) bool at a pixel whose statistics a click asks for, None outside."""

    @abstractmethod
    def measured_pictures(self) -> Mapping[str, EncodedRGB]:
        """Return the pictures whose zones are measured, by name, (H, W, 3) uint8."""

    @property
    @abstractmethod
    def pen(self) -> bool:
        """Whether the pressure of a pen is the strength of what it paints."""

    @abstractmethod
    def pick(self, spot: Spot) -> None:
        """Take what lies at a pixel into the tool in use, which stays in use."""

    @abstractmethod
    def press(self, pixel: Point) -> None:
        """The button went down at a pixel."""

    @abstractmethod
    def release(self) -> None:
        """The button went up: the stroke is recorded."""

    @abstractmethod
    def readout(self, spot: Spot) -> str:
        """Return what a pixel says, "" where it says nothing."""

    # ------------------------------------------------------------ work and strokes

    def open(self, work: WorkT) -> None:
        """Open work, or another version of it that is judged."""
        self.work, self._stroke = work, None
        self.redraw()

    def close(self) -> None:
        """Nothing is open."""
        self.work = self._stroke = None
        self.layers.close()

    def move(self, pixel: Point) -> None:
        """The mouse moved to a pixel with the button down."""
        if self._stroke is not None:
            if isinstance(self._stroke, Measuring):
                self._stroke.move(pixel)
                self._host.screen.frame(self._stroke.box(self.layers.shape))
                return
            box = self._stroke.move(pixel, self._host.pressure if self.pen else None)
            if box is not None:
                self.layers.changed(box)

    def cancel(self) -> None:
        """Drop the stroke in the making."""
        stroke, self._stroke = self._stroke, None
        box = stroke.cancel() if stroke is not None else None
        if box is not None:
            self.layers.changed(box)

    def close_up(self, spot: Spot) -> EncodedRGB | None:
        """Return the loupe's picture of a pixel, None outside: the picture that is seen, and the residual beside it."""
        found = None if self.work is None else around(spot, self.layers.shape)
        if found is None:
            return None
        box, at = found
        canvas = self.canvas
        colours = palette_table(canvas.palette)  # type: ignore[arg-type]
        labels = display_levels(self.residual_at(box))
        residual = np.where((labels > 0)[..., None], colours[np.maximum(labels, 1) - 1], OUTSIDE).astype(
            np.uint8
        )
        return enlarged([self.layers.picture(canvas.left)[box], residual], at)

    def measure(self, chosen: Measuring) -> None:
        """Say what a region is like: the box that was dragged, or what belongs to the pixel that was clicked."""
        self._host.screen.frame(None)
        region = np.zeros(self.layers.shape, np.bool_)
        if chosen.clicked:
            found = self.region_at((round(chosen.start[0]), round(chosen.start[1])))
            region = region if found is None else found
        elif (box := chosen.box(self.layers.shape)) is not None:
            region[box] = True
        measured = statistics_of(self.residual_at(), region, self.measured_pictures())
        if measured is None:
            self._host.tell("info", tr("There is no valid data here."))
        else:
            self._host.measured(measured)

    def undo(self) -> None:
        """Take back the last step."""
        self._take_step(self._host.session.undo, tr("There is nothing to undo."))

    def redo(self) -> None:
        """Bring back what the last undo took."""
        self._take_step(self._host.session.redo, tr("There is nothing to redo."))

    def recorded(self, box: Box | None) -> None:
        """Strokes were recorded: show what changed in a box (None: anywhere)."""
        self.layers.changed(box, recorded=True)
        self._host.refresh()

    def keep(
        self, drafts: Sequence[Draft], put_back: Callable[[], Box | None], *, shown: bool = False
    ) -> None:
        """Record strokes; where nothing takes them, not even the memory, `put_back` what was there and say so."""
        try:
            box = self._host.session.record(*drafts, shown=shown)
        except IEAError as error:
            self.recorded(put_back())
            self._host.tell("error", str(error))
            self._host.opened()
            return
        self.recorded(box)

    # ------------------------------------------------------------ tools and display

    def set_tools(self, **changes: Any) -> None:
        """Change settings of the tools."""
        self.adjust(lambda tools: dataclasses.replace(tools, **changes))  # type: ignore[type-var]

    def adjust(self, change: Callable[[ToolsT], ToolsT]) -> None:
        """Change the tools; what is refused is told, and changes nothing."""
        try:
            self.tools = change(self.tools)
        except IEAError as error:
            self._host.tell("warning", str(error))
        self._host.refresh()

    def set_display(self, **changes: Any) -> None:
        """Change how it is shown."""
        self.see(lambda display: display.chosen(**changes))

    def see(self, change: Callable[[DisplayT], DisplayT]) -> None:
        """Change how it is shown; what is refused is told, and changes nothing."""
        before = self.display.compare
        try:
            self.display = change(self.display)
        except IEAError as error:
            self._host.tell("warning", str(error))
        self._host.refresh()
        if before != self.display.compare and "side by side" in (before, self.display.compare):
            self._host.screen.fit()

    @property
    def facts(self) -> Facts:
        """What there is, just now."""
        return Facts(
            open=self.work is not None,
            paintable=self._host.may_paint,
            home=self.home,
            shown=self.level,
            held=self._host.held,
            maps=self._host.comparing,
        )

    def other_level(self, step: int) -> None:
        """Look at a level beside the one shown, with the same view."""
        if self.work is not None:
            levels = self.work.origin.levels
            self.go_level(levels[min(max(levels.index(self.level) + step, 0), len(levels) - 1)])

    def overlay_wish(self) -> str:
        """Return the name of the display's setting that shows the residual over the picture."""
        return "overlay"

    # ------------------------------------------------------------ private

    def _take_step(self, take: Callable[[], tuple[bool, Box | None]], nothing: str) -> None:
        taken = self._host.attempt(take)
        if taken is None:
            return
        if taken[0]:
            self.recorded(taken[1])
        else:
            self._host.tell("info", nothing)
