"""Which revision of the fusion made a stored scene's reference: stores live longer than versions of this library."""

from collections.abc import Mapping
from typing import Any

from iea40k.fusion.fusing import METHOD, REVISION

MERTENS = 0
"""The number of the fusions that came before the one by light."""


def revision_of(recipe: Mapping[str, Any]) -> int | None:
    """Return the revision that fused a scene's reference, by the scene's recipe; None where it is no fusion."""
    frames = recipe.get("frames")
    reference = frames.get("reference") if isinstance(frames, Mapping) else None
    if not isinstance(reference, Mapping):
        return None
    made: Mapping[str, Any] = reference.get("fusion", reference)  # of simulated exposures, or of captures
    if "revision" in made:
        return int(made["revision"])
    method = str(made.get("method", ""))
    if method == METHOD:
        return 1
    return MERTENS if method.startswith("Mertens") else None


def is_older(recipe: Mapping[str, Any]) -> bool:
    """Return whether a scene's reference is a fusion that would be made otherwise now."""
    revision = revision_of(recipe)
    return revision is not None and revision < REVISION
