"""The painter: what a press, a move and a release do with the tool in hand."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from annotator.residual import regions
from annotator.residual.state import Image
from annotator.residual.strokes import Scratch, Stroke
from annotator.residual.tools import Point
from annotator.shared.boxes import Box
from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE, Validity
from iea40k.errors import IEAError
from iea40k.outliers import Outlier
from iea40k.residuals import luma
from iea40k.store.ledger import Patch

if TYPE_CHECKING:
    from annotator.session.controller import Controller

SPECKLE_TOOL = {"tool": "repair speckles"}


class Painter:
    """Paints on the image that is open. A stroke is recorded when the button is released."""

    def __init__(self, controller: "Controller") -> None:
        self._c = controller
        self._image: Image | None = None
        self._scratch: Scratch | None = None
        self._stroke: Stroke | None = None
        self._limit: tuple[tuple[float, float], Validity] | None = None

    def opened(self, image: Image) -> None:
        """Another image or level is shown."""
        self._stroke = None
        self._limit = None
        self._image = image
        if self._scratch is None or self._scratch.weights.shape != image.shape:
            self._scratch = Scratch(image.shape)

    def press(self, pixel: Point) -> None:
        """The button went down at a pixel (row, column)."""
        image = self._c.session.image
        if image is None or image is not self._image:
            return
        tool, hand = self._c.hand.tool, self._c.hand
        if tool == "brush":
            self._stroke = Stroke(
                image.codes, image.base, hand.brush(), scratch=self._scratch, limit=self._only(image)
            )
            self.move(pixel)
            return
        seed = (round(pixel[0]), round(pixel[1]))
        if not (0 <= seed[0] < image.shape[0] and 0 <= seed[1] < image.shape[1]):
            return
        if tool == "picker":
            self._pick(image, seed)
        elif tool == "fill":
            found = regions.similar_region(image.codes, seed, hand.tolerance)
            self._apply(image, found, "fill", {"tolerance": hand.tolerance})
        elif tool == "superpixel":
            found = regions.superpixel(image.exposure, image.codes != INVALID_CODE, seed, hand.side)
            self._apply(image, found, "superpixel", {"side": hand.side})
        elif tool == "light source":
            found = regions.light_source(image.flags, seed)
            self._apply(image, found, "fill", {"light_source": True})
        elif tool == "range":
            found = regions.value_range(image.codes, hand.low, hand.high)
            self._apply(image, found, "range", {"low": hand.low, "high": hand.high})
        elif tool == "outlier":
            self.repair(seed)

    def move(self, pixel: Point) -> None:
        """The mouse moved to a pixel with the button down."""
        if self._stroke is not None:
            box = self._stroke.move(pixel)
            if box is not None:
                self._c.layers.changed(box)

    def release(self) -> None:
        """The button went up: the stroke is recorded."""
        stroke, self._stroke = self._stroke, None
        image = self._image
        if stroke is None or image is None:
            return
        patch = stroke.finish()
        if patch is None:
            self._c.face.notify("info", "There was no pixel with valid data under the brush.")
            return
        brush = stroke.brush
        tool: dict[str, object] = {
            "tool": brush.mode,
            "value": brush.value,
            "radius": brush.radius,
            "feather": brush.feather,
            "strength": brush.strength,
        }
        self._record(patch, "brush", tool)
        if stroke.stopped:
            self._c.face.notify("info", "Some pixels stopped at the end of the scale, -1 or +1.")

    def cancel(self) -> None:
        """Drop the stroke in the making."""
        stroke, self._stroke = self._stroke, None
        box = stroke.cancel() if stroke is not None else None
        if box is not None:
            self._c.layers.changed(box)

    def repair(self, seed: tuple[int, int]) -> None:
        """Fill the suggested region at a pixel from its surroundings, or a light source with the value in hand."""
        image = self._paintable()
        if image is None:
            return
        lamp = regions.light_source(image.flags, seed)
        if lamp.any():
            self._apply(image, lamp, "fill", {"light_source": True})
            return
        region = regions.flagged_region(image.flags, seed)
        self._fill_from_around(image, region, "Nothing is suggested here.", {"tool": "repair"})

    def repair_speckles(self) -> None:
        """Fill every speckle from its surroundings, as one stroke."""
        image = self._paintable()
        if image is not None:
            speckles = (image.flags & int(Outlier.ISOLATED)) != 0
            self._fill_from_around(image, speckles, "There are no speckles here.", dict(SPECKLE_TOOL))

    def confirm(self, seed: tuple[int, int]) -> None:
        """Record that the suggested region at a pixel is right as it is."""
        image = self._paintable()
        if image is None:
            return
        patch = regions.confirmed_patch(image.codes, regions.flagged_region(image.flags, seed))
        if patch is None:
            self._c.face.notify("info", "Nothing is suggested here.")
        else:
            self._record(patch, "fill", {"tool": "confirm"})

    # ------------------------------------------------------------ private

    def _paintable(self) -> Image | None:
        image = self._c.session.image
        return image if image is not None and image is self._image and self._c.canvas.paintable else None

    def _only(self, image: Image) -> Validity | None:
        hand = self._c.hand
        if not hand.limited:
            return None
        key = (hand.only_low, hand.only_high)
        if self._limit is None or self._limit[0] != key:
            inside = regions.luminance_range(luma(image.exposure), image.codes != INVALID_CODE, *key)
            self._limit = (key, inside)
        return self._limit[1]

    def _pick(self, image: Image, seed: tuple[int, int]) -> None:
        code = int(image.codes[seed])
        if code == INVALID_CODE:
            self._c.face.notify("info", "There is no valid data here.")
        else:
            self._c.set_value(code / RESIDUAL_SCALE)

    def _apply(self, image: Image, region: Validity, kind: str, tool: dict[str, object]) -> None:
        brush = self._c.hand.brush()
        limit = self._only(image)
        patch = regions.region_patch(
            image.codes, region if limit is None else region & limit, brush, image.base
        )
        if patch is None:
            self._c.face.notify("info", "There is nothing to fill here.")
        else:
            self._record(patch, kind, {"tool": brush.mode, "value": brush.value, **tool})

    def _fill_from_around(
        self, image: Image, region: Validity, nothing: str, tool: dict[str, object]
    ) -> None:
        patch = None
        if region.any():
            after = regions.repaired(image.codes, region)
            patch = Patch.between(image.codes, after, region & (image.codes != INVALID_CODE))
        if patch is None:
            self._c.face.notify("info", nothing)
        else:
            self._record(patch, "fill", tool)

    def _record(self, patch: Patch, kind: str, tool: dict[str, object]) -> None:
        image = self._image
        if image is None:
            return
        box: Box | None = None
        record: Callable[[], Box | None] = lambda: self._c.session.record(patch, kind, tool)  # noqa: E731
        try:
            box = record()
        except IEAError as error:
            # Not even the memory of the courier took it: put back what was there, and say so.
            rows = slice(patch.top, patch.top + patch.mask.shape[0])
            box = (rows, slice(patch.left, patch.left + patch.mask.shape[1]))
            image.codes[box][patch.mask] = patch.old
            self._c.face.notify("error", error.letter())
        self._c.layers.changed(box, image.touched_in(box))
        self._c.refresh()
