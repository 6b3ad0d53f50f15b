"""Long work shown by napari's own progress bars. Only in Qt's thread: napari draws each step at once."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from napari.utils import progress

from annotator.shared.progress import Step
from annotator.window import adapter

PATIENCE_SECONDS = 0.3
"""Work that is over sooner shows no bar: it would only flicker."""


@contextlib.contextmanager
def napari_progress(window: Any | None, text: str, total: int) -> Iterator[Step]:
    """Show a bar in napari's activity area from the first step after `PATIENCE_SECONDS` to the end of the block."""
    began, done = time.monotonic(), 0
    bar: Any = None

    def step() -> None:
        nonlocal bar, done
        done += 1
        if bar is not None:
            bar.update(1)
        elif time.monotonic() - began > PATIENCE_SECONDS:
            bar = progress(total=total or None, desc=text)
            adapter.show_activity(window, True)
            bar.update(done)

    try:
        yield step
    finally:
        if bar is not None:
            bar.close()
            adapter.show_activity(window, False)
