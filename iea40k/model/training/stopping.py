"""Ctrl-C, SIGTERM and SIGHUP as a request that the loop grants between two steps, so that no step is left half done."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from iea40k.stopping import handled_by


class Stop:
    """`asked` is True once somebody wants the run to end. A second signal ends the process at once."""

    def __init__(self) -> None:
        self.asked = False

    def check(self) -> None:
        """Raise `KeyboardInterrupt` where a stop was asked for."""
        if self.asked:
            raise KeyboardInterrupt

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Remember the first signal; leave at once, without a checkpoint, at the second."""
        del number, frame
        if self.asked:
            raise SystemExit(130)
        self.asked = True


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Yield a `Stop` that the signals reach; outside the main thread they are left alone."""
    stop = Stop()
    with handled_by(stop.handle):
        yield stop
