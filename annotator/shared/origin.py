"""Where an image's pictures and base come from: a scene in a store, with the zone edits that count, or a release."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from iea40k.arrays import EncodedRGB, OutlierFlags, ResidualCodes
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

if TYPE_CHECKING:
    from iea40k.store.release.reading import Release


class Origin(Protocol):
    """A scene as it is painted on or looked at. Frames are read when asked for.

    `record` is what the ledger knows of it, None where there is no ledger.
    """

    record: SceneRecord | None

    @property
    def scene_id(self) -> str:
        """The scene's id."""

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels, darkest first."""

    @property
    def evs(self) -> tuple[float, ...]:
        """Stops of each level."""

    @property
    def reference(self) -> EncodedRGB:
        """The reference, (H, W, 3) uint8."""

    def exposure(self, level: str) -> EncodedRGB:
        """Return the exposure of a level, (H, W, 3) uint8."""

    def outliers(self, level: str) -> OutlierFlags:
        """Return the outlier flags of a level, (H, W) uint8."""

    def base(self, level: str) -> ResidualCodes:
        """Return the residual that strokes on a level are drawn on, (H, W) int16."""

    def base_digest(self, level: str) -> str:
        """Return the digest of `base(level)`."""


@dataclass(eq=False)
class StoreOrigin:
    """A scene of a store. Without a ledger (`record` None) it is the scene as built."""

    scene: StoredScene
    record: SceneRecord | None
    corrected: CorrectedReference | None
    _digests: dict[str, str] = field(default_factory=dict)

    @property
    def scene_id(self) -> str:
        """The scene's id."""
        return self.scene.scene_id

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.scene.shape

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels, darkest first."""
        return self.scene.levels

    @property
    def evs(self) -> tuple[float, ...]:
        """Stops of each level."""
        return self.scene.evs

    @property
    def reference(self) -> EncodedRGB:
        """The reference, with its zone edits."""
        return self.scene.reference() if self.corrected is None else self.corrected.picture

    def exposure(self, level: str) -> EncodedRGB:
        """Return the exposure of a level."""
        return self.scene.exposure(level)

    def outliers(self, level: str) -> OutlierFlags:
        """Return the outlier flags of a level."""
        return self.scene.outliers(level)

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


def origin_of(store: Store, scene_id: str, ledger: Ledger | None) -> StoreOrigin:
    """Return a scene's origin. Raises `StoreError` or `CorruptDataError`."""
    scene = store.open_scene(scene_id)
    if ledger is None:
        return StoreOrigin(scene, None, None)
    record = read_record(ledger, scene_id)
    return StoreOrigin(scene, record, corrected_reference(scene, record))


@dataclass(eq=False)
class ReleaseOrigin:
    """A scene of a release: its rows of the table `images`, in the order of their stops."""

    release: "Release"
    scene_id: str
    rows: list[dict[str, Any]]
    record: SceneRecord | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return int(self.rows[0]["height"]), int(self.rows[0]["width"])

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels, darkest first."""
        return tuple(str(row["level"]) for row in self.rows)

    @property
    def evs(self) -> tuple[float, ...]:
        """Stops of each level."""
        return tuple(float(row["ev"]) for row in self.rows)

    @property
    def reference(self) -> EncodedRGB:
        """The reference as released."""
        row = self.rows[0]
        found: EncodedRGB = self.release.array(row["frame"], "reference")[int(row["scene_index"])]
        return found

    def exposure(self, level: str) -> EncodedRGB:
        """Return the exposure of a level."""
        found: EncodedRGB = self._entry("exposures", level)
        return found

    def outliers(self, level: str) -> OutlierFlags:
        """Return the outlier flags of a level."""
        found: OutlierFlags = self._entry("outliers", level)
        return found

    def base(self, level: str) -> ResidualCodes:
        """Return the residual as released."""
        found: ResidualCodes = self._entry("residual", level)
        return found

    def base_digest(self, level: str) -> str:
        """Return the digest of `base(level)`."""
        return array_digest(self.base(level))

    def _entry(self, name: str, level: str) -> Any:
        row = self.rows[self.levels.index(level)]
        return self.release.array(row["frame"], name)[int(row["index"])]
