"""What the window's panel says, as one frozen noun, and the few verbs a window must know. Pure, no Qt."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from annotator.reference.tools import ZoneHand
from annotator.residual.propagation import CarryPlan
from annotator.residual.state import Image
from annotator.session.loading import Work
from annotator.session.pace import Pace
from annotator.session.upload import Saving, is_lost_lease, is_offline
from annotator.shared.display import Canvas, Facts, Hand, Look
from annotator.shared.progress import Step

REASONS = {
    "suspicion": "the quality checks flag it",
    "dispute": "the trained model disagrees with it",
    "audit": "random audit",
    "stale": "its base was rebuilt",
    "gold": "random audit",  # A gold image is no test if it says so.
    "manual": "chosen by the curator",
}


@dataclass(frozen=True)
class Panel:
    """Everything the panel shows. `alarm` is "", "busy", "warning" or "error": how loud `saving` is."""

    title: str
    subtitle: str
    comment: str
    levels: tuple[tuple[str, str], ...]
    home: str
    shown: str
    strokes: int
    pace: str
    seconds: int
    saving: str
    alarm: str
    look: Look
    hand: Hand
    canvas: Canvas
    can_submit: bool
    role: str = "annotate"
    maps: tuple[str, ...] = ()
    left_map: str = ""
    right_map: str = ""
    consistency: str = ""
    lost: bool = False
    zone_hand: ZoneHand | None = None
    """At a reference, the hand that sets zones; `look` is then a `ZoneLook`."""

    @property
    def with_tools(self) -> bool:
        """Whether tools are of use: not where others' maps are judged, nor where one only looks."""
        return self.role == "annotate" or (self.role == "review" and not self.left_map)


class Face(Protocol):
    """What a window must be able to do; the session's tests have a face without a display."""

    def show(self, panel: Panel) -> None:
        """Show the panel."""

    def read(self, text: str) -> None:
        """Show what the pixel under the cursor says."""

    def notify(self, kind: str, text: str) -> None:
        """Tell something: kind is "info", "warning" or "error"."""

    def ask(self, title: str, question: str) -> str | None:
        """Ask for a line of text; None where the person changed their mind."""

    def confirm(self, title: str, question: str) -> bool:
        """Ask yes or no."""

    def choose(self, title: str, question: str, choices: list[str]) -> str | None:
        """Ask for one of several; None where the person changed their mind."""

    def help(self, *, at_reference: bool) -> None:
        """Show the keys, those at an exposure or those at a reference."""

    def progress(self, text: str, total: int) -> AbstractContextManager[Step]:
        """Show how far long work is; see `annotator.shared.progress`."""

    def preview_carry(self, plan: CarryPlan) -> CarryPlan | None:
        """Show what a propagation would do; return it as decided, None where the person changed their mind."""


def panel_of(
    work: Work | None,
    look: Look,
    hand: Hand,
    facts: Facts,
    canvas: Canvas,
    saving: Saving,
    pace: Pace,
    remaining: int | None,
    seconds: float,
) -> Panel:
    """Return what the panel shows."""
    text, alarm = saving_text(saving)
    title, subtitle, comment = "The queue is empty", "Ask the curator for work, then press Next.", ""
    levels: tuple[tuple[str, str], ...] = ()
    if work is not None:
        title = work.lane.scene_id
        height, width = work.shape
        what = f"{work.level} ({work.ev:+g} EV)" if isinstance(work, Image) else "Reference: set its zones"
        subtitle = f"{what} · {width} × {height}"
        levels = tuple((n, f"{e:+g} EV") for n, e in zip(work.origin.levels, work.origin.evs, strict=True))
        if work.lease is not None:
            comment = work.lease.comment
            subtitle += f"\n{REASONS.get(work.lease.reason, work.lease.reason)}"
        if work.stale:
            subtitle += f"\n{len(work.stale)} strokes were drawn on an earlier base"
    return Panel(
        title=title,
        subtitle=subtitle,
        comment=comment,
        levels=levels,
        home=facts.home,
        shown=facts.shown,
        strokes=0 if work is None else work.standing,
        pace=pace.text(remaining),
        seconds=int(seconds),
        saving=text,
        alarm=alarm,
        look=look,
        hand=hand,
        canvas=canvas,
        can_submit=work is not None and canvas.paintable,
    )


def saving_text(saving: Saving) -> tuple[str, str]:
    """Return in words how safe the strokes are, and how loud to say it."""
    if saving.unsaved:
        return (
            f"NOT SAVED: {saving.unsaved} strokes are in memory only. Do not close this window. "
            f"{saving.trouble.what if saving.trouble else ''}",
            "error",
        )
    if is_lost_lease(saving):
        return f"The lease was lost: {saving.unsent} strokes are kept on this machine", "error"
    if is_offline(saving):
        return (
            f"The ledger is away: {saving.unsent} strokes are safe on this machine, trying again",
            "warning",
        )
    if saving.unsent and saving.trouble is not None:
        return f"{saving.unsent} strokes wait on this machine: {saving.trouble.what}", "error"
    if saving.unsent:
        return f"{saving.unsent} strokes on their way", "busy"
    return "Every stroke is in the ledger", ""
