"""What a propagation would do to the other levels, as pictures to be looked at before it is done. Pure.

Everything is cut to the surroundings of what was corrected: a plan costs little to draw again with another choice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np

from annotator.residual.preview import re_exposed
from annotator.residual.propagate import How, Propagated, propagate
from annotator.residual.state import Image
from annotator.shared.boxes import Box, grown, whole
from annotator.shared.language import tr, trn
from annotator.shared.progress import Progress
from iea40k.arrays import EncodedRGB, ResidualCodes, Validity, bounding_box
from iea40k.render import Palette, heatmap

Shown = Literal["residual", "photograph"]
SIDE = 168
"""The longer side of a panel's picture, in pixels of the screen."""

_MARGIN = 24  # pixels of the image kept around what was corrected, at least
_RIM = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class Level:
    """One of the other levels: its exposure (h, w, 3) uint8 and codes (h, w) int16 around what was corrected.

    `blocked` says why nothing may be recorded there, "" where it may.
    """

    name: str
    ev: float
    exposure: EncodedRGB
    codes: ResidualCodes
    blocked: str = ""


@dataclass(frozen=True)
class LevelPanel:
    """What one level looks like `before` and `after`, (h, w, 3) uint8 both, with the pixels that change outlined.

    `changed`: how many pixels get another residual; `stopped`: how many stop at the end of the scale.
    """

    level: str
    title: str
    before: EncodedRGB
    after: EncodedRGB
    changed: int
    stopped: int
    text: str
    taken: bool
    blocked: bool


@dataclass(frozen=True)
class PropagationPlan:
    """A propagation to decide on: arrays of the level under work in `box` of the image, the other levels, the choices.

    `how` is done to every level that is not `left_out`; `shown` says what the panels are pictures of.
    """

    home: str
    box: Box
    base: ResidualCodes
    corrected: ResidualCodes
    touched: Validity
    levels: tuple[Level, ...]
    palette: Palette = "blue-white-red"
    how: How = "same change"
    shown: Shown = "residual"
    left_out: frozenset[str] = frozenset()

    def toggled(self, level: str) -> "PropagationPlan":
        """Return the plan with a level left out, or taken in again; a blocked level stays out."""
        return replace(self, left_out=self.left_out ^ {level})

    def taken(self, level: Level) -> bool:
        """Return whether a level takes part."""
        return not level.blocked and level.name not in self.left_out

    def decided(self) -> list[Propagated]:
        """Return what is to be recorded, in pixels of the whole image."""
        found = self._propagate({v.name: v.codes for v in self.levels if self.taken(v)})
        top, left = self.box[0].start, self.box[1].start
        return [
            item
            if item.patch is None
            else replace(
                item, patch=replace(item.patch, top=item.patch.top + top, left=item.patch.left + left)
            )
            for item in found
        ]

    def panels(self) -> list[LevelPanel]:
        """Return a panel for every other level, in the order of their stops."""
        found = {c.level: c for c in self._propagate({v.name: v.codes for v in self.levels})}
        return [self._panel(level, found[level.name]) for level in self.levels]

    def total(self) -> str:
        """Return in words what accepting would do."""
        panels = [p for p in self.panels() if p.taken and p.changed]
        if not panels:
            return tr("Nothing would change.")
        pixels = sum(p.changed for p in panels)
        return trn(
            "{pixels} pixel on {levels} would change.",
            "{pixels} pixels on {levels} would change.",
            pixels,
            pixels=f"{pixels:,}",
            levels=", ".join(p.level for p in panels),
        )

    def _propagate(self, others: Mapping[str, ResidualCodes]) -> list[Propagated]:
        return propagate(self.base, self.corrected, self.touched, others, self.how)

    def _panel(self, level: Level, item: Propagated) -> LevelPanel:
        after = level.codes.copy()
        if item.patch is not None:
            after[item.patch.box][item.patch.mask] = item.patch.new
        changes = after != level.codes
        count = int(changes.sum())
        parts = [
            trn("{pixels} pixel changes", "{pixels} pixels change", count, pixels=f"{count:,}")
            if count
            else tr("nothing changes")
        ]
        if item.stopped:
            parts.append(tr("{pixels} stop at the end of the scale", pixels=f"{item.stopped:,}"))
        if level.blocked:
            parts = [tr("left out: {why}", why=level.blocked)]
        return LevelPanel(
            level=level.name,
            title=f"{level.name}  ({level.ev:+g} EV)",
            before=self._picture(level, level.codes, changes),
            after=self._picture(level, after, changes),
            changed=count,
            stopped=item.stopped,
            text=",\n".join(parts),
            taken=self.taken(level),
            blocked=bool(level.blocked),
        )

    def _picture(self, level: Level, codes: ResidualCodes, changes: Validity) -> EncodedRGB:
        height, width = codes.shape
        step = max(1, -(-max(height, width) // SIDE))
        small = np.ascontiguousarray(codes[::step, ::step])
        if self.shown == "residual":
            picture = heatmap(small, self.palette)
        else:
            size = (small.shape[1], small.shape[0])
            picture = re_exposed(cv2.resize(level.exposure, size, interpolation=cv2.INTER_AREA), small)
        zoom = max(1, SIDE // max(small.shape))
        picture = picture.repeat(zoom, 0).repeat(zoom, 1)
        return outlined(picture, _reduced(changes, step).repeat(zoom, 0).repeat(zoom, 1))


def surroundings(touched: Validity) -> Box:
    """Return the box around what was touched that the panels show; everything where nothing was."""
    box = bounding_box(touched) or whole(touched.shape)
    margin = max(_MARGIN, max(span.stop - span.start for span in box) // 4)
    return grown(box, margin, touched.shape)


def outlined(picture: EncodedRGB, mask: Validity) -> EncodedRGB:
    """Return a picture with a black line around `mask` and a white one around that, seen on any colour."""
    result = picture.copy()
    inside = mask.astype(np.uint8)
    first = cv2.dilate(inside, _RIM)
    second = cv2.dilate(first, _RIM)
    result[second > first] = 255
    result[first > inside] = 0
    return result


def _reduced(mask: Validity, step: int) -> Validity:
    """Return a mask made smaller by `step`; a pixel counts where any of its pixels does."""
    height, width = mask.shape
    padded = np.pad(mask, ((0, -height % step), (0, -width % step)))
    blocks = padded.reshape(padded.shape[0] // step, step, padded.shape[1] // step, step)
    reduced: Validity = np.any(blocks, axis=(1, 3))
    return reduced


def plan_of(image: Image, blocked: Callable[[str], str], progress: Progress, palette: str) -> PropagationPlan:
    """Return the plan of a propagation from an image; `blocked` says why a level takes no part, "" where it does."""
    box = surroundings(image.touched)
    names = [name for name in image.origin.levels if name != image.level]
    levels = []
    with progress(tr("Reading the other levels"), len(names)) as step:
        for name in names:
            other = image.sibling(name)
            levels.append(
                Level(name, other.ev, other.exposure[box].copy(), other.codes[box].copy(), blocked(name))
            )
            step()
    return PropagationPlan(
        home=image.level,
        box=box,
        base=image.base[box],
        corrected=image.codes[box].copy(),
        touched=image.touched_in(box),
        levels=tuple(levels),
        palette=palette,  # type: ignore[arg-type]
    )
