"""How the work goes: from image to image, in and out of the queue, and what a reviewer judges."""

from collections.abc import Callable
from typing import Literal, TypeVar

from annotator.session.base import BaseSession
from annotator.session.comparison import OWN, Comparison
from annotator.session.review import Review
from annotator.session.view import View
from iea40k.errors import IEAError
from iea40k.store.ledger.queue import Verdict

Result = TypeVar("Result")


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
        """Hand the image in as corrected; in review accept it; read-only, go on."""
        session = self._session
        if session.work is None:
            self.next_if_idle()
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
        """Leave the image to others; in review, return it with a comment."""
        session, person = self._session, self._comparison.person()
        if session.work is None:
            return
        if isinstance(session, Review):
            comment = self._view.ask("Return", f"What is to be done, {person or 'everybody'}?")
            if comment:
                self._go(lambda: session.return_(person, comment))
            return
        reason = self._view.ask("Skip", "Why? The curator reads it.")
        if reason:
            self._go(lambda: session.skip(reason))

    def flag(self) -> None:
        """Tell the curator something about the image."""
        if self._session.work is None:
            return
        comment = self._view.ask("Tell the curator", "About this image:")
        if comment and done(self._view, lambda: self._session.flag(comment)):
            self._view.notify("info", "The curator will see it.")

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
            self._view.notify("info", "The lease is not lost: submit, or skip with a reason.")

    def may_leave(self) -> bool:
        """Return whether the window may close; asks where strokes are not in the ledger."""
        saving = self._session.saving if self._session.saving.clean else self._session.retry()
        if saving.clean:
            return True
        where = (
            "in memory only and will be LOST"
            if saving.unsaved
            else "safe on this machine, and sent next time"
        )
        count = saving.unsaved or saving.unsent
        return self._view.confirm("Unsent strokes", f"{count} strokes are {where}. Leave?")

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

    def _go(self, act: Callable[[], object]) -> None:
        attempt(self._view, act)
        self._opened()
