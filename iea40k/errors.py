"""Typed errors whose text says to a person: what, where, expected, got, and the way out.

Catch `IEAError` for anything this project refuses. `BadInputError` and its kin end a command with exit code 2;
inside a build they quarantine one scene and the run goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Place:
    """Where something is wrong: a file, and for tables the 1-based line and the column's name."""

    file: str | Path | None = None
    line: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        parts = [str(self.file)] if self.file is not None else []
        if self.line is not None:
            parts.append(f"line {self.line}")
        if self.column is not None:
            parts.append(f"column '{self.column}'")
        return ", ".join(parts)


class IEAError(Exception):
    """Base of every error this project raises on purpose.

    `what` is one sentence. `where`, `expected`, `got` and `remedy` are optional and become a line each.
    """

    def __init__(
        self,
        what: str,
        *,
        where: Place | str | Path | None = None,
        expected: str | None = None,
        got: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.expected = expected
        self.got = got
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        """Return the whole message, one fact a line."""
        facts = {"where": self.where, "expected": self.expected, "got": self.got, "way out": self.remedy}
        lines = [f"  {name + ':':<10}{value}" for name, value in facts.items() if value not in (None, "")]
        return "\n".join([self.what, *lines])

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions pickle by their args; keyword-only facts would be lost between processes.
        return _rebuild, (type(self), self.__dict__.copy())

    def located(self, where: Place | str | Path) -> Self:
        """Return the same error with a place, unless it has one already."""
        if self.where is None:
            self.where = where
            self.args = (str(self),)
        return self


def _rebuild(kind: type[IEAError], state: dict[str, object]) -> IEAError:
    error = kind.__new__(kind)
    error.__dict__.update(state)
    error.args = (str(error),)
    return error


class BadInputError(IEAError):
    """What the user gave cannot be used: a file, a table, an option."""


class UnreadableImageError(BadInputError):
    """A file is missing, empty, truncated, mislabelled, too large, or of a kind that cannot be decoded."""


class LimitError(BadInputError):
    """What was given broke a limit while it was read: of time, of memory, or it ended the process that read it."""


class ArrayError(BadInputError):
    """An array breaks a convention of `iea40k.arrays`: shape, dtype, range or NaN."""


class AlignmentError(BadInputError):
    """Frames of a bracket cannot be brought into register."""


class ConfigError(BadInputError):
    """A configuration has an unknown key or an impossible value."""


class MissingExtraError(BadInputError, ImportError):
    """A part of the installation is missing that this needs; no input of the run is to blame."""


class LicenceError(BadInputError):
    """A licence forbids, or does not state, what was asked."""


class StoreError(IEAError):
    """A store or release on disk is not as it must be."""


class DiskError(StoreError):
    """The disk is full, or a place cannot be written: what would fail for every further item of a run, too."""


class NotThereError(StoreError, BadInputError):
    """There is no store, release or scene where one was named."""


class RemoteError(StoreError):
    """A server cannot be reached, refuses, or gives something else than what was asked of it."""


class IEAWarning(UserWarning):
    """Something that a person should know and that stops nothing; its text is a message like those of the errors."""


class UnknownKeyError(NotThereError, KeyError):
    """A release, a scene or a table has nothing of this name."""


class OutOfRangeError(BadInputError, IndexError):
    """A number is beyond the end of what it counts."""

    @classmethod
    def of(cls, whole: str, thing: str, index: int, count: int, where: str | Path | None = None) -> Self:
        """Return the error for entry `index` of the `count` things that `whole` holds."""
        return cls(
            f"{whole} has no {thing} number {index}",
            where=where,
            expected=f"0 ... {count - 1}, or -{count} ... -1 from the end" if count else f"no {thing} at all",
            got=str(index),
            remedy=f"len() says how many {thing}s there are; numbers start at 0",
        )


class CorruptDataError(StoreError):
    """Stored bytes do not match their checksum, shape or code range."""


class AlreadyExistsError(StoreError):
    """Something immutable is there already and is never overwritten."""


class LedgerError(IEAError):
    """The ledger refuses, or cannot be reached."""


class LedgerUnavailableError(LedgerError):
    """The ledger cannot be reached or written just now: what was to be saved belongs in an outbox, and is not lost."""


class StaleBaseError(LedgerError):
    """A correction was drawn on a base that has since been rebuilt."""


class LeaseLostError(LedgerError):
    """The lease under which something was saved has expired or belongs to somebody else."""


class ManifestError(BadInputError):
    """Every problem of a manifest, or of any table, at once. `problems` holds one error a bad cell."""

    def __init__(self, file: str | Path, problems: Sequence[IEAError], *, remedy: str | None = None) -> None:
        self.problems = tuple(problems)
        self.file = file
        super().__init__(
            f"{len(self.problems)} problem{'s' if len(self.problems) != 1 else ''} in the table",
            where=Place(file),
            remedy=remedy or "correct the cells named below; nothing was built from this table",
        )

    def __str__(self) -> str:
        """Return the message with one paragraph a problem."""
        return "\n".join([super().__str__(), *(f"- {problem}" for problem in self.problems)])
