"""Ctrl-C, SIGTERM and SIGHUP while the window is open: Qt's loop ends, and the session is closed as always."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from qtpy.QtWidgets import QApplication


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let signals end Qt's loop, and raise `KeyboardInterrupt` behind it; an exception inside Qt would be lost.

    A signal is seen when Python runs next, which the window's timer sees to once a second.
    """
    got: list[int] = []

    def leave(number: int, frame: FrameType | None) -> None:
        del frame
        got.append(number)
        QApplication.exit(0)

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    taken = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = [signal.signal(number, leave) for number in taken]
    try:
        yield
    finally:
        for number, handler in zip(taken, before, strict=True):
            signal.signal(number, handler)
    if got:
        signal.raise_signal(got[0])
