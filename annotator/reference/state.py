"""One reference under work: the picture as built, the zone edits that stand on it, and what they make of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from annotator.reference.blocks import Blocks, cut
from annotator.shared.boxes import Box
from annotator.shared.origin import StoreOrigin
from annotator.shared.steps import drawn_by
from iea40k.arrays import EncodedRGB, ResidualCodes, Validity, validity_from_codes
from iea40k.residuals import residual_codes
from iea40k.store.ledger import Lease, MapKey, PackedWeights, ZoneDraft, ZoneEdit, history
from iea40k.store.ledger.zone_replay import replay_zones
from iea40k.zones import ShiftMap, ZoneChange, apply_shift, luminance


@dataclass(eq=False)
class Reference:
    """An open reference. `picture` (H, W, 3) uint8 is `base` with every standing edit; edits change it in place.

    - `valid` (H, W) bool: where some level has valid data; nothing else is edited
    - `edits` are this lane's, recorded or still in the outbox, in the order made; `stale` those made on an earlier
      reference, which are not applied. `lease` is None where the reference is looked at only
    - `shift` (H, W) int32, see `iea40k.zones.ShiftMap`; `counts` (H, W) uint16: how many standing edits have weight
    - `light` (H, W) float64: the picture's linear luminance in [0, 1]
    """

    lane: MapKey
    lease: Lease | None
    origin: StoreOrigin
    base: EncodedRGB
    valid: Validity
    edits: list[ZoneDraft] = field(default_factory=list)
    picture: EncodedRGB = field(init=False)
    shift: ShiftMap = field(init=False)
    counts: NDArray[np.uint16] = field(init=False)
    light: NDArray[np.float64] = field(init=False)
    stale: tuple[ZoneDraft, ...] = field(init=False, default=())
    _blocks: dict[int, Blocks] = field(init=False, default_factory=dict)
    _frames: dict[str, tuple[EncodedRGB, ResidualCodes]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.refold()

    @property
    def level(self) -> str:
        """The level under which the ledger keeps zone edits."""
        return self.lane.level

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.base.shape[0], self.base.shape[1]

    @property
    def base_digest(self) -> str:
        """The digest of the reference as built: edits say which one they were made on."""
        return str(self.origin.scene.digests["reference"])

    @property
    def standing(self) -> int:
        """How many edits stand."""
        return len(history(self.edits).standing)

    @property
    def changed(self) -> bool:
        """Whether any edit has weight, one in the making included."""
        return bool(self.counts.any() or self.shift.any())

    @property
    def touched(self) -> Validity:
        """The pixels where a standing edit has weight."""
        touched: Validity = self.counts > 0
        return touched

    def touched_in(self, box: Box | None) -> Validity:
        """The pixels of a box (None: of the picture) where a standing edit has weight."""
        touched: Validity = (self.counts if box is None else self.counts[box]) > 0
        return touched

    def blocks(self, side: int) -> Blocks:
        """Return the reference as built, cut into blocks of about `side` pixels; kept, since cutting takes a while."""
        if side not in self._blocks:
            self._blocks[side] = cut(self.base, self.valid, side)
        return self._blocks[side]

    def exposure(self, level: str) -> EncodedRGB:
        """Return the exposure of a level, (H, W, 3) uint8."""
        return self._frame(level)[0]

    def residual(
        self, level: str, box: Box | None = None, picture: EncodedRGB | None = None
    ) -> ResidualCodes:
        """Return a level's residual against the reference as edited, (H, W) int16, or that of a box.

        It is what strokes on that level will be drawn on: the built residual where nothing is edited, see
        `iea40k.store.ledger.corrected.residual_base`. `picture`: against somebody else's version (H, W, 3) instead.
        """
        area: Box = (slice(None), slice(None)) if box is None else box
        exposure, built = self._frame(level)
        if picture is self.base or (picture is None and not self.changed):
            return built[area]
        valid = validity_from_codes(built[area])
        target = self.picture if picture is None else picture
        codes: ResidualCodes = residual_codes(target[area], exposure[area][None], valid)[0]
        return codes

    def draft(
        self,
        kind: str,
        weights: PackedWeights | None,
        tool: dict[str, object],
        *,
        zones: tuple[int, int] | None = None,
        supersedes: str | None = None,
    ) -> ZoneDraft:
        """Return an edit of this reference, to be recorded; `zones` are the old and the new one in 1/256 stop."""
        old, new = (None, None) if zones is None else zones
        return ZoneDraft(
            map_key=self.lane,
            image_shape=self.shape,
            base_digest=self.base_digest,
            kind=kind,
            weights=weights,
            old_zone=old,
            new_zone=new,
            tool=tool,
            supersedes=supersedes,
        )

    def drafts(self, changes: Sequence[tuple[Box, ZoneChange]], tool: dict[str, object]) -> list[ZoneDraft]:
        """Return changes, each in its box, as edits to be recorded; those without weight are left out."""
        return [
            self.draft(
                "zone",
                PackedWeights.of(change.weights, (box[0].start, box[1].start)),
                tool,
                zones=(change.old_zone, change.new_zone),
            )
            for box, change in changes
            if change.weights.any()
        ]

    def move(self, box: Box, by: ShiftMap) -> None:
        """Shift the pixels of a box by `by` (h, w) int32 more, and develop them."""
        self.shift[box] += by
        self._develop(box)

    def add(self, draft: ZoneDraft, *, shown: bool = False) -> Box | None:
        """Take a recorded edit into account; return the box that changed, None for the whole picture.

        `shown`: its shift is in the picture already. Exactly what `replay_zones` gives, at the cost of the edit's box.
        """
        self.edits.append(draft)
        edit, forward = drawn_by(draft, self.edits)
        if (
            edit is None
            or edit.weights is None
            or edit.old_zone is None
            or edit.new_zone is None
            or draft.supersedes
            or edit.base_digest != self.base_digest
        ):
            self.refold()
            return None
        packed, sign = edit.weights, 1 if forward else -1
        box = np.s_[packed.top : packed.top + packed.height, packed.left : packed.left + packed.width]
        weights = packed.unpack()
        self.counts[box] += (weights > 0).astype(np.uint16) * np.uint16(sign % 2**16)
        if not shown:
            self.move(box, weights.astype(np.int32) * (sign * (edit.new_zone - edit.old_zone)))
        return box

    def refold(self) -> None:
        """Compute the picture anew from the base and every edit."""
        folded = replay_zones(self.base, cast("Sequence[ZoneEdit]", self.edits))
        # In place: the layers show this very array.
        if hasattr(self, "picture"):
            self.picture[...] = folded.picture
        else:
            self.picture = folded.picture
        self.shift, self.stale = folded.shift, folded.stale
        self.light = luminance(self.picture)
        self.counts = np.zeros(self.shape, np.uint16)
        for edit in folded.applied:
            if edit.weights is None:
                self.counts[...] = 0
            else:
                w = edit.weights
                self.counts[w.top : w.top + w.height, w.left : w.left + w.width] += w.unpack() > 0

    def _develop(self, box: Box) -> None:
        self.picture[box] = apply_shift(self.base[box], self.shift[box])
        self.light[box] = luminance(self.picture[box])

    def _frame(self, level: str) -> tuple[EncodedRGB, ResidualCodes]:
        if level not in self._frames:
            scene = self.origin.scene
            self._frames[level] = scene.exposure(level), scene.residual(level)
        return self._frames[level]
