"""What is proposed on one image: which proposals are open, which one is looked at, and what its repair would do."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from annotator.residual.state import Image
from annotator.shared.boxes import Box, Spot, around, grown, inside
from annotator.shared.language import tr, trn
from iea40k.arrays import ResidualCodes, Validity
from iea40k.outliers.kinds import Kind
from iea40k.outliers.proposals import Findings, Proposal
from iea40k.outliers.repairs import RefusedError, Repair
from iea40k.store.ledger import Correction, MapKey, Patch, history

REFUSALS = 2
"""People who must have refused a region before it is proposed to nobody any more."""

SETTLED = 0.5
"""Share of a proposal that is worked on, or refused, from which it is no longer open."""

SURE = 0.5
"""Trust from which a proposal is among those that are done all at once."""

SNAP = 5
"""A click this many pixels beside a proposal still means it."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Every open proposal of one kind with its repair; `left_out`: those whose repair refused, or that are unsure."""

    kind: Kind
    repairs: tuple[Repair, ...]
    left_out: int

    @property
    def pixels(self) -> int:
        """How many pixels would change."""
        return int(sum(np.count_nonzero(r.touched) for r in self.repairs))

    def said(self) -> str:
        """Return what is asked."""
        regions = len(self.repairs)
        what = trn(
            "{kind}: {count} region, {pixels} pixels would change.",
            "{kind}: {count} regions, {pixels} pixels would change.",
            regions,
            kind=tr(self.kind.words),
            pixels=self.pixels,
        )
        left = trn(
            "{count} more is left out, since it is unsure.",
            "{count} more are left out, since they are unsure.",
            self.left_out,
        )
        rest = f" {left}" if self.left_out else ""
        return f"{what}{rest} " + tr("Enter does it, Escape does not, Ctrl+J shows the next kind.")

    def done(self, codes: ResidualCodes) -> ResidualCodes:
        """Return `codes` (H, W) with all of it done."""
        after = codes.copy()
        for done in self.repairs:
            after[done.proposal.box][done.touched] = done.after[done.touched]
        return after

    def patch(self, codes: ResidualCodes) -> Patch | None:
        """Return the patch that does all of it to `codes` (H, W)."""
        boxes = [done.proposal.box for done in self.repairs]
        if not boxes:
            return None
        wide = functools.reduce(around, boxes)
        after = codes[wide].copy()
        touched = np.zeros(after.shape, np.bool_)
        for done, box in zip(self.repairs, boxes, strict=True):
            at = inside(box, wide)
            after[at][done.touched] = done.after[done.touched]
            touched[at] |= done.touched
        return patch_in(wide, codes, after, touched)


@dataclass(eq=False)
class Suggestions:
    """The proposals of one image. `at`: the one that is looked at, None for none."""

    image: Image
    at: Proposal | None = None
    _elsewhere: Validity | None = field(default=None, init=False)

    @property
    def findings(self) -> Findings:
        """What was found of the image."""
        return self.image.findings

    def open(self) -> list[Proposal]:
        """Return the proposals that this person has not settled yet, and others have not refused."""
        refused, touched = self._refused_by_others(), self.image.counts
        return [
            p
            for p in self.findings.proposals
            if np.count_nonzero((touched[p.box] > 0) & p.mask) < SETTLED * p.pixels
            and np.count_nonzero(refused[p.box] & p.mask) < SETTLED * p.pixels
        ]

    def step(self, step: int) -> Proposal | None:
        """Go to the next open proposal, or the one before; None where none is open."""
        found = self.open()
        if not found:
            self.at = None
        elif self.at in found:
            self.at = found[(found.index(self.at) + step) % len(found)]
        else:
            # What was looked at is settled: those after it have moved up into its place.
            everything = list(self.findings.proposals)
            place = (
                everything.index(self.at) if self.at in everything else -1 if step > 0 else len(everything)
            )
            after = [p for p in found if everything.index(p) > place]
            before = [p for p in found if everything.index(p) < place]
            self.at = (after or found)[0] if step > 0 else (before or found)[-1]
        return self.at

    def near(self, spot: Spot) -> Proposal | None:
        """Return the open proposal at a pixel, or the nearest within `SNAP` pixels."""
        best: tuple[float, Proposal] | None = None
        for proposal in self.open():
            rows, columns = proposal.box
            if not (
                rows.start - SNAP <= spot[0] < rows.stop + SNAP
                and columns.start - SNAP <= spot[1] < columns.stop + SNAP
            ):
                continue
            away = np.argwhere(proposal.mask) + np.array([rows.start - spot[0], columns.start - spot[1]])
            nearest = float((away**2).sum(axis=1).min())
            if nearest <= SNAP**2 and (best is None or nearest < best[0]):
                best = (nearest, proposal)
        return None if best is None else best[1]

    def repair(self, proposal: Proposal) -> Repair | str:
        """Return what a proposal's repair would do to the codes as they are, or why it is refused."""
        planned = self.image.plans[proposal]
        if isinstance(planned, str):
            return planned
        try:
            return planned.on(self.image.codes)
        except RefusedError as refused:
            return refused.what

    def kinds(self) -> list[Kind]:
        """Return the kinds of the open proposals, the one first whose first repair saves most."""
        return list(dict.fromkeys(p.kind for p in self.open()))

    def batch(self, kind: Kind) -> Batch:
        """Return every open proposal of a kind, repaired."""
        found = [p for p in self.open() if p.kind == kind]
        tried = [self.repair(p) if p.trust >= SURE else "" for p in found]
        done = tuple(r for r in tried if isinstance(r, Repair))
        return Batch(kind, done, len(found) - len(done))

    def place(self) -> str:
        """Return which of the open proposals is looked at: "2 of 5"."""
        found = self.open()
        at = found.index(self.at) + 1 if self.at in found else 0
        return tr("{at} of {count}", at=at, count=len(found)) if at else tr("of {count}", count=len(found))

    def _refused_by_others(self) -> Validity:
        if self._elsewhere is None:
            record = self.image.origin.record
            strokes = {} if record is None else record.corrections
            self._elsewhere = refused_by_others(self.image, strokes.items())
        return self._elsewhere


def refused_by_others(image: Image, maps: Iterable[tuple[MapKey, Sequence[Correction]]]) -> Validity:
    """Return the pixels (H, W) that so many other people left as they are that nobody is asked again."""
    count = np.zeros(image.shape, np.uint8)
    for key, strokes in maps:
        if key.level != image.level or key.annotator == image.key.annotator:
            continue
        theirs = np.zeros(image.shape, np.bool_)
        for stroke in history(strokes).standing:
            if is_refusal(stroke.tool) and stroke.patch is not None and stroke.image_shape == image.shape:
                stroke.patch.touch(theirs)
        count += theirs
    return count >= REFUSALS


def patch_in(box: Box, codes: ResidualCodes, after: ResidualCodes, touched: Validity) -> Patch | None:
    """Return the patch that makes a box of `codes` (H, W) as `after` (h, w), where it is touched; None for nowhere.

    All of a large image would be compared in vain.
    """
    patch = Patch.between(codes[box], after, touched)
    return patch and replace(patch, top=patch.top + box[0].start, left=patch.left + box[1].start)


def is_refusal(tool: Mapping[str, object]) -> bool:
    """Return whether a stroke's `tool` says that a person left a region as it is."""
    return tool.get("tool") == "confirm"


def taken_tool(proposal: Proposal, *, all_of_kind: bool = False) -> dict[str, object]:
    """Return the `tool` of a stroke that repairs a proposal."""
    return {"tool": "proposal", "kind": str(proposal.kind), "verdict": "taken", "all": all_of_kind}


def refused_tool(proposal: Proposal) -> dict[str, object]:
    """Return the `tool` of a stroke that leaves a proposal as it is."""
    return {"tool": "confirm", "kind": str(proposal.kind), "verdict": "refused"}


def seen_with(proposal: Proposal, shape: tuple[int, int]) -> Box:
    """Return the box around a proposal that is shown of it before and after."""
    rows, columns = proposal.box
    pad = max(10, (rows.stop - rows.start) // 5, (columns.stop - columns.start) // 5)
    return grown(proposal.box, pad, shape)
