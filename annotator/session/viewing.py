"""A read-only session: every image of a store or a release, to look at."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from annotator.residual.state import Image
from annotator.session.base import BaseSession, Role, Work
from annotator.session.settings import UserFolder, user_folder
from annotator.shared.boxes import Box
from annotator.shared.language import tr
from annotator.shared.origin import Origin, origin_of, released_origin
from annotator.shared.progress import Progress, silent
from annotator.shared.strokes import Draft
from iea40k.errors import IEAError, LedgerError, StoreError
from iea40k.store.layout import Store
from iea40k.store.ledger import MapKey
from iea40k.store.ledger.queue import Verdict


@dataclass(frozen=True)
class Catalogue:
    """What a viewer goes through: (scene id, level) in order, and how to open a scene."""

    images: tuple[tuple[str, str], ...]
    origin: Callable[[str], Origin]


class ReadOnlyViewer(BaseSession):
    """Goes through exposures, with their reference one key away. What would change something raises `LedgerError`."""

    role: Role = "read only"
    can_paint = False

    def __init__(self, catalogue: Catalogue, folder: UserFolder) -> None:
        super().__init__("reader", folder)
        self._catalogue = catalogue
        self._at = 0

    @property
    def remaining(self) -> int | None:
        """How many images come after this one."""
        return len(self._catalogue.images) - self._at - 1

    def start(self) -> Image | None:
        """Open the first image; None where there is none."""
        return self.step(0)

    def step(self, step: int) -> Image | None:
        """Go to another image; one that cannot be read is told and passed over."""
        count = len(self._catalogue.images)
        for _ in range(count):
            self._at = (self._at + step) % count
            scene_id, level = self._catalogue.images[self._at]
            try:
                self.work = found = self._open(scene_id, level)
            except IEAError as error:
                self.notice("error", str(error))
                step = step or 1
            else:
                return found
        return None

    def submit(self, verdict: Verdict = "corrected", comment: str = "") -> Image | None:
        """Go to the next image: there is nothing to hand in."""
        del verdict, comment
        return self.step(1)

    def skip(self, reason: str) -> Image | None:
        """Refuse: there is nobody to tell."""
        raise _read_only(reason)

    def flag(self, comment: str) -> None:
        """Refuse: there is nobody to tell."""
        raise _read_only(comment)

    def blocked(self, level: str) -> str:
        """Return that every level is."""
        return f"{level} is read-only"

    def _changeable(self) -> Work:
        raise _read_only("a change")

    def _post(self, work: Work, *drafts: Draft, shown: bool = False) -> Box | None:
        raise _read_only(f"{len(drafts)} strokes on {work.level}, shown: {shown}")

    def _open(self, scene_id: str, level: str) -> Image:
        return Image.of(self._catalogue.origin(scene_id), MapKey(scene_id, level, self.annotator))


def open_viewer(place: Path, folders: Path | None = None, progress: Progress = silent) -> ReadOnlyViewer:
    """Return a viewer of the release or store in folder `place`, the highest review priority first within a store."""
    from iea40k.store.release.content import HEAD
    from iea40k.store.release.reading import Release

    folder = user_folder("gallery", "reader", folders)
    if (place / HEAD).exists():
        release = Release.open(place)
        table = release.images.sort_values(["scene_id", "ev"], kind="stable")
        rows: dict[str, list[dict[str, object]]] = {}
        for row in table.to_dict("records"):
            rows.setdefault(str(row["scene_id"]), []).append({str(k): v for k, v in row.items()})
        images = tuple((scene_id, str(row["level"])) for scene_id, found in rows.items() for row in found)
        found_in = Catalogue(images, lambda scene_id: released_origin(release, scene_id, rows[scene_id]))
        return ReadOnlyViewer(found_in, folder)
    store = Store.open(place)
    ranked = []
    scenes = store.scene_ids()
    with progress(tr("Looking through the store"), len(scenes)) as step:
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
    return ReadOnlyViewer(Catalogue(images, lambda scene_id: origin_of(store, scene_id, None)), folder)


def _read_only(got: str) -> LedgerError:
    return LedgerError(
        "this session is read-only",
        got=got,
        remedy="open the store with `iea40k annotate STORE --annotator NAME`",
    )
