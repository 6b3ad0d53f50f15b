"""One annotator: leases, draws, submits, until their process is killed; says what was acknowledged.

Their file gets a line for each stroke that the ledger or the outbox acknowledged, written after that returned: what is
in the file must be there, whenever the process dies.
"""

import contextlib
import random
import time
from pathlib import Path
from typing import TextIO

import numpy as np

from iea40k.errors import LeaseLostError, LedgerError, LedgerUnavailableError
from iea40k.store.digests import array_digest
from iea40k.store.ledger import CorrectionDraft, Lease, Ledger, MapKey, Outbox, PackedPatch, Patch, Queue

BASE = np.zeros((32, 48), np.int16)
DIGEST = array_digest(BASE)


def stroke(map_key: MapKey, rng: random.Random) -> CorrectionDraft:
    """Return a small stroke at a random place."""
    box = np.full((4, 5), rng.randrange(-32640, 32640), np.int16)
    patch = Patch(
        rng.randrange(28), rng.randrange(43), np.ones((4, 5), np.bool_), np.zeros(20, np.int16), box.ravel()
    )
    return CorrectionDraft(
        map_key=map_key, image_shape=(32, 48), base_digest=DIGEST, kind="brush", patch=PackedPatch.of(patch)
    )


def work(place: str, name: str, acknowledged: Path, seed: int) -> None:
    """Work for ever; what the ledger refuses goes to the outbox, as in the window."""
    rng = random.Random(seed)
    outbox = Outbox(acknowledged.with_suffix(".outbox"))
    with acknowledged.open("a", encoding="ascii") as said:
        while True:
            with contextlib.suppress(LedgerUnavailableError), Ledger.open(place) as ledger:
                _session(ledger, name, outbox, said, rng)
            time.sleep(0.1)


def _record(outbox: Outbox, ledger: Ledger, draft: CorrectionDraft, lease: Lease) -> bool:
    """Record a stroke in the ledger, or keep it where that cannot be or earlier ones wait; return whether recorded."""
    if len(outbox) == 0:
        with contextlib.suppress(LedgerUnavailableError, LeaseLostError):
            ledger.append(draft, lease)
            return True
    outbox.put(draft)
    return False


def _session(ledger: Ledger, name: str, outbox: Outbox, said: TextIO, rng: random.Random) -> None:
    queue = Queue(ledger)
    leases = {lease.map_key: lease for lease in queue.resume(name)}
    while True:
        outbox.submit(ledger, leases.get)
        if not leases:
            try:
                lease = queue.lease(name, ttl_seconds=rng.choice((0.05, 5, 600)))
            except LedgerError as error:
                if isinstance(error, LedgerUnavailableError):
                    raise
                for each in queue.resume(name):  # those left to run out are too many by now
                    queue.give_back(each)
                continue
            if lease is None:
                time.sleep(0.05)
                continue
            leases[lease.map_key] = lease
        lease = next(iter(leases.values()))
        with contextlib.suppress(LeaseLostError):
            lease = queue.heartbeat(lease) if rng.random() < 0.2 else lease
            for _ in range(rng.randrange(1, 6)):
                draft = stroke(lease.map_key, rng)
                recorded = _record(outbox, ledger, draft, lease)
                said.write(f"{draft.stroke_id} {'ledger' if recorded else 'outbox'}\n")
                said.flush()
            if len(outbox) == 0:
                _finish(queue, lease, rng)
        del leases[lease.map_key]


def _finish(queue: Queue, lease: Lease, rng: random.Random) -> None:
    choice = rng.random()
    if choice < 0.6:
        queue.submit(lease, active_seconds=1.0)
    elif choice < 0.8:
        queue.give_back(lease)
    elif choice < 0.9:
        queue.skip(lease, "torture")
    # else: left to run out
