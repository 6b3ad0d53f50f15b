"""A manifest of published scenes, for who wants to make their residuals anew instead of taking the published ones."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from iea40k.files import sha256_file
from iea40k.roots import SEPARATOR, usable_name
from iea40k.scene import ev_of_level
from pipelines.fivek_metadata import Photo
from pipelines.official.names import SPLIT
from pipelines.official.tree import OfficialScene, OfficialTree


def manifest_rows(
    tree: OfficialTree, base: Path, *, licence: str = "", photos: Mapping[str, Photo] | None = None
) -> pd.DataFrame:
    """Return one row a scene of kind "bracket": its exposures with their EVs, and its published reference.

    Paths are relative to `base`, the manifest's root. Scenes with a single exposure are no bracket and are left out.
    """
    scenes = [scene for scene in tree.scenes if len(scene.exposures) > 1]
    return pd.DataFrame([_row(scene, base, licence, (photos or {}).get(scene.scene_id)) for scene in scenes])


def _row(scene: OfficialScene, base: Path, licence: str, photo: Photo | None) -> dict[str, str]:
    images = [scene.exposures[level].image for level in scene.levels]
    return {
        "scene_id": scene.scene_id,
        "kind": "bracket",
        "exposures": SEPARATOR.join(usable_name(base, image) for image in images),
        "evs": SEPARATOR.join(f"{ev_of_level(level):g}" for level in scene.levels),
        "exposures_sha256": SEPARATOR.join(map(sha256_file, images)),
        "references": usable_name(base, scene.reference),
        "references_sha256": sha256_file(scene.reference),
        "licence": (photo.licence if photo else "") or licence,
        "device": f"{photo.make} {photo.model}".strip() if photo else "",
        "source": "official",
        SPLIT: scene.split,
    }
