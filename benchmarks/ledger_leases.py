"""Many processes at once ask for work and hand it in."""

import multiprocessing as mp
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.store.ledger import Ledger, Queue, TaskRequest, add_tasks


def run_leases(
    place: str, processes: int, each: int
) -> tuple[NDArray[np.float64], int, list[str], list[str]]:
    """Return (seconds of every lease, slots given twice, errors, breaks of the chains).

    Every process is one annotator: lease, submit, and again, `each` times, without a pause.
    """
    with Ledger.open(place, create=True) as ledger:
        requests = (TaskRequest(f"s{i}", "P0", i % 997 / 997) for i in range(processes * each))
        add_tasks(ledger, requests, "curator")
    context = mp.get_context("spawn")
    results: Any = context.Queue()
    ready = context.Barrier(processes)
    workers = [
        context.Process(target=_work, args=(place, f"A{i}", each, ready, results)) for i in range(processes)
    ]
    for worker in workers:
        worker.start()
    gathered = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    seconds = np.concatenate([times for times, _, _ in gathered])
    tasks = [task for _, given, _ in gathered for task in given]
    with Ledger.open(place) as ledger:
        problems = list(ledger.tampering())
    return seconds, len(tasks) - len(set(tasks)), [e for _, _, errors in gathered for e in errors], problems


def _work(place: str, name: str, each: int, ready: Any, results: Any) -> None:
    seconds: list[float] = []
    given: list[int] = []
    errors: list[str] = []
    with Ledger.open(place) as ledger:
        queue = Queue(ledger)
        ready.wait()
        for _ in range(each):
            try:
                start = time.perf_counter()
                lease = queue.lease(name)
                seconds.append(time.perf_counter() - start)
                if lease is None:
                    break
                given.append(lease.task)
                queue.submit(lease, verdict="base is right")
            except Exception as error:
                errors.append(repr(error))
    results.put((np.array(seconds), given, errors))
