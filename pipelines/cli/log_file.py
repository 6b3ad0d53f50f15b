"""The log of a run: a file with all that was said, line by line, and what the libraries note beside it."""

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from iea40k.errors import BadInputError
from iea40k.escaping import visible

_SECRET = re.compile(r"(://[^:/@\s]+):[^@\s]+@|((?:password|pgpassword)=)[^&\s]+", re.IGNORECASE)


class Log:
    """A file to which a run adds what it says, line by line with the time (UTC) and a level."""

    def __init__(self, file: Path) -> None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._stream: TextIO = file.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise BadInputError("the log cannot be written", where=file, got=str(error)) from error

    def add(self, level: str, text: str) -> None:
        """Add a text; each of its lines becomes one of the log. Passwords in addresses are left out."""
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for line in without_secrets(text).splitlines():
            self._stream.write(f"{stamp} {level:7} {visible(line)}\n")

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


class Handler(logging.Handler):
    """Passes the records of the standard library's logging on."""

    def __init__(self, say: Callable[[str, str], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record of the standard library's logging on."""
        try:
            self._say(record.levelname, f"{record.name}: {record.getMessage()}")
        except Exception:
            self.handleError(record)


def without_secrets(text: str) -> str:
    """Return a text without the passwords in its addresses.

    >>> without_secrets("postgresql://ada:secret@server/db")
    'postgresql://ada:***@server/db'
    """
    return _SECRET.sub(lambda found: f"{found[1]}:***@" if found[1] else f"{found[2]}***", text)
