"""Strokes of brush, clone and gradient on an exposure: how one begins with the tools in use, and what is noted."""

from annotator.residual.gradient import GradientStroke
from annotator.residual.regions import luminance_range
from annotator.residual.state import Image
from annotator.residual.strokes import Scratch, Stroke
from annotator.residual.tools import ResidualTools
from annotator.shared.boxes import Point, Spot
from annotator.shared.edges import EdgeGuide
from iea40k.arrays import Validity
from iea40k.residuals import luma

PAINTING = ("brush", "clone", "gradient")
"""The tools that paint as the mouse moves."""

Painted = Stroke | GradientStroke

NO_SOURCE = "Choose first what is cloned: a right click, or Shift+O, where it lies."


class Painting:
    """Begins strokes on one image after the other. `source`: the pixel that the next clone begins to take from."""

    def __init__(self) -> None:
        self.source: Spot | None = None
        self._away: tuple[int, int] | None = None
        self._scratch = Scratch((0, 0))
        self._limit: tuple[tuple[float, float], Validity] | None = None

    def open(self) -> None:
        """Another image is open, or another level: nothing that was known of the last one holds."""
        self._limit = None

    def forget(self) -> None:
        """Another scene is open: what was cloned from lies elsewhere."""
        self.source = self._away = None
        self.open()

    def take_from(self, spot: Spot) -> None:
        """Let the next clone begin to take from a pixel; those after it go on at the same distance."""
        self.source, self._away = spot, None

    def begin(self, image: Image, tools: ResidualTools, pixel: Point) -> Painted | str:
        """Return a stroke that begins at a pixel, or why there is none."""
        limit, brush = self.only(image, tools), tools.brush()
        if tools.tool == "gradient":
            return GradientStroke(image.codes, image.base, brush, limit=limit)
        if tools.tool == "clone":
            if self.source is None:
                return NO_SOURCE
            if self._away is None:
                self._away = self.source[0] - round(pixel[0]), self.source[1] - round(pixel[1])
        if self._scratch.weights.shape != image.shape:
            self._scratch = Scratch(image.shape)
        guide = None
        if tools.edges:
            guide = EdgeGuide((image.exposure, image.reference), tools.contrast, tools.radius)
        away = self._away if tools.tool == "clone" else None
        return Stroke(
            image.codes,
            image.base,
            brush,
            scratch=self._scratch,
            limit=limit,
            guide=guide,
            source=away or (0, 0),
        )

    def only(self, image: Image, tools: ResidualTools) -> Validity | None:
        """Return the pixels (H, W) to which brush and fills are limited, None for all of them."""
        if not tools.limited:
            return None
        key = (tools.only_low, tools.only_high)
        if self._limit is None or self._limit[0] != key:
            self._limit = (key, luminance_range(luma(image.exposure), image.valid, *key))
        return self._limit[1]

    def noted(self, stroke: Painted) -> tuple[str, dict[str, object]]:
        """Return what the ledger calls a stroke that is over, and what it notes of the tool, for people."""
        brush = stroke.brush
        settings: dict[str, object] = {name: value for name, value in vars(brush).items() if name != "mode"}
        if isinstance(stroke, GradientStroke):
            ends = [] if stroke.ends is None else [round(v, 1) for end in stroke.ends for v in end]
            settings = {"value": brush.value, "strength": brush.strength, "gradient": ends}
            return "fill", {"tool": brush.mode, **settings}
        if brush.mode == "clone" and self._away is not None:
            settings["from"] = list(self._away)
        if stroke.guide is not None:
            settings["edges"] = stroke.guide.contrast
        if stroke.pressures is not None:
            settings["pressure"] = [round(p, 3) for p in stroke.pressures]
        return "brush", {"tool": brush.mode, **settings}
