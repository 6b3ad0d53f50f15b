"""Ctrl-C, SIGTERM and SIGHUP as a request that the loop grants between two steps, so that no step is left half done."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


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
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    taken = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]  # nohup
    before = {number: signal.signal(number, stop.handle) for number in taken}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
