"""One reference under work: the picture as built, the zone edits that stand on it, and what they make of it."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from annotator.reference.blocks import Blocks, cut
from annotator.shared.boxes import Box, whole
from annotator.shared.language import tr
from annotator.shared.origin import StoreOrigin
from annotator.shared.strokes import Draft, traced
from annotator.shared.work import BASE, CONSENSUS, Work
from iea40k.arrays import EncodedRGB, ResidualCodes, Validity, validity_from_codes
from iea40k.residuals import residual_codes
from iea40k.store.ledger import MapKey, PackedWeights, ZoneDraft, ZoneEdit, step_draft
from iea40k.store.ledger.corrected import middle_shift
from iea40k.store.ledger.rereview import adopt_stale_edit
from iea40k.store.ledger.zone_replay import replay_zones
from iea40k.zones import ShiftMap, ZoneChange, apply_shift, changes_of, luminance

BoxChange = tuple[Box, ZoneChange]


@dataclass(frozen=True, eq=False)
class Version:
    """A reference as somebody left it, to compare in review.

    `picture` (H, W, 3) uint8; its `shift` (H, W) int32 from the base; `touched` (H, W) bool, where an edit has weight.
    """

    picture: EncodedRGB
    shift: ShiftMap
    touched: Validity


@dataclass(eq=False, kw_only=True)
class Reference(Work[ZoneDraft]):
    """An open reference. `picture` (H, W, 3) uint8 is `base` with every standing edit; edits change it in place.

    - `valid` (H, W) bool: where some level has valid data; nothing else is edited
    - `shift` (H, W) int32, see `iea40k.zones.ShiftMap`
    - `light` (H, W) float64: the picture's linear luminance in [0, 1]
    """

    origin: StoreOrigin
    base: EncodedRGB
    valid: Validity
    picture: EncodedRGB = field(init=False)
    shift: ShiftMap = field(init=False)
    light: NDArray[np.float64] = field(init=False)
    _blocks: dict[int, Blocks] = field(init=False, default_factory=dict)
    _frames: dict[str, tuple[EncodedRGB, ResidualCodes]] = field(init=False, default_factory=dict)

    @property
    def title(self) -> str:
        """What it is, in words."""
        return tr("Reference: set its zones")

    @property
    def base_digest(self) -> str:
        """The digest of the reference as built: edits say which one they were made on."""
        return str(self.origin.scene.digests["reference"])

    @property
    def changed(self) -> bool:
        """Whether any edit has weight, one in the making included."""
        return bool(self.counts.any() or self.shift.any())

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
        tool: Mapping[str, object],
        *,
        zones: tuple[int, int] | None = None,
        supersedes: str | None = None,
    ) -> ZoneDraft:
        """Return an edit of this reference, to be recorded; `zones` are the old and the new one in 1/256 stop."""
        old, new = (None, None) if zones is None else zones
        return ZoneDraft(
            map_key=self.key,
            image_shape=self.shape,
            base_digest=self.base_digest,
            kind=kind,
            weights=weights,
            old_zone=old,
            new_zone=new,
            tool=tool,
            supersedes=supersedes,
        )

    def drafts(self, changes: Sequence[BoxChange], tool: Mapping[str, object]) -> list[ZoneDraft]:
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

    def changes(self, changes: Sequence[BoxChange], tool: Mapping[str, object]) -> list[ZoneDraft]:
        """Return what one drag did as edits to be recorded: one step, whatever their number."""
        group = {} if len(changes) == 1 else {"group": uuid.uuid4().hex}
        return self.drafts(changes, {**tool, **group})

    def clear(self) -> ZoneDraft:
        """Return the draft that takes the whole reference back to what was built, as one step."""
        return self.draft("clear", None, {"tool": "clear"})

    def step(self, *, redo: bool) -> Sequence[ZoneDraft]:
        """Return the drafts that take the last step back, or bring it again; empty where there is none."""
        return zone_step(self.strokes, redo=redo)

    def renewed(self) -> Iterator[ZoneDraft | None]:
        """Yield the edits of an earlier reference, made again on today's; None where one reaches nothing."""
        for edit in self.stale:
            yield adopt_stale_edit(edit, self.base)

    def versions(self, keys: Iterable[MapKey]) -> Mapping[str, Version]:
        """Return the versions that a reviewer compares: each person's, the median of several, the base."""
        record = self.origin.record
        versions: dict[str, Version] = {}
        recorded = {} if record is None else record.zone_edits
        for key in keys:
            found = replay_zones(self.base, recorded.get(key, ()))
            versions[key.annotator] = Version(found.picture, found.shift, found.touched)
        if len(versions) > 1:
            shift = middle_shift([v.shift for v in versions.values()], self.base)
            versions[CONSENSUS] = Version(apply_shift(self.base, shift), shift, shift != 0)
        nothing = np.zeros(self.shape, np.bool_)
        versions[BASE] = Version(self.base, nothing.astype(np.int32), nothing)
        return versions

    def taken_over(self, version: Version) -> list[ZoneDraft]:
        """Return the drafts that make somebody's shift one's own, as one step."""
        changes = [(whole(self.shape), change) for change in changes_of(version.shift - self.shift)]
        return self.drafts(changes, {"tool": "take over", "group": uuid.uuid4().hex})

    def owns(self, draft: Draft) -> bool:
        """Return whether an edit belongs to this reference and its person."""
        return isinstance(draft, ZoneDraft) and draft.map_key == self.key

    def move(self, box: Box, by: ShiftMap) -> None:
        """Shift the pixels of a box by `by` (h, w) int32 more, and develop them."""
        self.shift[box] += by
        self._develop(box)

    def draw(self, stroke: ZoneDraft, *, forward: bool, shown: bool) -> Box:
        """Make an edit, or take it back; return its box."""
        packed, sign = cast("PackedWeights", stroke.weights), 1 if forward else -1
        box, weights = packed.box, packed.unpack()
        self.counts[box] += (weights > 0).astype(np.uint16) * np.uint16(sign % 2**16)
        if not shown:
            by = sign * (cast("int", stroke.new_zone) - cast("int", stroke.old_zone))
            self.move(box, weights.astype(np.int32) * by)
        return box

    def replay(self) -> None:
        """Compute the picture anew from the base and every edit."""
        found = replay_zones(self.base, cast("Sequence[ZoneEdit]", self.strokes))
        # In place: the layers show this very array.
        if hasattr(self, "picture"):
            self.picture[...] = found.picture
        else:
            self.picture = found.picture
        self.shift, self.stale = found.shift, found.stale
        self.light = luminance(self.picture)
        edits = (edit.weights for edit in found.applied)
        self.count(None if weights is None else (weights.box, weights.unpack() > 0) for weights in edits)

    def _develop(self, box: Box) -> None:
        self.picture[box] = apply_shift(self.base[box], self.shift[box])
        self.light[box] = luminance(self.picture[box])

    def _frame(self, level: str) -> tuple[EncodedRGB, ResidualCodes]:
        if level not in self._frames:
            scene = self.origin.scene
            self._frames[level] = scene.exposure(level), scene.residual(level)
        return self._frames[level]


def zone_step(edits: Sequence[ZoneDraft], *, redo: bool) -> list[ZoneDraft]:
    """Return the drafts that take the last step of zone edits back, or bring it again; empty where there is none.

    Edits that one drag made share a `group` in their `tool` and are one step.
    """
    seen, drafts = list(edits), list[ZoneDraft]()
    first: object = None
    while isinstance(draft := step_draft(seen, redo=redo), ZoneDraft):
        edit, _ = traced(draft, seen)
        group = None if edit is None else edit.tool.get("group")
        if drafts and (group is None or group != first):
            break
        first = group
        drafts.append(draft)
        seen.append(draft)
    return drafts
