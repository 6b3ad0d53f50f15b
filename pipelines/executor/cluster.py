"""Work on Dask workers: a cluster of this machine's cores, or an existing scheduler's.

Few items are under way at once. An item whose worker dies is under suspicion, as is whatever else that worker held;
suspects are tried again one at a time with nothing beside them, so that the one that kills is known for certain and
the others are not blamed.
"""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar
from uuid import uuid4

from distributed import CancelledError, Client, Future, get_worker, wait
from distributed.scheduler import KilledWorker

from iea40k.errors import IEAError, LimitError, MissingExtraError, StoreError
from pipelines.executor.base import Lost, Workers
from pipelines.executor.clients import APPEAR, existing, local
from pipelines.executor.versions import check_versions

Item = TypeVar("Item")
Answer = TypeVar("Answer")

AHEAD = 2
"""Items under way for each thread of a worker: one in work, one waiting."""

_POLL = 5.0
"""Seconds between looks at which workers there are."""


@contextlib.contextmanager
def open_cluster(workers: Workers) -> Iterator["Cluster"]:
    """Yield an executor over a cluster. Raises `BadInputError` where it cannot be reached or is of another version."""
    with contextlib.ExitStack() as stack:
        if workers.scheduler is None:
            client = stack.enter_context(local(workers.count))
        else:
            client = stack.enter_context(existing(workers))
            check_versions(client, workers.scheduler)
        yield Cluster(client)


class Cluster:
    """Calls functions on the workers of a Dask client."""

    elsewhere = True

    def __init__(self, client: Client) -> None:
        self._client = client
        self._refused: dict[str, IEAError] = {}
        self._threads: dict[str, int] = {}
        self._looked = -_POLL
        self._absent_since: float | None = None

    @property
    def workers(self) -> int:
        """See `Executor`."""
        return sum(self._usable().values())

    @property
    def dashboard(self) -> str:
        """See `Executor`."""
        services = self._client.scheduler_info()["services"]
        return self._client.dashboard_link if "dashboard" in services else ""

    def everywhere(self, function: Callable[[], Answer]) -> dict[str, Answer | Exception]:
        """See `Executor`."""
        found: dict[str, Answer | Exception] = self._client.run(function, on_error="return")
        return found

    def map(self, function: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
        """See `Executor`."""
        waiting: dict[int, Answer | Lost] = {}
        following = 0
        for (number, item), answer in self.unordered(_Numbered(function), enumerate(items)):
            waiting[number] = answer
            if isinstance(answer, Lost):
                raise LimitError(answer.reason, where=str(item))
            while following in waiting:
                yield waiting.pop(following)  # type: ignore[misc]  # what is lost was raised
                following += 1

    def unordered(
        self, function: Callable[[Item], Answer], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Answer | Lost]]:
        """See `Executor`."""
        run = _Run(function, self)
        try:
            yield from run.answers(iter(items))
        finally:
            run.cancel()

    # ------------------------------------------------------------ for a run

    def submit(self, function: Callable[[Item], Answer], item: Item, name: str) -> Future[Any]:
        """Send one item off, to any worker that has not been refused."""
        only = list(self._usable()) if self._refused else None
        return self._client.submit(_answer, function, item, key=name, workers=only, pure=False)

    def refuse(self, worker: str, error: IEAError) -> None:
        """Give a worker no more work. Raises the error where none is left."""
        self._refused[worker] = error
        self._looked = -_POLL
        if not self._usable():
            raise error

    def wait(self, futures: list[Future[Any]]) -> None:
        """Return when one of them is done, or after a while."""
        with contextlib.suppress(TimeoutError, CancelledError), self._client.as_current():
            wait(futures, timeout=_POLL, return_when="FIRST_COMPLETED")

    def check_alive(self) -> None:
        """Raise `IEAError` where the scheduler is gone, or has had no worker for a while."""
        if self._client.status != "running":
            raise _gone()
        if self._usable(look=True):
            self._absent_since = None
            return
        self._absent_since = self._absent_since or time.monotonic()
        if time.monotonic() - self._absent_since > APPEAR:
            raise IEAError(
                "no worker is left",
                got=f"none for {APPEAR:g} seconds",
                remedy="start workers, and run the same command again: it goes on with what is not done yet",
            )

    def _usable(self, look: bool = False) -> dict[str, int]:
        if look or time.monotonic() - self._looked > _POLL:
            self._threads, self._looked = dict(self._client.nthreads()), time.monotonic()
        return {address: n for address, n in self._threads.items() if address not in self._refused}


class _Run:
    """One function over many items."""

    def __init__(self, function: Callable[[Any], Any], cluster: Cluster) -> None:
        self._function = function
        self._cluster = cluster
        self._name = f"{_name_of(function)}-{uuid4().hex[:8]}"
        self._sent = 0
        self._under_way: dict[Future[Any], Any] = {}
        self._suspects: deque[Any] = deque()
        self._again: deque[Any] = deque()
        self._alone = False

    def answers(self, items: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
        while True:
            self._fill(items)
            if not self._under_way:
                return
            for future in self._finished():
                item = self._under_way.pop(future)
                answer = self._answer(future, item)
                if answer is not None:
                    yield item, answer.value

    def cancel(self) -> None:
        for future in self._under_way:
            with contextlib.suppress(Exception):  # the scheduler may have gone first
                future.cancel()
        self._under_way.clear()

    def _fill(self, items: Iterator[Any]) -> None:
        if self._suspects:
            self._alone = not self._under_way
            if self._alone:
                self._send(self._suspects.popleft())
            return
        self._alone = False
        room = max(1, self._cluster.workers) * AHEAD
        while len(self._under_way) < room:
            if self._again:
                self._send(self._again.popleft())
                continue
            try:
                self._send(next(items))
            except StopIteration:
                return

    def _send(self, item: Any) -> None:
        name = f"{self._name}-{self._sent}"
        self._under_way[self._cluster.submit(self._function, item, name)] = item
        self._sent += 1

    def _finished(self) -> list[Future[Any]]:
        while True:
            self._cluster.wait(list(self._under_way))
            done = [future for future in self._under_way if future.done()]
            if done:
                return done
            self._cluster.check_alive()

    def _answer(self, future: Future[Any], item: Any) -> "_Answer | None":
        """Return an answer, None where the item is to be tried again."""
        if future.status != "finished":
            return self._failed(future, item)
        answer: _Answer = future.result()
        future.release()
        if isinstance(answer.error, StoreError | MissingExtraError):
            self._cluster.refuse(answer.worker, answer.error)
            self._again.append(item)
            return None
        if answer.error is not None:
            raise answer.error
        return answer

    def _failed(self, future: Future[Any], item: Any) -> "_Answer | None":
        if future.cancelled():
            raise _gone()
        error = future.exception()
        if error is None:  # its answer was lost with the worker that held it, and is worked out again by now
            return self._answer(future, item)
        if not isinstance(error, KilledWorker):
            raise error
        if not self._alone:
            self._suspects.append(item)
            return None
        return _Answer("", Lost("its worker died, and another one that had nothing else to do"), None)


class _Answer:
    """What a worker sends back; errors travel as values, so that Dask neither logs nor repeats them."""

    def __init__(self, worker: str, value: Any, error: BaseException | None) -> None:
        self.worker, self.value, self.error = worker, value, error


class _Numbered:
    """A function over numbered items."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def __call__(self, numbered: tuple[int, Any]) -> Any:
        return self.function(numbered[1])


def _answer(function: Callable[[Any], Any], item: Any) -> _Answer:
    """Run on a worker."""
    here = get_worker().address
    try:
        return _Answer(here, function(item), None)
    except Exception as error:
        return _Answer(here, None, error)


def _name_of(function: Any) -> str:
    while True:
        inner = getattr(function, "func", None) or getattr(function, "function", None)
        if inner is None:
            return str(getattr(function, "__name__", type(function).__name__)).strip("_")
        function = inner


def _gone() -> IEAError:
    return IEAError(
        "the scheduler is gone",
        remedy="start it again, and run the same command: it goes on with what is not done yet",
    )
