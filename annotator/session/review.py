"""A session in review: people's versions of one image or reference, to accept, to return, or to overrule.

What the reviewer paints goes into a map of their own for adjudication, which overrides the consensus. It begins at the
base, or at a version that they take over.
"""

from collections.abc import Callable
from types import MappingProxyType

from annotator.session.base import Role, Work
from annotator.session.loading import load_work
from annotator.session.session import Session
from iea40k.errors import LedgerError
from iea40k.store.ledger import MapKey
from iea40k.store.ledger.overview import listing
from iea40k.store.ledger.queue import Verdict

WAITING = ("submitted", "in_review")
SHOWN = (*WAITING, "accepted")


class Review(Session):
    """Goes through the images that somebody handed in, most urgent first."""

    role: Role = "review"

    def start(self) -> Work | None:
        """Open the most urgent image that waits for review; None where nothing waits."""
        return self._go(0)

    def step(self, step: int) -> Work | None:
        """Go to another image that waits."""
        return self._go(step)

    def submit(self, verdict: Verdict = "corrected", comment: str = "") -> Work | None:
        """Accept every map of the image that waits, and open the next."""
        del verdict
        return self.accept(None, comment)

    def accept(self, name: str | None, comment: str = "") -> Work | None:
        """Accept one person's map, or every one that waits; open the next image when none waits any more."""
        return self._judge(name, lambda key: self._prefetcher.queue.accept(key, self.annotator, comment))

    def return_(self, name: str | None, comment: str) -> Work | None:
        """Return one person's map, or every one that waits, with a comment."""
        return self._judge(name, lambda key: self._prefetcher.queue.return_(key, self.annotator, comment))

    def skip(self, reason: str) -> Work | None:
        """Return every map that waits, with the comment."""
        return self.return_(None, reason)

    def judged(self, name: str | None) -> tuple[str, ...]:
        """Return whose maps a verdict on `name` (None: everybody) is about: those that wait."""
        if self.work is None:
            return ()
        waiting = [key.annotator for key in keys_of(self.work, WAITING)]
        return tuple(person for person in waiting if name in (None, person))

    def take_over(self, name: str) -> None:
        """Make a version the start of the reviewer's own, as one step that can be undone."""
        work = self._changeable()
        self._post(work, *work.taken_over(self.versions[name]))

    def next_if_idle(self) -> Work | None:
        """Look again whether something waits: a reviewer is no part of the queue."""
        return self.work if self.work is not None else self._go(0)

    def abandon(self) -> Work | None:
        """Go to the next image that waits: nothing is leased in review."""
        return self._go(1)

    # ------------------------------------------------------------ private

    def _waiting(self) -> list[tuple[str, str]]:
        rows = [row for state in WAITING for row in listing(self.ledger, state=state)]
        rows = [row for row in rows if row["purpose"] != "adjudication"]
        rows.sort(key=lambda row: -row["priority"])
        return list(dict.fromkeys((row["scene_id"], row["level"]) for row in rows))

    def _go(self, step: int) -> Work | None:
        waiting = self._waiting()
        self._prefetcher.remaining = len(waiting)
        at = 0
        if self.work is not None:
            here = (self.work.key.scene_id, self.work.level)
            at = waiting.index(here) + step if here in waiting else 0
        if not waiting:
            self.work, self.versions = None, MappingProxyType({})
            return None
        scene_id, level = waiting[at % len(waiting)]
        key = MapKey(scene_id, level, self.annotator, "adjudication")
        work = load_work(self.store, key, self.ledger, self._outbox, None)
        self.work, self.versions = work, MappingProxyType(dict(work.versions(keys_of(work))))
        return work

    def _judge(self, name: str | None, verdict: Callable[[MapKey], None]) -> Work | None:
        work = self._changeable()
        keys = [key for key in keys_of(work, WAITING) if name in (None, key.annotator)]
        if not keys:
            raise LedgerError("this map does not wait for review", got=name or "none waits")
        for key in keys:
            verdict(key)
        self.pace = self.pace.plus(self.seconds)
        return self._go(0)


def keys_of(work: Work, states: tuple[str, ...] = SHOWN) -> list[MapKey]:
    """Return the keys of the experts' maps of an image or reference whose work is in one of `states`, by name."""
    record = work.origin.record
    return [] if record is None else record.counted(work.level, "expert", states)
