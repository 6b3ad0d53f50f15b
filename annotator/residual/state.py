"""One image under work: its pictures, its base residual, and the strokes that stand on it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from annotator.residual.strokes import Scratch
from annotator.shared.boxes import Box
from annotator.shared.origin import Origin
from annotator.shared.steps import drawn_by
from iea40k.arrays import EncodedRGB, OutlierFlags, ResidualCodes, Validity
from iea40k.store.ledger import Correction, CorrectionDraft, Lease, MapKey, PackedPatch, history, replay


@dataclass(eq=False)
class Image:
    """An open image. `codes` (H, W) int16 is the base with every standing stroke; painting changes it in place.

    `strokes` are this lane's, recorded or still in the outbox, in the order drawn; `others` those of the same person
    on the scene's other levels. `counts` (H, W) uint16: how many standing strokes touched a pixel. `stale` are strokes
    drawn on an earlier base, which were not applied. `lease` is None where the image is looked at only.
    """

    lane: MapKey
    lease: Lease | None
    origin: Origin
    exposure: EncodedRGB
    reference: EncodedRGB
    base: ResidualCodes
    flags: OutlierFlags
    strokes: list[CorrectionDraft] = field(default_factory=list)
    others: dict[str, list[CorrectionDraft]] = field(default_factory=dict)
    codes: ResidualCodes = field(init=False)
    counts: NDArray[np.uint16] = field(init=False)
    stale: tuple[CorrectionDraft, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        self.refold()

    @property
    def level(self) -> str:
        """The level under work."""
        return self.lane.level

    @property
    def ev(self) -> float:
        """Stops of the exposure relative to the as-shot frame."""
        return self.origin.evs[self.origin.levels.index(self.level)]

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.origin.shape

    @property
    def base_digest(self) -> str:
        """The digest of the base residual: strokes say which base they were drawn on."""
        return self.origin.base_digest(self.level)

    @property
    def standing(self) -> int:
        """How many strokes stand."""
        return len(history(self.strokes).standing)

    @property
    def touched(self) -> Validity:
        """The pixels that a standing stroke touched."""
        touched: Validity = self.counts > 0
        return touched

    def touched_in(self, box: Box | None) -> Validity:
        """The pixels of a box (None: of the image) that a standing stroke touched."""
        touched: Validity = (self.counts if box is None else self.counts[box]) > 0
        return touched

    def draft(
        self, kind: str, patch: PackedPatch | None, tool: dict[str, object], *, supersedes: str | None = None
    ) -> CorrectionDraft:
        """Return a stroke on this image, to be recorded."""
        return CorrectionDraft(
            map_key=self.lane,
            image_shape=self.shape,
            base_digest=self.base_digest,
            kind=kind,
            patch=patch,
            tool=tool,
            supersedes=supersedes,
        )

    def add(self, draft: CorrectionDraft) -> Box | None:
        """Take a recorded stroke into account: paint it, or take back what it undoes; return what changed.

        None stands for the whole image. Exactly what `replay` gives, at the cost of the stroke's box.
        """
        self.strokes.append(draft)
        stroke, forward = drawn_by(draft, self.strokes)
        if (
            stroke is None
            or stroke.patch is None
            or draft.supersedes
            or stroke.base_digest != self.base_digest
        ):
            self.refold()
            return None
        patch = stroke.patch
        box = np.s_[patch.top : patch.top + patch.height, patch.left : patch.left + patch.width]
        mask = patch.unpack_mask()
        if forward:
            patch.paint(self.codes)
            self.counts[box] += mask
        else:
            self.codes[box][mask] = patch.unpack().old
            self.counts[box] -= mask
        return box

    def take_from(self, sibling: "Image") -> None:
        """Take over what the same person drew on this scene from a sitting at another of its levels."""
        if replace(sibling.lane, level=self.level) != self.lane:
            return
        known = {**sibling.others, sibling.level: sibling.strokes}
        mine = known.pop(self.level, self.strokes)
        self.others |= {level: list(strokes) for level, strokes in known.items()}
        if len(mine) > len(self.strokes):
            self.strokes = list(mine)
            self.refold()

    def refold(self) -> None:
        """Compute the codes anew from the base and every stroke."""
        folded = replay(self.base, cast("Sequence[Correction]", self.strokes))
        self.codes = folded.codes
        self.stale = folded.stale
        self.counts = np.zeros(self.shape, np.uint16)
        for stroke in folded.applied:
            if stroke.patch is None:
                self.counts[...] = 0
            else:
                p = stroke.patch
                self.counts[p.top : p.top + p.height, p.left : p.left + p.width] += p.unpack_mask()


def scratch_for(image: Image) -> Scratch:
    """Return working memory for strokes on this image."""
    return Scratch(image.shape)
