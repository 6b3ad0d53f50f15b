"""Text for a terminal: whatever names and messages hold, no terminal obeys it."""

import sys
from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from iea40k.escaping import visible


def say(text: str, *, end: str = "\n", stream: IO[str] | None = None) -> None:
    """Write a line of results to standard output."""
    target = stream or sys.stdout
    encoding = getattr(target, "encoding", None) or "utf-8"
    target.write(visible(text + end).encode(encoding, "backslashreplace").decode(encoding))
    target.flush()


class Terminal(Console):
    """A console whose every text is made visible, however it came there: printed, in a table, beside a bar.

    Square brackets mean themselves.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"highlight": False, "markup": False, **options})

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text as `rich` does, which drops some control characters without a word."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is written, as `rich` does."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        """Raise `BrokenPipeError` where the reader of results has gone: `rich` would end with exit code 1."""
        if self.stderr:
            super().on_broken_pipe()
        raise BrokenPipeError("the reader of the results has gone")
