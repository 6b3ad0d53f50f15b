"""Where an image's pictures and base come from: a scene in a store, with the zone edits that count, or a release."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, OutlierFlags, ResidualCodes
from iea40k.errors import IEAError
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
from iea40k.store.scenes import StoredScene, open_scene

if TYPE_CHECKING:
    from iea40k.store.release.reading import Release


@dataclass(eq=False)
class Origin(ABC):
    """A scene as it is painted on or looked at. Frames are read when asked for.

    `shape` is (height, width) in pixels; `levels` and their `evs`, in stops, go from dark to bright. `record` is what
    the ledger knows of the scene, None where there is no ledger.
    """

    scene_id: str
    shape: tuple[int, int]
    levels: tuple[str, ...]
    evs: tuple[float, ...]
    record: SceneRecord | None

    @property
    @abstractmethod
    def reference(self) -> EncodedRGB:
        """The reference, (H, W, 3) uint8, with its zone edits."""

    @abstractmethod
    def exposure(self, level: str) -> EncodedRGB:
        """Return the exposure of a level, (H, W, 3) uint8."""

    @abstractmethod
    def outliers(self, level: str) -> OutlierFlags:
        """Return the outlier flags of a level, (H, W) uint8."""

    @abstractmethod
    def base(self, level: str) -> ResidualCodes:
        """Return the residual that strokes on a level are drawn on, (H, W) int16."""

    def base_digest(self, level: str) -> str:
        """Return the digest of `base(level)`."""
        return array_digest(self.base(level))

    def rebuilt(self) -> bool:
        """Return whether other pixels stand in its place by now."""
        return False


@dataclass(eq=False)
class StoreOrigin(Origin):
    """A scene of a store. Without a ledger it is the scene as built."""

    scene: StoredScene
    corrected: CorrectedReference | None
    _seen: tuple[int, ...] = field(init=False)
    _digests: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._seen = self._looked()

    def rebuilt(self) -> bool:
        """Return whether the scene was built again since, with other pixels, or is gone. Costs a look at one file."""
        now = self._looked()
        if now == self._seen:
            return False
        try:
            same = open_scene(self.scene.folder).digests == self.scene.digests
        except IEAError:
            return True
        self._seen = now if same else self._seen
        return not same

    def _looked(self) -> tuple[int, ...]:
        try:
            found = (self.scene.folder / "zarr.json").stat()
        except OSError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_size

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
        """Return the digest of `base(level)`, known where no zone edit counts."""
        if self.corrected is None or not self.corrected.changed:
            return str(self.scene.digests["residual"][level])
        if level not in self._digests:
            self._digests[level] = super().base_digest(level)
        return self._digests[level]


@dataclass(eq=False)
class ReleaseOrigin(Origin):
    """A scene of a release: its `rows` of the table `images`, by level."""

    release: "Release"
    rows: dict[str, dict[str, Any]]

    @property
    def reference(self) -> EncodedRGB:
        """The reference as released."""
        return self._entry("reference", self.levels[0], "scene_index")

    def exposure(self, level: str) -> EncodedRGB:
        """Return the exposure of a level."""
        return self._entry("exposures", level)

    def outliers(self, level: str) -> OutlierFlags:
        """Return the outlier flags of a level."""
        return self._entry("outliers", level)

    def base(self, level: str) -> ResidualCodes:
        """Return the residual as released."""
        return self._entry("residual", level)

    def _entry(self, name: str, level: str, index: str = "index") -> NDArray[Any]:
        row = self.rows[level]
        found: NDArray[Any] = self.release.array(row["frame"], name)[int(row[index])]
        return found


def origin_of(store: Store, scene_id: str, ledger: Ledger | None) -> StoreOrigin:
    """Return a scene's origin. Raises `StoreError` or `CorruptDataError`."""
    scene = store.open_scene(scene_id)
    record = None if ledger is None else read_record(ledger, scene_id)
    corrected = None if record is None else corrected_reference(scene, record)
    return StoreOrigin(scene_id, scene.shape, scene.levels, scene.evs, record, scene, corrected)


def released_origin(release: "Release", scene_id: str, rows: list[dict[str, Any]]) -> ReleaseOrigin:
    """Return the origin of a scene of a release; `rows` are its rows of the table `images`, dark to bright."""
    shape = int(rows[0]["height"]), int(rows[0]["width"])
    by_level = {str(row["level"]): row for row in rows}
    evs = tuple(float(row["ev"]) for row in rows)
    return ReleaseOrigin(scene_id, shape, tuple(by_level), evs, None, release, by_level)
