"""How the work goes: from image to image, in and out of the queue, and what a reviewer judges."""

from typing import TYPE_CHECKING, Literal

from annotator.residual.state import Image
from annotator.session.review import Review
from annotator.session.settings import write_settings

if TYPE_CHECKING:
    from annotator.session.controller import Controller


class Flow:
    """The verbs by which images come and go."""

    def __init__(self, controller: "Controller") -> None:
        self._c = controller
        self._remembered = controller.settings()
        self._size: tuple[int, int] | None = None

    def start(self) -> None:
        """Open the image at which this person stopped, or the next."""
        self.opened(self._c.attempt(self._c.session.start))

    def submit(self) -> None:
        """Hand the image in as corrected; in review accept it; when only looking, go on."""
        if self._c.session.role == "annotate":
            self._finish("corrected")
        elif self._c.session.role == "review":
            self.accept()
        else:
            self.step(1)

    def base_is_right(self) -> None:
        """Hand the image in: nothing needs correction."""
        if self._c.session.role == "annotate":
            self._finish("base is right")

    def skip(self) -> None:
        """Leave the image to others; in review, return it."""
        if self._c.session.role == "review":
            self.return_()
            return
        reason = self._c.face.ask("Skip", "Why? The curator reads it.") if self._c.session.work else None
        if reason:
            self.opened(self._c.attempt(lambda: self._c.session.skip(reason)))

    def flag(self) -> None:
        """Tell the curator something about the image."""
        comment = self._c.face.ask("Tell the curator", "About this image:") if self._c.session.work else None
        if comment and self._c.did(lambda: self._c.session.flag(comment)):
            self._c.face.notify("info", "The curator will see it.")

    def step(self, step: int) -> None:
        """Go to another image, in review and when only looking."""
        self.opened(self._c.attempt(lambda: self._c.session.step(step)))

    def accept(self) -> None:
        """In review: accept the map on the left, or every one that waits."""
        session = self._c.session
        if isinstance(session, Review):
            self.opened(self._c.attempt(lambda: session.accept(self._judged())))

    def return_(self) -> None:
        """In review: return the map on the left, or every one that waits, with a comment."""
        session = self._c.session
        if not isinstance(session, Review) or session.work is None:
            return
        comment = self._c.face.ask("Return", f"What is to be done, {self._judged() or 'everybody'}?")
        if comment:
            self.opened(self._c.attempt(lambda: session.return_(self._judged(), comment)))

    def take_over(self) -> None:
        """In review: start one's own map from the map on the left."""
        session, name = self._c.session, self._c.left_map
        if (
            isinstance(session, Review)
            and (name in session.maps or name in session.versions)
            and self._c.did(lambda: session.take_over(name))
        ):
            self.set_maps(left="")

    def set_maps(self, *, left: str | None = None, right: str | None = None) -> None:
        """In review: choose the maps on the left and on the right; "" is one's own."""
        self._c.left_map = self._c.left_map if left is None else left
        self._c.right_map = self._c.right_map if right is None else right
        if self._c.session.reference is not None:
            self._c.zones.opened()
            self._c.refresh()
        elif self._c.shown is not None:
            self._c.display(self._c.shown)

    def next_map(self, side: Literal["left", "right"]) -> None:
        """In review: show another map on that side; one's own is among those on the left."""
        names = [*self._c.maps(), *([""] if side == "left" else [])]
        now = self._c.left_map if side == "left" else self._c.right_map
        if self._c.maps():
            other = names[(names.index(now) + 1) % len(names)] if now in names else names[0]
            self._c.set_maps(**{side: other})

    def next_if_idle(self) -> None:
        """Ask for work again."""
        self.opened(self._c.attempt(self._c.session.next_if_idle))

    def abandon(self) -> None:
        """Go on after a lost lease; an image that is still ours is handed in or skipped instead."""
        if not self._c.session.lost:
            self._c.face.notify("info", "The lease is not lost: submit, or skip with a reason.")
            return
        self.opened(self._c.attempt(self._c.session.abandon))

    def leave(self) -> bool:
        """Return whether the window may close; asks where strokes are not in the ledger."""
        saving = self._c.session.saving if self._c.session.saving.clean else self._c.session.retry()
        if saving.clean:
            return True
        where = (
            "in memory only and will be LOST"
            if saving.unsaved
            else "safe on this machine, and sent next time"
        )
        count = saving.unsaved or saving.unsent
        return self._c.face.confirm("Unsent strokes", f"{count} strokes are {where}. Leave?")

    def remember(self) -> None:
        """Keep look and hand for the next sitting."""
        if self._remembered != self._c.settings():
            self._remembered = self._c.settings()
            write_settings(self._c.session.desk.settings_file, *self._remembered)

    def opened(self, _work: object) -> None:
        """Show what the session has open now."""
        work = self._c.session.work
        self._c.strokes.opened()
        maps = self._c.maps()
        self._c.left_map = maps[0] if len(maps) > 1 else ""
        if self._c.right_map not in maps:
            self._c.right_map = maps[-1] if maps else ""
        before, self._size = self._size, None if work is None else work.shape
        self._c.shown = None
        if work is None:
            self._c.refresh()
            return
        if isinstance(work, Image):
            self._c.display(work)
        else:
            self._c.zones.opened()
            self._c.refresh()
            self._c.read()
        if before != self._size:
            self._c.layers.fit()
        self.remember()
        if work.lease is not None and work.lease.comment:
            self._c.face.notify("warning", f"Returned with a comment: {work.lease.comment}")

    # ------------------------------------------------------------ private

    def _finish(self, verdict: Literal["corrected", "base is right"]) -> None:
        if self._c.session.work is None:
            self.next_if_idle()
            return
        before = self._c.session.work
        opened = self._c.attempt(lambda: (self._c.session.submit(verdict),))
        if opened is not None:
            self.opened(opened[0])
        elif self._c.session.work is before:
            self._c.refresh()
        else:
            self.opened(None)

    def _judged(self) -> str | None:
        people = [name for name in self._c.maps() if name not in ("consensus", "base")]
        return self._c.left_map if self._c.left_map in people else None
