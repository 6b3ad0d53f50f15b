"""A sitting at the queue: the image under work, its strokes, and what happens to it. No window, no display.

Strokes are safe before a method returns (see `annotator.session.upload`). The next image is leased and read while
this one is worked on. A sitting that is killed resumes where it stopped: same image, same strokes, same undo.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Self

from annotator.reference import recording as zone_recording
from annotator.reference.state import Reference
from annotator.reference.strokes import BoxChange
from annotator.reference.versions import Version
from annotator.residual.carrying import barred, carry_drafts
from annotator.residual.propagate import Carried
from annotator.residual.state import Image
from annotator.session import recording
from annotator.session.consistency import OwnConsistency
from annotator.session.loading import Work, waiting_in
from annotator.session.pace import Clock, Pace
from annotator.session.prefetch import Notice, Supply
from annotator.session.settings import Desk, desk_for
from annotator.session.upload import Courier, Saving, is_lost_lease
from annotator.shared.boxes import Box
from annotator.shared.progress import Progress, silent
from iea40k.arrays import ResidualCodes
from iea40k.errors import LeaseLostError, LedgerError
from iea40k.store.layout import Store
from iea40k.store.ledger import (
    CorrectionDraft,
    Lease,
    Ledger,
    Outbox,
    PackedPatch,
    Patch,
)
from iea40k.store.ledger.consistency import own_consistency
from iea40k.store.ledger.queue import BLIND, TTL_SECONDS, Verdict


class Session:
    """One person's sitting at one store's queue. Close it: what is leased ahead is given back then."""

    can_paint = True
    role = "annotate"
    maps: Mapping[str, ResidualCodes] = MappingProxyType({})
    """In review: people's maps of the image, the consensus and the base, by name."""

    versions: Mapping[str, Version] = MappingProxyType({})
    """In review: people's versions of the reference, the consensus and the base, by name."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        annotator: str,
        desk: Desk,
        *,
        purposes: tuple[str, ...] = BLIND,
        ttl_seconds: float = TTL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store, self.ledger, self.annotator, self.desk = store, ledger, annotator, desk
        self.work: Work | None = None
        self.notice: Notice = lambda _kind, _text: None
        self.progress: Progress = silent
        self.saving_changed: Callable[[Saving], None] = lambda _: None
        self.pace = Pace()
        self._clock = clock
        self._closed = False
        self._time = Clock(clock())
        outbox = Outbox(desk.outbox)
        self._supply = Supply(
            store,
            ledger,
            annotator,
            desk,
            outbox,
            lambda kind, text: self.notice(kind, text),
            purposes=purposes,
            ttl_seconds=ttl_seconds,
        )
        self._consistency = OwnConsistency(lambda: own_consistency(ledger, store, annotator))
        self._courier = Courier(
            ledger,
            outbox,
            self._supply.lease_of,
            beat=self._supply.heartbeat,
            beat_seconds=ttl_seconds / 4,
            changed=lambda saving: self.saving_changed(saving),
        )

    @classmethod
    def open(
        cls,
        place: Path,
        annotator: str,
        *,
        ledger_url: str | None = None,
        desks: Path | None = None,
        purposes: tuple[str, ...] = BLIND,
    ) -> Self:
        """Sit down at the store in folder `place`; `ledger_url` for a ledger that is not the store's own file."""
        store = Store.open(place)
        ledger = Ledger.open(ledger_url or place, create=ledger_url is None)
        return cls(
            store, ledger, annotator, desk_for(ledger.ledger_id(), annotator, desks), purposes=purposes
        )

    @property
    def image(self) -> Image | None:
        """The exposure under work; None where nothing is, or a reference."""
        return self.work if isinstance(self.work, Image) else None

    @property
    def reference(self) -> Reference | None:
        """The reference under work; None where nothing is, or an exposure."""
        return self.work if isinstance(self.work, Reference) else None

    # ------------------------------------------------------------ coming and going

    def start(self) -> Work | None:
        """Open the image at which this person stopped, or the next one; None where the queue is empty.

        Every lease that this person holds is taken again, so a window still open elsewhere loses its own.
        """
        self._supply.resume()
        if self._courier.saving.unsent:
            self._courier.flush(2.0)
        return self._open_next()

    def submit(self, verdict: Verdict = "corrected", comment: str = "") -> Work | None:
        """Hand the image in and open the next; None where the queue is empty.

        Raises `LedgerError` where strokes are not in the ledger yet or the verdict does not fit; then nothing changes.
        """
        work, lease = self._leased()
        self._all_delivered(work)
        seconds = round(self._time.active, 1)
        submit = self._supply.queue.submit
        self._supply.asked(
            work.lane, lambda: submit(lease, verdict=verdict, active_seconds=seconds, comment=comment)
        )
        self.pace = self.pace.plus(self._time.active)
        return self._open_next(work)

    def skip(self, reason: str) -> Work | None:
        """Leave the image to others, for a reason, and open the next."""
        work, lease = self._leased()
        self._all_delivered(work)
        self._supply.asked(work.lane, lambda: self._supply.queue.skip(lease, reason))
        return self._open_next(work)

    def flag(self, comment: str) -> None:
        """Tell the curator something about the image; the work goes on."""
        self._supply.queue.flag(self._leased()[1], comment)

    def abandon(self) -> Work | None:
        """Go on after the lease was lost. The strokes stay in the outbox and are sent if the image is ours again."""
        return self._open_next(self._open_work())

    def next_if_idle(self) -> Work | None:
        """Ask for work again where there was none."""
        return self.work if self.work is not None else self._open_next()

    def step(self, step: int) -> Work | None:
        """Go to another image without finishing this one: not at the queue, which decides what comes."""
        del step
        raise LedgerError("the queue brings the images", remedy="submit this one, or skip it with a reason")

    def close(self) -> Saving:
        """End the sitting: deliver, keep the image under work, give back what was leased ahead."""
        if self._closed:
            return self.saving
        self._closed = True
        if self.work is not None:
            self._supply.remember(self.work)
        self._supply.close()
        self._consistency.close()
        saving = self._courier.close()
        self.ledger.close()
        return saving

    # ------------------------------------------------------------ strokes

    def record(self, patch: Patch, kind: str, tool: dict[str, object]) -> Box | None:
        """Record a stroke whose codes may be in the image already; return the box that changed."""
        image = self._open_image()
        draft = image.draft(kind, PackedPatch.of(patch), tool)
        return self._post(image, draft)

    def record_zones(self, changes: Sequence[BoxChange], tool: dict[str, object]) -> None:
        """Record zone edits that the reference shows already, as one step."""
        zone_recording.record_changes(self._courier, self._open_reference(), changes, tool)
        self.action()

    def clear(self) -> None:
        """Take the whole image or reference back to its base, as one step that can be undone."""
        if self.reference is not None:
            zone_recording.clear_reference(self._courier, self.reference)
            self.action()
            return
        image = self._open_image()
        self._post(image, image.draft("clear", None, {"tool": "clear"}))

    def undo(self) -> tuple[bool, Box | None]:
        """Take back the last step; return whether there was one, and the box that changed (None: all of it)."""
        return self._step(redo=False)

    def redo(self) -> tuple[bool, Box | None]:
        """Bring back what the last undo took; returns what `undo` returns."""
        return self._step(redo=True)

    def carry(self, carried: list[Carried], how: str) -> list[str]:
        """Record a propagation on other levels, as one step; return the levels that took it.

        Raises `LedgerError` where a level is work of its own that is finished or leased: nothing is recorded then.
        """
        image = self._open_image()
        self._all_delivered(image)
        drafts = carry_drafts(image, carried, how, self._supply)
        self._courier.post(*drafts)
        for draft in drafts:
            image.others.setdefault(draft.map_key.level, []).append(draft)
        self.action()
        return [draft.map_key.level for draft in drafts]

    def barred(self, level: str) -> str:
        """Return why nothing may be carried from this image to a level, "" where it may."""
        return barred(self._open_image(), level, self._supply)

    def adopt_stale(self) -> int:
        """Draw again, on today's base, the strokes that were drawn on an earlier one; return how many."""
        self.action()
        if self.reference is not None:
            return zone_recording.adopt_stale(self._courier, self.reference)
        return recording.adopt_stale(self._courier, self._open_image(), self.progress)

    # ------------------------------------------------------------ facts

    @property
    def saving(self) -> Saving:
        """How safe the strokes are."""
        return self._courier.saving

    @property
    def seconds(self) -> float:
        """Active seconds on this image."""
        return self._time.active

    @property
    def remaining(self) -> int | None:
        """How many images the queue has for this person; None before it was asked."""
        return self._supply.remaining

    @property
    def lost(self) -> bool:
        """Whether somebody else has the image under work now."""
        return is_lost_lease(self.saving) or (self.work is not None and self.work.lane in self._supply.lost)

    @property
    def consistency(self) -> str:
        """How consistent this person is, in words; "" where nothing is known."""
        return self._consistency.text

    def action(self) -> None:
        """Say that the person did something, for the pace."""
        self._time.action(self._clock())

    def wait_ahead(self) -> None:
        """Wait until the next image is read."""
        self._supply.wait()

    def retry(self) -> Saving:
        """Try now to bring what waits to the ledger."""
        before = self._courier.saving.unsent
        with self.progress("Sending strokes to the ledger", before) as step:
            sent = 0

            def told(unsent: int) -> None:
                nonlocal sent
                while sent < before - unsent:
                    sent += 1
                    step()

            return self._courier.flush(waiting=told)

    # ------------------------------------------------------------ private

    def _open_work(self) -> Work:
        if self.work is None:
            raise LedgerError("no image is open", remedy="the queue is empty: ask the curator for work")
        return self.work

    def _open_image(self) -> Image:
        work = self._open_work()
        if isinstance(work, Reference):
            raise LedgerError("a reference is open, and no exposure", where=work.lane.scene_id)
        return work

    def _open_reference(self) -> Reference:
        work = self._open_work()
        if isinstance(work, Image):
            raise LedgerError("an exposure is open, and no reference", where=work.lane.scene_id)
        return work

    def _leased(self) -> tuple[Work, Lease]:
        work = self._open_work()
        lease = self._supply.lease_of(work.lane)
        if lease is None:
            raise LeaseLostError("this image is not leased to you", where=work.lane.scene_id)
        return work, lease

    def _post(self, image: Image, draft: CorrectionDraft) -> Box | None:
        self.action()
        return recording.post(self._courier, image, draft)

    def _step(self, *, redo: bool) -> tuple[bool, Box | None]:
        self.action()
        if self.reference is not None:
            return zone_recording.take_step(self._courier, self.reference, redo=redo)
        return recording.take_step(self._courier, self._open_image(), redo=redo)

    def _all_delivered(self, work: Work) -> None:
        saving = self._courier.saving if self._courier.saving.clean else self._courier.flush()
        if not saving.clean and any(w.draft.map_key == work.lane for w in waiting_in(self._courier.outbox)):
            raise LedgerError(
                "strokes on this image are not in the ledger yet; they are safe on this machine",
                where=f"{work.lane.scene_id} {work.level}",
                got=f"{saving.unsent} unsent: {saving.trouble.what if saving.trouble else 'on their way'}",
                remedy="try again when the ledger answers; go on painting meanwhile",
            )

    def _open_next(self, left: Work | None = None) -> Work | None:
        self.work = None
        with self.progress("Reading the next image", 0) as step:
            self.work = self._supply.next(left, step)
        self._time = Clock(self._clock())
        if self.work is not None:
            self._consistency.image_opened()
        return self.work
