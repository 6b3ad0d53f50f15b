"""Several people's versions of one reference, to compare in review."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from annotator.reference.state import Reference
from iea40k.arrays import EncodedRGB, Validity
from iea40k.store.ledger import MapKey
from iea40k.store.ledger.corrected import middle_shift
from iea40k.store.ledger.zone_replay import replay_zones
from iea40k.zones import ShiftMap, apply_shift


@dataclass(frozen=True, eq=False)
class Version:
    """A reference as somebody left it.

    `picture` (H, W, 3) uint8; its `shift` (H, W) int32 from the base; `touched` (H, W) bool, where an edit has weight.
    """

    picture: EncodedRGB
    shift: ShiftMap
    touched: Validity


def versions_of(
    reference: Reference, lanes: Sequence[MapKey], consensus: str, base: str
) -> Mapping[str, Version]:
    """Return each lane's version by its person's name; the median of several under `consensus`; the `base`."""
    record = reference.origin.record
    versions: dict[str, Version] = {}
    for lane in lanes if record is not None else ():
        folded = replay_zones(reference.base, record.zone_edits.get(lane, ()) if record is not None else ())
        versions[lane.annotator] = Version(folded.picture, folded.shift, folded.touched)
    if len(versions) > 1:
        shift = middle_shift([v.shift for v in versions.values()], reference.base)
        versions[consensus] = Version(apply_shift(reference.base, shift), shift, shift != 0)
    nothing = np.zeros(reference.shape, np.bool_)
    versions[base] = Version(reference.base, nothing.astype(np.int32), nothing)
    return versions
