"""Where an image's pictures and base come from: the scene in the store, with the zone edits that count."""

from dataclasses import dataclass, field

from iea40k.arrays import EncodedRGB, ResidualCodes
from iea40k.store.digests import array_digest
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger
from iea40k.store.ledger.corrected import (
    CorrectedReference,
    SceneRecord,
    corrected_reference,
    read_record,
    residual_base,
)
from iea40k.store.scenes import StoredScene


@dataclass(eq=False)
class Origin:
    """A scene as strokes are drawn on it. Without a ledger (`record` None) that is the scene as built."""

    scene: StoredScene
    record: SceneRecord | None
    corrected: CorrectedReference | None
    _digests: dict[str, str] = field(default_factory=dict)

    @property
    def reference(self) -> EncodedRGB:
        """The reference, with its zone edits."""
        return self.scene.reference() if self.corrected is None else self.corrected.picture

    def base(self, level: str) -> ResidualCodes:
        """Return the residual that strokes on a level are drawn on."""
        if self.record is None:
            return self.scene.residual(level)
        return residual_base(self.scene, level, self.record, self.corrected)

    def base_digest(self, level: str) -> str:
        """Return the digest of `base(level)`."""
        if self.corrected is None or not self.corrected.changed:
            return str(self.scene.digests["residual"][level])
        if level not in self._digests:
            self._digests[level] = array_digest(self.base(level))
        return self._digests[level]


def origin_of(store: Store, scene_id: str, ledger: Ledger | None) -> Origin:
    """Return a scene's origin. Raises `StoreError` or `CorruptDataError`."""
    scene = store.open_scene(scene_id)
    if ledger is None:
        return Origin(scene, None, None)
    record = read_record(ledger, scene_id)
    return Origin(scene, record, corrected_reference(scene, record))
