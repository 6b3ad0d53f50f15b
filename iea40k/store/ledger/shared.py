"""The images of a scene that two experts or more mapped, each expert's map replayed: what agreement is about."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from iea40k.arrays import ResidualCodes, Validity, validity_from_codes
from iea40k.store.ledger.corrected import corrected_reference, read_record, residual_base
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.replay import Replayed, replay
from iea40k.store.scenes import StoredScene


@dataclass(frozen=True, eq=False)
class SharedImage:
    """One exposure as two or more experts left it.

    - `maps`: each expert's accepted map, by name; maps with strokes on a base that was rebuilt are left out
    - `painted` (H, W) bool: valid pixels that one of them at least painted
    """

    scene: StoredScene
    level: str
    maps: dict[str, Replayed]
    painted: Validity

    @property
    def codes(self) -> dict[str, ResidualCodes]:
        """Each expert's residual, (H, W) int16 codes."""
        return {name: each.codes for name, each in self.maps.items()}

    @property
    def touched(self) -> dict[str, Validity]:
        """Where each expert painted, (H, W) bool."""
        return {name: each.touched for name, each in self.maps.items()}


def shared_images(ledger: Ledger, scene: StoredScene, cursor: int | None = None) -> Iterator[SharedImage]:
    """Yield the images of a scene with two experts' maps or more that count up to entry `cursor`, by level."""
    record = read_record(ledger, scene.scene_id, cursor)
    reference = corrected_reference(scene, record)
    for level in scene.levels:
        map_keys = record.counted(level, "expert")
        if len(map_keys) < 2:
            continue
        base = residual_base(scene, level, record, reference)
        replayed = {key.annotator: replay(base, record.corrections.get(key, ())) for key in map_keys}
        maps = {name: each for name, each in replayed.items() if not each.stale}
        if len(maps) > 1:
            painted = np.any([each.touched for each in maps.values()], axis=0) & validity_from_codes(base)
            yield SharedImage(scene, level, maps, painted)
