"""What every command says and returns: the console for messages, and the exit codes.

Results go to stdout, messages to stderr.
"""

from typing import TYPE_CHECKING, Any

from iea40k.terminal import Terminal

if TYPE_CHECKING:
    from pipelines.cli.log_file import Log

DONE, FAILURES, BAD_USE = 0, 1, 2
"""Exit codes: done; finished with failures that are listed; wrong use or bad input."""

_LEVELS = {"red": "ERROR", "yellow": "WARNING"}


class Messages(Terminal):
    """The console for messages. `terse` leaves those in red and yellow, `kept` gets all; `detailed` shows details."""

    terse = False
    detailed = False
    kept: "Log | None" = None

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as `rich` does, unless it is neither a warning nor an error and only those are wanted."""
        level = _LEVELS.get(str(options.get("style") or ""), "INFO")
        if self.kept is not None:
            self.kept.add(level, " ".join(map(str, objects)))
        if not self.terse or level != "INFO":
            super().print(*objects, **options)

    def detail(self, level: str, text: str) -> None:
        """Say what only those want to know who ask for it: to the log, and with `detailed` on the terminal."""
        if self.kept is not None:
            self.kept.add(level, text)
        if self.detailed:
            from pipelines.cli.log_file import without_secrets

            super().print(without_secrets(text), style="dim", markup=False)


messages = Messages(stderr=True, soft_wrap=True)
