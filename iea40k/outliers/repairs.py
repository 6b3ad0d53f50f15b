"""Repairs of proposed regions: one a kind, each recomputes the label, and refuses where it would not help.

A repair is a pure function of what is seen; what it returns differs from the label inside the region only, so that
the ledger's patch of it is its inverse as well.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE, Luma, ResidualCodes, Validity
from iea40k.clipping import blown
from iea40k.errors import IEAError
from iea40k.outliers.evidence import Laws, together
from iea40k.outliers.kinds import Kind
from iea40k.outliers.lights import LIGHT, halo
from iea40k.outliers.proposals import Findings, Proposal
from iea40k.outliers.regions import cut
from iea40k.outliers.seen import Seen
from iea40k.outliers.shifts import shifted

PAD = 96
"""Pixels around a region that its repair looks at."""

NO_PIXEL = "there is no valid pixel in it"

LEAST_GAIN = 0.8
"""The expected error after a repair, as a share of that before, from which it is refused."""


LAWFUL = 0.01
"""Mean deviation of a label from reference - exposure, in luma, up to which it counts as what its pictures say."""

KNOWN_SHARE = 0.6
"""Share of a region of which the other levels must know something."""


class RefusedError(IEAError):
    """A repair would not lower the expected error of the label; `what` says why."""


@dataclass(frozen=True, eq=False)
class Repair:
    """What a repair would do: `after` (h, w) int16 in the proposal's box, equal to the label outside its mask.

    `before_error` and `after_error` are the expected errors of the label in the region, in luma.
    """

    proposal: Proposal
    after: ResidualCodes
    touched: Validity
    before_error: float
    after_error: float


@dataclass(frozen=True, eq=False)
class Plan:
    """What a repair writes, whatever has been painted since: `new` (h, w) int16 in the proposal's box, where `mask`.

    `error` is what is expected of it, in luma.
    """

    proposal: Proposal
    new: ResidualCodes
    mask: Validity
    error: float

    def on(self, codes: ResidualCodes) -> Repair:
        """Return what it does to the label (H, W) as it stands.

        Raises `RefusedError` where nothing would be gained.
        """
        now = codes[self.proposal.box]
        touched = self.mask & (now != INVALID_CODE)
        if not touched.any():
            raise RefusedError(NO_PIXEL)
        after = np.where(touched, self.new, now)
        change = np.abs(now[touched].astype(np.float32) - self.new[touched])
        before = float(change.mean()) / RESIDUAL_SCALE
        if before <= 0.5 / 255:
            raise RefusedError("the label says already what a repair would say")
        if self.error >= LEAST_GAIN * before:
            raise RefusedError(
                f"it would be no surer than the label: {self.error:.3f} may be wrong of it, "
                f"and {before:.3f} would change"
            )
        return Repair(self.proposal, after, touched, before, self.error)


@dataclass(frozen=True, eq=False)
class _Part:
    """A region with what lies around it: the level cut to it, what is expected there, its pixels."""

    view: Seen
    laws: Laws
    mask: Validity
    proposal: Proposal

    def expected(self) -> tuple[Luma, Luma]:
        """Return the luma that the other pictures expect, NaN where they know nothing, and how unsure that is."""
        return together(self.laws.expect(self.view))

    def mean(self, values: NDArray[np.float32]) -> float:
        """Return the mean over the region."""
        return float(values[self.mask].mean())


New = tuple[NDArray[np.float32], float]
"""The label (h, w) in luma, and the error that is expected of it in the region."""


def repair(found: Findings, proposal: Proposal, codes: ResidualCodes | None = None) -> Repair:
    """Return what repairs a proposal. `codes` (H, W) are the label as it stands, where it was painted on since.

    Raises `RefusedError` where nothing can be recomputed, or nothing would be gained.
    """
    return plan(found, proposal).on(found.view.codes if codes is None else codes)


def plan(found: Findings, proposal: Proposal) -> Plan:
    """Return what a proposal's repair writes, which costs the most of it and can be done ahead.

    Raises `RefusedError` where nothing can be recomputed.
    """
    view = found.view
    rows, columns = proposal.box
    wide = (
        slice(max(rows.start - PAD, 0), min(rows.stop + PAD, view.shape[0])),
        slice(max(columns.start - PAD, 0), min(columns.stop + PAD, view.shape[1])),
    )
    inner = (
        slice(rows.start - wide[0].start, rows.stop - wide[0].start),
        slice(columns.start - wide[1].start, columns.stop - wide[1].start),
    )
    near = view.part(wide)
    mask = np.zeros(near.shape, np.bool_)
    mask[inner] = proposal.mask
    mask &= near.valid
    if not mask.any():
        raise RefusedError(NO_PIXEL)
    made, error = _REPAIRS[proposal.kind](_Part(near, found.laws, mask, proposal))
    new = np.rint(np.clip(made[inner], -1, 1) * RESIDUAL_SCALE).astype(np.int16)
    return Plan(proposal, new, mask[inner].copy(), error)


# ------------------------------------------------------------ one a kind


def _again(part: _Part) -> New:
    """Subtract again: the pictures are right, and the label is not theirs."""
    return part.view.difference, 1 / 255


def _turned(part: _Part) -> New:
    """Turn the sign."""
    return -part.view.label, part.mean(np.abs(part.view.label + part.view.difference))


def _realigned(part: _Part) -> New:
    """Subtract the exposure from what the reference shows of the same thing, `shift` away."""
    view, (rows, columns) = part.view, part.proposal.shift
    lawful, _ = part.expected()
    field = np.where(np.isfinite(lawful), lawful, view.wanted)
    still = part.mean(np.abs(view.light - field))
    moved = part.mean(np.abs(view.light - shifted(field, rows, columns)))
    made = shifted(view.wanted, rows, columns) - view.light
    # What the shift leaves unexplained of the exposure is as wrong in the label as it was before.
    return made, min(moved / max(still, 1e-6), 1.5) * part.mean(np.abs(made - view.label))


def _from_levels(part: _Part) -> New:
    """Take what the neighbouring levels expect of the exposure, and subtract that."""
    lawful, unsure = part.expected()
    known = np.isfinite(lawful)
    if known[part.mask].mean() < KNOWN_SHARE:
        raise RefusedError("neither the levels beside it nor the reference say what belongs here")
    expected = np.where(known, lawful, part.view.light)
    return part.view.wanted - expected, 0.5 * part.mean(unsure)


def _lit(part: _Part) -> New:
    """Set a light by rule: `LIGHT` at its core, and its share of it in its halo."""
    view = part.view
    core = blown(view.exposure, view.white) & blown(view.reference) & part.mask
    found = cut(core)
    if found is None:
        raise RefusedError("nothing is blown in both pictures")
    share = np.zeros(view.shape, np.float32)
    near, (top, left) = halo(view, *found)
    share[top : top + near.shape[0], left : left + near.shape[1]] = near
    over = np.minimum(view.label, np.float32(LIGHT)) - view.label
    return (view.label + share * over).astype(np.float32), 0.05


def _inpainted(part: _Part) -> New:
    """Fill dots from the valid pixels around them."""
    view = part.view
    around = cv2.dilate(part.mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool) & ~part.mask
    rough = np.abs(view.label - cv2.medianBlur(view.label, 3))[around & view.valid]
    return _filled(view.label, view.valid & ~part.mask), float(rough.mean()) if rough.size else 1 / 255


def _filled(values: NDArray[np.float32], known: Validity) -> NDArray[np.float32]:
    """Return values with the unknown ones taken from the nearest known ones, near ones most."""
    result, left = values.copy(), ~known
    for sigma in (1.0, 2.0, 4.0, 8.0, 16.0):
        weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), sigma)
        near = left & (weight > 0.05)
        sums = cv2.GaussianBlur(np.where(known, values, 0).astype(np.float32), (0, 0), sigma)
        result[near] = sums[near] / weight[near]
        left &= ~near
        if not left.any():
            break
    return result


def _answered(part: _Part) -> New:
    """Subtract again where the label is not what its pictures say; set a light that is blown in both."""
    view = part.view
    if part.mean(np.abs(view.label - view.difference)) > LAWFUL:
        return _again(part)
    if (blown(view.exposure, view.white) & blown(view.reference) & part.mask).any():
        return _lit(part)
    raise RefusedError("the label is what its pictures say; whether these are right, a person must see")


def _nothing(part: _Part) -> New:
    raise RefusedError(f"{part.proposal.reason}; set it by hand")


_REPAIRS: Mapping[Kind, Callable[[_Part], New]] = {
    Kind.LIGHT: _lit,
    Kind.SPECKLE: _inpainted,
    Kind.DISPLACED: _realigned,
    Kind.MOVED: _from_levels,
    Kind.BRIGHTNESS: _from_levels,
    Kind.SIGN: _turned,
    Kind.LEVEL: _again,
    Kind.GAIN: _again,
    Kind.DISPUTED: _answered,
    Kind.CLIPPED: _nothing,
}
