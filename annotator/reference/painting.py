"""What a press, a move, a release and a key do at a reference with the tool in hand."""

import dataclasses
import functools
from typing import TYPE_CHECKING

from annotator.reference.state import Reference
from annotator.reference.strokes import ZoneStroke, seen
from annotator.reference.tools import ZoneHand
from annotator.residual.tools import Point
from annotator.shared.boxes import around
from iea40k.errors import IEAError
from iea40k.zones import block_zone

if TYPE_CHECKING:
    from annotator.reference.target import ZoneBench


class ZonePainter:
    """Edits the reference that is open. An edit is recorded when the button is released."""

    def __init__(self, bench: "ZoneBench") -> None:
        self._b = bench
        self._stroke: ZoneStroke | None = None
        self._hand: ZoneHand | None = None

    def opened(self) -> None:
        """Another reference is shown."""
        self._stroke = None

    def press(self, pixel: Point) -> None:
        """The button went down at a pixel (row, column)."""
        reference, hand = self._b.reference, self._b.hand
        if reference is None or hand.tool == "pan":
            return
        if hand.tool == "picker":
            self._pick(reference, (round(pixel[0]), round(pixel[1])))
            return
        self._begin(reference, hand)
        self.move(pixel)

    def move(self, pixel: Point) -> None:
        """The mouse moved to a pixel with the button down."""
        if self._stroke is not None:
            box = self._stroke.move(pixel)
            if box is not None:
                self._b.changed(box)

    def release(self) -> None:
        """The button went up: the edits are recorded."""
        stroke, self._stroke = self._stroke, None
        reference, hand = self._b.reference, self._hand
        if stroke is None or reference is None or hand is None:
            return
        changes = stroke.finish()
        if stroke.stopped:
            self._b.tell("info", "A shift of more than 20 stops was not made.")
        if not changes:
            if not stroke.stopped:
                self._b.tell("info", "Nothing changed here.")
            return
        try:
            self._b.record(changes, _noted(hand))
        except IEAError as error:
            # Not even the memory of the courier took it: put back what was there, and say so.
            reference.refold()
            self._b.tell("error", error.letter())
            self._b.changed(None)
            return
        self._b.changed(functools.reduce(around, (box for box, _ in changes)), recorded=True)

    def cancel(self) -> None:
        """Drop the edit in the making."""
        stroke, self._stroke = self._stroke, None
        box = stroke.cancel() if stroke is not None else None
        if box is not None:
            self._b.changed(box)

    def act_at(self, spot: tuple[int, int], **hand: object) -> None:
        """Do at one pixel what a click with another hand would do; for keys."""
        reference = self._b.reference
        if reference is None or self._stroke is not None:
            return
        wanted = dataclasses.replace(self._b.hand, **hand)  # type: ignore[arg-type]
        if wanted.tool not in ("block", "brush"):
            wanted = dataclasses.replace(wanted, tool="block")
        self._begin(reference, wanted)
        self.move((float(spot[0]), float(spot[1])))
        self.release()

    # ------------------------------------------------------------ private

    def _begin(self, reference: Reference, hand: ZoneHand) -> None:
        self._hand = hand
        self._stroke = ZoneStroke(reference, hand)

    def _pick(self, reference: Reference, spot: tuple[int, int]) -> None:
        found = seen(reference, self._b.hand, *spot)
        if found is None:
            self._b.tell("info", "There is no valid data here.")
            return
        box, block = found
        self._b.set_zone(round(block_zone(reference.picture[box], block) * 3) / 3)


def _noted(hand: ZoneHand) -> dict[str, object]:
    """Return what the ledger notes of the tool, for people."""
    tool: dict[str, object] = {"tool": f"{hand.mode} zone", "by": hand.tool}
    if hand.mode == "set":
        tool["zone"] = round(hand.zone, 4)
    elif hand.mode == "shift":
        tool["stops"] = round(hand.stops, 4)
    if hand.tool == "block":
        return {**tool, "side": hand.side, "edge": hand.edge}
    return {**tool, "radius": hand.radius, "feather": hand.feather}
