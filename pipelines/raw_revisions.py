"""Which revision of RAW development made a stored scene: stores live longer than versions of this library."""

from collections.abc import Iterator, Mapping
from typing import Any

_SCALED = "mosaic to scale"
_NUMBERED = f"{_SCALED}, revision "


def raw_revision(recipe: Mapping[str, Any]) -> int | None:
    """Return the oldest revision that made small pictures of a scene's mosaics, by the scene's recipe; None for none.

    Full demosaicing has no revision of ours: LibRaw does it.
    """
    made = [str(file.get("demosaic", "")) for file in _files(recipe.get("frames"))]
    found = [1 for how in made if how == _SCALED]  # earlier versions told no number
    found += [int(how.removeprefix(_NUMBERED)) for how in made if how.startswith(_NUMBERED)]
    return min(found, default=None)


def is_older_raw(recipe: Mapping[str, Any]) -> bool:
    """Return whether a scene was made of RAW files that would be developed otherwise now."""
    revision = raw_revision(recipe)
    return revision is not None and revision < raw_revision_now()


def raw_revision_now() -> int:
    """Return the revision that is made now."""
    from iea40k.develop.mosaic import REVISION  # which costs a store without RAW files its start

    return REVISION


def _files(frames: object) -> Iterator[Mapping[str, Any]]:
    """Yield the recipes of the files that a scene was made of."""
    if not isinstance(frames, Mapping):
        return
    reference = frames.get("reference")
    given = reference.get("files") if isinstance(reference, Mapping) else None
    groups = [frames.get("development"), frames.get("retouches"), given]
    named = [file for group in groups if isinstance(group, Mapping) for file in group.values()]
    yield from (file for file in (frames.get("source"), *named) if isinstance(file, Mapping))
