"""The judgement of a built scene's reference, as it stands in the store and in every table."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Validity
from iea40k.fusion import Fusion, admissible_sd, judge
from iea40k.store.scenes import StoredScene

QUALITY, WORDS, ENDS = "reference_quality", "reference_words", "reference_ends"


def judged(
    reference: EncodedRGB,
    covered: Validity | None,
    *,
    fusion: Fusion | None = None,
    otherwise: NDArray[np.float32] | None = None,
    frames: int | None = None,
    given: int | None = None,
) -> dict[str, Any]:
    """Return the attributes `reference_quality`, `_words`, `_ends` and one a number, `reference_NAME`.

    See `iea40k.fusion.judge`; how far a fusion could be `otherwise` is that of admissible fusions.
    """
    if fusion is not None and otherwise is None:
        otherwise = admissible_sd(fusion)
    found = judge(reference, covered, fusion=fusion, otherwise=otherwise, frames=frames, given=given)
    numbers = {f"reference_{name}": value for name, value in found.numbers.items()}
    return {QUALITY: found.quality, WORDS: found.words, ENDS: found.ends, **numbers}


@dataclass(frozen=True)
class RankedReference:
    """How a scene's reference was judged; see `iea40k.fusion.Judgement`."""

    scene_id: str
    quality: float
    words: str
    ends: str


def ranked_references(scenes: Iterable[StoredScene]) -> list[RankedReference]:
    """Return the judged references of a store's scenes, the worst first; scenes built before references were judged
    are left out."""
    found = []
    for scene in scenes:
        attributes = scene.attributes
        if QUALITY in attributes:
            found.append(
                RankedReference(
                    scene.scene_id, float(attributes[QUALITY]), str(attributes[WORDS]), str(attributes[ENDS])
                )
            )
    return sorted(found, key=lambda reference: (reference.quality, reference.scene_id))
