"""Where the annotator keeps things on this machine: its outbox, where it stopped, and what the person prefers."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

from iea40k.files import write_atomic

Noun = TypeVar("Noun")


@dataclass(frozen=True)
class Desk:
    """One person's folder for one ledger: `outbox/`, `place.json` (where it stopped), `settings.json` (shared)."""

    folder: Path
    settings_file: Path

    @property
    def outbox(self) -> Path:
        """Strokes that the ledger does not have yet."""
        return self.folder / "outbox"

    def read_place(self) -> dict[str, Any]:
        """Return where this person stopped, empty where nothing is known."""
        return read_json(self.folder / "place.json")

    def write_place(self, place: Mapping[str, Any]) -> None:
        """Keep where this person stopped."""
        write_atomic(self.folder / "place.json", json.dumps(dict(place), indent=1) + "\n")


def desk_for(ledger_id: str, annotator: str, root: Path | None = None) -> Desk:
    """Return the desk of a person at a ledger, below the user's data folder of this system (or `root`)."""
    base = root or Path(platformdirs.user_data_dir("iea40k", appauthor=False))
    # Names may hold any letter; a folder's name may not, and two names must not share one.
    plain = re.sub(r"[^A-Za-z0-9]+", "_", annotator)[:32]
    tag = hashlib.sha256(annotator.encode()).hexdigest()[:8]
    return Desk(base / "desks" / ledger_id[:12] / f"{plain}-{tag}", base / "annotator.json")


def read_json(file: Path) -> dict[str, Any]:
    """Return a JSON object, empty where the file is absent or damaged: what is kept here is never the only copy."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read_settings(file: Path, kind: type[Noun]) -> Noun:
    """Return settings of a frozen dataclass: what the file says where that makes sense, else the default."""
    settings = kind()
    for name, value in read_json(file).get(kind.__name__, {}).items():
        try:
            settings = dataclasses.replace(settings, **{name: value})  # type: ignore[type-var]
        except (TypeError, ValueError, ArithmeticError):
            continue
        except Exception as error:
            if type(error).__module__ != "iea40k.errors":
                raise
    return settings


def write_settings(file: Path, *settings: Any) -> None:
    """Keep settings, each under its class's name, beside what other classes keep there."""
    known = read_json(file)
    for noun in settings:
        known[type(noun).__name__] = dataclasses.asdict(noun)
    write_atomic(file, json.dumps(known, indent=1, sort_keys=True) + "\n")
