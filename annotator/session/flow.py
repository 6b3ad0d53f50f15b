"""How the work goes: from image to image, in and out of the queue, and what a reviewer judges."""

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from annotator.session.base import BaseSession
from annotator.session.comparison import OWN, Comparison
from annotator.session.review import Review
from annotator.session.view import View
from annotator.shared.language import marked, tr, trn
from iea40k.errors import IEAError
from iea40k.store.ledger.entries import REFERENCE
from iea40k.store.ledger.queue import Verdict

Result = TypeVar("Result")

SHOWN = 9
"""Submissions that may be taken back at a time: the latest."""

SKIPPED = (
    marked("I cannot judge this picture"),
    marked("the picture is damaged, or not a photograph"),
    marked("the reference is not well exposed"),
    marked("the exposures do not lie on each other"),
    marked("a person can be recognised who should not be"),
)
RETURNED = (
    marked("something was missed: look at the proposals"),
    marked("the repair reaches too far"),
    marked("the repair does not reach far enough"),
    marked("the value is wrong"),
    marked("the sign is wrong"),
)
FLAGGED = (
    marked("the reference is wrong here"),
    marked("the exposures do not lie on each other"),
    marked("its EV is wrong"),
    marked("it is nearly the same as another scene"),
    marked("a good example to show others"),
)
"""Reasons that are offered, as they are said most; what is sent is the English one, so that curators can count them."""


def attempt(view: View, act: Callable[[], Result]) -> Result | None:
    """Do something that may be refused; what refuses is told, and None returned."""
    try:
        return act()
    except IEAError as error:
        view.notify("error", str(error))
        return None


def done(view: View, act: Callable[[], None]) -> bool:
    """Do something that may be refused; return whether it was done."""

    def whole() -> bool:
        act()
        return True

    return attempt(view, whole) is True


class Flow:
    """Images come and go. `opened` is called where another may be open, `chosen` where another version is judged."""

    def __init__(
        self,
        session: BaseSession,
        view: View,
        comparison: Comparison,
        *,
        opened: Callable[[], None],
        chosen: Callable[[], None],
    ) -> None:
        self._session, self._view, self._comparison = session, view, comparison
        self._opened, self._chosen = opened, chosen

    # ------------------------------------------------------------ everybody

    def start(self) -> None:
        """Open the image at which this person stopped, or the next."""
        self._go(self._session.start)

    def submit(self) -> None:
        """Hand the image in as corrected; in review accept it, or settle it by the left map; read-only, go on."""
        session = self._session
        if session.work is None:
            self.next_if_idle()
        elif isinstance(session, Review) and session.adjudicating:
            left = self._comparison.left
            self._go(lambda: session.settle(left))
        elif isinstance(session, Review):
            person = self._comparison.person()
            self._go(lambda: session.accept(person))
        else:
            self._finish("corrected")

    def base_is_right(self) -> None:
        """Hand the image in: nothing needs correction."""
        if self._session.role == "annotate":
            self._finish("base is right")

    def skip(self) -> None:
        """Leave the image or adjudication to others; what is reviewed, return it with a comment."""
        session, person = self._session, self._comparison.person()
        if session.work is None:
            return
        if isinstance(session, Review) and not session.adjudicating:
            people = ", ".join(session.judged(person)) or tr("nobody")
            comment = self._ask(
                tr("Return"), tr("What is to be done? {people} will read it.", people=people), RETURNED
            )
            if comment:
                self._go(lambda: session.return_(person, comment))
            return
        reason = self._ask(tr("Skip"), tr("Why? The curator reads it."), SKIPPED)
        if reason:
            self._go(lambda: session.skip(reason))

    def recall(self) -> None:
        """Take back something that was handed in, and that nobody reviews yet."""
        found = attempt(self._view, self._session.recallable)
        if found is None:
            return
        if not found:
            self._view.notify("info", tr("Nothing that you handed in waits for its review any more."))
            return
        options = [
            f"{key.scene_id}  {tr('reference') if key.level == REFERENCE else key.level}"
            for key in found[:SHOWN]
        ]
        at = self._view.choose(
            tr("Take back"),
            tr("What you handed in, the latest first. It opens; the image under work comes next."),
            options,
        )
        if at is not None:
            self._go(lambda: self._session.recall(found[at]))

    def flag(self) -> None:
        """Tell the curator something about the image."""
        if self._session.work is None:
            return
        comment = self._ask(tr("Tell the curator"), tr("About this image:"), FLAGGED)
        if comment and done(self._view, lambda: self._session.flag(comment)):
            self._view.notify("info", tr("The curator will see it."))

    def step(self, step: int) -> None:
        """Go to another image, in review and read-only."""
        self._go(lambda: self._session.step(step))

    def next_if_idle(self) -> None:
        """Ask for work again."""
        self._go(self._session.next_if_idle)

    def abandon(self) -> None:
        """Go on after a lost lease; an image that is still ours is handed in or skipped instead."""
        if self._session.lost:
            self._go(self._session.abandon)
        else:
            self._view.notify("info", tr("The lease is not lost: submit, or skip with a reason."))

    def may_leave(self) -> bool:
        """Return whether the window may close; asks where strokes are not in the ledger."""
        saving = self._session.saving if self._session.saving.clean else self._session.retry()
        if saving.clean:
            return True
        count = saving.unsaved or saving.unsent
        question = (
            trn(
                "{count} stroke is in memory only and will be LOST. Leave?",
                "{count} strokes are in memory only and will be LOST. Leave?",
                count,
            )
            if saving.unsaved
            else trn(
                "{count} stroke is safe on this machine, and sent next time. Leave?",
                "{count} strokes are safe on this machine, and sent next time. Leave?",
                count,
            )
        )
        return self._view.confirm(tr("Unsent strokes"), question)

    # ------------------------------------------------------------ review

    def take_over(self) -> None:
        """Start one's own map from the version on the left."""
        session, name = self._session, self._comparison.left
        if not isinstance(session, Review) or name not in session.versions:
            return
        if done(self._view, lambda: session.take_over(name)):
            self.choose(left=OWN)

    def choose(self, *, left: str | None = None, right: str | None = None) -> None:
        """Choose the versions on the left and on the right; "" is one's own."""
        self._comparison.choose(left, right)
        self._chosen()

    def next_version(self, side: Literal["left", "right"]) -> None:
        """Show another version on that side."""
        self._comparison.next(side)
        self._chosen()

    # ------------------------------------------------------------ private

    def _finish(self, verdict: Verdict) -> None:
        if self._session.work is None:
            self.next_if_idle()
        else:
            self._go(lambda: self._session.submit(verdict))

    def _ask(self, title: str, question: str, reasons: Sequence[str]) -> str | None:
        """Ask for words; of those that were offered return the English ones."""
        offered = [tr(reason) for reason in reasons]
        said = self._view.ask(title, question, offered)
        return reasons[offered.index(said)] if said in offered else said

    def _go(self, act: Callable[[], object]) -> None:
        # What was told was about the image that is left.
        self._view.dismiss()
        attempt(self._view, act)
        self._opened()
