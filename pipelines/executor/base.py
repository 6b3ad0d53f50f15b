"""What every executor offers, and the one that needs no other process."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, TypeVar

from iea40k.errors import BadInputError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MALLOC: Mapping[str, str] = MappingProxyType(
    {"MALLOC_TRIM_THRESHOLD_": "134217728", "MALLOC_MMAP_THRESHOLD_": "33554432"}
)
"""glibc gives arrays of a photograph's size back to the system at every turn unless it is told not to; NumPy loops
then spend most of their time in page faults."""


@dataclass(frozen=True)
class Workers:
    """Who works: `count` processes of this machine (1: this one alone), or those of a Dask `scheduler`.

    `tls_ca`, `tls_cert` and `tls_key` are PEM files for a scheduler that wants to be spoken to by TLS.
    """

    count: int = 1
    scheduler: str | None = None
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def __post_init__(self) -> None:
        if self.count < 1:
            raise BadInputError("there must be a worker", expected="--workers 1 or more", got=str(self.count))
        if self.scheduler is not None and self.count != 1:
            raise BadInputError(
                "a scheduler brings its own workers",
                expected="--workers N or --scheduler ADDRESS, not both",
                got=f"--workers {self.count} --scheduler {self.scheduler}",
            )
        files = (self.tls_ca, self.tls_cert, self.tls_key)
        if any(files) and not all(files):
            raise BadInputError(
                "TLS needs three files", expected="--tls-ca, --tls-cert and --tls-key together"
            )


@dataclass(frozen=True)
class Lost:
    """In place of an answer: the worker died of this item, twice, the second time with nothing else to do."""

    reason: str


class Executor(Protocol):
    """Calls functions on items wherever it likes."""

    @property
    def workers(self) -> int:
        """How many items are worked on at once."""
        ...

    @property
    def elsewhere(self) -> bool:
        """Whether work is done in other processes, which may see other disks."""
        ...

    @property
    def dashboard(self) -> str:
        """The address of a page that shows the work going on, "" where there is none."""
        ...

    def unordered(
        self, function: Callable[[Item], Answer], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Answer | Lost]]:
        """Yield each item with its answer as it comes; few items are under way at once, so memory stays bounded.

        Raises what the function raises. A `StoreError` that only some workers raise costs those workers.
        """
        ...

    def map(self, function: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
        """Yield the answers in the order of the items. Raises `LimitError` where an item killed its worker."""
        ...

    def everywhere(self, function: Callable[[], Answer]) -> dict[str, Answer | Exception]:
        """Return what a function says, or raises, in every process that works, by its address."""
        ...


class InProcess:
    """One item after another, here."""

    workers = 1
    elsewhere = False
    dashboard = ""

    def unordered(
        self, function: Callable[[Item], Answer], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Answer | Lost]]:
        """See `Executor`."""
        for item in items:
            yield item, function(item)

    def map(self, function: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
        """See `Executor`."""
        return map(function, items)

    def everywhere(self, function: Callable[[], Answer]) -> dict[str, Answer | Exception]:
        """See `Executor`."""
        try:
            return {"here": function()}
        except Exception as error:
            return {"here": error}
