"""Replay: which strokes of a map stand, and what they make of the base. Pure, and exact to the bit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from iea40k.arrays import ResidualCodes, Validity, check_codes
from iea40k.errors import ArrayError, StaleBaseError
from iea40k.store.digests import array_digest
from iea40k.store.ledger.entries import REFERENCE, Correction, CorrectionDraft, Draft, ZoneDraft


class Undoable(Protocol):
    """What `history` needs to know of a stroke."""

    @property
    def stroke_id(self) -> str:
        """The client's id."""

    @property
    def undoes(self) -> str | None:
        """The stroke that this one takes back."""

    @property
    def supersedes(self) -> str | None:
        """The stroke that this one stands in for."""


Stroke = TypeVar("Stroke", bound=Undoable)
Drawn = TypeVar("Drawn", bound=Draft)


@dataclass(frozen=True)
class History(Generic[Stroke]):
    """What stands after every undo: `standing` in the order drawn; the ids that undo and redo would take back."""

    standing: tuple[Stroke, ...]
    undo: str | None
    redo: str | None


@dataclass(frozen=True, eq=False)
class Replayed:
    """A map replayed on its base.

    - `codes` (H, W) int16; `touched` (H, W) bool, True where a standing stroke (or a clear) wrote, even the same code
    - `applied`: the strokes that made it; `stale`: standing strokes drawn on another base, which were not applied
      and wait for a person
    """

    codes: ResidualCodes
    touched: Validity
    applied: tuple[Correction, ...]
    stale: tuple[Correction, ...]


def history(strokes: Iterable[Stroke]) -> History[Stroke]:
    """Replay the undos of one map, given in the order recorded.

    An undo of a stroke takes it back; an undo of an undo brings it again, at its old place. A new stroke ends the
    redo. A stroke that another one supersedes does not stand while that other one does.
    """
    order: dict[str, Stroke] = {}
    done: list[str] = []
    undone: list[tuple[str, str]] = []  # (the stroke, the undo that took it back)
    for stroke in strokes:
        if stroke.undoes is None:
            order[stroke.stroke_id] = stroke
            done.append(stroke.stroke_id)
            undone.clear()
        elif stroke.undoes in done:
            done.remove(stroke.undoes)
            undone.append((stroke.undoes, stroke.stroke_id))
        else:
            again = next((pair for pair in undone if pair[1] == stroke.undoes), None)
            if again is not None:
                undone.remove(again)
                done.append(again[0])
    standing = set(done)
    superseded = {order[i].supersedes for i in standing}
    return History(
        standing=tuple(s for i, s in order.items() if i in standing and i not in superseded),
        undo=done[-1] if done else None,
        redo=undone[-1][1] if undone else None,
    )


def step_draft(strokes: Sequence[Drawn], *, redo: bool = False) -> CorrectionDraft | ZoneDraft | None:
    """Return the draft that undoes (or redoes) in one map, None where there is nothing to take back.

    Pure: it serves a window that cannot reach the ledger, on the strokes recorded and those in the outbox.
    """
    past = history(strokes)
    target = past.redo if redo else past.undo
    if target is None:
        return None
    origin = next(s for s in strokes if s.stroke_id == target)
    kind = ZoneDraft if origin.map_key.level == REFERENCE else CorrectionDraft
    return kind(
        map_key=origin.map_key,
        image_shape=origin.image_shape,
        base_digest=origin.base_digest,
        kind="undo",
        undoes=target,
    )


def replay(base: ResidualCodes, corrections: Sequence[Correction]) -> Replayed:
    """Return one map's corrections, in the order recorded, replayed over `base` (H, W) int16.

    Strokes drawn on another base are listed as stale and change nothing. Raises `ArrayError` where a stroke's image
    has another size than a base of the same digest, `CorruptDataError` where stored bytes are damaged.
    """
    check_codes(base)
    digest = array_digest(base)
    codes, touched = base.copy(), np.zeros(base.shape, np.bool_)
    applied: list[Correction] = []
    stale: list[Correction] = []
    for stroke in history(corrections).standing:
        if stroke.base_digest != digest:
            stale.append(stroke)
            continue
        if stroke.image_shape != base.shape:
            raise ArrayError(
                "a stroke's image has another size", expected=f"{base.shape}", got=f"{stroke.image_shape}"
            )
        if stroke.patch is None:
            codes[...] = base
            touched[...] = False
        else:
            stroke.patch.paint(codes)
            stroke.patch.touch(touched)
        applied.append(stroke)
    return Replayed(codes, touched, tuple(applied), tuple(stale))


def replay_codes(base: ResidualCodes, corrections: Sequence[Correction]) -> ResidualCodes:
    """Return `replay(base, corrections).codes`; raises `StaleBaseError` where a stroke was drawn on another base."""
    replayed = replay(base, corrections)
    if replayed.stale:
        first = replayed.stale[0]
        raise StaleBaseError(
            f"{len(replayed.stale)} strokes were drawn on a base that has since been rebuilt",
            where=f"{first.map_key.scene_id} {first.map_key.level}, {first.map_key.annotator}",
            expected=f"base {array_digest(base)[:12]}",
            got=f"base {first.base_digest[:12]}",
            remedy="review them: adopt each on the new base, or undo it",
        )
    return replayed.codes
