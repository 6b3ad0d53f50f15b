"""Setting the zones of a reference: what the mouse and the keys do there."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from annotator.reference.layers import ReferenceLayers
from annotator.reference.readout import read_zone
from annotator.reference.state import Reference
from annotator.reference.strokes import ReferenceGradient, ReferenceStroke, seen
from annotator.reference.tools import EDITING, SLIDERS, ReferenceTools
from annotator.shared.boxes import Box, Point, Spot, whole
from annotator.shared.display import Canvas, Display, Facts, Picture, canvas_of
from annotator.shared.language import tr
from annotator.shared.statistics import Measuring
from annotator.target import Host, Kind, Target
from iea40k.arrays import EncodedRGB, ResidualCodes, Validity
from iea40k.residuals import residual_codes
from iea40k.zones import block_zone


@dataclass(frozen=True)
class ReferenceDisplay(Display):
    """How the person wants to see a reference. Raises `BadInputError` for what there is not.

    `picture` and `beside` are the reference as edited, as `built`, or the `exposure` of the level beside it; `overlay`:
    that level's residual over any of them; `outlines`: the rims of the blocks; `clipping`: a hatch where light is lost;
    `zones`: the blocks' zones.
    """

    pictures: ClassVar[tuple[str, ...]] = ("reference", "exposure", "built")
    picture: Picture = "reference"
    beside: Picture = "exposure"
    overlay: bool = False
    clipping: bool = True
    zones: bool = False


def resolve(display: ReferenceDisplay, tools: ReferenceTools, facts: Facts) -> Canvas:
    """Return what the canvas shows at a reference. Pure.

    The reference can be edited where something that follows the edits is in sight: the reference itself, or the
    residual or the zones over another picture.
    """
    left, right = display.picture, display.beside
    follows = "reference" in (left, right if display.compare != "single" else left)
    elsewhere = ""
    if facts.paintable and not (follows or display.overlay or display.zones):
        elsewhere = (
            tr("looking at the reference as built") if left == "built" else tr("looking at the exposure")
        )
    if facts.held.blink:
        left, right = right, left
    return canvas_of(
        display,
        facts,
        (left, right),
        (display.overlay, display.overlay),
        elsewhere=elsewhere,
        tool=tools.tool,
        radius=tools.radius,
        zones=display.zones,
    )


class ReferenceTarget(Target[Reference, ReferenceTools, ReferenceDisplay, ReferenceStroke | Measuring]):
    """Works on one reference, beside one `level` of its scene."""

    kind: ClassVar[Kind] = "reference"
    sliders = SLIDERS
    layers: ReferenceLayers

    def __init__(self, host: Host, tools: ReferenceTools, display: ReferenceDisplay) -> None:
        super().__init__(host, tools, display)
        self.layers = ReferenceLayers(host.screen)
        self._level = ""
        self._begun_with = tools

    # ------------------------------------------------------------ what is shown

    @property
    def home(self) -> str:
        """The level beside the reference."""
        return self._level

    @property
    def level(self) -> str:
        """The level beside the reference."""
        return self._level

    @property
    def canvas(self) -> Canvas:
        """What the canvas shows, just now."""
        return resolve(self.display, self.tools, self.facts)

    def open(self, work: Reference) -> None:
        """Open a reference, or another version of it that is judged."""
        levels = work.origin.levels
        if self._level not in levels:
            evs = [abs(ev) for ev in work.origin.evs]
            self._level = levels[evs.index(min(evs))]
        super().open(work)

    def redraw(self) -> None:
        """Fill the layers anew."""
        if self.work is not None:
            self.layers.level, self.layers.blocks = self._level, self.work.blocks(self.tools.side)
            self.layers.open(self.work, *self._host.compared)

    def adjust(self, change: Callable[[ReferenceTools], ReferenceTools]) -> None:
        """Change the tools; blocks of another size are cut and shown."""
        side = self.tools.side
        super().adjust(change)
        if side != self.tools.side:
            self.redraw()
            self._host.refresh()

    def go_level(self, level: str) -> None:
        """Put another level beside the reference."""
        if self.work is not None and level in self.work.origin.levels and level != self._level:
            self._level = level
            self.redraw()
            self._host.refresh()

    def readout(self, spot: Spot) -> str:
        """Return what a pixel says."""
        if self.work is None:
            return ""
        found = read_zone(self.work, self.tools, self._level, spot, judged=self._host.compared[0])
        return "" if found is None else found.text()

    # ------------------------------------------------------------ the mouse

    def press(self, pixel: Point) -> None:
        """The button went down at a pixel (row, column)."""
        if self.work is None or not self.canvas.paintable:
            return
        if self.tools.tool == "measure":
            self._stroke = Measuring(pixel)
        elif self.tools.tool == "picker":
            self.pick((round(pixel[0]), round(pixel[1])))
        elif self.tools.tool in EDITING:
            self._begin(self.work, self.tools, pixel)

    def release(self) -> None:
        """The button went up: the edits are recorded."""
        stroke, self._stroke = self._stroke, None
        reference = self.work
        if stroke is None or reference is None:
            return
        if isinstance(stroke, Measuring):
            self.measure(stroke)
            return
        changes = stroke.finish()
        if stroke.stopped:
            self._host.tell("info", tr("A shift of more than 20 stops was not made."))
        if not changes:
            if not stroke.stopped:
                self._host.tell("info", tr("Nothing changed here."))
            return
        noted = self._begun_with.noted()
        if stroke.pressures is not None:
            noted["pressure"] = [round(p, 3) for p in stroke.pressures]
        drafts = reference.changes(changes, noted)
        self.keep(drafts, reference.replay, shown=True)

    # ------------------------------------------------------------ keys

    def residual_at(self, box: Box | None = None) -> ResidualCodes:
        """Return the residual of the level beside it; in review the difference of two versions where that is seen."""
        layers = self.layers
        area = whole(layers.shape) if box is None else box
        picture = layers.picture("reference")
        if self.canvas.difference and layers.beside is not None:
            codes: ResidualCodes = residual_codes(picture[area], layers.beside.picture[area][None])[0]
            return codes
        judged = None if layers.judged is None else layers.judged.picture
        return layers.work.residual(self._level, area, judged)

    def region_at(self, spot: Spot) -> Validity | None:
        """Return the block at a pixel."""
        if self.work is None:
            return None
        blocks = self.work.blocks(self.tools.side)
        number = blocks.at(*spot)
        return None if number is None else blocks.labels == number

    def measured_pictures(self) -> Mapping[str, EncodedRGB]:
        """Return the reference as edited and as built, and the exposure beside it."""
        layers = self.layers
        return {
            "reference": layers.picture("reference"),
            "reference as built": layers.work.base,
            "exposure": layers.picture("exposure"),
        }

    @property
    def pen(self) -> bool:
        """Whether the pressure of a pen is the strength of what it paints."""
        return self.tools.pen

    def pick(self, spot: Spot) -> None:
        """Take the zone at a pixel, of its block or of what the brush would cover."""
        reference = self.work
        found = None if reference is None else seen(reference, self.tools, spot)
        if reference is None or found is None:
            self._host.tell("info", tr("There is no valid data here."))
            return
        box, block = found
        zone = round(block_zone(reference.picture[box], block) * 3) / 3
        self.adjust(lambda tools: tools.picked(zone))

    def set_here(self) -> None:
        """Set the block under the cursor to the zone in use."""
        self._act_here(dataclasses.replace(self.tools, mode="set"))

    def shift_here(self, thirds: int) -> None:
        """Make the block under the cursor lighter or darker by thirds of a stop."""
        self._act_here(dataclasses.replace(self.tools, mode="shift", stops=thirds / 3))

    # ------------------------------------------------------------ private

    def _act_here(self, tools: ReferenceTools) -> None:
        """Do under the cursor what a click with other tools would do."""
        spot, reference = self._host.cursor, self.work
        if spot is None or reference is None or self._stroke is not None or not self.canvas.paintable:
            return
        if tools.tool not in ("block", "brush"):
            tools = dataclasses.replace(tools, tool="block")
        self._begin(reference, tools, spot)
        self.release()

    def _begin(self, reference: Reference, tools: ReferenceTools, pixel: Point) -> None:
        self._begun_with = tools
        kind = ReferenceGradient if tools.tool == "gradient" else ReferenceStroke
        self._stroke = kind(reference, tools)
        self.move(pixel)
