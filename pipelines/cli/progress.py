"""Progress of long work with a time to go: a bar on a terminal, a line a step elsewhere; always on stderr."""

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from pipelines.cli.terminal import messages

_SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """A progress display: `with Progress("building", "scenes") as bar: bar.update(3, 50, "scene-7")`."""

    def __init__(self, what: str, unit: str) -> None:
        self._what, self._unit = what, unit
        self._live = messages.is_terminal
        self._start = self._last = time.monotonic()
        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeElapsedColumn(),
            TextColumn("to go"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[item]}", markup=False),
            console=messages,
            disable=not self._live or messages.terse,
        )
        self._task = self._bar.add_task(what, total=None, item="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, done: int, total: int, item: str = "") -> None:
        """Say that `done` of `total` steps are finished, the last of them `item`."""
        self._bar.update(self._task, completed=done, total=total, item=item)
        now = time.monotonic()
        if now - self._last > _SECONDS_BETWEEN_LINES or done == total:
            self._last = now
            left = (now - self._start) / max(done, 1) * (total - done)
            line = f"{self._what}: {done}/{total} {self._unit}, {left:.0f} s to go"
            if not self._live:
                messages.print(line, markup=False)
            elif messages.kept is not None:  # the bar has said it on the screen
                messages.kept.add("INFO", line)

    def aside(self, what: str, done: int, total: int, item: str = "") -> None:
        """Say how far something else is that must be done first."""
        self._bar.update(
            self._task, description=what if done < total else self._what, item=f"{done}/{total} {item}"
        )
        now = time.monotonic()
        if not self._live and now - self._last > _SECONDS_BETWEEN_LINES:
            self._last = now
            messages.print(f"{what}: {done}/{total}", markup=False)
        if done == total:
            self._start = now  # the time to go is that of the scenes

    def say(self, text: str, style: str = "") -> None:
        """Print a message above the bar."""
        self._bar.console.print(text, style=style, markup=False)
