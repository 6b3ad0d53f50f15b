"""The upload worker: brings strokes to the ledger without ever letting the window wait for it, and loses none.

A stroke is first written to the outbox on this machine's disk; from then on a crash cannot take it. A second thread
brings it to the ledger, usually within the same few milliseconds. On a machine that is busy the window does not wait
for either: `Saving.writing` says so until the disk has it. While the ledger cannot be reached the strokes wait, and are
tried again; where even the disk refuses, they stay in memory and the trouble says so.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from annotator.shared.strokes import Draft
from iea40k.errors import IEAError, LeaseLostError, LedgerUnavailableError, StoreError
from iea40k.store.ledger import Lease, Ledger, MapKey, Outbox

RETRY_SECONDS = 5.0
PATIENCE_SECONDS = 0.01
"""How long a mouse release waits for disk and ledger to have the stroke."""

_LOOK_SECONDS = 0.1  # between two looks at how far a delivery is


@dataclass(frozen=True)
class Saving:
    """How safe the strokes are: `unsent` wait on this machine's disk; `unsaved` are in memory only; why, if known.

    `writing` are on their way to the disk just now.
    """

    unsent: int = 0
    unsaved: int = 0
    trouble: IEAError | None = None
    writing: int = 0

    @property
    def clean(self) -> bool:
        """Whether the ledger has everything."""
        return self.unsent == self.unsaved == self.writing == 0

    @property
    def lease_lost(self) -> bool:
        """Whether strokes wait because the work was taken back."""
        return isinstance(self.trouble, LeaseLostError)

    @property
    def offline(self) -> bool:
        """Whether strokes wait because the ledger cannot be reached."""
        return isinstance(self.trouble, LedgerUnavailableError)


class UploadWorker:
    """Delivers in the background. `lease_for` gives the lease under which a map is painted now, or None.

    `beat` is called every `beat_seconds` in the worker's thread, to keep leases alive.
    """

    def __init__(
        self,
        ledger: Ledger,
        outbox: Outbox,
        lease_for: Callable[[MapKey], Lease | None],
        *,
        beat: Callable[[], None] = lambda: None,
        beat_seconds: float = 300.0,
        changed: Callable[[Saving], None] = lambda _: None,
    ) -> None:
        self.outbox = outbox
        self.changed = changed
        self._ledger = ledger
        self._lease_for = lease_for
        self._beat = beat
        self._beat_seconds = beat_seconds
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._done = threading.Condition()
        self._ending = False
        self._asked = 0
        self._answered = 0
        self._memory: list[Draft] = []
        self._refused: IEAError | None = None
        self._writer = ThreadPoolExecutor(1, "iea40k-outbox")
        self._saving = Saving(len(outbox))
        self._thread = threading.Thread(target=self._run, name="iea40k-upload", daemon=True)
        self._thread.start()

    @property
    def saving(self) -> Saving:
        """How safe the strokes are just now."""
        return self._saving

    def post(self, *drafts: Draft) -> Saving:
        """Take strokes over. When this returns they are on the disk, and nearly always in the ledger; where that takes
        longer than `PATIENCE_SECONDS`, `writing` says how many are on their way.

        Does not wait for a ledger that could not be reached the last time.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        known = self._saving.trouble
        self._memory.extend(drafts)
        written = self._writer.submit(self._write)
        try:
            written.result(PATIENCE_SECONDS)
        except TimeoutError:
            # Not under the lock, which the writer holds while it writes; told again once it is done.
            self._tell(Saving(self._saving.unsent, 0, known, len(self._memory)))
            written.add_done_callback(lambda _: self._count(self._saving.trouble))
            return self._saving
        mine = self._ask(max(until - time.monotonic(), 0.0) if known is None else 0.0)
        if not self._wait_for(mine, 0.0):
            self._count(self._saving.trouble)
        return self._saving

    def flush(self, seconds: float = 10.0, *, waiting: Callable[[int], None] = lambda _: None) -> Saving:
        """Try to deliver everything now; return what is left. `waiting` is told now and then how many strokes wait."""
        until = time.monotonic() + seconds
        with contextlib.suppress(TimeoutError):
            self._writer.submit(lambda: None).result(seconds)
        mine = self._ask(0.0)
        while not self._wait_for(mine, min(_LOOK_SECONDS, until - time.monotonic())):
            waiting(len(self.outbox))
            if time.monotonic() >= until:
                break
        waiting(len(self.outbox))
        return self._saving

    def close(self) -> Saving:
        """Deliver what can be delivered and end the thread. What is left waits in the outbox."""
        if not self._thread.is_alive():
            return self._saving
        self.flush(3.0)
        self._writer.shutdown(wait=True)
        self._ending = True
        self._wake.set()
        self._thread.join(5.0)
        return self._saving

    def _write(self) -> None:
        """Write what was posted, in the writer's thread, and have it sent."""
        with self._lock:
            self._write_memory()
        self._ask(0.0)

    def _write_memory(self) -> IEAError | None:
        """Write what is only in memory to the disk, in order; return the trouble that stopped it."""
        while self._memory:
            try:
                self.outbox.put(self._memory[0])
            except (IEAError, OSError) as error:
                self._refused = trouble = _as_error(error, self.outbox)
                self._tell(Saving(self._saving.unsent, len(self._memory), trouble))
                return trouble
            del self._memory[0]
        self._refused = None
        return None

    def _ask(self, patience: float) -> int:
        """Ask for a delivery and wait for it; return its number."""
        with self._done:
            self._asked += 1
            mine = self._asked
            self._wake.set()
        self._wait_for(mine, patience)
        return mine

    def _wait_for(self, mine: int, seconds: float) -> bool:
        """Return whether a delivery that was asked for is over, after at most so many seconds."""
        with self._done:
            if seconds > 0:
                self._done.wait_for(lambda: self._answered >= mine, seconds)
            return self._answered >= mine

    def _run(self) -> None:
        last_beat = time.monotonic()
        while not self._ending:
            wait = RETRY_SECONDS if not self._saving.clean else min(self._beat_seconds, 30.0)
            self._wake.wait(wait)
            self._wake.clear()
            asked = self._asked
            try:
                self._deliver()
            except Exception as error:  # The thread must outlive anything: without it nothing is ever sent.
                self._count(_as_error(error, self.outbox))
            with self._done:
                self._answered = max(self._answered, asked)
                self._done.notify_all()
            if time.monotonic() - last_beat >= self._beat_seconds:
                last_beat = time.monotonic()
                self._beat()

    def _deliver(self) -> None:
        with self._lock:
            trouble = self._write_memory()
        if trouble is not None and not self._from_memory():
            return
        try:
            delivery = self.outbox.submit(self._ledger, self._lease_for)
        except IEAError as error:
            self._count(error)
            return
        self._count(next((error for _, error in delivery.waiting), None))

    def _from_memory(self) -> bool:
        """Bring strokes that the disk refused straight to the ledger, once all that waits before them is there."""
        with self._lock:
            while self._memory and len(self.outbox) == 0:
                try:
                    self._ledger.append(self._memory[0], self._lease_for(self._memory[0].map_key))
                except IEAError as error:
                    self._tell(Saving(len(self.outbox), len(self._memory), error))
                    return False
                del self._memory[0]
        return True

    def _count(self, trouble: IEAError | None) -> None:
        """Tell what waits now. Counted and told under the lock: an older count must not be told after a newer one."""
        with self._lock:
            kept = len(self._memory)
            writing, unsaved = (kept, 0) if self._refused is None else (0, kept)
            self._tell(Saving(len(self.outbox), unsaved, trouble, writing))

    def _tell(self, saving: Saving) -> None:
        if saving != self._saving:
            self._saving = saving
            self.changed(saving)


def _as_error(error: Exception, outbox: Outbox) -> IEAError:
    if isinstance(error, IEAError):
        return error
    return StoreError(
        "a stroke could not be kept or sent",
        where=outbox.folder,
        got=f"{type(error).__name__}: {error}",
        remedy="leave this window open, and make room or mend the folder: it tries again by itself",
    )
