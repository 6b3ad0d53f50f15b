"""A session at the queue: the work that is open, its strokes, and what happens to it. No window, no display.

Strokes are safe before a method returns, or the session says that they are being saved (`annotator.session.upload`).
The next image is leased and read while
this one is worked on. A session that is killed resumes where it stopped: same image, same strokes, same undo.
"""

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from annotator.session.base import BaseSession, Role, Work
from annotator.session.consistency import OwnConsistency
from annotator.session.loading import load_work, waiting_in
from annotator.session.pace import Clock
from annotator.session.prefetch import Prefetcher
from annotator.session.settings import UserFolder, user_folder
from annotator.session.upload import Saving, UploadWorker
from annotator.shared.boxes import Box, around
from annotator.shared.language import tr
from annotator.shared.strokes import Draft
from iea40k.errors import LeaseLostError, LedgerError
from iea40k.store.layout import Store
from iea40k.store.ledger import Lease, Ledger, MapKey, Outbox
from iea40k.store.ledger.consistency import own_consistency
from iea40k.store.ledger.overview import submitted_by
from iea40k.store.ledger.queue import BLIND, TTL_SECONDS, Verdict


class Session(BaseSession):
    """One person's session at one store's queue. Close it: what is leased ahead is given back then."""

    role: Role = "annotate"
    can_paint = True

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        annotator: str,
        folder: UserFolder,
        *,
        purposes: tuple[str, ...] = BLIND,
        ttl_seconds: float = TTL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(annotator, folder)
        self.store, self.ledger = store, ledger
        self._clock = clock
        self._closed = False
        self._time = Clock(clock())
        self._outbox = Outbox(folder.outbox)
        self._prefetcher = Prefetcher(
            store,
            ledger,
            annotator,
            folder,
            self._outbox,
            lambda kind, text: self.notice(kind, text),
            purposes=purposes,
            ttl_seconds=ttl_seconds,
        )
        self._consistency = OwnConsistency(lambda: own_consistency(ledger, store, annotator))
        self._uploads = UploadWorker(
            ledger,
            self._outbox,
            self._prefetcher.lease_of,
            beat=self._prefetcher.heartbeat,
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
        folders: Path | None = None,
        purposes: tuple[str, ...] = BLIND,
    ) -> Self:
        """Open the store in folder `place`; `ledger_url` for a ledger that is not the store's own file, `folders` for
        where outboxes and settings are kept."""
        store = Store.open(place)
        ledger = Ledger.open(ledger_url or place, create=ledger_url is None)
        folder = user_folder(ledger.ledger_id(), annotator, folders)
        return cls(store, ledger, annotator, folder, purposes=purposes)

    # ------------------------------------------------------------ coming and going

    def start(self) -> Work | None:
        """Open the image at which this person stopped, or the next one; None where the queue is empty.

        Every lease that this person holds is taken again, so a window still open elsewhere loses its own.
        """
        self._prefetcher.resume()
        if self._uploads.saving.unsent:
            self._uploads.flush(2.0)
        return self._open_next()

    def submit(self, verdict: Verdict = "corrected", comment: str = "") -> Work | None:
        """Hand the image in and open the next; None where the queue is empty.

        Raises `LedgerError` where strokes are not in the ledger yet, the verdict does not fit, or the scene was built
        again meanwhile; then nothing is handed in.
        """
        work, lease = self._leased()
        self._check_base(work)
        self._all_delivered(work)
        seconds = round(self._time.active, 1)
        submit = self._prefetcher.queue.submit
        self._prefetcher.asked(
            work.key, lambda: submit(lease, verdict=verdict, active_seconds=seconds, comment=comment)
        )
        self.pace = self.pace.plus(self._time.active)
        return self._open_next(work)

    def skip(self, reason: str) -> Work | None:
        """Leave the image to others, for a reason, and open the next."""
        work, lease = self._leased()
        self._all_delivered(work)
        self._prefetcher.asked(work.key, lambda: self._prefetcher.queue.skip(lease, reason))
        return self._open_next(work)

    def flag(self, comment: str) -> None:
        """Tell the curator something about the image; the work goes on."""
        self._prefetcher.queue.flag(self._leased()[1], comment)

    def recallable(self) -> Sequence[MapKey]:
        """Return what this person handed in and nobody has begun to review, the latest first."""
        return submitted_by(self.ledger, self.annotator)

    def recall(self, key: MapKey) -> Work | None:
        """Take back what was handed in, and open it; the image under work comes after it, as it is.

        Raises `LedgerError` where somebody has begun to review it; then nothing changes.
        """
        left = self.work
        self.work = self._prefetcher.recall(key, left)
        self._time = Clock(self._clock())
        return self.work

    def abandon(self) -> Work | None:
        """Go on after the lease was lost. The strokes stay in the outbox and are sent if the image is ours again."""
        return self._open_next(self._changeable())

    def next_if_idle(self) -> Work | None:
        """Ask for work again where there was none."""
        return self.work if self.work is not None else self._open_next()

    def step(self, step: int) -> Work | None:
        """Go to another image without finishing this one: not at the queue, which decides what comes."""
        del step
        raise LedgerError("the queue brings the images", remedy="submit this one, or skip it with a reason")

    def close(self) -> Saving:
        """End the session: deliver, keep the image under work, give back what was leased ahead."""
        if self._closed:
            return self.saving
        self._closed = True
        if self.work is not None:
            self._prefetcher.remember(self.work)
        self._prefetcher.close()
        self._consistency.close()
        saving = self._uploads.close()
        self.ledger.close()
        return saving

    # ------------------------------------------------------------ strokes

    def record(self, *drafts: Draft, shown: bool = False) -> Box | None:
        """Record strokes as one step; return the box that changed, None for all of it. `shown`: the work has them
        already.

        Raises `LedgerError` for a stroke on another image, or where a level that is propagated to is work of its own
        that is finished or leased, or where the scene was built again meanwhile: nothing is recorded then.
        """
        work = self._changeable()
        self._check_base(work)
        for draft in drafts:
            self._check(work, draft)
        if any(draft.map_key != work.key for draft in drafts):
            self._all_delivered(work)
        return super().record(*drafts, shown=shown)

    def blocked(self, level: str) -> str:
        """Return why nothing may be recorded on another level from this one, "" where it may."""
        key = replace(self._changeable().key, level=level)
        state = self._prefetcher.queue.state(key)
        if state is None or self._prefetcher.lease_of(key) is not None:
            return ""
        return tr("it is work of its own, and {state}", state=state)

    # ------------------------------------------------------------ facts

    @property
    def saving(self) -> Saving:
        """How safe the strokes are."""
        return self._uploads.saving

    @property
    def seconds(self) -> float:
        """Active seconds on this image."""
        return self._time.active

    @property
    def remaining(self) -> int | None:
        """How many images the queue has for this person; None before it was asked."""
        return self._prefetcher.remaining

    @property
    def lost(self) -> bool:
        """Whether somebody else has the image under work now."""
        return self.saving.lease_lost or (self.work is not None and self.work.key in self._prefetcher.lost)

    @property
    def consistency(self) -> str:
        """How consistent this person is, in words; "" where nothing is known."""
        return self._consistency.text

    def action(self) -> None:
        """Say that the person did something, for the pace."""
        self._time.action(self._clock())

    def wait_ahead(self) -> None:
        """Wait until the next image is read."""
        self._prefetcher.wait()

    def retry(self) -> Saving:
        """Try now to bring what waits to the ledger."""
        before = self._uploads.saving.unsent
        with self.progress(tr("Sending strokes to the ledger"), before) as step:
            sent = 0

            def told(unsent: int) -> None:
                nonlocal sent
                while sent < before - unsent:
                    sent += 1
                    step()

            return self._uploads.flush(waiting=told)

    # ------------------------------------------------------------ private

    def _changeable(self) -> Work:
        if self.work is None:
            raise LedgerError("no image is open", remedy="the queue is empty: ask the curator for work")
        return self.work

    def _leased(self) -> tuple[Work, Lease]:
        work = self._changeable()
        lease = self._prefetcher.lease_of(work.key)
        if lease is None:
            raise LeaseLostError("this image is not leased to you", where=work.key.scene_id)
        return work, lease

    def _show(self, work: Work) -> None:
        self.work = work

    def _check_base(self, work: Work) -> None:
        """Open the work anew, and raise `LedgerError`, where other pixels stand in its scene's place by now."""
        if not work.origin.rebuilt():
            return
        self._show(load_work(self.store, work.key, self.ledger, self._outbox, work.lease))
        raise LedgerError(
            "the scene was built again while it was open here; nothing was done",
            where=f"{work.key.scene_id} {work.level}",
            remedy="it is opened as it is now; Shift+S draws again what you drew on it before",
        )

    def _check(self, work: Work, draft: Draft) -> None:
        """Raise `LedgerError` where a stroke may not be recorded with this work."""
        where = f"{work.key.scene_id} {work.level}"
        if not work.owns(draft):
            raise LedgerError("the stroke is for another image", where=where, got=f"{draft.map_key}")
        level = draft.map_key.level
        if level != work.level and (reason := self.blocked(level)):
            raise LedgerError(
                f"nothing may be propagated to level {level}",
                where=where,
                got=reason,
                remedy="leave this level out; it is corrected when its turn comes",
            )

    def _post(self, work: Work, *drafts: Draft, shown: bool = False) -> Box | None:
        self.action()
        if not drafts:
            return None
        self._uploads.post(*drafts)
        boxes = [work.add(draft, shown=shown) for draft in drafts]  # type: ignore[arg-type]
        return functools.reduce(lambda a, b: None if a is None or b is None else around(a, b), boxes)

    def _all_delivered(self, work: Work) -> None:
        saving = self._uploads.saving if self._uploads.saving.clean else self._uploads.flush()
        if not saving.clean and any(w.draft.map_key == work.key for w in waiting_in(self._outbox)):
            raise LedgerError(
                "strokes on this image are not in the ledger yet; they are safe on this machine",
                where=f"{work.key.scene_id} {work.level}",
                got=f"{saving.unsent} unsent: {saving.trouble.what if saving.trouble else 'on their way'}",
                remedy="try again when the ledger answers; go on painting meanwhile",
            )

    def _open_next(self, left: Work | None = None) -> Work | None:
        self.work = None
        with self.progress(tr("Reading the next image"), 0) as step:
            self.work = self._prefetcher.next(left, step)
        self._time = Clock(self._clock())
        if self.work is not None:
            self._consistency.image_opened()
        return self.work
