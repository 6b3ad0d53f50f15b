"""A sitting that changes nothing: every image of a store or a release, to look at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from annotator.reference.state import Reference
from annotator.reference.versions import Version
from annotator.residual.state import Image
from annotator.session.pace import Pace
from annotator.session.settings import Desk, desk_for
from annotator.session.upload import Saving
from annotator.shared.boxes import Box
from annotator.shared.origin import Origin, ReleaseOrigin, origin_of
from annotator.shared.progress import Progress, silent
from iea40k.arrays import ResidualCodes
from iea40k.errors import IEAError, LedgerError, StoreError
from iea40k.store.layout import Store
from iea40k.store.ledger import MapKey


@dataclass(frozen=True)
class Shelf:
    """What a gallery goes through: (scene id, level) in order, and how to open a scene."""

    images: tuple[tuple[str, str], ...]
    origin: Callable[[str], Origin]


class Gallery:
    """Looks at images one after the other. Every verb that would change something raises `LedgerError`."""

    can_paint = False
    role = "look only"
    annotator = "reader"
    maps: Mapping[str, ResidualCodes] = MappingProxyType({})
    versions: Mapping[str, Version] = MappingProxyType({})
    reference: Reference | None = None
    """Galleries show exposures, with their reference one key away."""

    saving = Saving()
    seconds = 0.0
    consistency = ""
    lost = False

    def __init__(self, shelf: Shelf, desk: Desk) -> None:
        self.image: Image | None = None
        self.desk = desk
        self.notice: Callable[[str, str], None] = lambda _kind, _text: None
        self.progress: Progress = silent
        self.saving_changed: Callable[[Saving], None] = lambda _: None
        self.pace = Pace()
        self._shelf = shelf
        self._at = 0

    @property
    def work(self) -> Image | None:
        """The image that is looked at."""
        return self.image

    @property
    def remaining(self) -> int | None:
        """How many images come after this one."""
        return len(self._shelf.images) - self._at - 1

    def start(self) -> Image | None:
        """Open the first image; None where there is none."""
        return self.step(0)

    def step(self, step: int) -> Image | None:
        """Go to another image; one that cannot be read is told and passed over."""
        count = len(self._shelf.images)
        for _ in range(count):
            self._at = (self._at + step) % count
            scene_id, level = self._shelf.images[self._at]
            try:
                self.image = self._open(scene_id, level)
            except IEAError as error:
                self.notice("error", error.letter())
                step = step or 1
            else:
                return self.image
        return None

    def submit(self, verdict: str = "", comment: str = "") -> Image | None:
        """Go to the next image: there is nothing to hand in."""
        del verdict, comment
        return self.step(1)

    def next_if_idle(self) -> Image | None:
        """Return the open image."""
        return self.image

    def abandon(self) -> Image | None:
        """Go to the next image."""
        return self.step(1)

    def retry(self) -> Saving:
        """Nothing waits."""
        return self.saving

    def close(self) -> Saving:
        """Nothing is held."""
        return self.saving

    def action(self) -> None:
        """Looking has no pace."""

    def skip(self, reason: str) -> Image | None:
        """Refuse."""
        raise _read_only(reason)

    def flag(self, comment: str) -> None:
        """Refuse."""
        raise _read_only(comment)

    def record(self, patch: object, kind: str, tool: dict[str, object]) -> Box | None:
        """Refuse."""
        del patch, tool
        raise _read_only(kind)

    def record_zones(self, changes: object, tool: dict[str, object]) -> None:
        """Refuse."""
        del changes, tool
        raise _read_only("zones")

    def clear(self) -> None:
        """Refuse."""
        raise _read_only("clear")

    def undo(self) -> tuple[bool, Box | None]:
        """Refuse."""
        raise _read_only("undo")

    def redo(self) -> tuple[bool, Box | None]:
        """Refuse."""
        raise _read_only("redo")

    def carry(self, carried: object, how: str) -> list[str]:
        """Refuse."""
        del carried
        raise _read_only(how)

    def barred(self, level: str) -> str:
        """Nothing may be carried anywhere."""
        return f"{level} is only looked at"

    def adopt_stale(self) -> int:
        """Refuse."""
        raise _read_only("adopt")

    def _open(self, scene_id: str, level: str) -> Image:
        origin = self._shelf.origin(scene_id)
        return Image(
            lane=MapKey(scene_id, level, self.annotator),
            lease=None,
            origin=origin,
            exposure=origin.exposure(level),
            reference=origin.reference,
            base=origin.base(level),
            flags=origin.outliers(level),
        )


def open_gallery(place: Path, desks: Path | None = None, progress: Progress = silent) -> Gallery:
    """Return a gallery of the release or store in folder `place`, the highest review priority first within a store."""
    from iea40k.store.release.reading import HEAD, Release

    desk = desk_for("gallery", "reader", desks)
    if (place / HEAD).exists():
        release = Release.open(place)
        table = release.images.sort_values(["scene_id", "ev"], kind="stable")
        rows: dict[str, list[dict[str, object]]] = {}
        for row in table.to_dict("records"):
            rows.setdefault(str(row["scene_id"]), []).append({str(k): v for k, v in row.items()})
        images = tuple((scene_id, str(row["level"])) for scene_id, found in rows.items() for row in found)
        return Gallery(Shelf(images, lambda scene_id: ReleaseOrigin(release, scene_id, rows[scene_id])), desk)
    store = Store.open(place)
    ranked = []
    scenes = store.scene_ids()
    with progress("Looking through the store", len(scenes)) as step:
        for scene_id in scenes:
            scene = store.open_scene(scene_id)
            ranked += [
                (-s, scene_id, level) for s, level in zip(scene.review_priority, scene.levels, strict=True)
            ]
            step()
    if not ranked:
        raise StoreError(
            "the store is empty", where=place, remedy="fill it with `iea40k build MANIFEST STORE`"
        )
    images = tuple((scene_id, level) for _, scene_id, level in sorted(ranked))
    return Gallery(Shelf(images, lambda scene_id: origin_of(store, scene_id, None)), desk)


def _read_only(got: str) -> LedgerError:
    return LedgerError(
        "this sitting only looks",
        got=got,
        remedy="open the store with `iea40k annotate STORE --annotator NAME`",
    )
