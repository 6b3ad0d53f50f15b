"""The judgement of a built scene's reference, as it stands in the store and in every table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.alignment import doubled
from iea40k.arrays import EncodedRGB, Validity
from iea40k.fusion import Fusion, admissible_sd, judge
from iea40k.fusion.judging import REVISION
from iea40k.fusion.light import evidence
from iea40k.fusion.masks import feathered
from iea40k.fusion.revisions import revision_of
from iea40k.store.scenes import StoredScene

QUALITY, WORDS, ENDS = "reference_quality", "reference_words", "reference_ends"

JUDGED = "reference_judged"
"""The revision of what was asked of a reference; judgements without it are of the first."""


@dataclass(frozen=True)
class Captures:
    """The captures of a bracket: `frames` (E, H, W, 3) uint8, aligned, where they have data (E, H, W), their
    `evs`, the camera's `white` in codes, and how many were `given`."""

    frames: NDArray[np.uint8]
    validity: NDArray[np.bool_]
    evs: Sequence[float]
    white: float
    given: int

    def doubled(self) -> float:
        """Return the share of a fusion of them in which they lie beside each other."""
        order = np.argsort(self.evs, kind="stable")
        counts = [evidence(self.frames[i], feathered(self.validity[i]), self.white) for i in order]
        return doubled(self.frames[order], self.validity[order], counts)


def judged(
    reference: EncodedRGB,
    covered: Validity | None,
    *,
    fusion: Fusion | None = None,
    otherwise: NDArray[np.float32] | None = None,
    captures: Captures | None = None,
) -> dict[str, Any]:
    """Return the attributes `reference_quality`, `_words`, `_ends` and one a number, `reference_NAME`.

    See `iea40k.fusion.judge`; how far a fusion could be `otherwise` is that of admissible fusions.
    """
    if fusion is not None and otherwise is None:
        otherwise = admissible_sd(fusion)
    fused = captures if fusion is not None else None
    found = judge(
        reference,
        covered,
        fusion=fusion,
        otherwise=otherwise,
        captures=None if fused is None else fused.frames,
        evs=None if fused is None else fused.evs,
        doubled=None if fused is None else fused.doubled(),
        frames=None if captures is None else len(captures.frames),
        given=None if captures is None else captures.given,
    )
    numbers = {f"reference_{name}": value for name, value in found.numbers.items()}
    return {QUALITY: found.quality, WORDS: found.words, ENDS: found.ends, JUDGED: REVISION, **numbers}


def judged_before(attributes: Mapping[str, Any], recipe: Mapping[str, Any]) -> bool:
    """Return whether a scene's reference is a fusion of captures that was judged by an older revision."""
    fused = attributes.get("kind") == "bracket" and revision_of(recipe) is not None
    return fused and QUALITY in attributes and int(attributes.get(JUDGED, 1)) < REVISION


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
