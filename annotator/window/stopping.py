"""Ctrl-C, SIGTERM and SIGHUP while the window is open: Qt's loop ends, and the session is closed as always."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from qtpy.QtWidgets import QApplication

from iea40k.stopping import handled_by


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

    with handled_by(leave):
        yield
    if got:
        signal.raise_signal(got[0])
