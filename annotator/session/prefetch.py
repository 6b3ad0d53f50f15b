"""Where a session's images come from: leases taken, the next image read while this one is worked on, places kept."""

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from annotator.reference.state import Reference
from annotator.residual.state import Image
from annotator.session.base import Notice, Work
from annotator.session.loading import load_work
from annotator.session.settings import REFERENCE_TOOLS, UserFolder, read_settings
from annotator.shared.language import tr
from annotator.shared.progress import Step
from iea40k.errors import IEAError, LeaseLostError, LedgerUnavailableError
from iea40k.store.layout import Store
from iea40k.store.ledger import Lease, Ledger, MapKey, Outbox, Queue
from iea40k.store.ledger.overview import remaining
from iea40k.store.withdrawn import Withdrawn

Read = TypeVar("Read")
_LOOK_SECONDS = 0.1  # between two looks at what is being read


class Prefetcher:
    """One person's leases, and one image read ahead of need. `remaining` is how many the queue has for them.

    `lost` are maps whose lease somebody else has now, as far as is known. Nobody is given an image of a scene that was
    withdrawn from the dataset; what this person has in hand they finish.
    """

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        annotator: str,
        folder: UserFolder,
        outbox: Outbox,
        notice: Notice,
        *,
        purposes: tuple[str, ...],
        ttl_seconds: float,
    ) -> None:
        self.queue = Queue(ledger)
        self.remaining: int | None = None
        self.lost: set[MapKey] = set()
        self._store, self._ledger, self._annotator = store, ledger, annotator
        self._folder, self._outbox, self._notice = folder, outbox, notice
        self._purposes, self._ttl = purposes, ttl_seconds
        self._withdrawn = Withdrawn(store)
        self._leases: dict[MapKey, Lease] = {}
        self._held: list[Lease] = []
        self._aside: list[Work] = []
        self._ahead: Future[Work | None] | None = None
        self._worker = ThreadPoolExecutor(1, "iea40k-prefetch")

    def resume(self) -> None:
        """Take every lease again that this person holds here; the one under work last time comes first."""
        self._held = self.queue.resume(self._annotator, ttl_seconds=self._ttl, purposes=self._purposes)
        for lease in self._held:
            self._leases[lease.map_key] = lease
        place = self._folder.read_place()
        self._held.sort(key=lambda held: _place_of(held.map_key) != place.get("lane"))

    def asked(self, key: MapKey, act: Callable[[], None]) -> None:
        """Ask the queue for something about a map; that its lease was lost is remembered, and raised."""
        try:
            act()
        except LeaseLostError:
            self.lost.add(key)
            raise

    def withdrawn(self) -> frozenset[str]:
        """Return the scenes withdrawn from the dataset: nobody is given work on them, nor asked to judge it."""
        return self._withdrawn.now()

    def lease_of(self, key: MapKey) -> Lease | None:
        """Return the lease under which a map is worked on now."""
        return self._leases.get(key)

    def ended(self, key: MapKey) -> None:
        """A map is left for good: its lease ends here."""
        self._leases.pop(key, None)
        self.lost.discard(key)

    def put_back(self, key: MapKey) -> None:
        """A map is left for a while: its lease is the next that `lease` returns, and is given back at the end."""
        lease = self._leases.get(key)
        if lease is not None and key not in self.lost:
            self._held.insert(0, lease)

    def lease(self, key: MapKey | None = None) -> Lease | None:
        """Return the lease on map `key` where this person holds it, else one that they hold from before, else one on
        the next work; None where there is none."""
        self._held.sort(key=lambda held: held.map_key != key)
        lease = (
            self._held.pop(0)
            if self._held
            else self.queue.lease(
                self._annotator,
                ttl_seconds=self._ttl,
                purposes=self._purposes,
                without=self.withdrawn(),
            )
        )
        if lease is not None:
            self._leases[lease.map_key] = lease
        return lease

    def next(self, left: Work | None = None, step: Step = lambda: None) -> Work | None:
        """Return the next image, None where the queue is empty, and begin to read the one after it.

        `left` is the image just left, whose lease ends here; `step` is called now and then while this waits.
        """
        if left is not None:
            self.ended(left.key)
        while self._aside:
            back = self._aside.pop()
            if _patient(self._worker.submit(self._still_mine, back), step):
                self._worker.submit(self.remember, back)
                return back
        ahead, self._ahead = self._ahead, None
        work = None
        if ahead is not None:
            # What failed ahead, while the ledger was away, is tried again below.
            with contextlib.suppress(IEAError):
                work = _patient(ahead, step)
        if work is not None and not _patient(self._worker.submit(self._still_mine, work), step):
            work = None
        if work is None:
            work = _patient(self._worker.submit(self._fetch), step)
        elif isinstance(left, Image) and isinstance(work, Image) and work.lease is not None:
            work.take_from(left)  # It was read ahead, and something may have been propagated to it since.
        if work is not None:
            self._worker.submit(self.remember, work)
            # The first picture does not wait for what is proposed on it; a key press seldom has to.
            self._worker.submit(_looked_at, work)
            self._ahead = self._worker.submit(lambda: _looked_at(self._fetch()))
        return work

    def recall(self, key: MapKey, left: Work | None) -> Work:
        """Return a submission that is taken back; `left`, the image under work, stays leased and comes next.

        Raises `LedgerError` where it may not be taken back, `StoreError` where it cannot be read: it comes again later.
        """
        lease = self.queue.recall(key, ttl_seconds=self._ttl)
        self._leases[key] = lease
        try:
            work = load_work(self._store, key, self._ledger, self._outbox, lease)
        except IEAError:
            self._held.insert(0, self._leases.pop(key))
            raise
        if left is not None:
            self._aside.append(left)
        self.remember(work)
        return work

    def wait(self) -> None:
        """Wait until the next image is read."""
        if self._ahead is not None:
            self._ahead.result()

    def remember(self, work: Work) -> None:
        """Keep on this machine where the person is."""
        with contextlib.suppress(IEAError):
            self._folder.write_place({"lane": _place_of(work.key)})

    def heartbeat(self) -> None:
        """Make every lease last longer; one that was lost is told."""
        for key, lease in list(self._leases.items()):
            try:
                longer = self.queue.heartbeat(lease, ttl_seconds=self._ttl)
            except LeaseLostError as error:
                self.lost.add(key)
                self._notice("error", str(error))
            except IEAError:
                continue  # The upload worker says that the ledger is away; leases outlast some missed beats.
            else:
                if key in self._leases:
                    self._leases[key] = longer

    def close(self) -> None:
        """End the reading ahead, and give back what was leased for it."""
        self._worker.shutdown(wait=True, cancel_futures=True)
        ahead = None
        # Whatever went wrong while reading ahead, the upload worker must still deliver and end.
        if self._ahead is not None and not self._ahead.cancelled() and self._ahead.exception() is None:
            ahead = self._ahead.result()
        aside = [work.lease for work in self._aside]
        for lease in [*([ahead.lease] if ahead is not None else []), *aside, *self._held]:
            with contextlib.suppress(IEAError):
                if lease is not None:
                    self.queue.give_back(lease)

    def _still_mine(self, work: Work) -> bool:
        """Whether an image that was read ahead is nobody else's by now: its lease may have run out meanwhile."""
        if work.lease is None:
            return True
        try:
            self._leases[work.key] = self.queue.heartbeat(work.lease, ttl_seconds=self._ttl)
        except LeaseLostError:
            self._leases.pop(work.key, None)
            return False
        except IEAError:
            pass  # The ledger is away: strokes wait in the outbox until it says whose the image is.
        return True

    def _fetch(self) -> Work | None:
        """Lease and read the next image; one whose scene cannot be read is skipped with that as the reason."""
        for _ in range(100):
            lease = self.lease()
            self.remaining = remaining(self._ledger, self._annotator, self._purposes, self.withdrawn())
            if lease is None:
                return None
            try:
                work = load_work(self._store, lease.map_key, self._ledger, self._outbox, lease)
                if isinstance(work, Reference):  # Cut here, where nobody waits, as it was cut last time.
                    work.blocks(read_settings(self._folder.settings_file, *REFERENCE_TOOLS).side)
                return work
            except LedgerUnavailableError:
                self._held.insert(0, lease)
                raise
            except IEAError as error:
                del self._leases[lease.map_key]
                self.queue.skip(lease, f"cannot be opened: {error.what}"[:4000])
                self._notice(
                    "error",
                    tr("{image} was skipped.", image=f"{lease.map_key.scene_id} {lease.map_key.level}")
                    + f"\n{error}",
                )
        return None


def _looked_at(work: Work | None) -> Work | None:
    """Find what is proposed on an image, where nobody waits for it."""
    if isinstance(work, Image):
        with contextlib.suppress(IEAError):
            _ = work.findings
    return work


def _patient(coming: Future[Read], step: Step) -> Read:
    while True:
        try:
            return coming.result(_LOOK_SECONDS)
        except TimeoutError:
            if coming.done():
                raise
            step()


def _place_of(key: MapKey) -> list[str]:
    return [key.scene_id, key.level, key.purpose]
