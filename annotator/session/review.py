"""A session in review: people's versions of one image or reference, to accept, to return, or to overrule.

What the reviewer paints goes into a map of their own for adjudication, which overrides the consensus. It begins at the
base, or at a version that they take over. Adjudications that the queue asks for come among what waits, by priority:
they are leased, so that no two people settle the same image, and settled by what is shown on the left. What was
handed in of scenes that were withdrawn from the dataset since is passed over: it waits in case that they come back.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from annotator.session.base import Role, Work
from annotator.session.comparison import OWN
from annotator.session.loading import load_work
from annotator.session.pace import Clock
from annotator.session.session import Session
from annotator.shared.work import CONSENSUS
from iea40k.errors import IEAError, LedgerError, LedgerUnavailableError
from iea40k.store.ledger import MapKey
from iea40k.store.ledger.overview import listing
from iea40k.store.ledger.queue import Verdict

WAITING = ("submitted", "in_review")
SHOWN = (*WAITING, "accepted")
ADJUDICATION: Final = "adjudication"


@dataclass(frozen=True)
class _Stop:
    """An image that waits: to be reviewed, or `settled` as an adjudication. The lowest `turn` comes first."""

    turn: float = field(compare=False)
    scene_id: str
    level: str
    settled: bool


class Review(Session):
    """Goes through the images that somebody handed in, and those to be adjudicated, most urgent first."""

    role: Role = "review"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "purposes": (ADJUDICATION,)})

    @property
    def adjudicating(self) -> bool:
        """Whether what is open is an adjudication that the queue asked for."""
        return self.work is not None and self.work.lease is not None

    @property
    def begins_with(self) -> str | None:
        """The version that is shown first: of an adjudication what would count if nothing were done."""
        if self.work is None or not self.adjudicating:
            return None
        return OWN if self.work.standing else CONSENSUS if CONSENSUS in self.versions else None

    def start(self) -> Work | None:
        """Open the most urgent image that waits; None where nothing waits."""
        self._prefetcher.resume()
        if self._uploads.saving.unsent:
            self._uploads.flush(2.0)
        for row in listing(self.ledger, state="submitted", purpose=ADJUDICATION):
            # Settled, and something came in between before it could be accepted.
            if row["annotator"] == self.annotator:
                self._prefetcher.queue.accept(self._own(row), self.annotator)
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
        """Return every map that waits, with the comment; leave an adjudication to others."""
        if not self.adjudicating:
            return self.return_(None, reason)
        work, lease = self._leased()
        self._all_delivered(work)
        self._prefetcher.asked(work.key, lambda: self._prefetcher.queue.skip(lease, reason))
        return self._left(work)

    def settle(self, name: str) -> Work | None:
        """Settle the adjudication by a version, "" for one's own map: it is what counts; open the next image.

        The consensus is left as it is, one's own strokes undone; any other version becomes one's own first. Raises
        `LedgerError` where strokes are not in the ledger yet; then nothing is settled.
        """
        work, lease = self._leased()
        self._check_base(work)
        verdict: Verdict = "consensus is right"
        if name != CONSENSUS:
            if name != OWN:
                self.take_over(name)
            verdict = "corrected" if work.standing else "base is right"
        while name == CONSENSUS and work.standing and self.undo()[0]:
            pass  # Whoever leaves the consensus has drawn nothing.
        self._all_delivered(work)
        queue, seconds = self._prefetcher.queue, round(self.seconds, 1)
        self._prefetcher.asked(work.key, lambda: queue.submit(lease, verdict=verdict, active_seconds=seconds))
        # Nobody reviews the last word.
        queue.accept(work.key, self.annotator)
        self.pace = self.pace.plus(self.seconds)
        return self._left(work)

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
        """Look again whether something waits."""
        return self.work if self.work is not None else self._go(0)

    def abandon(self) -> Work | None:
        """Go on after the lease of an adjudication was lost, or to the next image that waits."""
        return self._left(self._changeable()) if self.adjudicating else self._go(1)

    # ------------------------------------------------------------ private

    def _left(self, work: Work) -> Work | None:
        """An adjudication is over: go to what waits now."""
        self._prefetcher.ended(work.key)
        self.work = None
        return self._go(0)

    def _waiting(self) -> list[_Stop]:
        without = self._prefetcher.withdrawn()
        rows = [
            r for state in WAITING for r in listing(self.ledger, state=state) if r["scene_id"] not in without
        ]
        stops = [_stop(row, settled=False) for row in rows if row["purpose"] != ADJUDICATION]
        stops += self._to_settle(without)
        stops.sort(key=lambda stop: stop.turn)
        return list(dict.fromkeys(stops))

    def _to_settle(self, without: Collection[str]) -> list[_Stop]:
        """Return the adjudication that this person holds, or else that the queue would give them next, if any.

        Of the scenes `without`, withdrawn from the dataset, only one that they hold: it is finished.
        """
        rows = listing(self.ledger, purpose=ADJUDICATION)
        mine = {row["task"]: row for row in rows if row["annotator"] == self.annotator}
        held = [row for row in mine.values() if row["state"] == "leased" and self._holds(row)]
        listed = [row for row in rows if row["scene_id"] not in without]
        given = [
            r for r in listed if r["annotator"] == self.annotator and r["state"] in ("returned", "assigned")
        ]
        free = [r for r in listed if r["free"] and mine.get(r["task"], {}).get("state") in (None, "expired")]
        return [_stop(row, settled=True) for row in [*held, *given, *free][:1]]

    def _own(self, row: Mapping[str, Any]) -> MapKey:
        return MapKey(row["scene_id"], row["level"], self.annotator, ADJUDICATION)

    def _holds(self, row: Mapping[str, Any]) -> bool:
        return self._prefetcher.lease_of(self._own(row)) is not None

    def _go(self, step: int) -> Work | None:
        waiting = self._waiting()
        self._prefetcher.remaining = len(waiting)
        at, left = 0, self.work
        if left is not None:
            here = _Stop(0.0, left.key.scene_id, left.level, self.adjudicating)
            at = waiting.index(here) + step if here in waiting else 0
            if self.adjudicating:
                self._prefetcher.put_back(left.key)
        self.work, self.versions = None, MappingProxyType({})
        self._time = Clock(self._clock())
        for number in range(len(waiting)):
            work = self._open(waiting[(at + number) % len(waiting)])
            if work is not None:
                self._show(work)
                break
        return self.work

    def _show(self, work: Work) -> None:
        self.work, self.versions = work, MappingProxyType(dict(work.versions(keys_of(work))))

    def _open(self, stop: _Stop) -> Work | None:
        """Read what waits; None for an adjudication that somebody else has by now."""
        key, lease = MapKey(stop.scene_id, stop.level, self.annotator, ADJUDICATION), None
        if stop.settled:
            try:
                lease = self._prefetcher.lease(key)
            except LedgerUnavailableError:
                raise
            except LedgerError as error:  # Who may review need not be somebody to whom the queue gives work.
                self.notice("warning", str(error))
            if lease is None:
                return None
            key = lease.map_key
        try:
            return load_work(self.store, key, self.ledger, self._outbox, lease)
        except IEAError:
            self._prefetcher.put_back(key)
            raise

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


def _stop(row: Mapping[str, Any], *, settled: bool) -> _Stop:
    return _Stop(-row["priority"], row["scene_id"], row["level"], settled)
