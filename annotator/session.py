"""A sitting at the queue: the image under work, its strokes, and what happens to it. No window, no display.

Strokes are safe before a method returns (see `annotator.courier`). The next image is leased and read while this one
is worked on. A sitting that is killed resumes where it stopped: same image, same strokes, same undo.
"""

import contextlib
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Self, cast

from annotator.courier import Courier, Saving
from annotator.files import Desk, desk_for
from annotator.image import Image
from annotator.loading import Work, load_work, waiting_in
from annotator.pace import Clock, Pace
from annotator.steps import carried_tool, redo_step, undo_step
from annotator.tools.boxes import Box
from annotator.tools.propagate import Carried
from annotator.zones.recording import adopt_stale as adopt_stale_edits
from annotator.zones.recording import clear_reference, record_changes, take_step
from annotator.zones.reference import Reference
from annotator.zones.strokes import BoxChange
from annotator.zones.versions import Version
from iea40k.arrays import ResidualCodes
from iea40k.errors import IEAError, LeaseLostError, LedgerError, LedgerUnavailableError
from iea40k.store.layout import Store
from iea40k.store.ledger import (
    Correction,
    CorrectionDraft,
    Lane,
    Lease,
    Ledger,
    Outbox,
    PackedPatch,
    Patch,
    Queue,
)
from iea40k.store.ledger.overview import remaining
from iea40k.store.ledger.queue import BLIND, TTL_SECONDS, Verdict
from iea40k.store.ledger.rereview import adopt_stale

Notice = Callable[[str, str], None]
"""Told of things the person should know: "info", "warning" or "error", and a text. Called from any thread."""


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
        self.saving_changed: Callable[[Saving], None] = lambda _: None
        self.pace = Pace()
        self.remaining: int | None = None
        self._purposes, self._ttl, self._clock = purposes, ttl_seconds, clock
        self._queue = Queue(ledger)
        self._leases: dict[Lane, Lease] = {}
        self._held: list[Lease] = []
        self._closed = False
        self._time = Clock(clock())
        self._ahead: Future[Work | None] | None = None
        self._worker = ThreadPoolExecutor(1, "iea40k-prefetch")
        self._courier = Courier(
            ledger,
            Outbox(desk.outbox),
            self._leases.get,
            beat=self._heartbeat,
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
        self._held = self._queue.resume(self.annotator, ttl_seconds=self._ttl)
        for lease in self._held:
            self._leases[lease.lane] = lease
        place = self.desk.read_place()
        self._held.sort(key=lambda held: _place_of(held.lane) != place.get("lane"))
        if self._courier.saving.unsent:
            self._courier.flush(2.0)
        return self._open_next()

    def submit(self, verdict: Verdict = "corrected", comment: str = "") -> Work | None:
        """Hand the image in and open the next; None where the queue is empty.

        Raises `LedgerError` where strokes are not in the ledger yet or the verdict does not fit; then nothing changes.
        """
        work, lease = self._leased()
        self._all_delivered(work)
        self._queue.submit(
            lease, verdict=verdict, active_seconds=round(self._time.active, 1), comment=comment
        )
        self.pace = self.pace.plus(self._time.active)
        return self._leave(work)

    def skip(self, reason: str) -> Work | None:
        """Leave the image to others, for a reason, and open the next."""
        work, lease = self._leased()
        self._all_delivered(work)
        self._queue.skip(lease, reason)
        return self._leave(work)

    def flag(self, comment: str) -> None:
        """Tell the curator something about the image; the work goes on."""
        self._queue.flag(self._leased()[1], comment)

    def abandon(self) -> Work | None:
        """Go on after the lease was lost. The strokes stay in the outbox and are sent if the image is ours again."""
        return self._leave(self._open_work())

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
            self._remember(self.work)
        self._worker.shutdown(wait=True, cancel_futures=True)
        ahead = None
        # Whatever went wrong while reading ahead, the courier must still deliver and end.
        if self._ahead is not None and not self._ahead.cancelled() and self._ahead.exception() is None:
            ahead = self._ahead.result()
        for lease in [*([ahead.lease] if ahead is not None else []), *self._held]:
            with contextlib.suppress(IEAError):
                if lease is not None:
                    self._queue.give_back(lease)
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
        record_changes(self._courier, self._open_reference(), changes, tool)
        self.action()

    def clear(self) -> None:
        """Take the whole image or reference back to its base, as one step that can be undone."""
        if self.reference is not None:
            clear_reference(self._courier, self.reference)
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
        group = uuid.uuid4().hex
        drafts = []
        for item in carried:
            if item.patch is None:
                continue
            lane = replace_level(image.lane, item.level)
            state = self._queue.state(lane)
            if state is not None and self._leases.get(lane) is None:
                raise LedgerError(
                    f"level {item.level} is work of its own, and not open here",
                    where=image.lane.scene_id,
                    got=f"its state is '{state}'",
                    remedy="leave this level out; it is corrected when its turn comes",
                )
            drafts.append(
                CorrectionDraft(
                    lane=lane,
                    image_shape=image.shape,
                    base_digest=image.origin.base_digest(item.level),
                    kind="adopt",
                    patch=PackedPatch.of(item.patch),
                    tool=carried_tool(image.level, group, how),
                )
            )
        self._courier.post(*drafts)
        for draft in drafts:
            image.others.setdefault(draft.lane.level, []).append(draft)
        self.action()
        return [draft.lane.level for draft in drafts]

    def adopt_stale(self) -> int:
        """Draw again, on today's base, the strokes that were drawn on an earlier one; return how many."""
        if self.reference is not None:
            self.action()
            return adopt_stale_edits(self._courier, self.reference)
        image = self._open_image()
        count = 0
        for stale in image.stale:
            draft = adopt_stale(cast("Correction", stale), image.base, image.codes)
            if draft is not None:
                self._post(image, draft)
                count += 1
        return count

    # ------------------------------------------------------------ facts

    @property
    def saving(self) -> Saving:
        """How safe the strokes are."""
        return self._courier.saving

    @property
    def seconds(self) -> float:
        """Active seconds on this image."""
        return self._time.active

    def action(self) -> None:
        """Say that the person did something, for the pace."""
        self._time.action(self._clock())

    def retry(self) -> Saving:
        """Try now to bring what waits to the ledger."""
        return self._courier.flush()

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
        lease = self._leases.get(work.lane)
        if lease is None:
            raise LeaseLostError("this image is not leased to you", where=work.lane.scene_id)
        return work, lease

    def _post(self, image: Image, draft: CorrectionDraft) -> Box | None:
        self._courier.post(draft)
        self.action()
        return image.add(draft)

    def _step(self, *, redo: bool) -> tuple[bool, Box | None]:
        if self.reference is not None:
            self.action()
            return take_step(self._courier, self.reference, redo=redo)
        image = self._open_image()
        step = (redo_step if redo else undo_step)(image.strokes, image.others.values(), image.level)
        if step is None:
            return False, None
        box: Box | None = None
        self._courier.post(*step.drafts)
        for draft in step.drafts:
            if step.own:
                box = image.add(draft)
            else:
                image.others[draft.lane.level].append(draft)
        self.action()
        return True, box

    def _all_delivered(self, work: Work) -> None:
        saving = self._courier.saving if self._courier.saving.clean else self._courier.flush()
        if not saving.clean and any(w.draft.lane == work.lane for w in waiting_in(self._courier.outbox)):
            raise LedgerError(
                "strokes on this image are not in the ledger yet; they are safe on this machine",
                where=f"{work.lane.scene_id} {work.level}",
                got=f"{saving.unsent} unsent: {saving.trouble.what if saving.trouble else 'on their way'}",
                remedy="try again when the ledger answers; go on painting meanwhile",
            )

    def _leave(self, work: Work) -> Work | None:
        self.work = None
        self._leases.pop(work.lane, None)
        return self._open_next(work)

    def _open_next(self, left: Work | None = None) -> Work | None:
        ahead, self._ahead = self._ahead, None
        work = None
        if ahead is not None:
            # What failed ahead, while the ledger was away, is tried again below.
            with contextlib.suppress(IEAError):
                work = ahead.result()
        if work is None:
            work = self._fetch()
        elif isinstance(left, Image) and isinstance(work, Image) and work.lease is not None:
            work.take_from(left)  # It was read ahead, and something may have been carried to it since.
        self.work = work
        self._time = Clock(self._clock())
        if work is not None:
            self._worker.submit(self._remember, work)
            self._ahead = self._worker.submit(self._fetch)
        return work

    def _fetch(self) -> Work | None:
        """Lease and read the next image; one whose scene cannot be read is skipped with that as the reason."""
        for _ in range(100):
            lease = (
                self._held.pop(0)
                if self._held
                else self._queue.lease(self.annotator, ttl_seconds=self._ttl, purposes=self._purposes)
            )
            self.remaining = remaining(self.ledger, self.annotator, self._purposes)
            if lease is None:
                return None
            self._leases[lease.lane] = lease
            try:
                return load_work(self.store, lease.lane, self.ledger, self._courier.outbox, lease)
            except LedgerUnavailableError:
                self._held.insert(0, lease)
                raise
            except IEAError as error:
                del self._leases[lease.lane]
                self._queue.skip(lease, f"cannot be opened: {error.what}"[:4000])
                self.notice(
                    "error", f"{lease.lane.scene_id} {lease.lane.level} was skipped.\n{error.letter()}"
                )
        return None

    def _heartbeat(self) -> None:
        for lane, lease in list(self._leases.items()):
            try:
                longer = self._queue.heartbeat(lease, ttl_seconds=self._ttl)
            except LeaseLostError as error:
                self.notice("error", error.letter())
            except IEAError:
                continue  # The courier says that the ledger is away; leases outlast some missed beats.
            else:
                if lane in self._leases:
                    self._leases[lane] = longer

    def _remember(self, work: Work) -> None:
        with contextlib.suppress(IEAError):
            self.desk.write_place({"lane": _place_of(work.lane)})


def replace_level(lane: Lane, level: str) -> Lane:
    """Return the same person's lane of another level."""
    return replace(lane, level=level)


def _place_of(lane: Lane) -> list[str]:
    return [lane.scene_id, lane.level, lane.purpose]
