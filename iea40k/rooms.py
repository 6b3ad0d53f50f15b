"""The packages beside this one: `annotator`, `pipelines` and `manifests` are also names of unrelated distributions."""

from importlib.machinery import ModuleSpec
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

from iea40k.errors import BadInputError

ROOMS = ("annotator", "pipelines", "manifests")


def check_rooms() -> None:
    """Raise `BadInputError` where a package of another origin is found under the name of one of ours."""
    home = Path(__file__).resolve().parents[1]
    for room in ROOMS:
        found = _folder(find_spec(room))
        if found != home / room:
            raise BadInputError(
                f"another package hides our '{room}'",
                where=found,
                expected=str(home / room),
                got=_whose(room),
                remedy="install iea40k into an environment of its own, or run it from another folder",
            )


def _folder(spec: ModuleSpec | None) -> Path | None:
    places = [] if spec is None else [*(spec.submodule_search_locations or ()), spec.origin]
    return next((Path(place).resolve() for place in places if place), None)


def _whose(room: str) -> str | None:
    names = sorted(set(packages_distributions().get(room, [])) - {"iea40k"})
    return f"the distribution {', '.join(names)}" if names else None
