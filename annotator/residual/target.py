"""Correcting the residual of an exposure: what the mouse and the keys do there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from annotator.residual import regions
from annotator.residual.layers import ResidualLayers
from annotator.residual.painting import PAINTING, Painted, Painting
from annotator.residual.propagation import plan_of
from annotator.residual.proposing import Proposing
from annotator.residual.readout import read_pixel
from annotator.residual.state import Image
from annotator.residual.tools import SLIDERS, ResidualTools
from annotator.shared.boxes import Box, Point, Spot, holds, whole
from annotator.shared.display import Canvas, Display, Facts, Picture, canvas_of, code_difference
from annotator.shared.language import tr, trn
from annotator.shared.statistics import Measuring
from annotator.target import Host, Kind, Target
from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE, EncodedRGB, ResidualCodes, Validity
from iea40k.store.ledger import Patch


@dataclass(frozen=True)
class ResidualDisplay(Display):
    """How the person wants to see an exposure. `overlay` is about the exposure; `overlay_photograph`: the residual
    over reference and preview, which are there to be judged as photographs."""

    pictures: ClassVar[tuple[str, ...]] = ("exposure", "reference", "preview")
    overlay_photograph: bool = False


def resolve(display: ResidualDisplay, tools: ResidualTools, facts: Facts) -> Canvas:
    """Return what the canvas shows. Pure: the same wishes and facts always give the same canvas.

    Only the level under work can be painted. Two people's maps are compared over the same picture.
    """
    left, right = display.picture, display.picture if facts.maps else display.beside
    if facts.held.blink:
        left, right = right, left
    elsewhere = ""
    if facts.shown != facts.home:
        elsewhere = tr("looking at {shown}; the work is on {home}", shown=facts.shown, home=facts.home)

    def overlay(picture: Picture) -> bool:
        return display.overlay if picture == "exposure" else display.overlay_photograph

    return canvas_of(
        display,
        facts,
        (left, right),
        (overlay(left), overlay(right)),
        elsewhere=elsewhere,
        tool=tools.tool,
        radius=tools.radius,
        swap_maps=facts.maps and facts.held.blink,
    )


class ResidualTarget(Target[Image, ResidualTools, ResidualDisplay, Painted | Measuring]):
    """Works on one image. `shown` is the level that is seen; the others are looked at only."""

    kind: ClassVar[Kind] = "residual"
    sliders = SLIDERS
    layers: ResidualLayers

    def __init__(self, host: Host, tools: ResidualTools, display: ResidualDisplay) -> None:
        super().__init__(host, tools, display)
        self.layers = ResidualLayers(host.screen, host.working)
        self.shown: Image | None = None
        self._painting = Painting()
        self.proposing = Proposing(
            host, self.layers, self._paintable, lambda i, patch, tool: self._record(i, patch, "fill", tool)
        )

    # ------------------------------------------------------------ what is shown

    @property
    def home(self) -> str:
        """The level under work."""
        return "" if self.work is None else self.work.level

    @property
    def level(self) -> str:
        """The level that is seen."""
        return "" if self.shown is None else self.shown.level

    @property
    def canvas(self) -> Canvas:
        """What the canvas shows, just now."""
        found = resolve(self.display, self.tools, self.facts)
        return (
            replace(found, notice=self.proposing.said) if self.proposing.said and not found.notice else found
        )

    def open(self, work: Image) -> None:
        """Open an image, or other people's maps of it."""
        if work is not self.work:
            self.shown = work
            self._painting.forget()
        super().open(work)

    def close(self) -> None:
        """Nothing is open."""
        self.proposing.open(None)
        super().close()
        self.shown = None

    def redraw(self) -> None:
        """Fill the layers anew."""
        shown = self.shown
        if shown is not None:
            self.proposing.open(None)
            self.layers.open(shown, *(self._host.compared if shown is self.work else (None, None)))
            self.proposing.open(shown)

    def go_level(self, level: str) -> None:
        """Look at a level of the scene under work."""
        work = self.work
        if work is None or level == self.level:
            return
        found = work if level == work.level else self._host.attempt(lambda: work.sibling(level))
        if found is not None:
            self.cancel()
            self.shown = found
            self._painting.open()
            self.redraw()
            self._host.refresh()

    def recorded(self, box: Box | None) -> None:
        """Strokes were recorded: show what changed in a box (None: anywhere), where that is in sight."""
        if self.shown is self.work:
            self.proposing.renew()
            super().recorded(box)
        else:
            self._host.refresh()

    def overlay_wish(self) -> str:
        """Return the name of the display's setting that shows the residual over the picture."""
        return "overlay" if self.canvas.left == "exposure" else "overlay_photograph"

    def readout(self, spot: Spot) -> str:
        """Return what a pixel says."""
        found = None if self.shown is None else read_pixel(self.shown, spot)
        if found is None or not (self.canvas.difference and self.layers.two_maps):
            return "" if found is None else found.text()
        code = int(self.residual_at((slice(spot[0], spot[0] + 1), slice(spot[1], spot[1] + 1)))[0, 0])
        value = "no valid data" if code == INVALID_CODE else f"{code / RESIDUAL_SCALE:+.4f}"
        return f"left less right {value}   ·   {found.text()}"

    def residual_at(self, box: Box | None = None) -> ResidualCodes:
        """Return the residual that is seen; in review the difference of two maps where that is seen."""
        area, layers = whole(self.layers.shape) if box is None else box, self.layers
        if self.canvas.difference and layers.beside is not None:
            return code_difference(layers.codes[area], layers.beside[area])
        return layers.codes[area]

    def region_at(self, spot: Spot) -> Validity | None:
        """Return what a click with the tool that fills what is alike would take."""
        codes = self.residual_at()
        return regions.similar_region(codes, spot, self.tools.tolerance) if holds(codes.shape, spot) else None

    def measured_pictures(self) -> Mapping[str, EncodedRGB]:
        """Return exposure and reference."""
        shown = self.layers.work
        return {"exposure": shown.exposure, "reference": shown.reference}

    def cancel(self) -> None:
        """Drop the stroke in the making, and what is only tried."""
        super().cancel()
        if self.proposing.drop():
            self._host.refresh()

    def undo(self) -> None:
        """Take back the last step."""
        self.proposing.drop()
        super().undo()

    def redo(self) -> None:
        """Bring back what the last undo took."""
        self.proposing.drop()
        super().redo()

    # ------------------------------------------------------------ the mouse

    def press(self, pixel: Point) -> None:
        """The button went down at a pixel (row, column)."""
        image, tools = self._paintable(), self.tools
        if image is None:
            return
        if self.proposing.drop():
            self._host.refresh()
        if tools.tool in PAINTING:
            begun = self._painting.begin(image, tools, pixel)
            if isinstance(begun, str):
                self._host.tell("info", begun)
                return
            self._stroke = begun
            self.move(pixel)
            return
        spot = (round(pixel[0]), round(pixel[1]))
        if not holds(image.shape, spot):
            return
        if tools.tool == "measure":
            self._stroke = Measuring(pixel)
        elif tools.tool == "picker":
            self.pick(spot)
        elif tools.tool == "outlier":
            self.proposing.take(spot)
        elif tools.tool in regions.REGION_TOOLS:
            self._fill(image, tools.tool, spot)

    def release(self) -> None:
        """The button went up: the stroke is recorded."""
        stroke, self._stroke = self._stroke, None
        if stroke is None or self.work is None:
            return
        if isinstance(stroke, Measuring):
            self.measure(stroke)
            return
        patch = stroke.finish()
        if patch is None:
            self._host.tell("info", tr("There was no pixel with valid data under the brush."))
            return
        kind, tool = self._painting.noted(stroke)
        self._record(self.work, patch, kind, tool, shown=True)
        if stroke.stopped:
            self._host.tell("info", tr("Some pixels stopped at the end of the scale, -1 or +1."))

    # ------------------------------------------------------------ other keys

    @property
    def pen(self) -> bool:
        """Whether the pressure of a pen is the strength of what it paints."""
        return self.tools.pen

    def pick(self, spot: Spot) -> None:
        """Take the value at a pixel; with clone in use, let the next one begin to take from there."""
        found = None if self.shown is None else read_pixel(self.shown, spot)
        if found is None or found.residual is None:
            self._host.tell("info", tr("There is no valid data here."))
        elif self.tools.tool == "clone":
            self._painting.take_from(spot)
            self._host.tell("info", tr("The next stroke clones from here."))
        else:
            value = found.residual
            self.adjust(lambda tools: tools.picked(value))

    def clone_here(self) -> None:
        """Take clone into use, with what lies under the cursor to be cloned."""
        spot = self._host.cursor
        self.set_tools(tool="clone")
        if spot is not None:
            self.pick(spot)

    def range_here(self) -> None:
        """Take the range of residuals around the one under the cursor."""
        spot = self._host.cursor
        found = None if self.shown is None or spot is None else read_pixel(self.shown, spot)
        if found is None or found.residual is None:
            self._host.tell("info", tr("There is no valid data under the cursor."))
            return
        residual = found.residual
        self.adjust(lambda tools: tools.ranged(residual))

    def propagate(self) -> None:
        """Propagate what was corrected to the other levels, after a look at what it would do."""
        host, image = self._host, self.work
        if image is None or not self.canvas.paintable or not image.touched.any():
            host.tell("info", tr("Nothing is corrected on this level yet."))
            return
        if len(image.origin.levels) == 1:
            host.tell("info", tr("This scene has no other level to propagate to."))
            return
        palette = self.display.palette
        plan = host.attempt(lambda: plan_of(image, host.session.blocked, host.working, palette))
        decided = None if plan is None else host.preview(plan)
        if decided is not None:
            drafts = image.propagated(decided.decided(), decided.how)
            if host.attempt(lambda: (host.session.record(*drafts),)) is not None:
                done = trn("Propagated to {count} level.", "Propagated to {count} levels.", len(drafts))
                host.tell("info", done if drafts else tr("Nothing changed."))
        host.refresh()

    # ------------------------------------------------------------ private

    def _paintable(self) -> Image | None:
        return self.work if self.shown is self.work and self.canvas.paintable else None

    def _fill(self, image: Image, name: str, spot: Spot) -> None:
        tool, brush = regions.REGION_TOOLS[name], self.tools.brush()
        settings = {name: vars(self.tools)[name] for name in tool.settings}
        region, limit = tool.find(image, spot, settings), self._painting.only(image, self.tools)
        patch = regions.region_patch(
            image.codes, region if limit is None else region & limit, brush, image.base
        )
        if patch is None:
            self._host.tell("info", tr("There is nothing to fill here."))
        else:
            noted = {"tool": brush.mode, "value": brush.value, **tool.noted, **settings}
            self._record(image, patch, tool.kind, noted)

    def _record(
        self, image: Image, patch: Patch, kind: str, tool: dict[str, object], *, shown: bool = False
    ) -> None:
        def put_back() -> Box:
            image.codes[patch.box][patch.mask] = patch.old
            return patch.box

        self.keep([image.draft(kind, patch, tool)], put_back, shown=shown)
