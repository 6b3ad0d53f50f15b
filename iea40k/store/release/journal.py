"""The journal of a release in the making: which shards are finished, so that a killed run goes on where it stopped.

One JSON line a finished piece of work, flushed to the disk after the piece itself. A line that was cut short, or a
file that does not have its recorded checksum, means that the piece is made again.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iea40k.files import fsync_folder, sha256_file
from iea40k.texts import parse_json

FILE = "journal.jsonl"


class Journal:
    """What is finished in `folder`. A journal of another recipe is thrown away, with all that it made."""

    def __init__(self, folder: Path, recipe_digest: str) -> None:
        self.folder = folder
        self.done: dict[str, Mapping[str, Any]] = {}
        lines = _read(folder / FILE)
        if lines and lines[0].get("recipe") == recipe_digest:
            self.done = {line["piece"]: line for line in lines[1:] if self._intact(line)}
        else:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.rglob("*.partial"):
            leftover.unlink()
        self._rewrite(recipe_digest)

    def record(self, piece: str, files: Mapping[str, str], rows: list[dict[str, Any]]) -> None:
        """Note a piece as finished: its files (path below the folder -> sha256) and its rows for the tables."""
        line = {"piece": piece, "files": dict(files), "rows": rows}
        self.done[piece] = line
        self._append(line)

    def rows(self, prefix: str) -> list[dict[str, Any]]:
        """Return the rows of all pieces whose name starts with `prefix`."""
        return [row for piece, line in self.done.items() if piece.startswith(prefix) for row in line["rows"]]

    def files(self) -> dict[str, str]:
        """Return path -> sha256 of every file of every finished piece."""
        return {path: sha for line in self.done.values() for path, sha in line["files"].items()}

    def remove(self) -> None:
        """Delete the journal itself."""
        (self.folder / FILE).unlink()

    def _intact(self, line: Mapping[str, Any]) -> bool:
        files = {self.folder / path: sha for path, sha in line["files"].items()}
        return all(file.is_file() and sha256_file(file) == sha for file, sha in files.items())

    def _rewrite(self, recipe_digest: str) -> None:
        (self.folder / FILE).unlink(missing_ok=True)
        for line in ({"recipe": recipe_digest}, *self.done.values()):
            self._append(line)
        fsync_folder(self.folder)

    def _append(self, line: Mapping[str, Any]) -> None:
        with (self.folder / FILE).open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(json.dumps(line) + "\n")
            stream.flush()
            os.fsync(stream.fileno())


def _read(file: Path) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    if file.is_file():
        for text in file.read_bytes().split(b"\n"):
            try:
                lines.append(parse_json(text))
            except ValueError:
                break  # the last line was being written when the run was killed
    return lines
