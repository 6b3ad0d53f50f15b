"""One scene written to disk, as `iea40k.store.scenes` reads it; zarr-python, slow to import, is wanted here alone."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import zarr

from iea40k.arrays import EncodedRGB
from iea40k.recipe import canonical_json, digest
from iea40k.scene import BuiltScene
from iea40k.store.codecs import STORE_LEVEL, create_array
from iea40k.store.digests import array_digest
from iea40k.store.scenes import FORMAT, FORMAT_VERSION, PER_EXPOSURE, WHERE_KNOWN
from iea40k.store.shard_writing import write_shard


def write_scene(folder: Path, scene: BuiltScene) -> None:
    """Write a scene's group into `folder`, which must be empty or absent; the same scene gives the same bytes."""
    group = zarr.create_group(store=folder, zarr_format=3, attributes=scene_attributes(scene))
    chunks = {name: (1, *getattr(scene, name).shape[1:]) for name in _per_exposure(scene)}
    pixels = {name: getattr(scene, name) for name in chunks} | _pictures(scene)
    for name, array in pixels.items():
        chunk = chunks.get(name, array.shape)
        create_array(group, name, array.shape, chunk, array.shape, "level", STORE_LEVEL)
        # zarr-python would spend on its own machinery as long as on the compression.
        write_shard(folder / name, 0, array, STORE_LEVEL)


def scene_attributes(scene: BuiltScene) -> dict[str, Any]:
    """Return the attributes of a scene's group, JSON-able, keys sorted at every depth."""
    digests: dict[str, Any] = {
        name: {
            level: array_digest(frame)
            for level, frame in zip(scene.levels, getattr(scene, name), strict=True)
        }
        for name in _per_exposure(scene)
    }
    digests |= {name: array_digest(picture) for name, picture in _pictures(scene).items()}
    recipe = json.loads(canonical_json(scene.recipe))
    attributes = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "scene_id": scene.scene_id,
        "height": scene.reference.shape[0],
        "width": scene.reference.shape[1],
        "evs": [float(ev) for ev in scene.evs],
        "levels": list(scene.levels),
        "suspicion": [float(value) for value in scene.review_priority],
        "attributes": dict(scene.attributes),
        "recipe": recipe,
        "recipe_digest": digest(recipe),
        "digests": digests,
    }
    plain: dict[str, Any] = json.loads(
        json.dumps(attributes, sort_keys=True, allow_nan=False, default=_plain)
    )
    return plain


def _pictures(scene: BuiltScene) -> dict[str, EncodedRGB]:
    """Return the pictures that a scene has one of."""
    return {"reference": scene.reference} | ({} if scene.as_shot is None else {"as_shot": scene.as_shot})


def _per_exposure(scene: BuiltScene) -> tuple[str, ...]:
    return PER_EXPOSURE if scene.uncertainty is None else (*PER_EXPOSURE, WHERE_KNOWN)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return value.tolist()
    return str(value)
