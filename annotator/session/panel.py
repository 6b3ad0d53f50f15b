"""What the window's panel says, as one frozen noun. Pure, no Qt."""

from dataclasses import dataclass
from typing import Any

from annotator.session.base import BaseSession, Role
from annotator.session.comparison import Comparison
from annotator.session.upload import Saving
from annotator.shared.language import marked, tr, trn
from annotator.target import Target

REASONS = {
    "suspicion": marked("the quality checks flag it"),
    "dispute": marked("the trained model disagrees with it"),
    "audit": marked("random audit"),
    "stale": marked("its base was rebuilt"),
    "gold": marked("random audit"),  # A gold image is no test if it says so.
    "manual": marked("chosen by the curator"),
}


@dataclass(frozen=True)
class Panel:
    """Everything the panel says. `alarm` is "", "busy", "warning" or "error": how loud `saving` is.

    `palette` is that of the residual, `zones`: the zones of blocks lie over the picture instead.
    `levels` are (name, stops) of the scene, `home` the one under work and `shown` the one looked at; `notice` is about
    what is shown. `maps` are the names of the versions that a reviewer compares, `left` and `right` those shown.
    """

    role: Role
    title: str
    subtitle: str
    comment: str
    notice: str
    levels: tuple[tuple[str, str], ...]
    home: str
    shown: str
    strokes: int
    seconds: int
    pace: str
    saving: str
    alarm: str
    consistency: str
    maps: tuple[str, ...]
    left: str
    right: str
    palette: str
    zones: bool

    @property
    def open(self) -> bool:
        """Whether there is work."""
        return bool(self.home)


def panel_of(
    session: BaseSession, target: Target[Any, Any, Any, Any], comparison: Comparison, *, reading: bool
) -> Panel:
    """Return what the panel says of a session and what its target shows. `reading`: the next image is on its way."""
    work, canvas = session.work, target.canvas
    text, alarm = saving_text(session.saving)
    title, subtitle = tr("The queue is empty"), tr("Ask the curator for work, then press Next.")
    comment = ""
    if reading:
        title, subtitle = tr("Reading the next image"), tr("It opens by itself.")
    levels: tuple[tuple[str, str], ...] = ()
    if work is not None:
        title = work.key.scene_id
        height, width = work.shape
        subtitle = f"{work.title} · {width} × {height}"
        levels = tuple((n, f"{e:+g} EV") for n, e in zip(work.origin.levels, work.origin.evs, strict=True))
        if work.lease is not None:
            comment = work.lease.comment
            subtitle += f" · {tr(REASONS.get(work.lease.reason, work.lease.reason))}"
        if session.adjudicating:
            subtitle += "\n" + tr("To be settled: the map on the left will count.")
        if work.stale:
            subtitle += "\n" + trn(
                "{count} stroke was drawn on an earlier base",
                "{count} strokes were drawn on an earlier base",
                len(work.stale),
            )
    return Panel(
        role=session.role,
        title=title,
        subtitle=subtitle,
        comment=comment,
        notice=canvas.notice,
        levels=levels,
        home=target.home,
        shown=target.level,
        strokes=0 if work is None else work.standing,
        seconds=int(session.seconds),
        pace=session.pace.text(session.remaining),
        saving=text,
        alarm=alarm,
        consistency=session.consistency,
        maps=tuple(session.versions),
        left=comparison.left,
        right=comparison.right,
        palette=canvas.palette,
        zones=canvas.zones,
    )


def saving_text(saving: Saving) -> tuple[str, str]:
    """Return in words how safe the strokes are, and how loud to say it."""
    if saving.unsaved:
        return (
            trn(
                "NOT SAVED: {count} stroke is in memory only. Do not close this window. {why}",
                "NOT SAVED: {count} strokes are in memory only. Do not close this window. {why}",
                saving.unsaved,
                why=saving.trouble.what if saving.trouble else "",
            ),
            "error",
        )
    if saving.lease_lost:
        return trn(
            "The lease was lost: {count} stroke is kept on this machine",
            "The lease was lost: {count} strokes are kept on this machine",
            saving.unsent,
        ), "error"
    if saving.offline:
        return (
            trn(
                "The ledger cannot be reached: {count} stroke is safe on this machine; trying again",
                "The ledger cannot be reached: {count} strokes are safe on this machine; trying again",
                saving.unsent,
            ),
            "warning",
        )
    if saving.unsent and saving.trouble is not None:
        return trn(
            "{count} stroke waits on this machine: {why}",
            "{count} strokes wait on this machine: {why}",
            saving.unsent,
            why=saving.trouble.what,
        ), "error"
    if saving.writing:
        return tr("Saving …"), "busy"
    if saving.unsent:
        return trn("{count} stroke on its way", "{count} strokes on their way", saving.unsent), "busy"
    return tr("Every stroke is in the ledger"), ""
