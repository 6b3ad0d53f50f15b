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

from annotator.reference.target import ReferenceDisplay
from annotator.reference.tools import ReferenceTools
from annotator.residual.target import ResidualDisplay
from annotator.residual.tools import ResidualTools
from iea40k.errors import IEAError
from iea40k.files import write_atomic
from iea40k.texts import parse_json

Settings = TypeVar("Settings")


# The names under which settings are kept are those of the first version, so that a file stays readable both ways.
RESIDUAL_DISPLAY = ("Look", ResidualDisplay)
RESIDUAL_TOOLS = ("Hand", ResidualTools)
REFERENCE_DISPLAY = ("ZoneLook", ReferenceDisplay)
REFERENCE_TOOLS = ("ZoneHand", ReferenceTools)


@dataclass(frozen=True)
class UserFolder:
    """One person's folder for one ledger, in the user's data folder: `outbox/` and `place.json` (where they stopped).
    `settings_file` is shared by all that a user of this machine does."""

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


def user_folder(ledger_id: str, annotator: str, root: Path | None = None) -> UserFolder:
    """Return the folder of a person at a ledger, below the user's data folder of this system (or `root`)."""
    base = root or Path(platformdirs.user_data_dir("iea40k", appauthor=False))
    # Names may hold any letter; a folder's name may not, and two names must not share one.
    plain = re.sub(r"[^A-Za-z0-9]+", "_", annotator)[:32]
    tag = hashlib.sha256(annotator.encode()).hexdigest()[:8]
    return UserFolder(base / "desks" / ledger_id[:12] / f"{plain}-{tag}", settings_file(base))


def read_json(file: Path) -> dict[str, Any]:
    """Return a JSON object, empty where the file is absent or damaged: what is kept here is never the only copy."""
    try:
        found = parse_json(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read_settings(file: Path, name: str, kind: type[Settings]) -> Settings:
    """Return settings of a frozen dataclass: what the file says under `name` where that makes sense, else the
    default."""
    settings, kept = kind(), read_json(file).get(name)
    for field, value in kept.items() if isinstance(kept, dict) else ():
        try:
            settings = dataclasses.replace(settings, **{field: value})  # type: ignore[type-var]
        except (TypeError, ValueError, ArithmeticError, IEAError):
            continue
    return settings


def settings_file(root: Path | None = None) -> Path:
    """Return where a user of this machine keeps what they prefer."""
    return (root or Path(platformdirs.user_data_dir("iea40k", appauthor=False))) / "annotator.json"


def read_language(file: Path) -> str:
    """Return the language that a person chose for the window, "" where they chose none."""
    kept = read_json(file).get("Language")
    return kept if isinstance(kept, str) else ""


def write_language(file: Path, language: str) -> None:
    """Keep the language that a person chose."""
    write_atomic(file, json.dumps(read_json(file) | {"Language": language}, indent=1, sort_keys=True) + "\n")


def write_settings(file: Path, settings: Mapping[str, Any]) -> None:
    """Keep settings, each under its name, beside what is kept there under other names."""
    known = read_json(file)
    for name, values in settings.items():
        known[name] = dataclasses.asdict(values)
    write_atomic(file, json.dumps(known, indent=1, sort_keys=True) + "\n")
