"""The queue: what annotators and reviewers do to work. Curators' verbs are in `iea40k.store.ledger.tasks`."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

from iea40k.errors import BadInputError, LedgerError
from iea40k.store.ledger import leases
from iea40k.store.ledger.entries import PURPOSES, Lease, MapKey, check_annotator
from iea40k.store.ledger.events import Event, TaskKey, append_event
from iea40k.store.ledger.journal import read_marks
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.migrations.rules import MOST_LEASES
from iea40k.store.ledger.replay import history

Verdict = Literal["corrected", "base is right", "consensus is right"]
"""What a submission says: the map was corrected, or nothing needed correction. The last is for adjudicators."""

VERDICTS: tuple[str, ...] = get_args(Verdict)

TTL_SECONDS = 1800.0
"""How long a lease lasts without a heartbeat."""

BLIND: tuple[str, ...] = ("expert", "repeat")


class Queue:
    """Leases and submissions on an open ledger.

    A lease's `token` fences: once the ledger has taken a lease back, every change under its token raises
    `LeaseLostError`, and the strokes belong in an `Outbox`.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._database = ledger.database

    def lease(
        self,
        annotator: str,
        *,
        ttl_seconds: float = TTL_SECONDS,
        purposes: Sequence[str] = BLIND,
        without: Collection[str] = (),
    ) -> Lease | None:
        """Give this person the next image, or None where there is none.

        First work that was returned, then by priority; never an image this person has mapped for the same purpose.
        Images of the scenes `without` (those that were withdrawn) are passed over; their tasks wait in case that the
        scenes come back. Raises `LedgerError` for a person who holds `MOST_LEASES`, or whose work a curator has ended.
        """
        check_annotator(annotator)
        with self._database.write(journal=True) as connection:
            work = leases.next_work(self._database, connection, annotator, purposes, MOST_LEASES, without)
            if work is not None:
                return leases.take(self._database, connection, work, annotator, _us(ttl_seconds), "lease")
        self._database.note_clock()
        return None

    def resume(
        self, annotator: str, *, ttl_seconds: float = TTL_SECONDS, purposes: Sequence[str] = PURPOSES
    ) -> list[Lease]:
        """Take this person's own leases again under new tokens, oldest first: after a crash, or on another machine.

        A window still open elsewhere under the old tokens loses its leases. Those for other purposes stay as they are.
        """
        check_annotator(annotator)
        with self._database.write(journal=True) as connection:
            return [
                leases.take(self._database, connection, work, annotator, _us(ttl_seconds), "resume")
                for work in leases.leased_by(connection, annotator)
                if work.purpose in purposes
            ]

    def heartbeat(self, lease: Lease, *, ttl_seconds: float = TTL_SECONDS) -> Lease:
        """Say that the work goes on; returns the lease with its new end. Raises `LeaseLostError`."""
        with self._database.write() as connection:
            return replace(lease, expires=leases.extend(self._database, connection, lease, _us(ttl_seconds)))

    def submit(
        self,
        lease: Lease,
        *,
        verdict: Verdict = "corrected",
        active_seconds: float | None = None,
        comment: str = "",
    ) -> None:
        """Hand the work in; it is read-only from now on, until it is returned.

        `active_seconds` is the time spent, without pauses. Raises `LeaseLostError`, and `LedgerError` where the
        verdict does not fit: "corrected" needs a standing stroke, the others need none.
        """
        if verdict not in VERDICTS:
            raise BadInputError("no such verdict", expected=", ".join(VERDICTS), got=repr(verdict))
        with self._database.write(journal=True) as connection:
            work = leases.check_in_force(connection, lease)
            standing = history(read_marks(connection, lease.map_key)).standing
            _check_verdict(lease.map_key, verdict, len(standing))
            details: dict[str, Any] = {
                "verdict": verdict,
                "strokes": len(standing),
                "pixels": sum(mark.pixels for mark in standing),
                "active_seconds": active_seconds,
            }
            leases.finish(self._database, connection, work, "submit", "submitted", comment, details)

    def recall(self, map_key: MapKey, *, ttl_seconds: float = TTL_SECONDS) -> Lease:
        """Take one's own submission back into work, as long as nobody has begun to review it.

        Raises `LedgerError` where there is no such submission, and for a person who holds `MOST_LEASES`.
        """
        with self._database.write(journal=True) as connection:
            work = leases.work_of(connection, map_key)
            if work is None or work.state != "submitted":
                raise LedgerError(
                    "there is nothing here to recall",
                    where=f"{map_key.scene_id} {map_key.level}, {map_key.annotator}",
                    expected="work that is submitted, and that nobody has begun to review",
                    got="no such work" if work is None else work.state,
                    remedy="ask the reviewer to return it",
                )
            return leases.take(
                self._database, connection, work, map_key.annotator, _us(ttl_seconds), "recall"
            )

    def skip(self, lease: Lease, reason: str) -> None:
        """Leave this image to others, for a reason; this person is not given it again. Raises `LeaseLostError`."""
        _need(reason, "a reason")
        with self._database.write(journal=True) as connection:
            work = leases.check_in_force(connection, lease)
            leases.finish(self._database, connection, work, "skip", "skipped", reason)

    def give_back(self, lease: Lease) -> None:
        """Put the image back, for anybody, this person included. Raises `LeaseLostError`."""
        with self._database.write(journal=True) as connection:
            work = leases.check_in_force(connection, lease)
            leases.finish(self._database, connection, work, "give_back", "expired")

    def flag(self, lease: Lease, comment: str) -> None:
        """Tell the curator something about the image; the work goes on. Raises `LeaseLostError`."""
        _need(comment, "a comment")
        with self._database.write(journal=True) as connection:
            work = leases.check_in_force(connection, lease)
            key = TaskKey(work.task, work.scene_id, work.level, work.purpose)
            who = lease.map_key.annotator
            append_event(
                self._database,
                connection,
                Event(
                    key=key,
                    event="flag",
                    actor=who,
                    annotator=who,
                    assignment=lease.assignment,
                    comment=comment,
                ),
            )

    def accept(self, map_key: MapKey, actor: str, comment: str = "") -> None:
        """Accept submitted work: it counts in the consensus."""
        self._judge(map_key, "accept", "accepted", actor, comment)

    def return_(self, map_key: MapKey, actor: str, comment: str) -> None:
        """Return work to its author, who sees the comment, may paint again, and gets it before anything else."""
        _need(comment, "a comment")
        self._judge(map_key, "return", "returned", actor, comment)

    def state(self, map_key: MapKey) -> str | None:
        """Return the state of a map's work, None where the queue gave this person no such task."""
        with self._database.read() as connection:
            work = leases.work_of(connection, map_key)
            return None if work is None else str(work.state)

    def _judge(
        self,
        map_key: MapKey,
        event: Literal["review", "accept", "return"],
        state: str,
        actor: str,
        comment: str,
    ) -> None:
        check_annotator(actor)
        with self._database.write(journal=True) as connection:
            leases.judge(self._database, connection, map_key, event, state, actor, comment)


def _check_verdict(map_key: MapKey, verdict: str, standing: int) -> None:
    if verdict == "corrected" and standing == 0:
        raise LedgerError(
            "nothing was corrected",
            where=f"{map_key.scene_id} {map_key.level}",
            remedy='say "base is right" if that is so: it is not the same as not having looked',
        )
    if verdict != "corrected" and standing:
        strokes = "1 stroke stands" if standing == 1 else f"{standing} strokes stand"
        raise LedgerError(
            f'"{verdict}", but {strokes}',
            where=f"{map_key.scene_id} {map_key.level}",
            remedy="undo them first, or submit as corrected",
        )
    if verdict == "consensus is right" and map_key.purpose != "adjudication":
        raise LedgerError("only an adjudicator sees the consensus", got=map_key.purpose)


def _need(text: str, what: str) -> None:
    if not text.strip() or len(text) > 4000:
        raise BadInputError(f"this needs {what}", expected="1-4000 characters", got=f"{len(text)}")


def _us(seconds: float) -> int:
    return round(seconds * 1e6)
