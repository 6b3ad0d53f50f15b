"""The model of who draws how, from the accepted maps of a ledger at a cursor: what a release weighs its experts by."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from iea40k.raters import RatedPixels, RaterModel, fit_raters, sample_pixels
from iea40k.recipe import digest
from iea40k.store.layout import Store
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.shared import shared_images
from iea40k.zones import zone_map

LEAST_PEOPLE = 3
"""Of two people who differ, nobody can say who errs: from three on the model weighs."""

LEAST_IMAGES = 10
"""Images that two people or more mapped, below which the plain median counts."""


@dataclass(frozen=True)
class Weighing:
    """How experts are weighed: by `model`, or by the plain median where it is None; from how many images and people."""

    model: RaterModel | None
    images: int
    people: int

    def facts(self) -> dict[str, Any]:
        """Return what a release says of it, JSON-able. The people's own figures stay with the curator."""
        if self.model is None:
            return {"method": "median", "shared_images": self.images, "people": self.people}
        return {
            "method": "raters",
            "shared_images": self.images,
            "people": self.people,
            "model_sha256": hashlib.sha256(self.model.as_text().encode()).hexdigest(),
        }

    def in_words(self) -> str:
        """Return what the curator reads."""
        mapped = f"{self.images} images mapped by two or more of {self.people} people"
        if self.model is None:
            least = f"weights want {LEAST_IMAGES} images and {LEAST_PEOPLE} people"
            return f"consensus: the plain median ({mapped}; {least})"
        return f"consensus: experts weighed by how they draw ({mapped})"


def weighing(
    ledger: Ledger,
    store: Store,
    cursor: int | None = None,
    *,
    progress: Callable[[int, int], object] = lambda *_: None,
) -> Weighing:
    """Return how the experts are weighed by what counts up to entry `cursor`; the same cursor gives the same weights.

    Maps with stale strokes, and scenes that the store no longer holds, say nothing.
    """
    scenes, known = ledger.shared_scenes(), set(store.scene_ids())
    rated: list[RatedPixels] = []
    for number, scene_id in enumerate(scenes, start=1):
        if scene_id in known:
            rated += _rated(ledger, store, scene_id, cursor)
        progress(number, len(scenes))
    people = len({name for pixels in rated for name in pixels.people})
    enough = people >= LEAST_PEOPLE and len(rated) >= LEAST_IMAGES
    return Weighing(fit_raters(rated) if enough else None, len(rated), people)


def _rated(ledger: Ledger, store: Store, scene_id: str, cursor: int | None) -> list[RatedPixels]:
    found = []
    for image in shared_images(ledger, store.open_scene(scene_id), cursor):
        zones = np.rint(zone_map(image.scene.exposure(image.level))).astype(np.int64)
        seed = int(digest([scene_id, image.level])[:8], 16)
        pixels = sample_pixels(image.codes, image.touched, zones, image.level, image.painted, seed=seed)
        found += [] if pixels is None else [pixels]
    return found
