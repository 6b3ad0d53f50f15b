"""One image under work: its pictures, its base residual, and the strokes that stand on it."""

import contextlib
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self, cast

from annotator.residual.propagate import Propagated
from annotator.residual.ranking import Plans, by_saving, plans
from annotator.residual.steps import propagated_tool, step_drafts
from annotator.shared.boxes import Box
from annotator.shared.origin import Origin
from annotator.shared.strokes import Draft
from annotator.shared.work import BASE, CONSENSUS, Work
from iea40k.arrays import EncodedRGB, OutlierFlags, ResidualCodes, Validity, validity_from_codes
from iea40k.errors import IEAError
from iea40k.outliers.proposals import LARGE, Findings, Proposal, find
from iea40k.outliers.seen import Seen, Witness, nearest
from iea40k.store.ledger import Correction, CorrectionDraft, Lease, MapKey, PackedPatch, Patch, replay
from iea40k.store.ledger.consensus import consensus
from iea40k.store.ledger.rereview import adopt, adopt_stale

FEW = 3
"""Levels beside it that a large image is compared with."""


@dataclass(eq=False, kw_only=True)
class Image(Work[CorrectionDraft]):
    """An open image. `codes` (H, W) int16 is the base with every standing stroke; painting changes it in place.

    `others` are the strokes of the same person on the scene's other levels; `trust`: by kind, the share of earlier
    proposals that people took; `disputes`: what a trained model disputes, which comes before what is found here;
    `plans`: what repairs each of `findings`, which are found first.
    """

    exposure: EncodedRGB
    reference: EncodedRGB
    base: ResidualCodes
    flags: OutlierFlags
    trust: Mapping[str, float] = field(default_factory=dict)
    disputes: tuple[Proposal, ...] = ()
    others: dict[str, list[CorrectionDraft]] = field(default_factory=dict)
    codes: ResidualCodes = field(init=False)
    plans: Plans = field(init=False, default_factory=dict)
    _finding: threading.Lock = field(init=False, default_factory=threading.Lock)

    @classmethod
    def of(
        cls,
        origin: Origin,
        key: MapKey,
        strokes: Iterable[CorrectionDraft] = (),
        *,
        lease: Lease | None = None,
        reference: EncodedRGB | None = None,
    ) -> Self:
        """Return an exposure of a scene, with the strokes of its map; `reference` where it is read already."""
        return cls(
            key=key,
            lease=lease,
            origin=origin,
            exposure=origin.exposure(key.level),
            reference=origin.reference if reference is None else reference,
            base=origin.base(key.level),
            flags=origin.outliers(key.level),
            strokes=list(strokes),
        )

    # ------------------------------------------------------------ facts

    @property
    def ev(self) -> float:
        """Stops of the exposure relative to the as-shot frame."""
        return self.origin.evs[self.origin.levels.index(self.level)]

    @property
    def title(self) -> str:
        """What it is, in words."""
        return f"{self.level} ({self.ev:+g} EV)"

    @property
    def base_digest(self) -> str:
        """The digest of the base residual: strokes say which base they were drawn on."""
        return self.origin.base_digest(self.level)

    @property
    def valid(self) -> Validity:
        """The pixels that have valid data."""
        return validity_from_codes(self.codes)

    @cached_property
    def findings(self) -> Findings:
        """What is proposed on its base, by the scene's levels; found when first asked for, by either thread."""
        with self._finding:
            if "findings" not in vars(self):
                vars(self)["findings"] = self._find()
        found: Findings = vars(self)["findings"]
        return found

    def _find(self) -> Findings:
        origin, others = self.origin, []
        order = nearest(origin.evs, origin.levels.index(self.level))
        for index in order[: FEW if self.base.size > LARGE else None]:
            with contextlib.suppress(IEAError):  # A level that cannot be read says nothing of this one.
                others.append(Witness(origin.exposure(origin.levels[index]), origin.evs[index]))
        found = find(Seen(self.exposure, self.reference, self.base, self.ev, tuple(others)), self.trust)
        # A key that shows a repair must not wait for it to be worked out.
        self.plans = plans(found, (*self.disputes, *found.proposals))
        found = by_saving(found, self.plans)
        return replace(found, proposals=(*self.disputes, *found.proposals))

    def sibling(self, level: str) -> "Image":
        """Return another level of the scene, to look at or to propagate a correction to."""
        key, strokes = replace(self.key, level=level), self.others.get(level, ())
        return Image.of(self.origin, key, strokes, reference=self.reference)

    # ------------------------------------------------------------ strokes to be recorded

    def draft(
        self, kind: str, patch: Patch | None, tool: Mapping[str, object], *, level: str | None = None
    ) -> CorrectionDraft:
        """Return a stroke on this image, or on another level of its scene, to be recorded."""
        on = self.level if level is None else level
        return CorrectionDraft(
            map_key=replace(self.key, level=on),
            image_shape=self.shape,
            base_digest=self.origin.base_digest(on),
            kind=kind,
            patch=None if patch is None else PackedPatch.of(patch),
            tool=dict(tool),
        )

    def clear(self) -> CorrectionDraft:
        """Return the draft that takes the whole image back to its base, as one step."""
        return self.draft("clear", None, {"tool": "clear"})

    def propagated(self, found: Sequence[Propagated], how: str) -> list[CorrectionDraft]:
        """Return a propagation as strokes, one on each of the other levels; they share a group and are one step."""
        tool = propagated_tool(self.level, uuid.uuid4().hex, how)
        return [self.draft("adopt", p.patch, tool, level=p.level) for p in found if p.patch is not None]

    def step(self, *, redo: bool) -> Sequence[CorrectionDraft]:
        """Return the drafts that take the last step back, or bring it again; empty where there is none."""
        return step_drafts(self.strokes, self.others.values(), self.level, redo=redo)

    def renewed(self) -> Iterator[CorrectionDraft | None]:
        """Yield each stale stroke drawn again on today's base, over those yielded before; None where it reaches
        nothing."""
        for stale in self.stale:
            yield adopt_stale(cast("Correction", stale), self.base, self.codes)

    def versions(self, keys: Iterable[MapKey]) -> Mapping[str, ResidualCodes]:
        """Return the codes that a reviewer compares: each person's, their consensus where there are two, the base."""
        record = self.origin.record
        recorded = {} if record is None else record.corrections
        maps = {key.annotator: replay(self.base, recorded.get(key, ())).codes for key in keys}
        if len(maps) > 1:
            maps[CONSENSUS] = consensus(list(maps.values())).codes
        return {**maps, BASE: self.base}

    def taken_over(self, version: ResidualCodes) -> list[CorrectionDraft]:
        """Return the draft that makes somebody's codes one's own, none where they are equal."""
        draft = adopt(self.key, self.base, self.codes, version)
        return [] if draft is None else [draft]

    # ------------------------------------------------------------ strokes that were recorded

    def owns(self, draft: Draft) -> bool:
        """Return whether a stroke belongs to this image or another level of its scene, and to the same person."""
        return isinstance(draft, CorrectionDraft) and replace(draft.map_key, level=self.level) == self.key

    def add(self, draft: CorrectionDraft, *, shown: bool = False) -> Box | None:
        """Take a recorded stroke into account, on this level or on another; return what changed here."""
        if draft.map_key != self.key:
            self.others.setdefault(draft.map_key.level, []).append(draft)
            return None
        return super().add(draft, shown=shown)

    def draw(self, stroke: CorrectionDraft, *, forward: bool, shown: bool) -> Box:
        """Paint a stroke, or take it back; return its box."""
        patch = cast("PackedPatch", stroke.patch)
        box, mask = patch.box, patch.unpack_mask()
        if not forward:
            self.codes[box][mask] = patch.unpack().old
            self.counts[box] -= mask
            return box
        if not shown:
            patch.paint(self.codes)
        self.counts[box] += mask
        return box

    def take_from(self, sibling: "Image") -> None:
        """Take over what the same person drew on this scene while at another of its levels."""
        if replace(sibling.key, level=self.level) != self.key:
            return
        known = {**sibling.others, sibling.level: sibling.strokes}
        mine = known.pop(self.level, self.strokes)
        self.others |= {level: list(strokes) for level, strokes in known.items()}
        if len(mine) > len(self.strokes):
            self.strokes = list(mine)
            self.replay()

    def replay(self) -> None:
        """Compute the codes anew from the base and every stroke."""
        found = replay(self.base, cast("Sequence[Correction]", self.strokes))
        self.codes, self.stale = found.codes, found.stale
        patches = (stroke.patch for stroke in found.applied)
        self.count(None if patch is None else (patch.box, patch.unpack_mask()) for patch in patches)
