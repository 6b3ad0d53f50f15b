"""Files that come with the package and are called by their names: configurations, criteria, weights."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from iea40k.errors import BadInputError


@dataclass(frozen=True)
class Shipped:
    """The files with a `suffix` in a `folder` of a package. `kind` is what a person may name instead of one of them;
    `missing` says that there is none."""

    package: str
    folder: str
    suffix: str
    kind: str
    missing: str

    def names(self) -> tuple[str, ...]:
        """Return the names of the files, without suffix."""
        return tuple(sorted(path.stem for path in self._place().glob(f"*{self.suffix}")))

    def find(self, file: str | Path) -> Path:
        """Return a file by its path, or by the name of one that is shipped. Raises `BadInputError` for another."""
        path = Path(file)
        if path.is_file():
            return path
        if str(file) in self.names():
            return self._place() / f"{file}{self.suffix}"
        raise BadInputError(
            self.missing, where=path, expected=f"{self.kind}, or one of {', '.join(self.names()) or 'none'}"
        )

    def _place(self) -> Path:
        return Path(str(files(self.package))) / self.folder
